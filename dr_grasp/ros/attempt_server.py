"""Serves the action `attempt_grasp` with a backend, in the nodes `twin` and `moveit`."""

from __future__ import annotations

from typing import Any

from rclpy.node import Node

from dr_grasp.common.closing import Closing
from dr_grasp.core.attempt import GraspAttempt
from dr_grasp.execution.backend import Backend, IsCancelled
from dr_grasp.messages.decoding import decode_grasp, decode_score
from dr_grasp.ros.conversions import attempt_to_msg
from dr_grasp.ros.exclusive_action import ExclusiveAction
from dr_grasp.ros.remote_backend import ACTION
from dr_grasp_interfaces.action import AttemptGrasp

STOP_S = 5.0
"""Time limit for a goal in progress to stop when the node ends [s]."""


class AttemptServer(Closing):
    """Serves a backend over ROS, one goal at a time, since there is only one arm."""

    def __init__(self, node: Node, backend: Backend[GraspAttempt]) -> None:
        """Advertise the action.

        Args:
            node: Node that offers the action; its executor must have several threads.
            backend: Backend that executes the grasps; it is closed together with this server.
        """
        self._backend = backend
        self._goals = ExclusiveAction(node, AttemptGrasp, ACTION, self._execute)

    def close(self) -> None:
        """Stop the goal in progress and close the backend; may be called twice."""
        if self._goals.stop(STOP_S):
            self._backend.close()

    def _execute(self, goal: Any, result: AttemptGrasp.Result, is_cancelled: IsCancelled) -> None:
        request = goal.request
        attempt = self._backend.attempt(
            decode_grasp(request.grasp),
            decode_score(request.score[0]) if request.score else None,
            seed=request.seed,
            attempt_index=request.attempt_index,
            dry_run=request.dry_run,
            on_phase=lambda phase: goal.publish_feedback(AttemptGrasp.Feedback(phase=phase)),
            is_cancelled=is_cancelled,
        )
        result.attempt = attempt_to_msg(attempt)
        result.success = True
