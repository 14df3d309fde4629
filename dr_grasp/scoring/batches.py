"""Runs blocks of rollouts in an engine that simulates many at once, in this process.

It stands where worker processes stand for the other engines: it takes the same blocks, and counts
the same outcomes.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from itertools import chain

from dr_grasp.common.closing import Closing
from dr_grasp.core.perturbation import Perturbation
from dr_grasp.core.trajectory import GraspTrajectory
from dr_grasp.robots.robot_spec import load_robot
from dr_grasp.scoring.blocks import Block, Counts
from dr_grasp.simulation.engine import WORLDS, BatchRunner, check_worlds, open_batches
from dr_grasp.simulation.rollout_runner import ALL, Shortcuts

POLL_S = 0.05
"""Time between two checks whether work that waits for its turn was cancelled [s]."""


class Batches(Closing):
    """Has blocks run on a GPU, whose worlds it keeps for the next blocks.

    Several threads may use it: their work takes turns, since a GPU has memory for one batch.
    """

    def __init__(self, worlds: int = WORLDS) -> None:
        """Prepare to work; the GPU is not touched before there is work.

        Args:
            worlds: Number of rollouts that are simulated at the same time.

        Raises:
            SettingsError: The number is out of bounds.
        """
        check_worlds(worlds)
        self._worlds = worlds
        self._turn = threading.Lock()
        self._shortcuts = ALL
        self._runner: BatchRunner | None = None

    def close(self) -> None:
        """Free the worlds; may be called twice, but not while a thread has work running."""
        if self._runner is not None:
            self._runner.close()
            self._runner = None

    def run(
        self, work: Iterable[Block], is_cancelled: Callable[[], bool], shortcuts: Shortcuts = ALL
    ) -> Iterator[tuple[Block, Counts] | None]:
        """Run blocks, in any order; those of one robot and object in a row are fastest.

        Args:
            work: The blocks, read as worlds become free: there may be millions.
            is_cancelled: Called every some milliseconds; if it returns True, the run ends at once.
            shortcuts: What the rollouts of these blocks leave out.

        Yields:
            Blocks with the counts of how their rollouts ended; None last if the run was cancelled.

        Raises:
            DrGraspError: The engine cannot be used here, or refuses a robot or an object.
        """
        left = iter(work)
        first = next(left, None)
        if first is None:  # nothing to wait for, and nothing to open a GPU for
            return
        of_rollout: dict[int, tuple[Block, Counts]] = {}

        def rollouts() -> Iterator[tuple[GraspTrajectory, Perturbation]]:
            number = 0
            for block in chain([first], left):
                counts = Counts(Counter())
                for perturbation in block.perturbations(_arm_joints(block)):
                    of_rollout[number] = block, counts
                    number += 1
                    yield block.grasp, perturbation

        with self._in_turn(is_cancelled) as mine:
            if not mine:
                yield None
                return
            for number, rollout in self._opened(shortcuts).run(rollouts(), is_cancelled):
                block, counts = of_rollout.pop(number)
                counts.add(rollout)
                if counts.outcomes.total() == block.count:
                    yield block, counts
                if is_cancelled():
                    yield None
                    return
            if of_rollout:  # cancelled before any of these had ended
                yield None

    def _opened(self, shortcuts: Shortcuts) -> BatchRunner:
        if self._runner is None or self._shortcuts != shortcuts:
            self.close()
            self._runner, self._shortcuts = open_batches(self._worlds, shortcuts), shortcuts
        return self._runner

    @contextmanager
    def _in_turn(self, is_cancelled: Callable[[], bool]) -> Iterator[bool]:
        """Wait until no other thread runs its work; gives False if cancelled before."""
        mine = False
        while not mine and not is_cancelled():
            mine = self._turn.acquire(timeout=POLL_S)
        try:
            yield mine
        finally:
            if mine:
                self._turn.release()


def _arm_joints(block: Block) -> int:
    return len(load_robot(block.grasp.robot).arm_joints)
