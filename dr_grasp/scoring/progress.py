"""Follows scoring, for those who want to know how far it has come."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable

from dr_grasp.core.fitness import GraspScore
from dr_grasp.core.ranking import rank, ranking_value
from dr_grasp.scoring.request import Progress

LEFT = 0.5
"""Share of the grasps in question that a round of a race leaves, besides the best: 0.3 to 0.8 with
any distribution of fitnesses that we have met."""


def ahead_of_race(racing: float, places: int, done: int, goals: Iterable[int]) -> int:
    """Rollouts that a race will probably take yet.

    Args:
        racing: Grasps in question.
        places: How many of them will be chosen.
        done: Trials that each of them has had.
        goals: Trials that each of them will have had after each round to come.
    """
    ahead = 0.0
    for goal in goals:
        ahead += racing * (goal - done)
        done = goal
        racing = min(racing, places) + LEFT * max(0.0, racing - places)
    return round(ahead)


class ProgressTracker:
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
        self.grasps = grasps
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
        self.grasps -= 1

    def expect(self, more: int) -> None:
        """Somebody knows better how many rollouts are to come than what grasps take on average."""
        self._total = self._done + more

    def counted(self, rollouts: int) -> None:
        """Rollouts have been done."""
        self._done += rollouts
        total = self._total
        if total is None:
            # Those that take longer than the average take at least one more each.
            left = self.grasps - self._complete
            total = max(round(self.grasps * self._each), self._done + left)
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
