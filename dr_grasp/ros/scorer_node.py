"""Node `scorer`: scores grasps for planners, as a service for a handful, as an action for many."""

from __future__ import annotations

import os
import sys
import threading
from pathlib import Path
from typing import Any

from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus, KeyValue
from rclpy.action import ActionServer, CancelResponse, GoalResponse
from rclpy.callback_groups import MutuallyExclusiveCallbackGroup, ReentrantCallbackGroup
from rclpy.node import Node

from dr_grasp.core.fitness import GraspScore
from dr_grasp.errors import DrGraspError
from dr_grasp.ros.conversions import refusal_to_msg, score_to_msg, selection_to_msg
from dr_grasp.ros.grasp_batches import GraspBatch
from dr_grasp.ros.markers import GraspMarkers
from dr_grasp.ros.parameters import declare
from dr_grasp.ros.qos import RESULTS
from dr_grasp.ros.running import run_node
from dr_grasp.scoring.request import Estimate, Progress, ScoreBatch, ScoreRequest
from dr_grasp.scoring.scorer import Scorer
from dr_grasp_interfaces.action import ScoreGrasps as ScoreGraspsAction
from dr_grasp_interfaces.msg import GraspScore as GraspScoreMsg
from dr_grasp_interfaces.srv import ScoreGrasps as ScoreGraspsService

FEEDBACK_PERIOD_S = 0.2

STOP_S = 5.0
"""How long a goal in progress may take to stop when the node ends."""

PLACES = 2
"""Goals accepted at a time: one that runs and one that waits."""


class ScorerNode(Node):
    """Offers scoring over ROS."""

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
        # A service call must not wait for an hour of goals: it has a worker of its own.
        self._goal_scorer = Scorer(jobs)
        self._service_scorer = Scorer(1)
        self._goal_turn = threading.Lock()
        self._service_turn = threading.Lock()
        # A goal that waits takes a thread: all of them waiting, no cancel could be heard.
        self._places = threading.BoundedSemaphore(PLACES)
        self._closing = threading.Event()
        self._activity = "idle"
        self._rollouts = 0
        self._scores = self.create_publisher(GraspScoreMsg, "scores", RESULTS)
        self._markers = GraspMarkers(self)
        self._diagnostics = self.create_publisher(DiagnosticArray, "/diagnostics", 10)
        self.create_timer(1.0, self._publish_diagnostics)
        self.create_service(
            ScoreGraspsService,
            "score_grasps",
            self._serve,
            callback_group=MutuallyExclusiveCallbackGroup(),
        )
        self._action = ActionServer(
            self,
            ScoreGraspsAction,
            "score_grasps",
            self._execute,
            goal_callback=self._accept,
            cancel_callback=lambda _: CancelResponse.ACCEPT,
            callback_group=ReentrantCallbackGroup(),
        )

    def close(self) -> None:
        """Cancel what is being scored and end the workers; may be called twice."""
        self._closing.set()
        for turn, scorer in (
            (self._goal_turn, self._goal_scorer),
            (self._service_turn, self._service_scorer),
        ):
            # Both ask every 50 ms whether we are closing.
            if turn.acquire(timeout=STOP_S):
                scorer.close()
                turn.release()

    def _accept(self, request: ScoreGraspsAction.Goal) -> GoalResponse:
        free = not self._closing.is_set() and self._places.acquire(blocking=False)
        if not free:
            self.get_logger().warning(f"refused a goal: {PLACES} are accepted already")
            return GoalResponse.REJECT
        # Only looked whether there is one: a goal that nobody hears of is never executed.
        self._places.release()
        return GoalResponse.ACCEPT

    def _serve(
        self, request: ScoreGraspsService.Request, response: ScoreGraspsService.Response
    ) -> ScoreGraspsService.Response:
        try:
            with self._service_turn:
                batch, decoded = self._score(
                    self._service_scorer, request, None, self._closing.is_set
                )
            _fill(response, batch, decoded)
            response.success = not batch.cancelled
            response.message = "the scorer is shutting down" if batch.cancelled else ""
        except DrGraspError as error:
            response.success, response.message = False, str(error)
        return response

    def _execute(self, goal: Any) -> ScoreGraspsAction.Result:
        if not self._places.acquire(blocking=False):
            goal.abort()
            return ScoreGraspsAction.Result(message=f"{PLACES} goals are accepted already")
        try:
            return self._take_turn(goal)
        finally:
            self._places.release()

    def _take_turn(self, goal: Any) -> ScoreGraspsAction.Result:
        result = ScoreGraspsAction.Result()

        def is_cancelled() -> bool:
            return bool(goal.is_cancel_requested) or self._closing.is_set()

        while not self._goal_turn.acquire(timeout=0.1):
            if is_cancelled():
                return _cancelled(goal, result)
        try:
            self._activity = "scoring"
            batch, decoded = self._score(
                self._goal_scorer, goal.request, _Feedback(goal, self), is_cancelled
            )
            _fill(result, batch, decoded)
            if batch.cancelled:
                return _cancelled(goal, result)
            result.success = True
            goal.succeed()
        except DrGraspError as error:
            result.success, result.message = False, str(error)
            goal.abort()
        finally:
            self._activity = "idle"
            self._goal_turn.release()
        return result

    def _score(
        self, scorer: Scorer, request: Any, feedback: Any, is_cancelled: Any
    ) -> tuple[ScoreBatch, GraspBatch]:
        trials = None if request.trials == request.PROFILE_TRIALS else request.trials
        what = ScoreRequest.from_names(
            request.profile,
            request.criteria,
            trials,
            request.seed,
            # Of these, 0 stands for none.
            request.until or None,
            request.top_k or None,
            estimate=self._estimate,
        )
        decoded = GraspBatch(request.grasps)
        grasps = {grasp.id: grasp for grasp in decoded.grasps}
        self._markers.clear()

        def publish(score: GraspScore) -> None:
            self._scores.publish(score_to_msg(score))
            self._markers.add(grasps[score.grasp_id], score)

        batch = scorer.score(decoded.grasps, what, feedback, publish, is_cancelled)
        return batch, decoded

    def _estimator(self, path: str) -> Estimate | None:
        if not path:
            return None
        from dr_grasp.transfer.transfer_model import Estimator  # only those with a model need it

        return Estimator(Path(path), self.get_logger().warning)

    def count_rollouts(self, number: int) -> None:
        """Note progress for the diagnostics."""
        self._rollouts = number

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


