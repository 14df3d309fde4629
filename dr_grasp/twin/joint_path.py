"""Joint trajectories with the meaning that joint_trajectory_controller gives them.

All statements about this controller of ros2_controllers are from its branch `jazzy`, commit
ed360c97: trajectory.cpp, tolerances.hpp, joint_trajectory_controller.cpp and its parameters.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from dr_grasp.core.arrays import FloatArray, check_finite, frozen
from dr_grasp.core.joints import check_joint_names
from dr_grasp.errors import InvalidGraspError

STANDSTILL = float(np.finfo(np.float32).eps)
"""Largest velocity at the end of a trajectory (`allow_nonzero_velocity_at_trajectory_end` is false
by default)."""


@dataclass(frozen=True, slots=True, eq=False)
class PathPoint:
    """Desired state of n joints at one time.

    Attributes:
        time_s: Time since the trajectory's time 0 [s].
        positions: Positions, shape (n,) [rad or m].
        velocities: Velocities, shape (n,) [rad/s or m/s]; None if not given.
        accelerations: Accelerations, shape (n,) [rad/s^2 or m/s^2]; None if not given.
    """

    time_s: float
    positions: FloatArray
    velocities: FloatArray | None = None
    accelerations: FloatArray | None = None


@dataclass(frozen=True, eq=False)
class JointPath:
    """A joint trajectory: points, and the interpolation between them.

    Attributes:
        joints: Names of the n joints.
        points: The points, at least one, with increasing times.
    """

    joints: tuple[str, ...]
    points: tuple[PathPoint, ...]

    def __post_init__(self) -> None:
        """Check the same as the controller's `validate_trajectory_msg`, and for finite numbers.

        Raises:
            InvalidGraspError: The controller would reject the trajectory.
        """
        check_joint_names(self.joints)
        if not self.points:
            raise InvalidGraspError("points: expected at least one, got none")
        before = -1.0
        for index, point in enumerate(self.points):
            where = f"point {index}"
            check_finite(f"{where}: time", frozen([point.time_s]))
            if point.time_s < 0.0 or point.time_s <= before:
                raise InvalidGraspError(
                    f"{where}: expected a time from 0 s on and after {before:g} s, "
                    f"got {point.time_s:g} s"
                )
            before = point.time_s
            for name in ("positions", "velocities", "accelerations"):
                values = getattr(point, name)
                if values is None:
                    continue
                if values.shape != (len(self.joints),):
                    raise InvalidGraspError(
                        f"{where}: expected {len(self.joints)} {name}, got shape {values.shape}"
                    )
                check_finite(f"{where}: {name}", values)
        last = self.points[-1].velocities
        if last is not None and np.abs(last).max() > STANDSTILL:
            index = int(np.abs(last).argmax())
            raise InvalidGraspError(
                f"last point: expected velocity 0 of {self.joints[index]}, got {last[index]:g}"
            )

    @property
    def duration_s(self) -> float:
        """Time of the last point [s]."""
        return self.points[-1].time_s

    @cached_property
    def _times_s(self) -> list[float]:
        return [point.time_s for point in self.points]

    def ordered(self, joints: Sequence[str]) -> JointPath:
        """Make the same trajectory with its joints in another order."""
        order = [self.joints.index(joint) for joint in joints]

        def taken(values: FloatArray | None) -> FloatArray | None:
            return None if values is None else frozen(values[order])

        points = (
            PathPoint(
                point.time_s,
                frozen(point.positions[order]),
                taken(point.velocities),
                taken(point.accelerations),
            )
            for point in self.points
        )
        return JointPath(tuple(joints), tuple(points))

    def at(self, time_s: float, before: PathPoint) -> PathPoint:
        """Compute the desired state at a time, like the controller's `Trajectory::sample`.

        Args:
            time_s: Time since the trajectory's time 0 [s].
            before: State of the joints when the motion began, at a time of 0 or earlier.

        Returns:
            A point with positions and velocities; after the trajectory's end, its last point.
        """
        index = bisect_right(self._times_s, time_s)
        if index == len(self.points):
            last = self.points[-1]
            rest = np.zeros(len(self.joints))
            return PathPoint(
                time_s, last.positions, rest if last.velocities is None else last.velocities
            )
        end = self.points[index]
        start = self.points[index - 1] if index else _entry(before, end)
        return _interpolate(start, end, time_s)


def _entry(before: PathPoint, first: PathPoint) -> PathPoint:
    """The state before a trajectory, with as many derivatives as its first point."""
    rest = np.zeros_like(before.positions)
    velocities = rest if before.velocities is None else before.velocities
    return PathPoint(
        before.time_s,
        before.positions,
        None if first.velocities is None else velocities,
        None if first.accelerations is None else rest,
    )


def _interpolate(start: PathPoint, end: PathPoint, time_s: float) -> PathPoint:
    """Interpolate between two points, like the controller's `interpolate_between_points`.

    The curve is a straight line if a point has no velocities, a cubic if a point has no
    accelerations, else a quintic.
    """
    whole = end.time_s - start.time_s
    passed = min(max(0.0, time_s - start.time_s), whole)
    way = end.positions - start.positions
    if start.velocities is None or end.velocities is None:
        rate = way / whole
        return PathPoint(time_s, start.positions + rate * passed, rate)
    first, last = start.velocities * whole, end.velocities * whole
    if start.accelerations is None or end.accelerations is None:
        terms = [start.positions, first, 3 * way - 2 * first - last, first + last - 2 * way]
    else:
        bend, turn = start.accelerations * whole**2, end.accelerations * whole**2
        terms = [
            start.positions,
            first,
            bend / 2,
            (20 * way - 12 * first - 8 * last - 3 * bend + turn) / 2,
            (-30 * way + 16 * first + 14 * last + 3 * bend - 2 * turn) / 2,
            (12 * way - 6 * first - 6 * last - bend + turn) / 2,
        ]
    share = passed / whole
    positions = sum(term * share**power for power, term in enumerate(terms))
    rates = sum(power * term * share ** (power - 1) for power, term in enumerate(terms) if power)
    return PathPoint(time_s, np.asarray(positions), np.asarray(rates) / whole)
