"""Finds the best of many grasps with few rollouts: grasps that are hardly among them drop out.

All grasps meet the same perturbations, in rounds of more and more trials. After each round, the
probability of each grasp to be among the best K is estimated from joint draws of all posteriors
(see `core.highest`). The least probable grasps drop out, as many as the allowed expected loss of
true best grasps permits.

This is a race of Bernoulli arms for the best K as in S. Kalyanakrishnan et al., "PAC subset
selection in stochastic multi-armed bandits", 2012. With the posterior in place of their bounds it
takes far fewer trials; the allowed loss is stated in the same terms.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from dr_grasp.core.fitness import GraspOrRefusal, GraspScore, RefusedGrasp, Selection
from dr_grasp.core.highest import inclusion, most_missed, shortfall
from dr_grasp.core.outcome import Outcome
from dr_grasp.core.perturbation import Criterion
from dr_grasp.core.trajectory import GraspTrajectory
from dr_grasp.scoring.block_queue import BlockQueue, BlockRunner
from dr_grasp.scoring.blocks import Block, Counts
from dr_grasp.scoring.progress import ProgressTracker
from dr_grasp.scoring.request import ScoreOrRefusal, ScoreRequest
from dr_grasp.scoring.tally import BLOCK_TRIALS, Tally

LOSS = 0.05
"""Expected share of the true best grasps that may be lost because they drop out too early."""

SHORTFALL = 0.02
"""The race ends once the mean fitness of the leaders is expected to be at most this much below the
mean of the true best: which of many equally good grasps are chosen does not matter."""

LEFT = 0.5
"""Share of the surplus grasps (racing grasps less places) that is left after a round, to predict
the rollouts of a race: between 0.3 and 0.8 with all distributions of fitness that we have seen."""

Array = npt.NDArray[Any]


class Race:
    """The race of a batch; arrays have an entry for each grasp of the batch, refused or not."""

    def __init__(
        self,
        entries: Sequence[GraspOrRefusal],
        request: ScoreRequest,
        runner: BlockRunner,
        tracker: ProgressTracker,
    ) -> None:
        """Prepare a race.

        Args:
            entries: Checked grasps, and refusals.
            request: How to score; its `top` is K.
            runner: Runs the blocks of rollouts.
            tracker: Counts the progress.
        """
        self._entries = entries
        self._request = request
        self._runner = runner
        self._tracker = tracker
        self._places = request.top or 1
        self._tallies = {
            index: Tally(index, entry, request)
            for index, entry in enumerate(entries)
            if not isinstance(entry, RefusedGrasp)
        }
        self._trials: Array = np.zeros(len(entries), dtype=np.int64)
        self._successes: Array = np.zeros(len(entries), dtype=np.int32)
        self._alive: Array = np.zeros(len(entries), dtype=bool)
        self._candidates: Array = np.zeros(len(entries), dtype=bool)
        self._spent = 0.0

    def results(self) -> Iterator[ScoreOrRefusal | Selection | None]:
        """Race, then run the remaining trials of the chosen grasps.

        Yields:
            A score or a refusal for each grasp, in the order of the batch, then the selection. None
            comes last if the work was cancelled.
        """
        if not self._run():
            yield None
            return
        criterion = self._request.racing_criterion
        queue = BlockQueue(self._entries, self._begin, self._tracker)
        for index, result in enumerate(queue.run(self._runner)):
            yield result
            if result is None:
                return
            if isinstance(result, GraspScore) and self._alive[index]:
                fitness = result.fitness[criterion]
                self._trials[index] = fitness.trials
                self._successes[index] = fitness.successes
        yield self._selection()

    def _run(self) -> bool:
        """Race until the best are left; returns False if the work was cancelled before."""
        criterion = self._request.racing_criterion
        goals = list(_goals(self._request.trials_of(criterion)))
        grasps, places = self._tracker.grasps, self._places
        ahead = grasps + _ahead_of_race(grasps, places, 0, goals)
        self._tracker.expect(ahead + self._rest(goals[-1], min(grasps, places)))
        if not self._run_nominal():
            return False
        done = 0
        for number, goal in enumerate(goals):
            racing, places = int(self._racing.sum()), self._open_places
            if places <= 0 or racing <= places:
                break
            ahead = _ahead_of_race(racing, places, done, goals[number:])
            self._tracker.expect(ahead + self._rest(goals[-1], places))
            blocks = self._blocks(np.flatnonzero(self._racing), goal, criterion)
            if not all(self._runner.run(blocks, self._count)):
                return False
            done = goal
            self._drop(number, (number + 1) / len(goals))
            if self._shortfall(self._leaders, number) <= SHORTFALL:
                break
        self._alive &= ~self._racing | self._leaders
        self._tracker.expect(self._rest(done, int(self._racing.sum())))
        return True

    def _begin(self, index: int, grasp: GraspTrajectory) -> Tally:
        """The tally of a grasp after the race, with its trials of the race."""
        tally = self._tallies[index]
        if not self._alive[index]:
            tally.break_off()
        return tally

    def _selection(self) -> Selection:
        chosen = tuple(
            entry.id
            for entry, alive in zip(self._entries, self._alive, strict=True)
            if alive and isinstance(entry, GraspTrajectory)
        )
        sure = self._alive & ~self._candidates
        places = self._open_places
        expected = float(sure.sum())
        missed = below = 0.0
        if places > 0:
            of_candidates = self._alive[self._candidates]
            trials, successes = self._tried
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
        """Which grasps are still in the race."""
        return self._alive & self._candidates

    @property
    def _open_places(self) -> int:
        """Number of places to race for, which grasps that are sure to be chosen do not take."""
        return self._places - int((self._alive & ~self._candidates).sum())

    @property
    def _tried(self) -> tuple[Array, Array]:
        """Trials and successes of the candidates."""
        return self._trials[self._candidates], self._successes[self._candidates]

    def _run_nominal(self) -> bool:
        """Run each grasp undisturbed; returns False if the work was cancelled before."""
        held = np.zeros_like(self._alive)
        tried = np.zeros_like(self._alive)
        tried[list(self._tallies)] = True

        def note(block: Block, counts: Counts) -> None:
            self._tallies[block.grasp_index].add(block, counts)
            held[block.grasp_index] = counts.outcomes[Outcome.SUCCESS] == 1
            self._tracker.counted(1)

        if not all(self._runner.run(self._blocks(self._tallies, 1, None), note)):
            return False
        # Grasps that fail undisturbed rank last: they race only for places that no other takes.
        enough = held.sum() >= self._places
        self._candidates = held if enough else tried & ~held
        self._alive = held.copy() if enough else tried
        return True

    def _blocks(
        self, positions: Iterable[int], goal: int, criterion: Criterion | None
    ) -> Iterator[Block]:
        for index in positions:
            yield from self._tallies[index].blocks_up_to(goal, criterion)

    def _count(self, block: Block, counts: Counts) -> None:
        self._tallies[block.grasp_index].add(block, counts)
        self._trials[block.grasp_index] += block.count
        self._successes[block.grasp_index] += counts.outcomes[Outcome.SUCCESS]
        self._tracker.counted(block.count)

    def _drop(self, number: int, share: float) -> None:
        """Drop the grasps least probably among the best, up to a share of the allowed loss."""
        places = self._open_places
        trials, successes = self._tried
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

    @property
    def _leaders(self) -> Array:
        """Grasps still in the race that would take the open places now.

        They have had equally many trials, so of equal ones the first of the batch are taken.
        """
        racing = np.flatnonzero(self._racing)
        share = self._successes[racing] / np.maximum(self._trials[racing], 1)
        order = racing[np.argsort(-share, kind="stable")]
        leaders = np.zeros_like(self._alive)
        leaders[order[: max(0, self._open_places)]] = True
        return leaders

    def _shortfall(self, chosen: Array, number: int) -> float:
        """How far the chosen are expected to be below the best of all candidates."""
        trials, successes = self._tried
        return shortfall(successes, trials, chosen[self._candidates], self._rng(number + 100))

    def _rest(self, done: int, winners: int) -> int:
        """Number of rollouts that the chosen grasps need after the race.

        Args:
            done: Trials that each winner has had in the race, of the criterion that decides.
            winners: Number of grasps that are chosen by the race.
        """
        sure = int((self._alive & ~self._candidates).sum())
        return (sure + winners) * (self._request.rollouts_per_grasp - 1) - winners * done

    def _rng(self, number: int) -> np.random.Generator:
        # Another stream than those of perturbations, whose key begins with a criterion's index.
        key = (len(Criterion), number + 1)
        return np.random.default_rng(np.random.SeedSequence(self._request.seed, spawn_key=key))


def _goals(budget: int) -> Iterator[int]:
    """Trials of a grasp after each round: 5, 10, 20, ... and the budget."""
    for doubling in range(math.ceil(math.log2(max(1, budget / BLOCK_TRIALS))) + 1):
        yield min(BLOCK_TRIALS * 2**doubling, budget)


def _ahead_of_race(racing: float, places: int, done: int, goals: Iterable[int]) -> int:
    """Estimate how many rollouts a race will still take.

    Args:
        racing: Number of grasps in the race.
        places: Number of these grasps that will be chosen.
        done: Number of trials that each of these grasps has had.
        goals: For each round to come, trials that a grasp still racing will then have had.
    """
    ahead = 0.0
    for goal in goals:
        ahead += racing * (goal - done)
        done = goal
        racing = min(racing, places) + LEFT * max(0.0, racing - places)
    return round(ahead)