class _Feedback:
    """Publishes progress, but not more often than a person can read."""

    def __init__(self, goal: Any, node: ScorerNode) -> None:
        self._goal = goal
        self._node = node
        self._next_ns = 0

    def __call__(self, progress: Progress) -> None:
        self._node.count_rollouts(progress.rollouts_done)
        now = self._node.get_clock().now().nanoseconds
        if now < self._next_ns and progress.rollouts_done < progress.rollouts_total:
            return
        self._next_ns = now + int(FEEDBACK_PERIOD_S * 1e9)
        self._goal.publish_feedback(
            ScoreGraspsAction.Feedback(
                rollouts_done=progress.rollouts_done,
                rollouts_total=progress.rollouts_total,
                best_grasp_id=progress.best_grasp_id,
                best_value=progress.best_value,
            )
        )


def _fill(answer: Any, batch: ScoreBatch, decoded: GraspBatch) -> None:
    answer.scores = [score_to_msg(score) for score in batch.scores]
    answer.selection = [selection_to_msg(one) for one in (batch.selection,) if one is not None]
    answer.refused = [
        refusal_to_msg(one.index, one.grasp_id, one.reason)
        for one in decoded.refusals(batch.refused)
    ]


def _cancelled(goal: Any, result: ScoreGraspsAction.Result) -> ScoreGraspsAction.Result:
    result.success, result.message = False, "cancelled"
    if goal.is_cancel_requested:
        goal.canceled()
    else:
        goal.abort()
    return result


def main(args: list[str] | None = None) -> int:
    """Run the node."""
    return run_node(ScorerNode, args)


if __name__ == "__main__":
    sys.exit(main())
