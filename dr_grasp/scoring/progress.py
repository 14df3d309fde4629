"""Follows scoring, for those who want to know how far it has come."""

from __future__ import annotations

import math
from collections.abc import Callable

from dr_grasp.core.fitness import GraspScore
from dr_grasp.core.ranking import rank, ranking_value
from dr_grasp.scoring.request import Progress


class Follower:
    """Counts rollouts and completed scores, and passes on the news."""

    def __init__(
        self,
        grasps: int,
        rollouts_per_grasp: int,
        on_progress: Callable[[Progress], None] | None = None,
        on_score: Callable[[GraspScore], None] | None = None,
    ) -> None:
        """Begin at nothing.

        Args:
            grasps: Number of grasps; refusals are taken off as they are told.
            rollouts_per_grasp: Of each, for all that is known beforehand.
            on_progress: Told after each block of rollouts.
            on_score: Told each score once it is complete.
        """
        self._grasps = grasps
        self._each = float(rollouts_per_grasp)
        self._on_progress = on_progress or (lambda progress: None)
        self._on_score = on_score or (lambda score: None)
        self._done = 0
        self._complete = 0
        self._done_of_complete = 0
        self._total: int | None = None
        self._best: list[GraspScore] = []

    def refused(self) -> None:
        """A grasp was not one."""
        self._grasps -= 1

    def expect(self, more: int | None) -> None:
        """Somebody knows how many rollouts are to come; None for what grasps take on average."""
        self._total = None if more is None else self._done + more

    def counted(self, rollouts: int) -> None:
        """Rollouts have been done."""
        self._done += rollouts
        total = round(self._grasps * self._each) if self._total is None else self._total
        leader = ("", math.nan)
        if self._best:
            leader = self._best[0].grasp_id, ranking_value(self._best[0])
        self._on_progress(Progress(self._done, max(self._done, total), *leader))

    def completed(self, score: GraspScore, rollouts: int) -> None:
        """A grasp has its score, from so many rollouts."""
        self._complete += 1
        self._done_of_complete += rollouts
        self._each = self._done_of_complete / self._complete
        self._best = rank([*self._best, score])[:1]
        self._on_score(score)
