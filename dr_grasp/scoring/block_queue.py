"""Decides which blocks of rollouts come next, with only few of many grasps in memory."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Generic, Protocol, TypeVar

from dr_grasp.core.fitness import GraspScore, RefusedGrasp
from dr_grasp.scoring.blocks import Block, Counts
from dr_grasp.scoring.progress import ProgressTracker
from dr_grasp.scoring.request import ScoreOrRefusal
from dr_grasp.scoring.score_journal import ScoreJournal

WINDOW = 1000
"""Most grasps from the first that is not complete to the last that was begun: some 10 MB, enough to
keep any number of workers busy while one grasp takes long."""


EntryT = TypeVar("EntryT")

RunBlocks = Callable[[Iterable[Block], Callable[[], bool]], Iterator["tuple[Block, Counts] | None"]]
"""Runs blocks until cancelled, on workers or in a batch; see `Pool.run` and `Batches.run`."""


class BlockRunner:
    """Has blocks of rollouts run, except for blocks whose outcomes the journal has."""

    def __init__(
        self, run: RunBlocks, journal: ScoreJournal | None, is_cancelled: Callable[[], bool]
    ) -> None:
        """Prepare to run.

        Args:
            run: Runs the blocks.
            journal: Has the outcomes of some blocks and keeps those of the others; None for a run
                that need not be resumed.
            is_cancelled: Called every 50 ms; if it returns True, the work ends at once.
        """
        self._run = run
        self._journal = journal
        self._is_cancelled = is_cancelled

    def run(self, blocks: Iterable[Block], note: Callable[[Block, Counts], None]) -> Iterator[bool]:
        """Run blocks in any order.

        Args:
            blocks: Blocks to run, taken one by one as they are needed.
            note: Called with each block and the counts of how its rollouts ended.

        Yields:
            True after each block that was run; False last if the work was cancelled.
        """

        def unknown() -> Iterator[Block]:
            for block in blocks:
                counts = None if self._journal is None else self._journal.known(block)
                if counts is None:
                    yield block
                else:
                    note(block, counts)

        for finished in self._run(unknown(), self._is_cancelled):
            if finished is None:
                yield False
                return
            if self._journal is not None:
                self._journal.add(*finished)
            note(*finished)
            yield True


class ScoreMaker(Protocol):
    """Decides which blocks a grasp needs, and makes a score of their results."""

    @property
    def complete(self) -> bool:
        """Whether no more blocks are needed."""

    @property
    def final(self) -> bool:
        """Whether the score is what was asked for, with nothing to add."""

    @property
    def used(self) -> int:
        """Number of rollouts of the score."""

    def next_block(self) -> Block | None:
        """The block to run next; None if there is none for now, though there may be one later."""

    def add(self, block: Block, counts: Counts) -> int:
        """Take the result of a block; returns the number of rollouts added."""

    def score(self) -> GraspScore:
        """The score, once it is complete."""


class BlockQueue(Generic[EntryT]):
    """Scores grasps in the order in which they come, each with the blocks that its tally needs."""

    def __init__(
        self,
        entries: Iterable[EntryT | RefusedGrasp],
        begin: Callable[[int, EntryT], ScoreMaker],
        tracker: ProgressTracker,
    ) -> None:
        """Prepare to work.

        Args:
            entries: Checked grasps or what is known of them, and refusals; taken one by one as they
                are needed.
            begin: Makes the tally of a grasp, from its position in the batch and its entry.
            tracker: Counts the progress.
        """
        self._entries = enumerate(entries)
        self._begin = begin
        self._tracker = tracker
        self._tallies: dict[int, ScoreMaker] = {}
        self._done: dict[int, ScoreOrRefusal] = {}
        self._begun = 0
        self._given_out = 0
        self._exhausted = False

    def run(self, runner: BlockRunner) -> Iterator[ScoreOrRefusal | None]:
        """Score all; yield scores and refusals in the grasps' order, and None last if cancelled."""
        while not self._exhausted or self._tallies or self._done:
            # The runner ends when there is nothing to do for now. By its last outcomes more blocks
            # may be needed, and scores that are given out make room for other grasps.
            for goes_on in runner.run(self._blocks(), self._count):
                if not goes_on:
                    yield from (self._done[index] for index in sorted(self._done))
                    yield None
                    return
                yield from self._ready()
            yield from self._ready()

    def _ready(self) -> Iterator[ScoreOrRefusal]:
        while self._given_out in self._done:
            self._given_out += 1
            yield self._done.pop(self._given_out - 1)

    def _blocks(self) -> Iterator[Block]:
        while True:
            # Only few tallies have no block to give: those that wait for a block being run.
            blocks = (tally.next_block() for tally in list(self._tallies.values()))
            block = next((block for block in blocks if block is not None), None)
            if block is not None:
                yield block
            elif not self._begin_next():
                return

    def _begin_next(self) -> bool:
        """Begin the next grasp; returns False if there is no grasp left, or no room for it yet."""
        if self._begun - self._given_out >= WINDOW:
            return False
        index, entry = next(self._entries, (self._begun, None))
        if entry is None:
            self._exhausted = True
            return False
        self._begun += 1
        if isinstance(entry, RefusedGrasp):
            self._done[index] = entry
        else:
            self._tallies[index] = self._begin(index, entry)
            self._finish_if_complete(index)
        return True

    def _count(self, block: Block, counts: Counts) -> None:
        tally = self._tallies.get(block.grasp_index)
        if tally is not None:  # else the grasp was complete before this block came
            counted = tally.add(block, counts)
            self._finish_if_complete(block.grasp_index)
            if counted:
                self._tracker.counted(counted)

    def _finish_if_complete(self, index: int) -> None:
        tally = self._tallies[index]
        if tally.complete:
            del self._tallies[index]
            self._done[index] = score = tally.score()
            if tally.final:
                self._tracker.completed(score, tally.used)
