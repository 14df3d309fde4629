"""Finds the best of many grasps with few rollouts: those that cannot be among them drop out.

All grasps meet the same perturbations, in rounds of more and more trials. After each round, joint
draws from what is known of all grasps say how probable it is that a grasp is among the best K (see
`core.highest`). The least probable ones drop out, as many as cost no more of the true best than is
allowed.

A race between Bernoulli arms for the best K as by S. Kalyanakrishnan et al., "PAC subset selection
in stochastic multi-armed bandits", 2012; the posterior's word instead of their bounds takes far
fewer trials, and what it may cost is stated in the same terms.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

from dr_grasp.core.highest import inclusion, most_missed, shortfall
from dr_grasp.core.outcome import Outcome
from dr_grasp.core.perturbation import Criterion
from dr_grasp.core.refusal import RefusedGrasp
from dr_grasp.core.selection import Selection
from dr_grasp.core.trajectory import GraspTrajectory
from dr_grasp.scoring.blocks import Block, run_block
from dr_grasp.scoring.progress import ProgressTracker, ahead_of_race
from dr_grasp.scoring.request import ScoreRequest
from dr_grasp.scoring.score_journal import Journal
from dr_grasp.scoring.tally import BLOCK_TRIALS, Counts, Tally
from dr_grasp.workers.pool import Pool

LOSS = 0.05
"""Share of the true best that may be lost by dropping grasps too early, in expectation."""

SHORTFALL = 0.02
"""The race is over once the mean fitness of the best so far is expected to be no farther below that
of the true best: where many are equally good, it is of no use to find out which."""

Array = npt.NDArray[Any]
Entry = GraspTrajectory | RefusedGrasp


class Race:
    """The race of one batch. Positions are those of the batch, refused grasps included."""

    def __init__(
        self,
        entries: Iterable[Entry],
        request: ScoreRequest,
        journal: Journal,
        follower: ProgressTracker,
    ) -> None:
        """Prepare a race.

        Args:
            entries: Grasps that can be replayed, and refusals; gone through more than once.
            request: What is asked; `top` is K.
            journal: Knows some outcomes already, and is told the others.
            follower: Told what has been counted.
        """
        self._entries = entries
        self._request = request
        self._journal = journal
        self._follower = follower
        self._places = request.top or 1
        self._nominal: Array = np.zeros(0, dtype=np.int8)
        self._counts: Array = np.zeros((0, len(Outcome)), dtype=np.int32)
        self._alive: Array = np.zeros(0, dtype=bool)
        self._candidates: Array = np.zeros(0, dtype=bool)
        self._spent = 0.0

    def run(self, pool: Pool, is_cancelled: Callable[[], bool]) -> bool:
        """Race until the best are left; returns whether it came to that, or was cancelled."""
        goals = list(_goals(self._request.trials_of(self._request.racing_criterion)))
        grasps, places = self._follower.grasps, self._places
        ahead = grasps + ahead_of_race(grasps, places, 0, goals)
        self._follower.expect(ahead + self._rest(goals[-1], min(grasps, places)))
        if not self._run_nominal(pool, is_cancelled):
            return False
        done = 0
        for number, goal in enumerate(goals):
            racing, places = int(self._racing.sum()), self._open_places
            if places <= 0 or racing <= places:
                break
            ahead = ahead_of_race(racing, places, done, goals[number:])
            self._follower.expect(ahead + self._rest(goals[-1], places))
            blocks = self._blocks(self._racing, self._request.racing_criterion, done, goal)
            if not self._run(pool, blocks, self._count, is_cancelled):
                return False
            done = goal
            self._drop(number, (number + 1) / len(goals))
            if self._shortfall(self._leaders, number) <= SHORTFALL:
                break
        self._choose()
        self._follower.expect(self._rest(done, int(self._racing.sum())))
        return True

    def begin(self, index: int, grasp: GraspTrajectory) -> Tally:
        """The tally of a grasp after the race: it goes on where the race ended, if it was won."""
        tally = Tally(index, grasp, self._request)
        counts: dict[Criterion | None, Counts] = {None: {Outcome(int(self._nominal[index])): 1}}
        raced = {Outcome(i): int(n) for i, n in enumerate(self._counts[index]) if n}
        if raced:
            counts[self._request.racing_criterion] = raced
        tally.restore(counts)
        if not self._alive[index]:
            tally.break_off()
        return tally

    def note(self, index: int, successes: int, trials: int) -> None:
        """What a grasp came to in the end under the criterion that decides."""
        self._counts[index] = 0
        self._counts[index, Outcome.SUCCESS] = successes
        self._counts[index, Outcome.UNKNOWN] = trials - successes  # which failures, nobody asks now

    def won(self, index: int) -> bool:
        """Whether a grasp is among the chosen."""
        return bool(self._alive[index])

    def selection(self, chosen: tuple[str, ...]) -> Selection:
        """What the race gave, of chosen grasps of these ids."""
        sure = self._alive & ~self._candidates
        places = self._open_places
        expected = float(sure.sum())
        missed = below = 0.0
        if places > 0:
            of_candidates = self._alive[self._candidates]
            trials, successes = self._tried(self._candidates)
            included = inclusion(successes, trials, places, self._rng(-1))
            expected += float(included[of_candidates].sum())
            missed = most_missed(successes, trials, of_candidates)
            below = self._shortfall(self._racing, -1) * float(of_candidates.sum())
            below /= max(1, len(chosen))
        share = expected / len(chosen) if chosen else 1.0
        criterion = self._request.racing_criterion
        return Selection(criterion, chosen, min(1.0, share), below, missed)

    @property
    def _racing(self) -> Array:
        """Which grasps are still in question."""
        return self._alive & self._candidates

    @property
    def _open_places(self) -> int:
        """Places that those take who are sure of one leave."""
        return self._places - int((self._alive & ~self._candidates).sum())

    def _run_nominal(self, pool: Pool, is_cancelled: Callable[[], bool]) -> bool:
        # Grown as grasps come, so that nobody need know their number.
        nominal = bytearray()

        def note(block: Block, counts: Counts) -> None:
            (nominal[block.grasp_index],) = counts

        if not self._run(pool, self._nominal_blocks(nominal), note, is_cancelled):
            return False
        self._nominal = np.frombuffer(bytes(nominal), dtype=np.int8)
        self._counts = np.zeros((len(nominal), len(Outcome)), dtype=np.int32)
        tried = self._nominal != Outcome.UNKNOWN
        held = self._nominal == Outcome.SUCCESS
        # Who fails undisturbed ranks last, so he races only for the places that nobody else takes.
        self._candidates = held if held.sum() >= self._places else tried & ~held
        self._alive = tried if held.sum() < self._places else held.copy()
        return True

    def _nominal_blocks(self, nominal: bytearray) -> Iterator[Block]:
        request = self._request
        for index, entry in enumerate(self._entries):
            nominal.append(Outcome.UNKNOWN)
            if not isinstance(entry, RefusedGrasp):
                yield Block(
                    index, entry, request.profile, None, request.seed, 0, 1, request.shortcuts
                )

    def _blocks(self, whose: Array, criterion: Criterion, done: int, goal: int) -> Iterator[Block]:
        profile, seed = self._request.profile, self._request.seed
        shortcuts = self._request.shortcuts
        for index, entry in enumerate(self._entries):
            if whose[index] and not isinstance(entry, RefusedGrasp):
                for first in range(done, goal, BLOCK_TRIALS):
                    count = min(BLOCK_TRIALS, goal - first)
                    yield Block(index, entry, profile, criterion, seed, first, count, shortcuts)

    def _run(
        self,
        pool: Pool,
        blocks: Iterable[Block],
        note: Callable[[Block, Counts], None],
        is_cancelled: Callable[[], bool],
    ) -> bool:
        """Note the outcomes of blocks, from the journal or anew; returns whether of all."""

        def unknown() -> Iterator[Block]:
            for block in blocks:
                counts = self._journal.known(block)
                if counts is None:
                    yield block
                else:
                    note(block, counts)
                    self._follower.counted(block.count)

        for finished in pool.run(run_block, unknown(), is_cancelled):
            if finished is None:
                return False
            self._journal.add(*finished)
            note(*finished)
            self._follower.counted(finished[0].count)
        return True

    def _count(self, block: Block, counts: Counts) -> None:
        for outcome, n in counts.items():
            self._counts[block.grasp_index, outcome] += n

    def _tried(self, whose: Array) -> tuple[Array, Array]:
        counts = self._counts[whose]
        return counts.sum(axis=1), counts[:, Outcome.SUCCESS]

    def _drop(self, number: int, share: float) -> None:
        """Drop whom it costs least; of what all rounds may cost, up to a share has been spent."""
        places = self._open_places
        trials, successes = self._tried(self._candidates)
        included = inclusion(successes, trials, places, self._rng(number))
        positions = np.flatnonzero(self._candidates)
        racing = np.flatnonzero(self._alive[positions])
        order = racing[np.argsort(included[racing], kind="stable")]
        cost = np.cumsum(included[order])
        allowed = LOSS * places * share - self._spent
        dropped = min(int(np.searchsorted(cost, allowed, side="right")), len(racing) - places)
        if dropped > 0:
            self._alive[positions[order[:dropped]]] = False
            self._spent += float(cost[dropped - 1])

    def _choose(self) -> None:
        """Let the best of those take the places that have run to the end."""
        leaders = self._leaders
        self._alive[np.flatnonzero(self._racing & ~leaders)] = False

    @property
    def _leaders(self) -> Array:
        """Those still in question that would take the open places now."""
        racing = np.flatnonzero(self._racing)
        counts = self._counts[racing]
        share = counts[:, Outcome.SUCCESS] / np.maximum(counts.sum(axis=1), 1)
        order = racing[np.argsort(-share, kind="stable")]
        leaders = np.zeros_like(self._alive)
        leaders[order[: max(0, self._open_places)]] = True
        return leaders

    def _shortfall(self, chosen: Array, number: int) -> float:
        """How far the chosen are expected to be below the best of all candidates."""
        trials, successes = self._tried(self._candidates)
        return shortfall(successes, trials, chosen[self._candidates], self._rng(number + 100))

    def _rest(self, done: int, winners: int) -> int:
        """Rollouts that are left for the chosen after the race.

        Args:
            done: Trials of the criterion that decides, which those have had who had to race.
            winners: Number of those.
        """
        sure = int((self._alive & ~self._candidates).sum())
        return (sure + winners) * (self._request.rollouts_per_grasp - 1) - winners * done

    def _rng(self, number: int) -> np.random.Generator:
        # Beside the streams of the perturbations, which begin with the index of a criterion.
        key = (len(Criterion), number + 1)
        return np.random.default_rng(np.random.SeedSequence(self._request.seed, spawn_key=key))


def _goals(budget: int) -> Iterator[int]:
    """Trials of a grasp after each round: 5, 10, 20, ... and the budget."""
    goal = BLOCK_TRIALS
    for doubling in range(math.ceil(math.log2(max(1, budget / BLOCK_TRIALS))) + 1):
        goal = min(BLOCK_TRIALS * 2**doubling, budget)
        yield goal
