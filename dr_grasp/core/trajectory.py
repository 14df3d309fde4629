"""A grasp as data: an open-loop reach, close, lift and hold; what is scored is what is sent."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntEnum

import numpy as np

from dr_grasp.core.arrays import FloatArray, IntArray, frozen
from dr_grasp.core.geometry import Pose
from dr_grasp.core.waypoints import LONGEST_PHASE_S, HandClose, Waypoints, check_scalar
from dr_grasp.errors import InvalidGraspError

LARGEST_JUMP = 1e-3
"""Largest difference between the end of the approach and a lift that begins at once [rad or m]: no
more than rounding makes."""

LONGEST_GRASP_S = 55.0
"""Longest time of all phases together; a larger number is a unit mistake."""


class Phase(IntEnum):
    """The phases of a rollout, in order."""

    APPROACH = 0
    CLOSE = 1
    LIFT = 2
    HOLD = 3


@dataclass(frozen=True, slots=True, eq=False)
class Schedule:
    """A grasp sampled at a control rate: what is commanded at each step.

    Attributes:
        phases: Shape (t,), the `Phase` of each step.
        arm: Shape (t, n), arm positions [rad or m].
        arm_velocity: Shape (t, n), rate of the arm positions [rad/s or m/s].
        hand: Shape (t, m), hand positions [rad or m].
    """

    phases: IntArray
    arm: FloatArray
    arm_velocity: FloatArray
    hand: FloatArray


@dataclass(frozen=True, slots=True)
class GraspTrajectory:
    """One reach-and-grasp trajectory.

    Attributes:
        id: Unique within a batch.
        robot: Robot name.
        object: Object name.
        object_in_base: Where the object is believed to stand, in the robot's base frame.
        approach: Arm waypoints from the start to the grasp.
        close: The closing of the hand.
        lift: Arm waypoints after closing, beginning near the end of the approach.
        hold_s: Seconds the lifted posture is held before the outcome is judged.
        provenance: Which method made it, with which parameters.
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
            InvalidGraspError: An empty id, approach and lift of different joints, a lift that does
                not begin where the approach ends, or a hold or a sum of phases out of bounds.
        """
        if not self.id:
            raise InvalidGraspError("id: expected a name, got an empty string")
        if not self.id.isprintable():  # it will stand in one-line messages and in tables
            raise InvalidGraspError(f"id: expected printable characters, got {self.id!r:.80}")
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
        for text in (self.robot, self.object, *self.provenance.keys(), *self.provenance.values()):
            try:
                text.encode()
            except UnicodeEncodeError:
                raise InvalidGraspError(f"text: expected Unicode, got {text!r:.80}") from None
        object.__setattr__(self, "provenance", dict(self.provenance))

    @property
    def duration_s(self) -> float:
        """Total commanded time in seconds."""
        return self.approach.duration_s + self.close.duration_s + self.lift.duration_s + self.hold_s

    @property
    def lift_from_grasp(self) -> Waypoints:
        """The lift from time 0: from the end of the approach if its first waypoint is later."""
        if self.lift.times_s[0] == 0.0:
            return self.lift
        return Waypoints(
            self.lift.joints,
            frozen([0.0, *self.lift.times_s]),
            frozen(np.vstack([self.approach.positions[-1], self.lift.positions])),
        )

    def schedule(self, rate_hz: float) -> Schedule:
        """Sample what is commanded, at a fixed control rate.

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
