"""How far scoring has come, and how many rollouts are probably left."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable

from dr_grasp.core.fitness import GraspScore
from dr_grasp.core.ranking import rank, ranking_value
from dr_grasp.scoring.request import Progress

LEFT = 0.5
"""Share of the racing grasps beyond the places that is left after a round: 0.3 to 0.8 with any
distribution of fitnesses that we have met."""


def ahead_of_race(racing: float, places: int, done: int, goals: Iterable[int]) -> int:
    """Rollouts that a race will probably still take.

    Args:
        racing: Number of grasps in the race.
        places: How many of them will be chosen.
        done: Trials that each of them has had.
        goals: Trials that each grasp left has had after each round to come.
    """
    ahead = 0.0
    for goal in goals:
        ahead += racing * (goal - done)
        done = goal
        racing = min(racing, places) + LEFT * max(0.0, racing - places)
    return round(ahead)


class ProgressTracker:
    """Counts rollouts and complete scores, and reports the progress."""

    def __init__(
        self,
        grasps: int,
        rollouts_per_grasp: int,
        on_progress: Callable[[Progress], None] | None = None,
        on_score: Callable[[GraspScore], None] | None = None,
    ) -> None:
        """Begin before the first rollout.

        Args:
            grasps: Number of grasps; `refused` takes one off.
            rollouts_per_grasp: Expected at first; then complete grasps tell better.
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
        """Note that a grasp will not be scored."""
        self.grasps -= 1

    def expect(self, more: int) -> None:
        """Set the number of rollouts to come, in place of what grasps take on average."""
        self._total = self._done + more

    def counted(self, rollouts: int) -> None:
        """Note rollouts that are done."""
        self._done += rollouts
        total = self._total
        if total is None:
            # A grasp that takes longer than the average takes at least one rollout more.
            left = self.grasps - self._complete
            total = max(round(self.grasps * self._each), self._done + left)
        leader = ("", math.nan)
        if self._best:
            leader = self._best[0].grasp_id, ranking_value(self._best[0])
        self._on_progress(Progress(self._done, max(self._done, total), *leader))

    def completed(self, score: GraspScore, rollouts: int) -> None:
        """Note that a grasp has its score, and how many rollouts it took."""
        self._complete += 1
        self._done_of_complete += rollouts
        self._each = self._done_of_complete / self._complete
        self._best = rank([*self._best, score])[:1]
        self._on_score(score)
