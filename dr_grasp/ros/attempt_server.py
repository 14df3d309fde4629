"""The action `attempt_grasp` of a node that has a backend: the twin's, and MoveIt's."""

from __future__ import annotations

import threading
from typing import Any

from rclpy.action import ActionServer, CancelResponse, GoalResponse
from rclpy.callback_groups import ReentrantCallbackGroup
from rclpy.node import Node

from dr_grasp.common.closing import Closing
from dr_grasp.core.attempt import GraspAttempt
from dr_grasp.errors import DrGraspError
from dr_grasp.execution.backend import Backend
from dr_grasp.messages.decoding import decode_grasp, decode_score
from dr_grasp.ros.conversions import attempt_to_msg
from dr_grasp.ros.remote_backend import ACTION
from dr_grasp_interfaces.action import AttemptGrasp

STOP_S = 5.0
"""How long a goal in progress may take to stop when the node ends."""


class AttemptServer(Closing):
    """Offers a backend over ROS. One goal at a time: there is one arm."""

    def __init__(self, node: Node, backend: Backend[GraspAttempt]) -> None:
        """Advertise.

        Args:
            node: Spun by an executor of several threads.
            backend: Closed with this.
        """
        self._backend = backend
        self._busy = threading.Lock()
        self._closing = threading.Event()
        self._action = ActionServer(
            node,
            AttemptGrasp,
            ACTION,
            self._execute,
            goal_callback=self._accept,
            cancel_callback=lambda _: CancelResponse.ACCEPT,
            callback_group=ReentrantCallbackGroup(),
        )

    def close(self) -> None:
        """Stop what moves; may be called twice."""
        self._closing.set()
        # An accepted goal that never began must not keep us for ever.
        if self._busy.acquire(timeout=STOP_S):
            self._backend.close()
            self._busy.release()

    def _accept(self, request: AttemptGrasp.Goal) -> GoalResponse:
        free = not self._closing.is_set() and not self._busy.locked()
        return GoalResponse.ACCEPT if free else GoalResponse.REJECT

    def _execute(self, goal: Any) -> AttemptGrasp.Result:
        # Not taken when the goal is accepted: a goal that nobody hears of is never executed.
        if not self._busy.acquire(blocking=False):
            goal.abort()
            return AttemptGrasp.Result(message="another attempt is being made")
        result = AttemptGrasp.Result()
        request = goal.request
        try:
            attempt = self._backend.attempt(
                decode_grasp(request.grasp),
                decode_score(request.score[0]) if request.score else None,
                seed=request.seed,
                attempt_index=request.attempt_index,
                dry_run=request.dry_run,
                on_phase=lambda phase: goal.publish_feedback(AttemptGrasp.Feedback(phase=phase)),
                is_cancelled=lambda: bool(goal.is_cancel_requested) or self._closing.is_set(),
            )
            result.attempt = attempt_to_msg(attempt)
            result.success = True
        except DrGraspError as error:
            result.success, result.message = False, str(error)
        finally:
            self._busy.release()
        if goal.is_cancel_requested:
            goal.canceled()
        elif result.success:
            goal.succeed()
        else:
            goal.abort()
        return result
