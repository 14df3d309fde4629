"""Which rollouts to do next, of any number of grasps, with few of them in memory at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from dr_grasp.core.fitness import GraspScore
from dr_grasp.core.refusal import RefusedGrasp
from dr_grasp.core.trajectory import GraspTrajectory
from dr_grasp.scoring.blocks import Block, run_block
from dr_grasp.scoring.progress import ProgressTracker
from dr_grasp.scoring.score_journal import Journal
from dr_grasp.scoring.tally import Counts, Tally
from dr_grasp.workers.pool import Pool

WINDOW = 1000
"""Grasps at most from the first that is not complete to the last that was begun: some 10 MB, and
more than any number of workers needs while one grasp takes its time."""

GraspOrRefusal = GraspTrajectory | RefusedGrasp
ScoreOrRefusal = GraspScore | RefusedGrasp


class BlockQueue:
    """Scores grasps in the order in which they come, each as far as its tally asks for."""

    def __init__(
        self,
        entries: Iterable[GraspOrRefusal],
        begin: Callable[[int, GraspTrajectory], Tally],
        journal: Journal,
        follower: ProgressTracker,
    ) -> None:
        """Prepare to work.

        Args:
            entries: Grasps that can be replayed, and refusals; drawn as they are needed.
            begin: Makes the tally of a grasp at a position.
            journal: Knows some outcomes already, and is told the others.
            follower: Told what has been counted and completed.
        """
        self._entries = enumerate(entries)
        self._begin = begin
        self._journal = journal
        self._follower = follower
        self._tallies: dict[int, Tally] = {}
        self._giving: dict[int, Tally] = {}
        self._done: dict[int, tuple[ScoreOrRefusal, Tally | None]] = {}
        self._begun = 0
        self._given_out = 0
        self._exhausted = False

    def run(self, pool: Pool, is_cancelled: Callable[[], bool]) -> Iterator[ScoreOrRefusal | None]:
        """Work; yields scores and refusals in the order of the grasps, None last if cancelled."""
        while not self._exhausted or self._tallies or self._done:
            # A pool's work ends when there is nothing to do for now. What comes back of it may tell
            # of more, and scores that go out make room for other grasps.
            for finished in pool.run(run_block, self._blocks(), is_cancelled):
                if finished is None:
                    yield from (self._done[index][0] for index in sorted(self._done))
                    yield None
                    return
                self._journal.add(*finished)
                self._count(*finished)
                yield from self._ready()
            yield from self._ready()

    def _ready(self) -> Iterator[ScoreOrRefusal]:
        while self._given_out in self._done:
            scored, tally = self._done.pop(self._given_out)
            if tally is not None:
                self._journal.finish(tally.index, tally.counts)
            self._given_out += 1
            yield scored

    def _blocks(self) -> Iterator[Block]:
        while (block := self._next_block()) is not None:
            counts = self._journal.known(block)
            if counts is None:
                yield block
            else:
                self._count(block, counts)

    def _next_block(self) -> Block | None:
        for tally in list(self._giving.values()):
            block = self._block_of(tally)
            if block is not None:
                return block
        while self._begun - self._given_out < WINDOW:
            entry = next(self._entries, None)
            if entry is None:
                self._exhausted = True
                return None
            index, grasp = entry
            self._begun += 1
            if isinstance(grasp, RefusedGrasp):
                self._done[index] = grasp, None
                continue
            tally = self._open(index, grasp)
            block = self._block_of(tally)
            if block is not None:
                return block
        return None

    def _open(self, index: int, grasp: GraspTrajectory) -> Tally:
        tally = self._begin(index, grasp)
        finished = self._journal.finished(index)
        known = 0 if finished is None else tally.restore(finished)
        self._tallies[index] = self._giving[index] = tally
        self._look(tally)
        if known:
            self._follower.counted(known)
        return tally

    def _block_of(self, tally: Tally) -> Block | None:
        block = next(tally.blocks(), None)
        if block is None and tally.given_out:
            self._giving.pop(tally.index, None)
        return block

    def _count(self, block: Block, counts: Counts) -> None:
        tally = self._tallies.get(block.grasp_index)
        if tally is not None:  # else it was complete before this came
            counted = tally.add(block, counts)
            self._look(tally)
            if counted:
                self._follower.counted(counted)

    def _look(self, tally: Tally) -> None:
        if tally.complete:
            del self._tallies[tally.index]
            self._giving.pop(tally.index, None)
            score = tally.score()
            self._done[tally.index] = score, tally
            self._follower.completed(score, tally.used)
