"""A grasp as data: an open-loop reach, close, lift and hold, scored and executed as it is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Any

import numpy as np

from dr_grasp.core.arrays import (
    ComparedByValue,
    FloatArray,
    IntArray,
    check_finite,
    check_scalar,
    frozen,
    to_floats,
)
from dr_grasp.core.geometry import Pose
from dr_grasp.core.joints import check_joint_names, check_positions
from dr_grasp.core.texts import check_entries, check_name
from dr_grasp.errors import InvalidGraspError

LONGEST_PHASE_S = 60.0
"""Longest time of a phase of a grasp [s]; a larger number is a mistake of units."""

LONGEST_PATH_S = 3600.0
"""Longest time of an arm's path [s]: the longest phase at a tenth of its speed, and some more."""

MOST_WAYPOINTS = 4_000_000
"""Most waypoints of a path: the longest path at 1,000 a second, and some more."""

MOST_GRASP_WAYPOINTS = 100_000
"""Most waypoints of a phase of a grasp: the longest phase at 1,000 a second, and some more."""

LARGEST_DISTANCE_M = 1000.0
"""Largest distance of an object from the robot's base along an axis [m]; more is a mistake of
units."""

LARGEST_JUMP = 1e-3
"""Largest difference between the last waypoint of the approach and a first waypoint of the lift at
time 0 [rad or m]: no more than rounding makes."""

LONGEST_GRASP_S = 55.0
"""Longest time of all phases of a grasp together [s]; a larger number is a mistake of units."""


class Phase(IntEnum):
    """The phases of a rollout, in order."""

    APPROACH = 0
    CLOSE = 1
    LIFT = 2
    HOLD = 3


@dataclass(frozen=True, slots=True, eq=False)
class Schedule:
    """The commands of a grasp at each step of a fixed control rate.

    Attributes:
        phases: Shape (t,), the `Phase` of each step.
        arm: Shape (t, n), commanded arm positions [rad or m].
        arm_velocity: Shape (t, n), rate of the commanded arm positions [rad/s or m/s].
        hand: Shape (t, m), commanded hand positions [rad or m].
    """

    phases: IntArray
    arm: FloatArray
    arm_velocity: FloatArray
    hand: FloatArray


@dataclass(frozen=True, slots=True, eq=False)
class Waypoints(ComparedByValue):
    """Joint positions with their times, between which joints move linearly.

    Controllers of ros2_controllers do the same with a JointTrajectory that has positions only.

    Attributes:
        joints: Joint names as in the URDF, n of them.
        times_s: Shape (m,), seconds from the start of the phase, strictly increasing, the first
            at 0 or later, m >= 1.
        positions: Shape (m, n), joint positions at these times [rad or m].
    """

    joints: tuple[str, ...]
    times_s: FloatArray
    positions: FloatArray

    def __post_init__(self) -> None:
        """Copy the values and check them.

        Raises:
            InvalidGraspError: Wrong shapes, duplicate names, too many joints or waypoints, numbers
                that are not finite or out of bounds, or times that do not increase.
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
        if count > MOST_WAYPOINTS:
            raise InvalidGraspError(
                f"times: expected at most {MOST_WAYPOINTS} waypoints, got {count}"
            )
        if self.positions.shape != (count, width):
            raise InvalidGraspError(
                f"positions: expected shape ({count}, {width}), got {self.positions.shape}"
            )
        check_finite("times", self.times_s)
        check_positions("positions", self.positions)
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
            times_s: Shape (k,), times of the wanted positions [s].

        Returns:
            Shape (k, n), joint positions [rad or m].
        """
        columns = [np.interp(times_s, self.times_s, column) for column in self.positions.T]
        return np.stack(columns, axis=1)


