"""The parts of a grasp trajectory: the arm's waypoints and the closing of the hand."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from dr_grasp.core.arrays import ComparedByValue, FloatArray, frozen
from dr_grasp.errors import InvalidGraspError

LONGEST_PHASE_S = 60.0
"""No phase of a grasp may last longer; a larger number is a unit mistake."""

LONGEST_PATH_S = 3600.0
"""No path of an arm may last longer: a longest phase at a tenth of its speed, and some more."""


@dataclass(frozen=True, slots=True, eq=False)
class Waypoints(ComparedByValue):
    """Time-stamped joint positions, between which joints move linearly.

    ros2_controllers do the same with a JointTrajectory that has positions only.

    Attributes:
        joints: Joint names as in the URDF, n of them.
        times_s: Shape (m,), seconds from the start of the phase, strictly increasing, the first
            at 0 or later, m >= 1.
        positions: Shape (m, n), radians or metres.
    """

    joints: tuple[str, ...]
    times_s: FloatArray
    positions: FloatArray

    def __post_init__(self) -> None:
        """Copy in and check.

        Raises:
            InvalidGraspError: Wrong shapes, duplicate names, numbers that are not finite, or times
                that do not increase.
        """
        object.__setattr__(self, "joints", tuple(self.joints))
        object.__setattr__(self, "times_s", to_floats("times", self.times_s))
        object.__setattr__(self, "positions", to_floats("positions", self.positions))
        check_joint_names(self.joints)
        if self.times_s.ndim != 1:
            raise InvalidGraspError(f"times: expected shape (m,), got {self.times_s.shape}")
        count, width = len(self.times_s), len(self.joints)
        if count == 0:
            raise InvalidGraspError("times: expected at least one waypoint, got none")
        if self.positions.shape != (count, width):
            raise InvalidGraspError(
                f"positions: expected shape ({count}, {width}), got {self.positions.shape}"
            )
        check_finite("times", self.times_s)
        check_finite("positions", self.positions)
        if self.times_s[0] < 0 or (np.diff(self.times_s) <= 0).any():
            index = 0 if self.times_s[0] < 0 else int(np.argmax(np.diff(self.times_s) <= 0)) + 1
            raise InvalidGraspError(
                f"times: expected strictly increasing from 0 s, got {self.times_s[index]:g} s "
                f"at waypoint {index}"
            )
        if self.times_s[-1] > LONGEST_PATH_S:
            raise InvalidGraspError(
                f"times: expected at most {LONGEST_PATH_S:g} s, got {self.times_s[-1]:g} s"
            )

    @property
    def duration_s(self) -> float:
        """Time of the last waypoint."""
        return float(self.times_s[-1])

    def at(self, times_s: Any) -> FloatArray:
        """Interpolate linearly; before the first and after the last waypoint positions stay.

        Args:
            times_s: Shape (k,), seconds.

        Returns:
            Positions of shape (k, n).
        """
        columns = [np.interp(times_s, self.times_s, column) for column in self.positions.T]
        return np.stack(columns, axis=1)


@dataclass(frozen=True, slots=True, eq=False)
class HandClose(ComparedByValue):
    """How the hand closes: at a set time, to set positions, with limited force.

    Attributes:
        joints: Hand joint names, n of them.
        preshape: Shape (n,), positions while approaching, in radians or metres.
        positions: Shape (n,), positions commanded when closing.
        force: Force [N] or torque [N m] limit of each drive.
        duration_s: Time given to the hand to close, in seconds.
    """

    joints: tuple[str, ...]
    preshape: FloatArray
    positions: FloatArray
    force: float
    duration_s: float

    def __post_init__(self) -> None:
        """Copy in and check.

        Raises:
            InvalidGraspError: Wrong shapes, duplicate names or numbers out of bounds.
        """
        object.__setattr__(self, "joints", tuple(self.joints))
        check_joint_names(self.joints)
        for name in ("preshape", "positions"):
            value = to_floats(name, getattr(self, name))
            object.__setattr__(self, name, value)
            if value.shape != (len(self.joints),):
                raise InvalidGraspError(
                    f"{name}: expected {len(self.joints)} numbers, got shape {value.shape}"
                )
            check_finite(name, value)
        check_scalar("force", self.force, 0.0, 1000.0, "N or N m")
        check_scalar("duration", self.duration_s, 0.0, LONGEST_PHASE_S, "s")


def check_joint_names(joints: tuple[str, ...]) -> None:
    """Refuse empty and repeated joint names.

    Raises:
        InvalidGraspError: A name is repeated, or there is none.
    """
    if not joints:
        raise InvalidGraspError("joints: expected at least one name, got none")
    repeated = sorted({name for name in joints if joints.count(name) > 1})
    if repeated:
        raise InvalidGraspError(f"joints: expected unique names, got {', '.join(repeated)} twice")


def to_floats(name: str, values: Any) -> FloatArray:
    """Copy numbers into a read-only array.

    Raises:
        InvalidGraspError: They are no numbers.
    """
    try:
        return frozen(values)
    except (TypeError, ValueError):
        raise InvalidGraspError(
            f"{name}: expected an array of numbers, got {values!r:.80}"
        ) from None


def check_finite(name: str, values: FloatArray) -> None:
    """Refuse NaN and infinity.

    Raises:
        InvalidGraspError: One is not finite; the message says where.
    """
    if not np.isfinite(values).all():
        index = tuple(int(i) for i in np.argwhere(~np.isfinite(values))[0])
        raise InvalidGraspError(
            f"{name}: expected finite numbers, got {values[index]} at {list(index)}"
        )


def check_scalar(name: str, value: float, low: float, high: float, unit: str) -> None:
    """Refuse a number outside of (low, high].

    Raises:
        InvalidGraspError: It is outside, or NaN.
    """
    if not low < value <= high:
        raise InvalidGraspError(
            f"{name}: expected more than {low:g} and at most {high:g} {unit}, got {value!r}"
        )
