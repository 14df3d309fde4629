"""Actions whose goals the live twin carries out."""

from __future__ import annotations

from typing import Any

from rclpy.action import ActionServer, CancelResponse, GoalResponse
from rclpy.callback_groups import ReentrantCallbackGroup
from rclpy.node import Node

from dr_grasp.errors import DrGraspError
from dr_grasp.twin.active_goal import Status
from dr_grasp.twin.gripper_control import GripperGoal
from dr_grasp.twin.live_twin import LiveTwin
from dr_grasp.twin.trajectory_control import TrajectoryGoal

POLL_S = 0.02
"""How often feedback is sent, and a request to cancel is looked for."""


class ActionAdapter:
    """Translates the messages of one action into goals of the live twin, and back.

    Attributes:
        kind: Type of the action.
    """

    def __init__(self, twin: LiveTwin, kind: Any) -> None:
        """Prepare to translate for a twin."""
        self.kind = kind
        self._twin = twin

    def check(self, request: Any) -> None:
        """Raise DrGraspError for what the controller would reject; by default for nothing."""

    def start(self, request: Any) -> TrajectoryGoal | GripperGoal:
        """Have the twin carry out a request.

        Raises:
            DrGraspError: The twin does not take it.
        """
        raise NotImplementedError

    def feedback(self, feedback: Any) -> Any:
        """The action's message for a goal's feedback."""
        raise NotImplementedError

    def result(self, request: Any, result: Any) -> tuple[Status, Any]:
        """How a goal ended for the action, and the action's message for its result."""
        raise NotImplementedError

    def failure(self, text: str) -> Any:
        """The action's result after `start` failed; empty where it has no field for the text."""
        return self.kind.Result()


class GoalServer:
    """An action server as ros2_controllers have them: a new goal takes the place of the old."""

    def __init__(self, node: Node, twin: LiveTwin, name: str, adapter: ActionAdapter) -> None:
        """Advertise.

        Args:
            node: Spun by an executor with a thread for each active goal and one more.
            twin: What carries out the goals; they end with it.
            name: Of the action.
            adapter: Of the action's messages.
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
        )

    def _accept(self, request: Any) -> GoalResponse:
        try:
            self._adapter.check(request)
        except DrGraspError as error:
            self._node.get_logger().error(f"{self._name}: refused a goal: {error}")
            return GoalResponse.REJECT
        return GoalResponse.ACCEPT

    def _execute(self, handle: Any) -> Any:
        try:
            goal = self._adapter.start(handle.request)
        except DrGraspError as error:
            handle.abort()
            return self._adapter.failure(str(error))
        asked = False
        while (result := goal.wait(POLL_S)) is None:
            if handle.is_cancel_requested and not asked:
                asked = True
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
