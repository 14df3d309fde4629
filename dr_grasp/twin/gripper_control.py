"""A hand that takes one position, as under ros2_controllers' gripper controllers.

Read in branch `jazzy`, commit ed360c97: gripper_action_controller_impl.hpp,
parallel_gripper_action_controller_impl.hpp, and the parameters of both. They differ in what their
actions are called and in what a missing effort means.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from dr_grasp.core.arrays import FloatArray, frozen
from dr_grasp.errors import InvalidGraspError, SettingsError
from dr_grasp.robots.robot_spec import RobotSpec
from dr_grasp.twin.active_goal import Motion, Status
from dr_grasp.twin.joint_reading import Reading


@dataclass(frozen=True, slots=True)
class GripperRules:
    """When a gripper's goal has ended; defaults are those of ros2_controllers.

    Attributes:
        goal_tolerance: Nearer than this to its target the gripper has reached it [rad or m].
        stall_velocity_threshold: Slower than this it does not move [rad/s or m/s].
        stall_timeout_s: It has stalled once it has not moved for so long.
        allow_stalling: Whether a goal that stalled has succeeded; else it is aborted.
    """

    goal_tolerance: float = 0.01
    stall_velocity_threshold: float = 0.001
    stall_timeout_s: float = 1.0
    allow_stalling: bool = False

    def __post_init__(self) -> None:
        """Check the numbers.

        Raises:
            SettingsError: One is negative.
        """
        for name in ("goal_tolerance", "stall_velocity_threshold", "stall_timeout_s"):
            value = getattr(self, name)
            if not value >= 0.0:
                raise SettingsError(f"{name}: expected 0 or more, got {value}")


@dataclass(frozen=True, slots=True)
class Gripped:
    """Where a gripper is, and how its goal ended.

    Attributes:
        status: How.
        position: Of its first driven joint [rad or m].
        effort: What its first drive exerts [N or N m].
        stalled: Whether something stopped it.
        reached_goal: Whether it came to its target.
    """

    status: Status
    position: float
    effort: float
    stalled: bool = False
    reached_goal: bool = False


@dataclass(frozen=True, slots=True)
class Gripping:
    """Where a gripper is meanwhile: position [rad or m], effort [N or N m] of its first drive."""

    position: float
    effort: float


GripMotion = Motion[Gripped, Gripping]


@dataclass(slots=True, eq=False)
class _Goal:
    target: float
    tolerance: float
    motion: GripMotion
    moved_s: float


class GripperControl:
    """The driven joints of a hand, told by the position of the first."""

    def __init__(self, robot: RobotSpec, rules: GripperRules) -> None:
        """Begin to hold the hand open."""
        self._robot = robot
        self._rules = rules
        self._holds = robot.hand_open
        self._goal: _Goal | None = None

    @property
    def motion(self) -> GripMotion | None:
        """The goal on its way."""
        return None if self._goal is None else self._goal.motion

    def start(
        self, position: float, reading: Reading, goal_tolerance: float | None = None
    ) -> GripMotion:
        """Take on a goal; one that is not at its end yet is aborted.

        ros2_controllers call a goal that was preempted cancelled; rclpy has no such way for one
        that nobody asked to cancel.

        Args:
            position: Of the first driven joint [rad or m]; beyond its limits is at them.
            reading: Of the driven joints.
            goal_tolerance: In place of that of the rules.

        Raises:
            InvalidGraspError: No number, or a hand that cannot be told by one.
        """
        holds = self._posture(position)
        self._end(Status.ABORTED, reading)
        self._holds = holds
        motion = GripMotion.begun(reading.stamp_s)
        tolerance = self._rules.goal_tolerance if goal_tolerance is None else goal_tolerance
        self._goal = _Goal(position, tolerance, motion, reading.stamp_s)
        return motion

    def hold(self, reading: Reading, status: Status, text: str = "") -> None:
        """End the goal, if there is one, and stay where the joints are; nobody hears the text."""
        if self._goal is not None:
            self._holds = reading.positions
            self._end(status, reading)

    def update(self, reading: Reading) -> FloatArray:
        """What to strive for in the next period, shape (m,) [rad or m].

        Args:
            reading: Of the driven joints.
        """
        goal, rules = self._goal, self._rules
        if goal is None:
            return self._holds
        goal.motion.news = self._look(reading)
        if abs(goal.target - reading.positions[0]) < goal.tolerance:
            self._end(Status.SUCCEEDED, reading, reached_goal=True)
        elif abs(reading.velocities[0]) > rules.stall_velocity_threshold:
            goal.moved_s = reading.stamp_s
        elif reading.stamp_s - goal.moved_s > rules.stall_timeout_s:
            status = Status.SUCCEEDED if rules.allow_stalling else Status.ABORTED
            self._end(status, reading, stalled=True)
        return self._holds

    def _end(
        self, status: Status, reading: Reading, stalled: bool = False, reached_goal: bool = False
    ) -> None:
        if self._goal is not None:
            news = self._look(reading)
            end = Gripped(status, news.position, news.effort, stalled, reached_goal)
            self._goal.motion.finish(end)
            self._goal = None

    def _look(self, reading: Reading) -> Gripping:
        # A drive that moves several joints gives each its share.
        effort = abs(reading.efforts[0]) / self._robot.hand_force_shares[0]
        return Gripping(float(reading.positions[0]), float(effort))

    def _posture(self, position: float) -> FloatArray:
        limits, joint = self._robot.hand_limits[0], self._robot.hand_joints[0]
        if not np.isfinite(position):
            raise InvalidGraspError(f"{joint}: expected a finite position, got {position}")
        # The controller takes any number, and the hardware does what it can.
        position = min(max(limits.lower, position), limits.upper)
        if len(self._robot.hand_joints) == 1:
            return frozen([position])
        # One number for several drives: they go together, along the first synergy.
        opened, closed = self._robot.hand_open, self._robot.hand_closed
        if opened[0] == closed[0]:
            raise InvalidGraspError(f"{joint}: expected a joint that opens and closes the hand")
        share = (position - closed[0]) / (opened[0] - closed[0])
        return frozen(np.asarray(share * opened + (1.0 - share) * closed))
