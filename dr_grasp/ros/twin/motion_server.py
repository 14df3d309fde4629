"""Actions whose goals are motions of the live twin."""

from __future__ import annotations

from typing import Any, Protocol

from rclpy.action import ActionServer, CancelResponse, GoalResponse
from rclpy.callback_groups import ReentrantCallbackGroup
from rclpy.node import Node

from dr_grasp.common.closing import Closing
from dr_grasp.errors import DrGraspError
from dr_grasp.twin.active_goal import Motion, Status
from dr_grasp.twin.live_twin import LiveTwin

POLL_S = 0.02
"""How often feedback is sent, and a request to cancel is looked for."""


class Goals(Protocol):
    """Makes motions of goals, and results of how they end.

    Attributes:
        kind: Type of the action.
    """

    kind: Any

    def check(self, request: Any) -> None:
        """Look whether a goal can be taken on.

        Raises:
            DrGraspError: It cannot; the message says why.
        """
        raise NotImplementedError

    def start(self, request: Any) -> Motion[Any, Any]:
        """Take it on.

        Raises:
            DrGraspError: It cannot be taken on.
        """
        raise NotImplementedError

    def feedback(self, news: Any) -> Any:
        """A message of what there is to say meanwhile."""
        raise NotImplementedError

    def ended(self, request: Any, end: Any) -> tuple[Status, Any]:
        """How a goal ended, and the result that says so."""
        raise NotImplementedError

    def word(self, end: Any) -> str:
        """How a goal ended, for the log."""
        raise NotImplementedError

    def failure(self, text: str) -> Any:
        """The result of a goal that was accepted and could not be taken on."""
        raise NotImplementedError


class MotionServer(Closing):
    """An action server as ros2_controllers have them: a new goal takes the place of the old."""

    def __init__(self, node: Node, twin: LiveTwin, name: str, goals: Goals) -> None:
        """Advertise.

        Args:
            node: Spun by an executor with a thread for each goal on its way and one more.
            twin: What moves.
            name: Of the action.
            goals: What it understands.
        """
        self._node = node
        self._twin = twin
        self._name = name
        self._goals = goals
        self._server = ActionServer(
            node,
            goals.kind,
            name,
            self._execute,
            goal_callback=self._accept,
            cancel_callback=lambda _: CancelResponse.ACCEPT,
            callback_group=ReentrantCallbackGroup(),
        )

    def close(self) -> None:
        """Nothing is held; goals end with the twin."""

    def _accept(self, request: Any) -> GoalResponse:
        try:
            self._goals.check(request)
        except DrGraspError as error:
            self._node.get_logger().error(f"{self._name}: refused a goal: {error}")
            return GoalResponse.REJECT
        return GoalResponse.ACCEPT

    def _execute(self, goal: Any) -> Any:
        try:
            motion = self._goals.start(goal.request)
        except DrGraspError as error:
            goal.abort()
            return self._goals.failure(str(error))
        asked = False
        while (end := motion.wait(POLL_S)) is None:
            if goal.is_cancel_requested and not asked:
                asked = True
                self._twin.cancel(motion)
            elif motion.news is not None:
                goal.publish_feedback(self._goals.feedback(motion.news))
        status, result = self._goals.ended(goal.request, end)
        self._node.get_logger().info(f"{self._name}: {self._goals.word(end)}")
        if status is Status.CANCELED:
            goal.canceled()
        elif status is Status.SUCCEEDED:
            goal.succeed()
        else:
            goal.abort()
        return result
