"""Translates gripper actions of control_msgs and franka_msgs for the live twin."""

from __future__ import annotations

from typing import Any

from sensor_msgs.msg import JointState

from dr_grasp.errors import InvalidGraspError
from dr_grasp.robots.robot_spec import RobotSpec
from dr_grasp.ros.twin.goal_server import ActionAdapter
from dr_grasp.twin.active_goal import Status
from dr_grasp.twin.gripper_control import GripperFeedback, GripperGoal, GripperResult
from dr_grasp.twin.live_twin import LiveTwin

FRANKA_WIDTH = 2.0
"""Width in franka_msgs, the distance between both fingers, divided by the position of a finger."""

FRANKA_TOLERANCE_M = 0.0005
"""Goal tolerance of a finger: libfranka's gripper reports success only at its target."""


class GripperCommandAdapter(ActionAdapter):
    """Translates control_msgs/GripperCommand."""

    def __init__(self, twin: LiveTwin, kind: Any, scale: float) -> None:
        """Prepare; `scale` is the action's position divided by the driven joint's position."""
        super().__init__(twin, kind)
        self._scale = scale

    def start(self, request: Any) -> GripperGoal:
        """See `ActionAdapter`."""
        command = request.command
        return self._twin.grip(command.position / self._scale, command.max_effort)

    def feedback(self, feedback: GripperFeedback) -> Any:
        """See `ActionAdapter`."""
        return self.kind.Feedback(position=feedback.position * self._scale, effort=feedback.effort)

    def result(self, request: Any, result: GripperResult) -> tuple[Status, Any]:
        """See `ActionAdapter`."""
        return result.status, self.kind.Result(
            position=result.position * self._scale,
            effort=result.effort,
            stalled=result.stalled,
            reached_goal=result.reached_goal,
        )


class ParallelGripperAdapter(ActionAdapter):
    """Translates control_msgs/ParallelGripperCommand.

    Effort and velocity are used, as in parallel_gripper_controller of ros2_controllers if
    `max_effort_interface` and `max_velocity_interface` are set.
    """

    def __init__(self, twin: LiveTwin, kind: Any, scale: float, robot: RobotSpec) -> None:
        """Prepare; `scale` is the action's position divided by the driven joint's position."""
        super().__init__(twin, kind)
        self._scale = scale
        self._joint = robot.outside(robot.hand_joints[0])

    def check(self, request: Any) -> None:
        """See `ActionAdapter`."""
        count = len(request.command.position)
        if count != 1:
            raise InvalidGraspError(f"command: expected 1 position, got {count}")

    def start(self, request: Any) -> GripperGoal:
        """See `ActionAdapter`."""
        command = request.command
        velocity = command.velocity[0] / self._scale if command.velocity else None
        effort = command.effort[0] if command.effort else None
        return self._twin.grip(command.position[0] / self._scale, effort, velocity)

    def feedback(self, feedback: GripperFeedback) -> Any:
        """See `ActionAdapter`."""
        return self.kind.Feedback(state=self._state(feedback))

    def result(self, request: Any, result: GripperResult) -> tuple[Status, Any]:
        """See `ActionAdapter`."""
        return result.status, self.kind.Result(
            state=self._state(result), stalled=result.stalled, reached_goal=result.reached_goal
        )

    def _state(self, gripper: GripperFeedback) -> JointState:
        position = gripper.position * self._scale
        return JointState(name=[self._joint], position=[position], effort=[gripper.effort])


class FrankaAdapter(ActionAdapter):
    """Translates franka_msgs/Grasp and Move, with the same meaning as in libfranka's Gripper.

    A grasp succeeds if the fingers come to rest within `epsilon` of the width, a move if they reach
    the width.
    """

    def start(self, request: Any) -> GripperGoal:
        """See `ActionAdapter`."""
        return self._twin.grip(
            request.width / FRANKA_WIDTH,
            getattr(request, "force", None),  # Grasp has a force, Move has none
            request.speed / FRANKA_WIDTH,
            goal_tolerance=FRANKA_TOLERANCE_M,
        )

    def feedback(self, feedback: GripperFeedback) -> Any:
        """See `ActionAdapter`."""
        return self.kind.Feedback(current_width=feedback.position * FRANKA_WIDTH)

    def result(self, request: Any, result: GripperResult) -> tuple[Status, Any]:
        """See `ActionAdapter`."""
        if result.status is Status.CANCELED:
            return result.status, self.kind.Result()
        good, width = result.reached_goal, result.position * FRANKA_WIDTH
        epsilon = getattr(request, "epsilon", None)
        if epsilon is not None and (result.reached_goal or result.stalled):
            good = request.width - epsilon.inner < width < request.width + epsilon.outer
        status = Status.SUCCEEDED if good else Status.ABORTED
        error = f"expected the fingers {request.width:g} m apart, got {width:.4f} m"
        return status, self.kind.Result(success=good, error="" if good else error)

    def failure(self, text: str) -> Any:
        """See `ActionAdapter`."""
        return self.kind.Result(success=False, error=text)
