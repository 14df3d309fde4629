"""The rule of `Judge` for many rollouts at once, as arrays; a test holds both equal."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from dr_grasp.core.arrays import BoolArray, FloatArray, IntArray
from dr_grasp.core.outcome import (
    CARRIED,
    FARTHEST,
    FASTEST,
    LARGEST_SLIP,
    PUSHED_DISTANCE,
    SETTLED_OBSERVATIONS,
    SETTLED_SPEED,
    Outcome,
)
from dr_grasp.core.trajectory import Phase

UNDECIDED = int(Outcome.UNKNOWN)
"""What stands in an array of outcomes for a rollout that goes on."""


@dataclass(frozen=True, slots=True, eq=False)
class Observations:
    """States of m worlds, each at one moment, as an `Observation` has it of one world.

    Attributes:
        object_position: Shape (m, 3), position of the object's centre of mass [m].
        object_speed: Shape (m,), linear speed of the object's centre of mass [m/s].
        hand_height: Shape (m,), height of the tool centre point [m].
        hand_touches: Shape (m,), whether the hand touches the object.
        object_supported: Shape (m,), whether the object touches the table or the ground.
        robot_hits_support: Shape (m,), whether a moving link touches the table or the ground.
        self_collision: Shape (m,), whether two links touch that must not.
    """

    object_position: FloatArray
    object_speed: FloatArray
    hand_height: FloatArray
    hand_touches: BoolArray
    object_supported: BoolArray
    robot_hits_support: BoolArray
    self_collision: BoolArray

    def of(self, chosen: BoolArray | IntArray) -> Observations:
        """The observations of some of these worlds."""
        return Observations(
            self.object_position[chosen],
            self.object_speed[chosen],
            self.hand_height[chosen],
            self.hand_touches[chosen],
            self.object_supported[chosen],
            self.robot_hits_support[chosen],
            self.self_collision[chosen],
        )


class BatchJudge:
    """Judges the rollouts in a number of worlds, numbered from 0; see `Judge` for the rule."""

    def __init__(self, worlds: int) -> None:
        self._seen = np.zeros(worlds, dtype=bool)
        self._start = np.zeros((worlds, 3))
        self._at_rest = np.zeros(worlds, dtype=np.int64)
        self._settled = np.zeros(worlds, dtype=bool)
        self._touched = np.zeros(worlds, dtype=bool)
        self._touched_closing = np.zeros(worlds, dtype=bool)
        self._pushed = np.zeros(worlds, dtype=bool)
        self._closed = np.zeros(worlds, dtype=bool)
        self._closed_object_height = np.zeros(worlds)
        self._closed_hand_height = np.zeros(worlds)
        self._closed_touching = np.zeros(worlds, dtype=bool)
        self._carried = np.zeros(worlds, dtype=bool)
        self._lifted = np.zeros(worlds, dtype=bool)

    def begin(self, worlds: IntArray) -> None:
        """Forget what was observed in some worlds: other rollouts begin there."""
        for values in vars(self).values():
            values[worlds] = 0

    def observe(
        self, worlds: IntArray, phases: IntArray, seen: Observations, phase_ends: BoolArray
    ) -> IntArray:
        """Take one observation of each of m different worlds.

        Args:
            worlds: Shape (m,), numbers of the worlds.
            phases: Shape (m,), the `Phase` in which each was observed.
            seen: The observations.
            phase_ends: Shape (m,), whether each is the last observation of its phase.

        Returns:
            Shape (m,), the outcomes that are now decided; `UNDECIDED` for all others.
        """
        outcomes = _broken(seen)
        going = outcomes == UNDECIDED
        first = going & ~self._seen[worlds]
        self._start[worlds[first]] = seen.object_position[first]
        self._seen[worlds[going]] = True
        approach = going & (phases == Phase.APPROACH)
        if approach.any():
            outcomes[approach] = self._observe_approach(
                worlds[approach], seen.of(approach), phase_ends[approach]
            )
        closing = going & (phases == Phase.CLOSE)
        if closing.any():
            self._observe_closing(worlds[closing], seen.of(closing))
        lifting = going & (phases == Phase.LIFT)
        if lifting.any():
            self._carried[worlds[lifting]] |= self._is_carried(worlds[lifting], seen.of(lifting))
        lift_ends = lifting & phase_ends
        if lift_ends.any():
            self._lifted[worlds[lift_ends]] = self._is_lifted(worlds[lift_ends], seen.of(lift_ends))
        end = going & (phases == Phase.HOLD) & phase_ends
        if end.any():
            outcomes[end] = self.at_end(worlds[end], seen.of(end))
        return outcomes

    def at_end(self, worlds: IntArray, seen: Observations) -> IntArray:
        """The outcomes of m worlds, shape (m,), if their holds ended with these observations."""
        lifted = self._is_lifted(worlds, seen)
        return np.where(lifted, int(Outcome.SUCCESS), self.failures(worlds))

    def failures(self, worlds: IntArray) -> IntArray:
        """Which failures these are, shape (m,), if m hands end without object."""
        grasped = self._closed[worlds] & self._closed_touching[worlds]
        return np.select(
            [
                self._lifted[worlds],
                grasped | self._carried[worlds],
                self._pushed[worlds],
                self._touched_closing[worlds],
            ],
            [
                int(Outcome.DROPPED_HOLDING),
                int(Outcome.DROPPED_LIFTING),
                int(Outcome.PUSHED_AWAY),
                int(Outcome.SLIPPED_CLOSING),
            ],
            int(Outcome.MISSED),
        )

    def _observe_approach(
        self, worlds: IntArray, seen: Observations, phase_ends: BoolArray
    ) -> IntArray:
        touched = self._touched[worlds] | seen.hand_touches
        self._touched[worlds] = touched
        free = worlds[~touched]
        still = seen.object_speed[~touched] < SETTLED_SPEED
        self._at_rest[free] = np.where(still, self._at_rest[free] + 1, 0)
        self._settled[free] |= self._at_rest[free] >= SETTLED_OBSERVATIONS
        unsettled = (touched | phase_ends) & ~self._settled[worlds]
        moved = np.linalg.norm(seen.object_position - self._start[worlds], axis=1)
        ends = phase_ends & ~unsettled
        self._pushed[worlds[ends]] = moved[ends] > PUSHED_DISTANCE
        return np.where(unsettled, int(Outcome.NOT_SETTLED), UNDECIDED)

    def _observe_closing(self, worlds: IntArray, seen: Observations) -> None:
        self._touched_closing[worlds] |= seen.hand_touches
        self._closed[worlds] = True
        self._closed_object_height[worlds] = seen.object_position[:, 2]
        self._closed_hand_height[worlds] = seen.hand_height
        self._closed_touching[worlds] = seen.hand_touches

    def _is_carried(self, worlds: IntArray, seen: Observations) -> BoolArray:
        rise = seen.object_position[:, 2] - self._closed_object_height[worlds]
        held = seen.hand_touches & ~seen.object_supported & (rise > CARRIED)
        return np.asarray(held & self._closed[worlds])

    def _is_lifted(self, worlds: IntArray, seen: Observations) -> BoolArray:
        hand_rise = seen.hand_height - self._closed_hand_height[worlds]
        object_rise = seen.object_position[:, 2] - self._closed_object_height[worlds]
        held = seen.hand_touches & ~seen.object_supported
        return np.asarray(held & (object_rise >= hand_rise - LARGEST_SLIP) & self._closed[worlds])


def _broken(seen: Observations) -> IntArray:
    """Outcomes of worlds in which the simulation has diverged or the robot has hit something."""
    finite = np.isfinite(seen.object_position).all(axis=1) & np.isfinite(seen.object_speed)
    with np.errstate(invalid="ignore"):  # numbers that are not finite are found above
        beyond = np.abs(seen.object_position).max(axis=1) > FARTHEST
        diverged = ~finite | beyond | (seen.object_speed > FASTEST)
    return np.select(
        [diverged, seen.robot_hits_support, seen.self_collision],
        [int(Outcome.DIVERGED), int(Outcome.ROBOT_HIT_TABLE), int(Outcome.SELF_COLLISION)],
        UNDECIDED,
    )
