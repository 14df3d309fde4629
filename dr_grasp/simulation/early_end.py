"""When the rest of a rollout can no longer change how it ends."""

from __future__ import annotations

from collections import deque

import numpy as np

from dr_grasp.core.arrays import FloatArray
from dr_grasp.core.outcome import Judge, Observation, Outcome
from dr_grasp.core.trajectory import Phase
from dr_grasp.simulation.bullet.world import BulletWorld
from dr_grasp.simulation.rollout import LOOK_EVERY

RISEN_M = 0.02
"""A hand so far above where it closed has lifted what it holds off the table."""

LOST_M = 0.05
"""An object so far from the robot is lost. With less, a finger in a mug's handle, which touches
nothing for a moment, was taken for one that had lost it: 4 to 12 points of Baxter's fitness."""

WINDOW = 18
"""Looks over which an object's creeping in the hand is measured: three eighths of a second. Their
first and last third are averaged, since jitter shakes what is held."""

CREEP_M = 0.001
"""An object is held if it would not creep further until the end. Of 1,191 rollouts of three arms
(seed 0, all criteria) 3 dropped later what had been called held; with twice that, 7."""


class EarlyEnd:
    """Watches one rollout, and says when its end is certain."""

    def __init__(self, steps: int, world: BulletWorld, judge: Judge) -> None:
        """Begin with nothing seen.

        Args:
            steps: Number of steps of the whole rollout.
            world: The world in which it is simulated.
            judge: Asked as at the very end when the object is lost or steady.
        """
        self._steps = steps
        self._world = world
        self._judge = judge
        self._closed_height = 0.0
        self._places: deque[FloatArray] = deque(maxlen=WINDOW)

    def observe(self, step: int, phase: Phase, seen: Observation) -> Outcome | None:
        """Look at what the judge was shown, which did not decide; the outcome if it is certain."""
        if phase is Phase.CLOSE:
            self._closed_height = seen.hand_height
        if phase not in (Phase.LIFT, Phase.HOLD):
            return None
        risen = seen.hand_height - self._closed_height > RISEN_M
        if risen and seen.object_supported and self._world.object_clearance(LOST_M) >= LOST_M:
            return self._judge.failure()
        if not risen or seen.object_supported or not seen.hand_touches:
            self._places.clear()
            return None
        self._places.append(self._world.object_in_hand())
        if len(self._places) == WINDOW and self._creep(step) < CREEP_M:
            outcome = self._judge.observe(Phase.HOLD, seen, True)
            return outcome if outcome is Outcome.SUCCESS else None
        return None

    def _creep(self, step: int) -> float:
        """How far the object will creep in the hand until the end, at its present pace [m]."""
        third = WINDOW // 3
        places = np.array(self._places)
        crept = np.linalg.norm(places[-third:].mean(axis=0) - places[:third].mean(axis=0))
        looks_left = (self._steps - step) / LOOK_EVERY
        return float(crept) / (WINDOW - third) * looks_left
