"""Runs blocks of rollouts in an engine that simulates thousands at once, in this process.

It stands where worker processes stand for the other engines: it takes the same blocks, and counts
the same outcomes.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from itertools import chain, groupby

from dr_grasp.common.closing import Closing
from dr_grasp.core.perturbation import Perturbation
from dr_grasp.core.trajectory import GraspTrajectory
from dr_grasp.errors import SettingsError
from dr_grasp.objects.object_spec import ObjectSpec, load_object
from dr_grasp.robots.robot_spec import RobotSpec, load_robot
from dr_grasp.scoring.blocks import Block, Counts
from dr_grasp.simulation.engine import RolloutBatch, open_batch
from dr_grasp.simulation.rollout_runner import Shortcuts

WORLDS = 4096
"""Number of rollouts that a GPU simulates at once, if none is said."""

MOST_WORLDS = 65_536
"""Most rollouts at once: with more, a GPU only gets slower, and runs out of memory."""

POLL_S = 0.05
"""Time between two checks whether work that waits for its turn was cancelled [s]."""


class Batches(Closing):
    """Keeps the batch of worlds of the robot and object that were scored last.

    Several threads may use it: their work takes turns, since a GPU has memory for one batch.
    """

    def __init__(self, worlds: int = WORLDS) -> None:
        """Prepare to work; the GPU is not touched before there is work.

        Args:
            worlds: Number of rollouts that are simulated at the same time.

        Raises:
            SettingsError: The number is out of bounds.
        """
        if not 1 <= worlds <= MOST_WORLDS:
            raise SettingsError(f"worlds: expected from 1 to {MOST_WORLDS}, got {worlds}")
        self._worlds = worlds
        self._turn = threading.Lock()
        self._kept: tuple[RobotSpec, ObjectSpec, Shortcuts] | None = None
        self._batch: RolloutBatch | None = None

    def close(self) -> None:
        """Free the batch; may be called twice."""
        self._kept = None
        if self._batch is not None:
            self._batch.close()
            self._batch = None

    def run(
        self, work: Iterable[Block], is_cancelled: Callable[[], bool]
    ) -> Iterator[tuple[Block, Counts] | None]:
        """Run blocks, in any order; those of one robot and object in a row are fastest.

        Args:
            work: The blocks, read as places in the batch become free: there may be millions.
            is_cancelled: Called again and again; if it returns True, the run ends at once.

        Yields:
            Blocks with the counts of how their rollouts ended; None last if the run was cancelled.

        Raises:
            DrGraspError: The engine cannot be used here, or refuses a robot or an object.
        """
        with self._in_turn(is_cancelled) as mine:
            for _, blocks in groupby(work if mine else (), _model):
                yield from self._run_alike(blocks, is_cancelled)
                if is_cancelled():
                    break
        if is_cancelled():
            yield None

    def _run_alike(
        self, blocks: Iterator[Block], is_cancelled: Callable[[], bool]
    ) -> Iterator[tuple[Block, Counts]]:
        """Run blocks of the same robot, object and shortcuts."""
        running: dict[int, tuple[Block, Counts]] = {}

        def rollouts(first: Block) -> Iterator[tuple[int, GraspTrajectory, Perturbation]]:
            arm_joints = len(load_robot(first.grasp.robot).arm_joints)
            for number, block in enumerate(chain([first], blocks)):
                running[number] = block, Counts(Counter())
                for perturbation in block.perturbations(arm_joints):
                    yield number, block.grasp, perturbation

        first = next(blocks)
        for number, rollout in self._opened(first).run(rollouts(first), is_cancelled):
            block, counts = running[number]
            counts.add(rollout)
            if counts.outcomes.total() == block.count:
                del running[number]
                yield block, counts
        assert not running or is_cancelled(), "a batch ends when all rollouts have, or if cancelled"

    def _opened(self, block: Block) -> RolloutBatch:
        """The batch of a block's robot and object; by specification, as a name may be reused."""
        wanted = load_robot(block.grasp.robot), load_object(block.grasp.object), block.shortcuts
        if self._batch is None or self._kept != wanted:
            self.close()
            self._batch = open_batch(*wanted, self._worlds)
            self._kept = wanted
        return self._batch

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


def _model(block: Block) -> tuple[str, str, Shortcuts]:
    return block.grasp.robot, block.grasp.object, block.shortcuts
