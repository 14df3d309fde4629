"""Node `scorer`: scores grasps, by a service for few grasps, by an action for many."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus, KeyValue
from rclpy.node import Node

from dr_grasp.core.engine import Engine
from dr_grasp.core.fitness import GraspScore
from dr_grasp.core.trajectory import GraspTrajectory
from dr_grasp.errors import SettingsError
from dr_grasp.execution.backend import IsCancelled
from dr_grasp.ros.answering import serve
from dr_grasp.ros.conversions import (
    decode_grasps,
    refusal_to_msg,
    score_to_msg,
    selection_to_msg,
)
from dr_grasp.ros.exclusive_action import ExclusiveAction
from dr_grasp.ros.few_at_a_time import FewAtATime
from dr_grasp.ros.markers import GraspMarkers
from dr_grasp.ros.parameters import Parameter, declare_all
from dr_grasp.ros.qos import RESULTS
from dr_grasp.ros.running import run_node
from dr_grasp.scoring.batches import Batches
from dr_grasp.scoring.progress import Progress
from dr_grasp.scoring.request import ScoreRequest
from dr_grasp.scoring.scorer import Scorer
from dr_grasp.simulation.engine import MOST_WORLDS, WORLDS, check_available
from dr_grasp.workers.pool import WorkerPool
from dr_grasp.workers.sharing import Lane, Workers
from dr_grasp_interfaces.action import ScoreGrasps as ScoreGraspsAction
from dr_grasp_interfaces.msg import GraspScore as GraspScoreMsg
from dr_grasp_interfaces.srv import ScoreGrasps as ScoreGraspsService

if TYPE_CHECKING:
    from dr_grasp.transfer.estimator import Estimator

FEEDBACK_PERIOD_S = 0.2
"""Least time between two feedbacks [s]."""

MOST_SERVICE_ROLLOUTS = 5000
"""Most rollouts of a call of the service: some ten minutes of one worker."""

CALLS = 3
"""Calls of the service that are worked on at the same time; the others wait for their turn. Each
needs a thread."""

THREADS = CALLS + 3
"""Number of threads of the node: for calls, a running goal, a waiting goal, all short callbacks."""

CALL_SHARE = 3
"""Blocks of rollouts that workers take of calls, for each that they take of a goal: somebody waits
for a call, but no number of calls may hold up a goal for ever."""

STOP_S = 5.0
"""Time limit for a goal in progress to stop when the node ends [s]."""

PARAMETERS = (
    Parameter("jobs", os.cpu_count() or 1, "Number of worker processes.", (1, 1024)),
    Parameter(
        "engine",
        "",
        f"Physics engine for requests that name none: {', '.join(e.value for e in Engine)}; empty "
        "for that of their profile, else bullet.",
    ),
    Parameter(
        "worlds",
        WORLDS,
        "With mujoco-warp: rollouts that the GPU simulates at once; each takes some of its memory.",
        (1, MOST_WORLDS),
    ),
    Parameter(
        "transfer_model",
        "",
        "Model file of `dr-grasp calibrate`, for transfer probabilities by which to rank.",
    ),
    Parameter(
        "frame_prefix",
        "",
        "Put before the frames of grasp_markers; as that of robot_state_publisher, such as left/.",
    ),
)


class ScorerNode(Node):
    """Serves the scoring of grasps over ROS.

    Actions:
        score_grasps (ScoreGrasps): One goal runs, and one more may wait.

    Services:
        score_grasps (ScoreGrasps): Calls and goals share the workers by turns, so no call waits
            for the end of a goal. On a GPU (mujoco-warp) they run one after the other.

    Topics:
        scores (GraspScore), published: each score as soon as it is complete.
        grasp_markers (MarkerArray), published: the scored grasps of the last requests, for RViz.
        /diagnostics (DiagnosticArray), published: once a second, what it does.
    """

    def __init__(self) -> None:
        """Declare parameters and advertise action, service and topics."""
        super().__init__("scorer")
        given = declare_all(self, PARAMETERS)
        self._engine = given["engine"]
        if self._engine:
            check_available(Engine.from_name(self._engine))  # now, rather than at each request
        self._batches = Batches(given["worlds"])
        self._estimate = self._estimator(given["transfer_model"])
        self._workers = Workers(given["jobs"])
        self._lanes = {"goal": Lane(1), "service": Lane(CALL_SHARE)}
        self._rollouts = 0
        self._scores = self.create_publisher(GraspScoreMsg, "scores", RESULTS)
        self._markers = GraspMarkers(self, given["frame_prefix"])
        self._diagnostics = self.create_publisher(DiagnosticArray, "/diagnostics", 10)
        self.create_timer(1.0, self._publish_diagnostics)
        self._goals = ExclusiveAction(
            self, ScoreGraspsAction, "score_grasps", self._run_goal, places=2
        )
        self._calls = FewAtATime(CALLS)
        serve(
            self,
            ScoreGraspsService,
            "score_grasps",
            self._serve,
            callback_group=self._calls,
        )

    def close(self) -> None:
        """Cancel all scoring and end the workers; may be called twice."""
        # Goals and the service check every 50 ms whether the node is closing.
        if self._goals.stop(STOP_S) and self._calls.wait(STOP_S):
            self._workers.close()
            self._batches.close()

    def _serve(
        self, request: ScoreGraspsService.Request, response: ScoreGraspsService.Response
    ) -> None:
        self._score("service", request, response, self._goals.closing.is_set, None)

    def _run_goal(
        self, goal: Any, result: ScoreGraspsAction.Result, is_cancelled: IsCancelled
    ) -> None:
        next_s = 0.0

        def report(progress: Progress) -> None:
            nonlocal next_s
            self._rollouts = progress.rollouts_done
            now = time.monotonic()
            if now < next_s and progress.rollouts_done < progress.rollouts_total:
                return
            next_s = now + FEEDBACK_PERIOD_S
            goal.publish_feedback(
                ScoreGraspsAction.Feedback(
                    rollouts_done=progress.rollouts_done,
                    rollouts_total=progress.rollouts_total,
                    best_grasp_id=progress.best_grasp_id,
                    best_value=progress.best_value,
                )
            )

        self._score("goal", goal.request, result, is_cancelled, report)

    def _score(
        self,
        kind: str,
        request: Any,
        answer: Any,
        is_cancelled: IsCancelled,
        on_progress: Callable[[Progress], None] | None,
    ) -> None:
        """Score the grasps of a request that came by "goal" or "service"; fill in its answer."""
        what = ScoreRequest.from_names(
            request.profile,
            request.criteria,
            None if request.trials == request.PROFILE_TRIALS else request.trials,
            request.seed,
            # In the messages, 0 of these two means None.
            request.until or None,
            request.top_k or None,
            estimate=self._estimate,
            own_trials=[(entry.criterion, entry.trials) for entry in request.own_trials],
            engine=request.engine or self._engine,
            metrics=[*request.metrics, *self._needed],
        )
        rollouts = what.rollouts_per_grasp * len(request.grasps)
        if kind == "service" and rollouts > MOST_SERVICE_ROLLOUTS:
            raise SettingsError(
                f"trials: expected at most {MOST_SERVICE_ROLLOUTS} rollouts in all from a service, "
                f"which nobody can cancel, got {rollouts}; use the action score_grasps"
            )
        decoded = decode_grasps(request.grasps)
        grasps = {grasp.id: grasp for grasp in decoded if isinstance(grasp, GraspTrajectory)}
        pool = WorkerPool(shared=self._workers, lane=self._lanes[kind])
        with (
            Scorer(pool=pool, batches=self._batches) as scorer,
            self._markers.request(kind) as show,
        ):

            def publish(score: GraspScore) -> None:
                self._scores.publish(score_to_msg(score))
                show(grasps[score.grasp_id], score)

            batch = scorer.score(decoded, what, on_progress, publish, is_cancelled)
        answer.scores = [score_to_msg(score) for score in batch.scores]
        if batch.selection is not None:
            answer.selection = [selection_to_msg(batch.selection)]
        answer.refused = [refusal_to_msg(refusal) for refusal in batch.refused]
        answer.success = not batch.cancelled
        if batch.cancelled:
            closing = self._goals.closing.is_set()
            answer.message = "cancelled" + ": the scorer is shutting down" * closing

    @property
    def _needed(self) -> list[str]:
        """Names of the metrics that the transfer model needs."""
        return [metric.value for metric in self._estimate.metrics] if self._estimate else []

    def _estimator(self, path: str) -> Estimator | None:
        if not path:
            return None
        from dr_grasp.transfer.estimator import Estimator  # only those with a model need it

        return Estimator(Path(path), self.get_logger().warning)

    def _publish_diagnostics(self) -> None:
        status = DiagnosticStatus(
            level=DiagnosticStatus.OK,
            name=self.get_fully_qualified_name().lstrip("/"),
            message="scoring" if self._goals.busy or self._calls.busy else "idle",
            values=[KeyValue(key="rollouts of the last goal", value=str(self._rollouts))],
        )
        array = DiagnosticArray(status=[status])
        array.header.stamp = self.get_clock().now().to_msg()
        self._diagnostics.publish(array)


def main(args: list[str] | None = None) -> int:
    """Run the node `scorer`; returns the exit status."""
    return run_node(ScorerNode, args, THREADS)


if __name__ == "__main__":
    sys.exit(main())
