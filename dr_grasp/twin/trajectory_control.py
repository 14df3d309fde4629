"""Trajectory controller that behaves like joint_trajectory_controller of ros2_controllers.

Its sources are named in joint_path.py. Like the controllers of UR and Panda arms, it commands
positions and reads positions and velocities.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np

from dr_grasp.core.arrays import FloatArray, frozen
from dr_grasp.errors import InvalidGraspError
from dr_grasp.twin.active_goal import ActiveGoal, Reading, Status
from dr_grasp.twin.joint_path import JointPath, PathPoint

# control_msgs/action/FollowJointTrajectory
SUCCESSFUL = 0
INVALID_GOAL = -1
PATH_TOLERANCE_VIOLATED = -4
GOAL_TOLERANCE_VIOLATED = -5

ERASED = -1.0
"""This number in a goal removes a tolerance (control_msgs/msg/JointTolerance.msg)."""

ROUNDING_S = 1e-9
_EPSILON = float(np.finfo(np.float32).eps)

PREEMPTED = "Current goal preempted by new incoming action."


@dataclass(frozen=True, slots=True, eq=False)
class Tolerances:
    """Largest position errors of joints on a trajectory, as in tolerances.hpp; 0 is no limit.

    The original controller also has tolerances for velocities, but uses them only if it commands
    velocities or efforts. This controller commands positions.

    Attributes:
        joints: Names of the n joints.
        path: Largest errors while moving, shape (n,) [rad or m].
        goal: Largest errors at the end, shape (n,) [rad or m].
        goal_time_s: Time limit after the last point for errors to be within `goal` [s]; 0 is none.
    """

    joints: tuple[str, ...]
    path: FloatArray
    goal: FloatArray
    goal_time_s: float

    @classmethod
    def of(
        cls, joints: Sequence[str], path: float = 0.0, goal: float = 0.0, goal_time_s: float = 0.0
    ) -> Tolerances:
        """Make tolerances that are the same for each joint; by default there are none."""
        each = np.ones(len(joints))
        return cls(tuple(joints), frozen(path * each), frozen(goal * each), goal_time_s)

    def changed(
        self, path: Mapping[str, float], goal: Mapping[str, float], goal_time_s: float
    ) -> Tolerances:
        """Replace defaults by the tolerances of a goal: 0 keeps a default, -1 removes it.

        Args:
            path: The goal's path tolerances by joint; joints may be left out [rad or m].
            goal: The goal's goal tolerances by joint; joints may be left out [rad or m].
            goal_time_s: The goal's time tolerance [s].

        Raises:
            InvalidGraspError: A joint is unknown, or a number is negative and not -1. The original
                controller then logs an error and uses all its defaults.
        """
        return Tolerances(
            self.joints,
            self._changed("path_tolerance", self.path, path),
            self._changed("goal_tolerance", self.goal, goal),
            _resolved("goal_time_tolerance", self.goal_time_s, goal_time_s),
        )

    def _changed(self, name: str, default: FloatArray, wanted: Mapping[str, float]) -> FloatArray:
        values = default.copy()
        for joint, value in wanted.items():
            if joint not in self.joints:
                raise InvalidGraspError(
                    f"{name}: expected {', '.join(self.joints)}, got {joint or 'an empty name'}"
                )
            index = self.joints.index(joint)
            values[index] = _resolved(f"{name} of {joint}", float(default[index]), value)
        return frozen(values)

    def violation(self, error: FloatArray, allowed: FloatArray) -> str | None:
        """Describe the joint with the largest error out of tolerance; None if all are within.

        Args:
            error: Desired minus measured positions, shape (n,) [rad or m].
            allowed: The tolerances to use: `path` or `goal`.
        """
        outside = (allowed > 0.0) & (np.abs(error) > allowed)
        if not outside.any():
            return None
        index = int(np.argmax(np.where(outside, np.abs(error), -1.0)))
        return (
            f"{self.joints[index]}: position error {error[index]:.4g}, tolerance {allowed[index]:g}"
        )


def _resolved(name: str, default: float, wanted: float) -> float:
    if wanted > 0.0:
        return wanted
    if abs(wanted - ERASED) < _EPSILON:
        return 0.0
    if wanted < 0.0:
        raise InvalidGraspError(f"{name}: expected more than 0, 0 or -1, got {wanted:g}")
    return default


@dataclass(frozen=True, slots=True)
class TrajectoryResult:
    """Result of a trajectory's goal.

    Attributes:
        status: Final status of the goal.
        code: `error_code` of the action's result.
        text: `error_string` of the action's result.
    """

    status: Status
    code: int = SUCCESSFUL
    text: str = ""

    def __str__(self) -> str:
        return self.text or self.status.value


class TrajectoryFeedback(NamedTuple):
    """Desired and measured positions and velocities of joints at one time of a trajectory."""

    desired: PathPoint
    actual: PathPoint


@dataclass(slots=True, eq=False, kw_only=True)
class TrajectoryGoal(ActiveGoal[TrajectoryResult, TrajectoryFeedback]):
    """A trajectory that is being followed.

    Attributes:
        path: The trajectory.
        tolerances: Tolerances of this goal.
        starts_s: The twin's time at which the trajectory's time is 0 [s].
        before: State of the joints when the motion began; None before the first `update`.
    """

    path: JointPath
    tolerances: Tolerances
    starts_s: float
    before: PathPoint | None = None


class TrajectoryControl:
    """Commands joints along trajectories; they hold their position while `goal` is None."""

    def __init__(
        self, defaults: Tolerances, part: slice, positions: FloatArray, period_s: float
    ) -> None:
        """Begin to hold a posture.

        Args:
            defaults: The joints, with the tolerances of goals that do not name any.
            part: Indices of these joints in a reading.
            positions: Positions to hold, shape (n,) [rad or m].
            period_s: Time between two calls of `update` [s].
        """
        self.defaults = defaults
        self.goal: TrajectoryGoal | None = None
        self._part = part
        self._holds = positions
        self._period_s = period_s

    def start(
        self, path: JointPath, tolerances: Tolerances | None, now_s: float, start_in_s: float
    ) -> TrajectoryGoal:
        """Start to follow a trajectory; a goal that has not ended is aborted.

        Args:
            path: Trajectory of the controller's joints, in any order.
            tolerances: Tolerances of this goal; None for the defaults.
            now_s: The twin's present time [s].
            start_in_s: Time from now to the trajectory's time 0 [s]; negative if it has passed.
        """
        path = path.ordered(self.defaults.joints)
        self._end(Status.ABORTED, INVALID_GOAL, PREEMPTED)
        self.goal = TrajectoryGoal(
            began_s=now_s,
            path=path,
            tolerances=tolerances or self.defaults,
            starts_s=now_s + start_in_s,
        )
        return self.goal

    def stop(self, reading: Reading, status: Status, text: str = "") -> None:
        """End the goal, if there is one, and hold the joints where they are."""
        code = INVALID_GOAL if status is Status.ABORTED else SUCCESSFUL
        self._end(status, code, text, reading.positions[self._part])

    def update(self, reading: Reading) -> FloatArray:
        """Compute the commands of the joints for the next period, shape (n,) [rad or m]."""
        goal = self.goal
        if goal is None:
            return self._holds
        time_s = reading.stamp_s - goal.starts_s
        positions, velocities = reading.positions[self._part], reading.velocities[self._part]
        actual = PathPoint(time_s, positions, velocities)
        first = goal.before is None
        before = goal.before or replace(actual, time_s=min(0.0, time_s))
        goal.before = before
        desired = goal.path.at(time_s, before)
        goal.feedback = TrajectoryFeedback(desired, actual)
        error, late_s = desired.positions - positions, time_s - goal.path.duration_s
        # Like the original controller: the end is checked at the time of the next command.
        at_end = late_s + self._period_s >= -ROUNDING_S
        limits = goal.tolerances
        astray = limits.violation(error, limits.path) if first or not at_end else None
        off = limits.violation(error, limits.goal) if at_end else None
        if astray is not None:
            text = f"Aborted due to path tolerance violation: {astray}"
            self._end(Status.ABORTED, PATH_TOLERANCE_VIOLATED, text, positions)
        elif off is not None and 0.0 < limits.goal_time_s < late_s:
            text = f"Aborted due to goal_time_tolerance exceeding by {late_s:.6f} seconds: {off}"
            self._end(Status.ABORTED, GOAL_TOLERANCE_VIOLATED, text, positions)
        elif at_end and off is None:
            last = goal.path.points[-1].positions
            self._end(Status.SUCCEEDED, SUCCESSFUL, "Goal successfully reached!", last)
        if self.goal is None:
            return self._holds
        return goal.path.at(time_s + self._period_s, before).positions

    def _end(self, status: Status, code: int, text: str, holds: FloatArray | None = None) -> None:
        if self.goal is not None:
            self.goal.finish(TrajectoryResult(status, code, text))
            self.goal = None
            if holds is not None:
                self._holds = holds
