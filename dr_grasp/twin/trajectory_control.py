"""A controller of trajectories, which behaves as ros2_controllers' joint_trajectory_controller.

joint_path.py says which of its source files were read. Like UR's and the Panda's, this one commands
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
"""This number in a goal takes a tolerance away (control_msgs/msg/JointTolerance.msg)."""

ROUNDING_S = 1e-9
_EPSILON = float(np.finfo(np.float32).eps)

PREEMPTED = "Current goal preempted by new incoming action."


@dataclass(frozen=True, slots=True, eq=False)
class Tolerances:
    """How far joints may be from where a trajectory wants them; 0 is no limit. See tolerances.hpp.

    The controller has tolerances of velocities as well. They count only where it commands
    velocities or efforts, which ours does not.

    Attributes:
        joints: Names, n of them.
        path: Shape (n,), while moving [rad or m].
        goal: Shape (n,), at the end [rad or m].
        goal_time_s: How long after the last point they must be within `goal`; 0 is for ever.
    """

    joints: tuple[str, ...]
    path: FloatArray
    goal: FloatArray
    goal_time_s: float

    @classmethod
    def of(
        cls, joints: Sequence[str], path: float = 0.0, goal: float = 0.0, goal_time_s: float = 0.0
    ) -> Tolerances:
        """The same tolerances for each joint; none by default, as in ros2_controllers."""
        each = np.ones(len(joints))
        return cls(tuple(joints), frozen(path * each), frozen(goal * each), goal_time_s)

    def changed(
        self, path: Mapping[str, float], goal: Mapping[str, float], goal_time_s: float
    ) -> Tolerances:
        """These defaults with what a goal asks for: 0 keeps a default, -1 takes it away.

        Args:
            path: By joint, for those that the goal names.
            goal: Likewise.
            goal_time_s: Of the goal.

        Raises:
            InvalidGraspError: An unknown joint or another negative number. The controller then
                logs an error and uses its defaults for all.
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
        """Which joint is farthest out of its tolerance; None if none is.

        Args:
            error: Shape (n,), desired minus measured positions [rad or m].
            allowed: `path` or `goal`.
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
    """How a trajectory ended.

    Attributes:
        status: How its goal ended.
        code: `error_code` of the action's result.
        text: `error_string`.
    """

    status: Status
    code: int = SUCCESSFUL
    text: str = ""

    def __str__(self) -> str:
        return self.text or self.status.value


class TrajectoryFeedback(NamedTuple):
    """Where joints should be at one time of a trajectory, and where they are, with velocities."""

    desired: PathPoint
    actual: PathPoint


@dataclass(slots=True, eq=False, kw_only=True)
class TrajectoryGoal(ActiveGoal[TrajectoryResult, TrajectoryFeedback]):
    """A trajectory that is being followed.

    Attributes:
        path: The trajectory.
        tolerances: That count for it.
        starts_s: The twin's time at which the trajectory's time is 0.
        before: Where the joints were when they began to follow it; None before they do.
    """

    path: JointPath
    tolerances: Tolerances
    starts_s: float
    before: PathPoint | None = None


class TrajectoryControl:
    """Commands some joints, which hold their position when `goal` is None."""

    def __init__(
        self, defaults: Tolerances, part: slice, positions: FloatArray, period_s: float
    ) -> None:
        """Begin to hold.

        Args:
            defaults: Tolerances of goals that name none, and with them the joints.
            part: Which of the joints of a reading these are.
            positions: Shape (n,), what to hold [rad or m].
            period_s: From one `update` to the next.
        """
        self.defaults = defaults
        self.goal: TrajectoryGoal | None = None
        self._part = part
        self._holds = positions
        self._period_s = period_s

    def start(
        self, path: JointPath, tolerances: Tolerances | None, now_s: float, start_in_s: float
    ) -> TrajectoryGoal:
        """Follow a trajectory from now on; a goal that has not ended is aborted.

        Args:
            path: Of the controller's joints, in any order.
            tolerances: In place of the defaults.
            now_s: The twin's time.
            start_in_s: When the trajectory's time 0 is; negative where that has passed.
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
        """Positions to command for the next period, shape (n,) [rad or m]."""
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
        # The controller looks for the end where the next command lies.
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
