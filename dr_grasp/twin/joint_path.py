"""A trajectory of joints as ros2_controllers' joint_trajectory_controller understands it.

What is said of that controller here and elsewhere was read in its branch `jazzy`, commit ed360c97:
trajectory.cpp, tolerances.hpp, joint_trajectory_controller.cpp and its parameters.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from dr_grasp.core.arrays import FloatArray, frozen
from dr_grasp.core.waypoints import check_finite, check_joint_names
from dr_grasp.errors import InvalidGraspError

STANDSTILL = float(np.finfo(np.float32).eps)
"""Largest velocity that a trajectory may end with (`allow_nonzero_velocity_at_trajectory_end` is
false by default)."""


@dataclass(frozen=True, slots=True, eq=False)
class PathPoint:
    """Where joints are to be at a time, of which the derivatives may be left out.

    Attributes:
        time_s: Since the trajectory began.
        positions: Shape (n,) [rad or m].
        velocities: Shape (n,) [rad/s or m/s].
        accelerations: Shape (n,) [rad/s^2 or m/s^2].
    """

    time_s: float
    positions: FloatArray
    velocities: FloatArray | None = None
    accelerations: FloatArray | None = None

    def taken(self, order: Sequence[int]) -> PathPoint:
        """The same of some of the joints."""
        index = list(order)
        return PathPoint(
            self.time_s,
            frozen(self.positions[index]),
            None if self.velocities is None else frozen(self.velocities[index]),
            None if self.accelerations is None else frozen(self.accelerations[index]),
        )


@dataclass(frozen=True, eq=False)
class JointPath:
    """Points that joints pass, one after the other.

    Attributes:
        joints: Names, n of them.
        points: At least one, times increasing.
    """

    joints: tuple[str, ...]
    points: tuple[PathPoint, ...]

    def __post_init__(self) -> None:
        """Check as `validate_trajectory_msg` does, and for numbers that are finite.

        Raises:
            InvalidGraspError: The controller would reject it.
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

    @classmethod
    def of(
        cls,
        joints: Sequence[str],
        times_s: Sequence[float],
        positions: Sequence[FloatArray],
        velocities: Sequence[FloatArray] | None = None,
    ) -> JointPath:
        """One with velocities at all points, or at none.

        Args:
            joints: Names, n of them.
            times_s: Shape (m,).
            positions: Shape (m, n) [rad or m].
            velocities: Shape (m, n) [rad/s or m/s].
        """
        rates = [None] * len(times_s) if velocities is None else [frozen(v) for v in velocities]
        points = zip(times_s, positions, rates, strict=True)
        return cls(
            tuple(joints), tuple(PathPoint(float(t), frozen(p), rate) for t, p, rate in points)
        )

    @property
    def duration_s(self) -> float:
        """Time of the last point."""
        return self.points[-1].time_s

    @cached_property
    def _times_s(self) -> list[float]:
        return [point.time_s for point in self.points]

    def ordered(self, joints: Sequence[str]) -> JointPath:
        """The same with the joints in another order.

        Raises:
            InvalidGraspError: They are not the same joints (`allow_partial_joints_goal` is false
                by default).
        """
        if set(self.joints) != set(joints):
            raise InvalidGraspError(
                f"joints: expected {', '.join(joints)}, got {', '.join(self.joints)}"
            )
        order = [self.joints.index(joint) for joint in joints]
        return JointPath(tuple(joints), tuple(point.taken(order) for point in self.points))

    def at(self, time_s: float, before: PathPoint) -> tuple[FloatArray, FloatArray]:
        """Where the joints are to be, and how fast; see `Trajectory::sample`.

        Args:
            time_s: Since the trajectory began.
            before: Where they were when it was taken on, at a time of 0 or earlier.

        Returns:
            Positions and velocities, each of shape (n,); after the last point its own.
        """
        index = bisect_right(self._times_s, time_s)
        if index == len(self.points):
            last = self.points[-1]
            rest = np.zeros(len(self.joints))
            return last.positions, rest if last.velocities is None else last.velocities
        end = self.points[index]
        return interpolate(self.points[index - 1] if index else _entry(before, end), end, time_s)


def _entry(before: PathPoint, first: PathPoint) -> PathPoint:
    """The state before a trajectory with as many derivatives as its first point."""
    rest = np.zeros_like(before.positions)
    return PathPoint(
        before.time_s,
        before.positions,
        before.velocities if before.velocities is not None or first.velocities is None else rest,
        None if first.accelerations is None else rest,
    )


def interpolate(start: PathPoint, end: PathPoint, time_s: float) -> tuple[FloatArray, FloatArray]:
    """Positions and velocities between two points; see `interpolate_between_points`.

    Straight lines where one of them has no velocities, cubics where one has no accelerations,
    quintics where both have both.
    """
    whole = end.time_s - start.time_s
    passed = min(max(0.0, time_s - start.time_s), whole)
    way = end.positions - start.positions
    if start.velocities is None or end.velocities is None:
        rate = way / whole
        return start.positions + rate * passed, rate
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
    return np.asarray(positions), np.asarray(rates) / whole
