"""Positions of joints over time, as they are commanded or measured."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

import numpy as np

from dr_grasp.core.arrays import FloatArray, frozen
from dr_grasp.core.trajectory import Waypoints


class MotionLog:
    """Remembers motions of some joints. Times are those of any one clock [s]."""

    def __init__(self, joints: tuple[str, ...], began_s: float = 0.0) -> None:
        """Begin.

        Args:
            joints: Names, n of them.
            began_s: When time 0 of the log is.
        """
        self._joints = joints
        self._began_s = began_s
        self._times_s: list[float] = []
        self._positions: list[FloatArray] = []

    def add(
        self, now_s: float, positions: Iterable[FloatArray], times_s: Sequence[float] = (0.0,)
    ) -> None:
        """Note a motion that begins now; of an earlier motion that goes on, the rest is dropped.

        Args:
            now_s: The time now.
            positions: Shape (m, n) [rad or m].
            times_s: Shape (m,), when the joints are there, from now.
        """
        now_s -= self._began_s
        while self._times_s and self._times_s[-1] >= now_s:
            self._times_s.pop()
            self._positions.pop()
        self._times_s += [now_s + float(time_s) for time_s in times_s]
        self._positions += positions

    def waypoints(self, until_s: float = math.inf) -> Waypoints | None:
        """What was noted up to a time; None if nothing was."""
        if not self._times_s:
            return None
        until_s -= self._began_s
        kept = max(1, int(np.searchsorted(self._times_s, until_s, side="right")))
        times, positions = self._times_s[:kept], self._positions[:kept]
        return Waypoints(self._joints, frozen(times), frozen(positions))
