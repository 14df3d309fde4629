"""Joints that follow trajectories, as under ros2_controllers' joint_trajectory_controller.

See joint_path.py for what was read of it. Here it commands positions and reads positions and
velocities, as UR's and the Panda's do.
"""

from __future__ import annotations

from dataclasses import dataclass

from dr_grasp.core.arrays import FloatArray
from dr_grasp.twin.active_goal import Motion, Status
from dr_grasp.twin.joint_path import JointPath, PathPoint
from dr_grasp.twin.joint_reading import Reading
from dr_grasp.twin.tolerances import Tolerances

# control_msgs/action/FollowJointTrajectory
SUCCESSFUL = 0
INVALID_GOAL = -1
PATH_TOLERANCE_VIOLATED = -4
GOAL_TOLERANCE_VIOLATED = -5

ROUNDING_S = 1e-9

PREEMPTED = "Current goal preempted by new incoming action."


@dataclass(frozen=True, slots=True)
class Followed:
    """How a trajectory ended.

    Attributes:
        status: How.
        code: `error_code` of the action's result.
        text: `error_string`.
    """

    status: Status
    code: int = SUCCESSFUL
    text: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class Tracking:
    """Where joints are, and where they should be, at one time of a trajectory.

    Attributes:
        time_s: Since it began.
        desired: Shape (n,) [rad or m].
        desired_velocities: Shape (n,) [rad/s or m/s].
        actual: Shape (n,).
        actual_velocities: Shape (n,).
    """

    time_s: float
    desired: FloatArray
    desired_velocities: FloatArray
    actual: FloatArray
    actual_velocities: FloatArray


FollowMotion = Motion[Followed, Tracking]


@dataclass(slots=True, eq=False)
class _Goal:
    path: JointPath
    tolerances: Tolerances
    starts_s: float
    motion: FollowMotion
    before: PathPoint | None = None


class TrajectoryControl:
    """Some joints, which hold their position when they follow nothing."""

    def __init__(self, defaults: Tolerances, positions: FloatArray, period_s: float) -> None:
        """Begin to hold.

        Args:
            defaults: Of goals that say nothing else, and the joints.
            positions: Shape (n,), what to hold [rad or m].
            period_s: From one `update` to the next.
        """
        self._defaults = defaults
        self._holds = positions
        self._period_s = period_s
        self._goal: _Goal | None = None

    @property
    def defaults(self) -> Tolerances:
        """Tolerances of goals that say nothing else."""
        return self._defaults

    @property
    def motion(self) -> FollowMotion | None:
        """What is being followed."""
        return None if self._goal is None else self._goal.motion

    def start(
        self, path: JointPath, tolerances: Tolerances, now_s: float, start_in_s: float
    ) -> FollowMotion:
        """Take on a goal; one that is not at its end yet is aborted.

        Args:
            path: Of the joints, in any order.
            tolerances: What counts for it.
            now_s: Now.
            start_in_s: When its time 0 is; negative where that has passed.

        Raises:
            InvalidGraspError: It is of other joints.
        """
        path = path.ordered(self._defaults.joints)
        self._end(Status.ABORTED, INVALID_GOAL, PREEMPTED)
        motion = FollowMotion.begun(now_s)
        self._goal = _Goal(path, tolerances, now_s + start_in_s, motion)
        return motion

    def hold(self, reading: Reading, status: Status, text: str = "") -> None:
        """End the goal, if there is one, and stay where the joints are."""
        self._stop(reading, status, INVALID_GOAL if status is Status.ABORTED else 0, text)

    def update(self, reading: Reading) -> FloatArray:
        """What to strive for in the next period, shape (n,) [rad or m].

        Args:
            reading: Of the joints.
        """
        goal = self._goal
        if goal is None:
            return self._holds
        positions, velocities = reading.positions, reading.velocities
        time_s = reading.stamp_s - goal.starts_s
        first = goal.before is None
        if goal.before is None:
            goal.before = PathPoint(min(0.0, time_s), positions, velocities)
        desired, rates = goal.path.at(time_s, goal.before)
        following, _ = goal.path.at(time_s + self._period_s, goal.before)
        goal.motion.news = Tracking(time_s, desired, rates, positions, velocities)
        error, late_s = desired - positions, time_s - goal.path.duration_s
        # The controller looks for the end where the next command lies.
        at_end = late_s + self._period_s >= -ROUNDING_S
        astray = goal.tolerances.path_violation(error) if first or not at_end else None
        off = goal.tolerances.goal_violation(error) if at_end else None
        allowed_s = goal.tolerances.goal_time_s
        if astray is not None:
            text = f"Aborted due to path tolerance violation: {astray}"
            self._stop(reading, Status.ABORTED, PATH_TOLERANCE_VIOLATED, text)
        elif off is not None and 0.0 < allowed_s < late_s:
            text = f"Aborted due to goal_time_tolerance exceeding by {late_s:.6f} seconds: {off}"
            self._stop(reading, Status.ABORTED, GOAL_TOLERANCE_VIOLATED, text)
        elif at_end and off is None:
            self._holds = goal.path.points[-1].positions
            self._end(Status.SUCCEEDED, SUCCESSFUL, "Goal successfully reached!")
        return self._holds if self._goal is None else following

    def _stop(self, reading: Reading, status: Status, code: int, text: str) -> None:
        if self._goal is not None:
            self._holds = reading.positions
            self._end(status, code, text)

    def _end(self, status: Status, code: int, text: str) -> None:
        if self._goal is not None:
            self._goal.motion.finish(Followed(status, code, text))
            self._goal = None
