"""Goals of grippers for the live twin: those of control_msgs, and of franka_msgs."""

from __future__ import annotations

from typing import Any

from sensor_msgs.msg import JointState

from dr_grasp.errors import InvalidGraspError
from dr_grasp.robots.hardware import Hardware
from dr_grasp.robots.robot_spec import RobotSpec
from dr_grasp.twin.active_goal import Status
from dr_grasp.twin.gripper_control import GripMotion, Gripped, Gripping
from dr_grasp.twin.live_twin import LiveTwin

FRANKA_WIDTH = 2.0
"""franka_msgs speak of the distance between the fingers, each of which does half of it."""

FRANKA_TOLERANCE_M = 0.0005
"""libfranka's gripper says that it has arrived when it has."""


class _GripperGoals:
    """What all of them have in common."""

    def word(self, end: Gripped) -> str:
        """See `Goals`."""
        how = "reached its target" if end.reached_goal else end.status.value
        if end.stalled:
            how = "stalled"
        return f"{how} at {end.position:.4f}, with {end.effort:.3g} N or N m"


class GripperCommandGoals(_GripperGoals):
    """Goals of control_msgs/GripperCommand; see `Goals`."""

    def __init__(self, twin: LiveTwin, hardware: Hardware, kind: Any) -> None:
        """Prepare.

        Args:
            twin: What moves.
            hardware: By what factor positions outside differ.
            kind: control_msgs.action.GripperCommand.
        """
        self.kind = kind
        self._twin = twin
        self._scale = hardware.position_scale

    def check(self, request: Any) -> None:
        """Any goal is taken on, as by ros2_controllers."""

    def start(self, request: Any) -> GripMotion:
        """See `Goals`."""
        command = request.command
        return self._twin.grip(command.position / self._scale, command.max_effort)

    def feedback(self, news: Gripping) -> Any:
        """See `Goals`."""
        return self.kind.Feedback(position=news.position * self._scale, effort=news.effort)

    def ended(self, request: Any, end: Gripped) -> tuple[Status, Any]:
        """See `Goals`."""
        return end.status, self.kind.Result(
            position=end.position * self._scale,
            effort=end.effort,
            stalled=end.stalled,
            reached_goal=end.reached_goal,
        )

    def failure(self, text: str) -> Any:
        """See `Goals`; there is no place for the text."""
        return self.kind.Result()


class ParallelGripperGoals(_GripperGoals):
    """Goals of control_msgs/ParallelGripperCommand; see `Goals`.

    Effort and velocity count, as where `max_effort_interface` and `max_velocity_interface` of
    ros2_controllers' parallel_gripper_controller are set.
    """

    def __init__(self, twin: LiveTwin, robot: RobotSpec, hardware: Hardware, kind: Any) -> None:
        """Prepare.

        Args:
            twin: What moves.
            robot: What the joint is called.
            hardware: By what factor positions outside differ.
            kind: control_msgs.action.ParallelGripperCommand.
        """
        self.kind = kind
        self._twin = twin
        self._joint = robot.names.get(robot.hand_joints[0], robot.hand_joints[0])
        self._scale = hardware.position_scale

    def check(self, request: Any) -> None:
        """See `Goals`."""
        count = len(request.command.position)
        if count != 1:
            raise InvalidGraspError(f"command: expected 1 position, got {count}")

    def start(self, request: Any) -> GripMotion:
        """See `Goals`."""
        command = request.command
        velocity = command.velocity[0] / self._scale if command.velocity else None
        effort = command.effort[0] if command.effort else None
        return self._twin.grip(command.position[0] / self._scale, effort, velocity)

    def feedback(self, news: Gripping) -> Any:
        """See `Goals`."""
        return self.kind.Feedback(state=self._state(news.position, news.effort))

    def ended(self, request: Any, end: Gripped) -> tuple[Status, Any]:
        """See `Goals`."""
        return end.status, self.kind.Result(
            state=self._state(end.position, end.effort),
            stalled=end.stalled,
            reached_goal=end.reached_goal,
        )

    def failure(self, text: str) -> Any:
        """See `Goals`; there is no place for the text."""
        return self.kind.Result()

    def _state(self, position: float, effort: float) -> JointState:
        return JointState(name=[self._joint], position=[position * self._scale], effort=[effort])


class FrankaGoals(_GripperGoals):
    """Goals of franka_msgs/Grasp and Move; see `Goals`.

    As libfranka's Gripper::grasp and Gripper::move: a grasp has succeeded where the fingers come to
    rest within `epsilon` of the width, a move where they reach it.
    """

    def __init__(self, twin: LiveTwin, kind: Any) -> None:
        """Prepare.

        Args:
            twin: What moves.
            kind: franka_msgs.action.Grasp or Move.
        """
        self.kind = kind
        self._twin = twin

    def check(self, request: Any) -> None:
        """Any goal is taken on, as by franka_gripper."""

    def start(self, request: Any) -> GripMotion:
        """See `Goals`."""
        force = getattr(request, "force", None)  # of a grasp; a move has none
        return self._twin.grip(
            request.width / FRANKA_WIDTH,
            force,
            request.speed / FRANKA_WIDTH,
            goal_tolerance=FRANKA_TOLERANCE_M,
        )

    def feedback(self, news: Gripping) -> Any:
        """See `Goals`."""
        return self.kind.Feedback(current_width=news.position * FRANKA_WIDTH)

    def ended(self, request: Any, end: Gripped) -> tuple[Status, Any]:
        """See `Goals`."""
        if end.status is Status.CANCELED:
            return end.status, self.kind.Result()
        well, width = end.reached_goal, end.position * FRANKA_WIDTH
        epsilon = getattr(request, "epsilon", None)
        if epsilon is not None and (end.reached_goal or end.stalled):
            well = request.width - epsilon.inner < width < request.width + epsilon.outer
        error = "" if well else f"expected the fingers {request.width:g} m apart, got {width:.4f} m"
        return Status.SUCCEEDED if well else Status.ABORTED, self.kind.Result(
            success=well, error=error
        )

    def failure(self, text: str) -> Any:
        """See `Goals`."""
        return self.kind.Result(success=False, error=text)
