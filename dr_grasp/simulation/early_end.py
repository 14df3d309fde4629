"""Ends a rollout as soon as its outcome is certain: the object is lost, or steady in the hand."""

from __future__ import annotations

from collections import deque

import numpy as np

from dr_grasp.core.arrays import FloatArray
from dr_grasp.core.outcome import Judge, Observation, Outcome
from dr_grasp.core.trajectory import Phase
from dr_grasp.simulation.engine import World
from dr_grasp.simulation.rollout import LOOK_EVERY

RISEN_M = 0.02
"""A hand this far above where it closed has lifted an object that it holds off the table [m]."""

LOST_M = 0.05
"""An object this far from the robot is lost [m]. With less, a mug whose handle did not touch the
finger in it for a moment was taken for lost, which cost Baxter 4 to 12 points of fitness."""

WINDOW = 18
"""Observations over which an object's creep in the hand is measured: three eighths of a second. The
first and the last third of them are averaged, since jitter shakes the object."""

CREEP_M = 0.001
"""An object is held if it would not creep farther than this until the end [m]. Of 1,191 rollouts of
three arms (seed 0, all criteria) 3 later dropped an object called held; with twice that, 7."""


class EarlyEnd:
    """Watches a rollout, and tells its outcome as soon as that is certain."""

    def __init__(self, steps: int, world: World, judge: Judge) -> None:
        """Begin without any observation.

        Args:
            steps: Number of steps of the whole rollout.
            world: The world in which the rollout is simulated.
            judge: Decides the outcome when the object is lost or steady, as if at the end.
        """
        self._steps = steps
        self._world = world
        self._judge = judge
        self._closed_height = 0.0
        self._places: deque[FloatArray] = deque(maxlen=WINDOW)

    def observe(self, step: int, phase: Phase, seen: Observation) -> Outcome | None:
        """Take an observation on which the judge did not decide; returns an outcome if certain."""
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
