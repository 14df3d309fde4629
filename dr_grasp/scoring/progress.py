"""Counts how far scoring has come."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

from dr_grasp.core.fitness import GraspScore
from dr_grasp.core.ranking import rank, ranking_value


@dataclass(frozen=True, slots=True)
class Progress:
    """How far scoring has come.

    Attributes:
        rollouts_done: Rollouts finished.
        rollouts_total: Rollouts in all, the finished ones included; estimated if not yet known.
        best_grasp_id: Id of the best grasp with a complete score; empty while there is none.
        best_value: Value by which the best grasp is ranked; NaN while there is none.
    """

    rollouts_done: int
    rollouts_total: int
    best_grasp_id: str = ""
    best_value: float = math.nan


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
            grasps: Number of grasps in the batch; `refused` reduces it by 1.
            rollouts_per_grasp: Expected number until a grasp is complete; then the mean so far.
            on_progress: Called with the progress after each block of rollouts.
            on_score: Called with each score once it is complete.
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
        """Set the number of rollouts to come, which is otherwise estimated from complete grasps."""
        self._total = self._done + more

    def counted(self, rollouts: int) -> None:
        """Add finished rollouts, and report the progress."""
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
        """Note a complete score, with the number of rollouts that it took."""
        self._complete += 1
        self._done_of_complete += rollouts
        self._each = self._done_of_complete / self._complete
        self._best = rank([*self._best, score])[:1]
        self._on_score(score)
