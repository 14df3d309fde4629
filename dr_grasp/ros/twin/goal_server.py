"""Serves actions with goals for the live twin."""

from __future__ import annotations

from typing import Any

from rclpy.action import ActionServer, CancelResponse, GoalResponse
from rclpy.callback_groups import ReentrantCallbackGroup
from rclpy.node import Node

from dr_grasp.ros.answering import explain
from dr_grasp.ros.exclusive_action import RESULT_KEPT_S
from dr_grasp.twin.active_goal import Status
from dr_grasp.twin.gripper_control import GripperGoal
from dr_grasp.twin.live_twin import LiveTwin
from dr_grasp.twin.trajectory_control import TrajectoryGoal

POLL_S = 0.02
"""Time between two feedbacks, and between two checks for a cancel [s]."""


class ActionAdapter:
    """Translates the messages of an action into goals of the live twin, and back.

    Attributes:
        kind: Class of the action.
    """

    def __init__(self, twin: LiveTwin, kind: Any) -> None:
        """Prepare to translate for a twin; `kind` is the class of the action."""
        self.kind = kind
        self._twin = twin

    def check(self, request: Any) -> None:
        """Raise DrGraspError for a goal that the controller would reject; by default never."""

    def start(self, request: Any) -> TrajectoryGoal | GripperGoal:
        """Start a goal of the twin.

        Raises:
            DrGraspError: The twin does not accept the goal.
        """
        raise NotImplementedError

    def feedback(self, feedback: Any) -> Any:
        """Make the action's feedback message from the feedback of a goal."""
        raise NotImplementedError

    def result(self, request: Any, result: Any) -> tuple[Status, Any]:
        """Make the action's final status and result message from the result of a goal."""
        raise NotImplementedError

    def failure(self, text: str) -> Any:
        """Make the action's result message for a failed `start`; with `text`, if it has a field."""
        return self.kind.Result()


class GoalServer:
    """An action server like those of ros2_controllers: a new goal replaces the present goal."""

    def __init__(self, node: Node, twin: LiveTwin, name: str, adapter: ActionAdapter) -> None:
        """Advertise the action.

        Args:
            node: Node of the server; its executor needs one more thread than active goals.
            twin: The twin that executes the goals; when it is closed, they end.
            name: Name of the action.
            adapter: Translates the messages of the action.
        """
        self._node = node
        self._twin = twin
        self._name = name
        self._adapter = adapter
        self._server = ActionServer(
            node,
            adapter.kind,
            name,
            self._execute,
            goal_callback=self._accept,
            cancel_callback=lambda _: CancelResponse.ACCEPT,
            callback_group=ReentrantCallbackGroup(),
            result_timeout=RESULT_KEPT_S,
        )

    def _accept(self, request: Any) -> GoalResponse:
        try:
            self._adapter.check(request)
        except Exception as error:
            reason = explain(self._node, self._name, error)
            self._node.get_logger().error(f"{self._name}: refused a goal: {reason}")
            return GoalResponse.REJECT
        return GoalResponse.ACCEPT

    def _execute(self, handle: Any) -> Any:
        try:
            goal = self._adapter.start(handle.request)
        except Exception as error:
            handle.abort()
            return self._adapter.failure(explain(self._node, self._name, error))
        cancelling = False
        while (result := goal.wait(POLL_S)) is None:
            if handle.is_cancel_requested and not cancelling:
                cancelling = True
                self._twin.cancel(goal)
            elif goal.feedback is not None:
                handle.publish_feedback(self._adapter.feedback(goal.feedback))
        status, message = self._adapter.result(handle.request, result)
        self._node.get_logger().info(f"{self._name}: {result}")
        if status is Status.CANCELED:
            handle.canceled()
        elif status is Status.SUCCEEDED:
            handle.succeed()
        else:
            handle.abort()
        return message