@dataclass(frozen=True, slots=True, eq=False)
class HandClose(ComparedByValue):
    """How the hand closes: at a set time, to set positions, with limited force.

    Attributes:
        joints: Hand joint names, n of them.
        preshape: Shape (n,), joint positions during the approach [rad or m].
        positions: Shape (n,), joint positions commanded from closing on [rad or m].
        force: Largest force [N] or torque [N m] of each drive.
        duration_s: Time that the hand has to close [s].
    """

    joints: tuple[str, ...]
    preshape: FloatArray
    positions: FloatArray
    force: float
    duration_s: float

    def __post_init__(self) -> None:
        """Copy the values and check them.

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
            check_positions(name, value)
        check_scalar("force", self.force, 0.0, 1000.0, "N or N m")
        check_scalar("duration", self.duration_s, 0.0, LONGEST_PHASE_S, "s")


@dataclass(frozen=True, slots=True)
class GraspTrajectory:
    """One reach-and-grasp trajectory.

    Attributes:
        id: Id of the grasp, unique within a batch.
        robot: Robot name.
        object: Object name.
        object_in_base: Where the object is believed to stand, in the robot's base frame.
        approach: Arm waypoints from the start to the grasp.
        close: The closing of the hand.
        lift: Arm waypoints after closing, beginning near the end of the approach.
        hold_s: Seconds the lifted posture is held before the outcome is judged.
        provenance: Which method made the grasp, with which parameters.
    """

    id: str
    robot: str
    object: str
    object_in_base: Pose
    approach: Waypoints
    close: HandClose
    lift: Waypoints
    hold_s: float
    provenance: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Check what can be checked without the robot's model.

        Raises:
            InvalidGraspError: An empty id, a name or text that is too long or not printable, an
                object or a number of waypoints out of bounds, approach and lift of different
                joints, a lift that does not begin where the approach ends, or a hold or a sum of
                phases out of bounds.
        """
        if not self.id:
            raise InvalidGraspError("id: expected a name, got an empty string")
        for name in ("id", "robot", "object"):
            check_name(name, getattr(self, name))
        check_entries("provenance", self.provenance)
        farthest = float(np.abs(self.object_in_base.position).max())
        if farthest > LARGEST_DISTANCE_M:
            raise InvalidGraspError(
                f"object_in_base position: expected at most {LARGEST_DISTANCE_M:g} m along an "
                f"axis, got {farthest:g} m"
            )
        for name in ("approach", "lift"):
            count = len(getattr(self, name).times_s)
            if count > MOST_GRASP_WAYPOINTS:
                raise InvalidGraspError(
                    f"{name} times: expected at most {MOST_GRASP_WAYPOINTS} waypoints, got {count}"
                )
        if self.lift.joints != self.approach.joints:
            raise InvalidGraspError(
                f"lift joints: expected those of approach {list(self.approach.joints)}, "
                f"got {list(self.lift.joints)}"
            )
        jump = float(np.abs(self.lift.positions[0] - self.approach.positions[-1]).max())
        if self.lift.times_s[0] == 0.0 and jump > LARGEST_JUMP:
            raise InvalidGraspError(
                f"lift positions: expected the first waypoint within {LARGEST_JUMP:g} of the last "
                f"of approach, got a jump of {jump:.3g}"
            )
        check_scalar("hold", self.hold_s, 0.0, LONGEST_PHASE_S, "s")
        if self.duration_s > LONGEST_GRASP_S:
            raise InvalidGraspError(
                f"duration: expected at most {LONGEST_GRASP_S:g} s in all, "
                f"got {self.duration_s:g} s"
            )
        object.__setattr__(self, "provenance", dict(self.provenance))

    @property
    def duration_s(self) -> float:
        """Time of all phases together [s]."""
        return self.approach.duration_s + self.close.duration_s + self.lift.duration_s + self.hold_s

    @property
    def lift_from_grasp(self) -> Waypoints:
        """The lift from time 0; it begins at the end of the approach if it has no waypoint then."""
        if self.lift.times_s[0] == 0.0:
            return self.lift
        return Waypoints(
            self.lift.joints,
            frozen([0.0, *self.lift.times_s]),
            frozen(np.vstack([self.approach.positions[-1], self.lift.positions])),
        )

    def schedule(self, rate_hz: float) -> Schedule:
        """Sample the commands at a fixed control rate.

        Step k is the command that holds until time (k + 1) / rate.
        """
        durations = (
            self.approach.duration_s,
            self.close.duration_s,
            self.lift.duration_s,
            self.hold_s,
        )
        counts = [max(1, round(duration * rate_hz)) for duration in durations]
        phases = np.repeat(np.arange(4), counts)
        ends = self.approach.positions[-1], self.lift.positions[-1]
        arm = np.vstack(
            [
                self.approach.at((np.arange(counts[0]) + 1) / rate_hz),
                np.tile(ends[0], (counts[1], 1)),
                self.lift_from_grasp.at((np.arange(counts[2]) + 1) / rate_hz),
                np.tile(ends[1], (counts[3], 1)),
            ]
        )
        velocity = np.diff(arm, axis=0, prepend=self.approach.positions[:1]) * rate_hz
        hand = np.where(
            (phases == Phase.APPROACH)[:, None], self.close.preshape, self.close.positions
        )
        return Schedule(phases, arm, velocity, hand)
