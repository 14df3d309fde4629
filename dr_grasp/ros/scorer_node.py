"""Node `scorer`: scores grasps, for a few in one call of a service, for many by an action."""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus, KeyValue
from rclpy.callback_groups import MutuallyExclusiveCallbackGroup
from rclpy.node import Node

from dr_grasp.core.fitness import GraspScore
from dr_grasp.core.trajectory import GraspTrajectory
from dr_grasp.errors import DrGraspError
from dr_grasp.execution.backend import IsCancelled
from dr_grasp.ros.conversions import (
    decode_grasps,
    refusal_to_msg,
    score_to_msg,
    selection_to_msg,
)
from dr_grasp.ros.exclusive_action import ExclusiveAction
from dr_grasp.ros.markers import GraspMarkers
from dr_grasp.ros.parameters import declare
from dr_grasp.ros.qos import RESULTS
from dr_grasp.ros.running import run_node
from dr_grasp.scoring.request import ProbabilityEstimator, Progress, ScoreRequest
from dr_grasp.scoring.scorer import Scorer
from dr_grasp_interfaces.action import ScoreGrasps as ScoreGraspsAction
from dr_grasp_interfaces.msg import GraspScore as GraspScoreMsg
from dr_grasp_interfaces.srv import ScoreGrasps as ScoreGraspsService

FEEDBACK_PERIOD_S = 0.2
"""Feedback comes no more often than a person can read it."""

STOP_S = 5.0
"""How long a goal in progress may take to stop when the node ends."""


class ScorerNode(Node):
    """Offers scoring over ROS.

    Actions:
        score_grasps (ScoreGrasps): One goal runs, one more waits for it.

    Services:
        score_grasps (ScoreGrasps): Waits for no goal: it has a worker of its own.

    Topics:
        scores (GraspScore), published as each score is complete.
        grasp_markers (MarkerArray), published: the scored grasps of the last request, for RViz.
        /diagnostics (DiagnosticArray), published once a second.
    """

    def __init__(self) -> None:
        """Declare parameters and advertise."""
        super().__init__("scorer")
        jobs = declare(
            self, "jobs", os.cpu_count() or 1, "Worker processes that score goals.", (1, 1024)
        )
        model = declare(
            self,
            "transfer_model",
            "",
            "Model of `dr-grasp calibrate`: scores carry a transfer probability, which ranks them.",
        )
        self._estimate = self._estimator(model)
        self._goal_scorer = Scorer(jobs)
        self._service_scorer = Scorer(1)
        self._service_turn = threading.Lock()
        self._activity = "idle"
        self._rollouts = 0
        self._scores = self.create_publisher(GraspScoreMsg, "scores", RESULTS)
        self._markers = GraspMarkers(self)
        self._diagnostics = self.create_publisher(DiagnosticArray, "/diagnostics", 10)
        self.create_timer(1.0, self._publish_diagnostics)
        self._goals = ExclusiveAction(
            self, ScoreGraspsAction, "score_grasps", self._run_goal, places=2
        )
        self.create_service(
            ScoreGraspsService,
            "score_grasps",
            self._serve,
            callback_group=MutuallyExclusiveCallbackGroup(),
        )

    def close(self) -> None:
        """Cancel what is being scored and end the workers; may be called twice."""
        # Both ask every 50 ms whether we are closing.
        if self._goals.stop(STOP_S):
            self._goal_scorer.close()
        if self._service_turn.acquire(timeout=STOP_S):
            self._service_scorer.close()
            self._service_turn.release()

    def _serve(
        self, request: ScoreGraspsService.Request, response: ScoreGraspsService.Response
    ) -> ScoreGraspsService.Response:
        with self._service_turn:
            try:
                self._score(
                    self._service_scorer, request, response, self._goals.closing.is_set, None
                )
            except DrGraspError as error:
                response.success, response.message = False, str(error)
        return response

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

        self._activity = "scoring"
        try:
            self._score(self._goal_scorer, goal.request, result, is_cancelled, report)
        finally:
            self._activity = "idle"

    def _score(
        self,
        scorer: Scorer,
        request: Any,
        answer: Any,
        is_cancelled: IsCancelled,
        on_progress: Callable[[Progress], None] | None,
    ) -> None:
        """Score the grasps of a request, and fill in its answer."""
        what = ScoreRequest.from_names(
            request.profile,
            request.criteria,
            None if request.trials == request.PROFILE_TRIALS else request.trials,
            request.seed,
            # Of these two, 0 stands for none.
            request.until or None,
            request.top_k or None,
            estimate=self._estimate,
        )
        entries = decode_grasps(request.grasps)
        grasps = {entry.id: entry for entry in entries if isinstance(entry, GraspTrajectory)}
        self._markers.clear()

        def publish(score: GraspScore) -> None:
            self._scores.publish(score_to_msg(score))
            self._markers.add(grasps[score.grasp_id], score)

        batch = scorer.score(entries, what, on_progress, publish, is_cancelled)
        answer.scores = [score_to_msg(score) for score in batch.scores]
        if batch.selection is not None:
            answer.selection = [selection_to_msg(batch.selection)]
        answer.refused = [refusal_to_msg(refusal) for refusal in batch.refused]
        answer.success = not batch.cancelled
        if batch.cancelled:
            closing = self._goals.closing.is_set()
            answer.message = "cancelled" + ": the scorer is shutting down" * closing

    def _estimator(self, path: str) -> ProbabilityEstimator | None:
        if not path:
            return None
        from dr_grasp.transfer.transfer_model import Estimator  # only those with a model need it

        return Estimator(Path(path), self.get_logger().warning)

    def _publish_diagnostics(self) -> None:
        status = DiagnosticStatus(
            level=DiagnosticStatus.OK,
            name=self.get_fully_qualified_name().lstrip("/"),
            message=self._activity,
            values=[KeyValue(key="rollouts of the last goal", value=str(self._rollouts))],
        )
        array = DiagnosticArray(status=[status])
        array.header.stamp = self.get_clock().now().to_msg()
        self._diagnostics.publish(array)


if __name__ == "__main__":
    sys.exit(run_node(ScorerNode))
