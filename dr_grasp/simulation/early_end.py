"""When the rest of a rollout can no longer change how it ends."""

from __future__ import annotations

import numpy as np

from dr_grasp.core.arrays import FloatArray
from dr_grasp.core.outcome import Judge, Observation, Outcome
from dr_grasp.core.trajectory import Phase
from dr_grasp.simulation.bullet_world import BulletWorld

LOST_M = 0.02
"""A hand so far above where it closed does not touch again what lies on the table."""

STEADY_LOOKS = 12
"""So many looks in a row, a quarter of a second, an object must have been steady in the hand."""

STEADY_M = 0.001
"""An object that moves less in the hand, in that time, is steady."""


class EarlyEnd:
    """Watches one rollout."""

    def __init__(self) -> None:
        """Begin with nothing seen."""
        self._closed_height: float | None = None
        self._held_at: FloatArray | None = None
        self._looks = 0

    def observe(
        self, phase: Phase, seen: Observation, world: BulletWorld, judge: Judge
    ) -> Outcome | None:
        """The outcome if it is certain, else None.

        Args:
            phase: The phase in which something was seen.
            seen: What the judge, who did not decide, was shown.
            world: Where.
            judge: Asked as at the end of the phase when the object is steady.
        """
        if phase is Phase.CLOSE:
            self._closed_height = seen.hand_height
        if phase not in (Phase.LIFT, Phase.HOLD) or self._closed_height is None:
            return None
        risen = seen.hand_height - self._closed_height > LOST_M
        if risen and seen.object_supported and not seen.hand_touches:
            dropped_holding = phase is Phase.HOLD
            return Outcome.DROPPED_HOLDING if dropped_holding else Outcome.DROPPED_LIFTING
        if phase is Phase.HOLD and self._is_steady(world.object_in_hand()):
            return judge.observe(phase, seen, True)
        return None

    def _is_steady(self, object_in_hand: FloatArray) -> bool:
        if (
            self._held_at is None
            or float(np.linalg.norm(object_in_hand - self._held_at)) > STEADY_M
        ):
            self._held_at, self._looks = object_in_hand, 0
        self._looks += 1
        return self._looks > STEADY_LOOKS
