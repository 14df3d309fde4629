"""Controller that moves a hand to a position, like the gripper controllers of ros2_controllers.

Their sources, in branch `jazzy`, commit ed360c97: gripper_action_controller_impl.hpp,
parallel_gripper_action_controller_impl.hpp, and the parameters of both. The two differ in the names
of their actions and in the meaning of a missing effort.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from dr_grasp.core.arrays import FloatArray, frozen
from dr_grasp.errors import InvalidGraspError
from dr_grasp.robots.robot_spec import RobotSpec
from dr_grasp.twin.active_goal import ActiveGoal, Reading, Status

GOAL_TOLERANCE = 0.01
"""A gripper nearer to its target has reached it [rad or m]. This number and the two stall limits
are the defaults of ros2_controllers."""

STALL_VELOCITY = 0.001
STALL_TIMEOUT_S = 1.0
"""A gripper has stalled when it was slower than `STALL_VELOCITY` [rad/s or m/s] for this time."""


@dataclass(frozen=True, slots=True)
class GripperFeedback:
    """Position and effort of a gripper.

    Attributes:
        position: Position of the hand's first driven joint [rad or m].
        effort: Effort of the hand's first drive [N or N m].
    """

    position: float
    effort: float


@dataclass(frozen=True, slots=True)
class GripperResult(GripperFeedback):
    """Position and effort of a gripper at the end of its goal, and how the goal ended.

    Attributes:
        status: Final status of the goal.
        stalled: Whether something stopped the gripper.
        reached_goal: Whether the gripper reached its target.
    """

    status: Status
    stalled: bool = False
    reached_goal: bool = False

    def __str__(self) -> str:
        how = "reached its target" if self.reached_goal else self.status.value
        how = "stalled" if self.stalled else how
        return f"{how} at {self.position:.4f}, with {self.effort:.3g} N or N m"


@dataclass(slots=True, eq=False, kw_only=True)
class GripperGoal(ActiveGoal[GripperResult, GripperFeedback]):
    """A position to which a gripper is moving.

    Attributes:
        target: Target position of the first driven joint [rad or m].
        tolerance: The target is reached when the joint is nearer than this [rad or m].
        moved_s: Time of the gripper's last movement, in the twin's time [s].
    """

    target: float
    tolerance: float
    moved_s: float


class GripperControl:
    """Commands all driven joints of a hand by a single number: the first joint's position.

    If a hand has several driven joints, they move together between the open and the closed posture
    of the robot's first synergy.

    Attributes:
        goal: The goal in progress; None if there is none.
    """

    def __init__(self, robot: RobotSpec, goal_tolerance: float, allow_stalling: bool) -> None:
        """Begin to hold the hand open.

        Args:
            robot: The robot.
            goal_tolerance: Tolerance of goals that do not name a tolerance [rad or m].
            allow_stalling: Whether a stalled goal succeeds; if False it is aborted.
        """
        self.goal: GripperGoal | None = None
        self._robot = robot
        self._goal_tolerance = goal_tolerance
        self._allow_stalling = allow_stalling
        count = len(robot.arm_joints)
        self._part = slice(count, count + len(robot.hand_joints))
        self._holds = robot.hand_open

    def start(
        self, position: float, reading: Reading, goal_tolerance: float | None = None
    ) -> GripperGoal:
        """Start to move to a position; a goal that has not ended is aborted.

        ros2_controllers report a preempted goal as cancelled. rclpy can do this only for goals for
        which a client has requested a cancel.

        Args:
            position: Target of the first driven joint [rad or m]; it is clipped to the limits.
            reading: Present reading of all joints of the robot.
            goal_tolerance: Tolerance of this goal [rad or m]; None for the controller's default.

        Raises:
            InvalidGraspError: The position is not finite, or the first joint does not move in the
                first synergy.
        """
        holds = self._posture(position)
        self._end(Status.ABORTED, reading)
        self._holds = holds
        self.goal = GripperGoal(
            began_s=reading.stamp_s,
            target=position,
            tolerance=self._goal_tolerance if goal_tolerance is None else goal_tolerance,
            moved_s=reading.stamp_s,
        )
        return self.goal

    def stop(self, reading: Reading, status: Status, text: str = "") -> None:
        """End the goal, if there is one, and hold the joints where they are; `text` is not used."""
        if self.goal is not None:
            self._holds = reading.positions[self._part]
            self._end(status, reading)

    def update(self, reading: Reading) -> FloatArray:
        """Compute the commands of the hand's joints for the next period, shape (m,) [rad or m]."""
        goal = self.goal
        if goal is None:
            return self._holds
        position, effort = self._position_and_effort(reading)
        goal.feedback = GripperFeedback(position, effort)
        if abs(goal.target - position) < goal.tolerance:
            self._end(Status.SUCCEEDED, reading, reached_goal=True)
        elif abs(reading.velocities[self._part][0]) > STALL_VELOCITY:
            goal.moved_s = reading.stamp_s
        elif reading.stamp_s - goal.moved_s > STALL_TIMEOUT_S:
            status = Status.SUCCEEDED if self._allow_stalling else Status.ABORTED
            self._end(status, reading, stalled=True)
        return self._holds

    def _end(
        self, status: Status, reading: Reading, *, stalled: bool = False, reached_goal: bool = False
    ) -> None:
        if self.goal is not None:
            position, effort = self._position_and_effort(reading)
            self.goal.finish(GripperResult(position, effort, status, stalled, reached_goal))
            self.goal = None

    def _position_and_effort(self, reading: Reading) -> tuple[float, float]:
        # A drive that moves several joints divides its effort among them.
        effort = abs(reading.efforts[self._part][0]) / self._robot.hand_force_shares[0]
        return float(reading.positions[self._part][0]), float(effort)

    def _posture(self, position: float) -> FloatArray:
        limits, joint = self._robot.hand_limits[0], self._robot.hand_joints[0]
        if not math.isfinite(position):
            raise InvalidGraspError(f"{joint}: expected a finite position, got {position}")
        # As in ros2_controllers: any number is accepted, and the hardware goes as far as it can.
        position = min(max(limits.lower, position), limits.upper)
        if len(self._robot.hand_joints) == 1:
            return frozen([position])
        opened, closed = self._robot.hand_open, self._robot.hand_closed
        if opened[0] == closed[0]:
            raise InvalidGraspError(f"{joint}: expected a joint that opens and closes the hand")
        share = (position - closed[0]) / (opened[0] - closed[0])
        return frozen(np.asarray(share * opened + (1.0 - share) * closed))
