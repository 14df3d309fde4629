"""Outcomes of grasps, and the rule by which rollouts are judged in every engine."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import Final

import numpy as np

from dr_grasp.core.arrays import FloatArray
from dr_grasp.core.texts import LONGEST_NAME
from dr_grasp.core.trajectory import Phase
from dr_grasp.errors import printable


class Outcome(IntEnum):
    """How a rollout or an attempt ended; the numbers are those of dr_grasp_interfaces/Outcome."""

    UNKNOWN = 0
    SUCCESS = 1
    MISSED = 2
    PUSHED_AWAY = 3
    SLIPPED_CLOSING = 4
    DROPPED_LIFTING = 5
    DROPPED_HOLDING = 6
    ROBOT_HIT_TABLE = 7
    SELF_COLLISION = 8
    NOT_SETTLED = 9
    DIVERGED = 10
    FAILED = 11
    REFUSED = 12
    CANCELLED = 13
    BACKEND_ERROR = 14
    START_TOO_FAR = 15
    IN_COLLISION = 16
    PLAN_FAILED = 17
    CONTROLLER_ABORTED = 18
    TOLERANCE_VIOLATED = 19
    TIMED_OUT = 20

    @property
    def label(self) -> str:
        """Name in lower case, as written in files."""
        return self.name.lower()

    @classmethod
    def from_label(cls, label: str) -> Outcome:
        """Find an outcome by its label.

        Raises:
            ValueError: There is no such outcome.
        """
        try:
            return cls[label.upper()]
        except KeyError:
            valid = ", ".join(outcome.label for outcome in cls)
            raise ValueError(f"outcome: expected one of {valid}, got {label!r}") from None

    @property
    def held(self) -> bool | None:
        """Whether the grasp held; None where an attempt that ends so says nothing about the grasp.

        An attempt says nothing if it ended for another reason than the grasp: because of the arm,
        its planner or an operator (UNKNOWN, REFUSED, CANCELLED, BACKEND_ERROR, START_TOO_FAR,
        IN_COLLISION, PLAN_FAILED, CONTROLLER_ABORTED, TOLERANCE_VIOLATED, TIMED_OUT), because the
        object moved before the hand touched it, so that the scene was not as planned (NOT_SETTLED),
        or because an engine failed (DIVERGED). A robot that hits the table or itself was sent there
        by the grasp: that counts against the grasp, as it does in a rollout.
        """
        if self is Outcome.SUCCESS:
            return True
        return False if self in LOST else None


LOST: Final = frozenset(
    {
        Outcome.MISSED,
        Outcome.PUSHED_AWAY,
        Outcome.SLIPPED_CLOSING,
        Outcome.DROPPED_LIFTING,
        Outcome.DROPPED_HOLDING,
        Outcome.ROBOT_HIT_TABLE,
        Outcome.SELF_COLLISION,
        Outcome.FAILED,
    }
)
"""Outcomes of attempts in which the grasp was executed as planned and did not hold the object."""


@dataclass(frozen=True, slots=True, order=True)
class LinkPair:
    """Two bodies that touched and must not.

    Attributes:
        first: Name of a link of the robot, as in its URDF.
        second: Name of another link of the robot, later in the alphabet; or `TABLE` or `GROUND`.
    """

    first: str
    second: str

    def __post_init__(self) -> None:
        """Make the names fit to be shown: a URDF, a file or a message may say anything."""
        for field in ("first", "second"):
            object.__setattr__(self, field, printable(getattr(self, field))[:LONGEST_NAME])

    @classmethod
    def of_robot(cls, link: str, other: str) -> LinkPair:
        """The pair of two links of the robot, in whatever order they are given."""
        return cls(min(link, other), max(link, other))

    def __str__(self) -> str:
        """Name both, as in all texts, e.g. "panda_hand with panda_link5"."""
        return f"{self.first} with {self.second}"


TABLE, GROUND = "table", "ground"
"""What a robot may hit beside itself, as a `LinkPair` names it."""


@dataclass(frozen=True, slots=True)
class Observation:
    """State of a world at one moment, as shown to the judge; positions in the robot's base frame.

    Attributes:
        object_position: Shape (3,), position of the object's centre of mass [m].
        object_speed: Linear speed of the object's centre of mass [m/s].
        hand_height: Height of the tool centre point above the base frame's origin [m].
        hand_touches: Whether the hand touches the object.
        object_supported: Whether the object touches the table or the ground.
        robot_hits_support: A moving link of the robot and what it touches, the table or the ground;
            None if none does.
        self_collision: Two links that touch each other and, by the robot's SRDF, must not; None if
            there are none. Of several pairs, both fields have the first in the alphabet.
    """

    object_position: FloatArray
    object_speed: float
    hand_height: float
    hand_touches: bool
    object_supported: bool
    robot_hits_support: LinkPair | None
    self_collision: LinkPair | None

    def links(self, outcome: Outcome) -> LinkPair | None:
        """The links by which this observation decided an outcome; None for other outcomes."""
        if outcome is Outcome.ROBOT_HIT_TABLE:
            return self.robot_hits_support
        return self.self_collision if outcome is Outcome.SELF_COLLISION else None


SETTLED_SPEED = 0.03
"""An object slower than this is at rest [m/s]."""

SETTLED_OBSERVATIONS = 5
"""Number of observations in a row in which an object must be at rest before the hand first touches
it or the approach ends; else it has not settled. Later it may be the hand that moves the object."""

PUSHED_DISTANCE = 0.02
"""An object moved farther than this by the approach, and not held later, was pushed away [m]."""

CARRIED = 0.01
"""An object that rose farther than this while the hand touched it was carried by the hand [m]."""

LARGEST_SLIP = 0.05
"""How much less than the hand a held object may rise, at most [m]."""

FARTHEST = 10.0
"""Beyond this distance from the base the simulation has diverged [m]."""

FASTEST = 30.0
"""Above this speed of the object the simulation has diverged [m/s]."""


class Judge:
    """Judges a rollout by observations of it.

    Success means: after closing, lifting and holding, the object touches the gripper and neither
    the table nor the ground, it has risen with the gripper, and the robot has hit neither the table
    nor itself. So the last step of the hold decides: a hand may close around a handle without
    touching it yet, and lift it. Earlier observations only tell one kind of failure from another.
    Call `observe` at a steady rate, and always at the last step of each phase.
    """

    def __init__(self) -> None:
        self._start: FloatArray | None = None
        self._at_rest = 0
        self._settled = False
        self._touched = False
        self._touched_closing = False
        self._pushed = False
        self._closed: Observation | None = None
        self._carried = False
        self._lifted = False

    def observe(self, phase: Phase, seen: Observation, phase_ends: bool) -> Outcome | None:
        """Take one observation; return the outcome as soon as it is decided, else None.

        Args:
            phase: The phase in which the observation was made.
            seen: The observation.
            phase_ends: Whether this is the last observation of its phase.
        """
        if not np.isfinite(seen.object_position).all() or not np.isfinite(seen.object_speed):
            return Outcome.DIVERGED
        beyond = float(np.abs(seen.object_position).max()) > FARTHEST
        if beyond or seen.object_speed > FASTEST:
            return Outcome.DIVERGED
        if seen.robot_hits_support is not None:
            return Outcome.ROBOT_HIT_TABLE
        if seen.self_collision is not None:
            return Outcome.SELF_COLLISION
        if self._start is None:
            self._start = seen.object_position
        if phase is Phase.APPROACH:
            return self._observe_approach(seen, phase_ends)
        if phase is Phase.CLOSE:
            self._touched_closing |= seen.hand_touches
            self._closed = seen
            return None
        if phase is Phase.LIFT:
            self._carried |= self._is_carried(seen)
        if not phase_ends:
            return None
        lifted = self._is_lifted(seen)
        if phase is Phase.LIFT:
            self._lifted = lifted
            return None
        return Outcome.SUCCESS if lifted else self.failure()

    def failure(self) -> Outcome:
        """Tell from the observations so far which failure it is if the hand ends without object."""
        if self._lifted:
            return Outcome.DROPPED_HOLDING
        grasped = self._closed is not None and self._closed.hand_touches
        if grasped or self._carried:
            return Outcome.DROPPED_LIFTING
        if self._pushed:
            return Outcome.PUSHED_AWAY
        return Outcome.SLIPPED_CLOSING if self._touched_closing else Outcome.MISSED

    def _observe_approach(self, seen: Observation, phase_ends: bool) -> Outcome | None:
        assert self._start is not None
        self._touched |= seen.hand_touches
        if not self._touched:
            still = seen.object_speed < SETTLED_SPEED
            self._at_rest = self._at_rest + 1 if still else 0
            self._settled |= self._at_rest >= SETTLED_OBSERVATIONS
        if (self._touched or phase_ends) and not self._settled:
            return Outcome.NOT_SETTLED
        if phase_ends:
            moved = float(np.linalg.norm(seen.object_position - self._start))
            self._pushed = moved > PUSHED_DISTANCE
        return None

    def _is_carried(self, seen: Observation) -> bool:
        closed = seen if self._closed is None else self._closed
        rise = float(seen.object_position[2] - closed.object_position[2])
        return seen.hand_touches and not seen.object_supported and rise > CARRIED

    def _is_lifted(self, seen: Observation) -> bool:
        if self._closed is None:
            return False
        hand_rise = seen.hand_height - self._closed.hand_height
        object_rise = float(seen.object_position[2] - self._closed.object_position[2])
        return (
            seen.hand_touches
            and not seen.object_supported
            and object_rise >= hand_rise - LARGEST_SLIP
        )
