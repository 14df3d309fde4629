"""Records positions of joints over time, commanded or measured."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

import numpy as np

from dr_grasp.core.arrays import FloatArray, frozen
from dr_grasp.core.trajectory import Waypoints


class MotionLog:
    """Records motions of joints. All times are of the same clock, which may be any clock [s]."""

    def __init__(self, joints: tuple[str, ...], began_s: float = 0.0) -> None:
        """Make an empty log.

        Args:
            joints: Names of the n joints.
            began_s: Time of the clock that is time 0 of the log [s].
        """
        self._joints = joints
        self._began_s = began_s
        self._times_s: list[float] = []
        self._positions: list[FloatArray] = []

    def add(
        self, now_s: float, positions: Iterable[FloatArray], times_s: Sequence[float] = (0.0,)
    ) -> None:
        """Add a motion that begins now; it replaces the rest of an earlier motion.

        Args:
            now_s: Present time of the clock [s].
            positions: Positions of the joints, shape (m, n) [rad or m].
            times_s: Times of these positions, counted from now, shape (m,) [s].
        """
        now_s -= self._began_s
        while self._times_s and self._times_s[-1] >= now_s:
            self._times_s.pop()
            self._positions.pop()
        self._times_s += [now_s + float(time_s) for time_s in times_s]
        self._positions += positions

    def waypoints(self, until_s: float = math.inf) -> Waypoints | None:
        """The recorded positions up to a time of the clock [s]; None if nothing was recorded."""
        if not self._times_s:
            return None
        until_s -= self._began_s
        kept = max(1, int(np.searchsorted(self._times_s, until_s, side="right")))
        times, positions = self._times_s[:kept], self._positions[:kept]
        return Waypoints(self._joints, frozen(times), frozen(positions))
