"""Automatic domain randomisation in a search: trials in ranges that grow with its success.

The doubts of `core.adr` are added to what the profile draws, and their ranges begin at width 0. So
the first stage of a search is me-fit under MDR. When the fittest grasps succeed nearly always, such
trials can no longer tell who is better, and a stage with wider ranges begins. In a stage all grasps
meet the same trials: each puts one doubt at one end of its range, in turn, and draws the other
doubts from theirs. So each rollout serves twice: it measures a grasp, and tells whether that end
may grow, as every second rollout does in ADR (Akkaya et al. 2019).

A fitness that was measured in narrower ranges cannot be compared with one in wider ranges. An order
by the entropy at the time of measurement, and the share of successes second, would prefer a poor
newcomer to every older grasp; ageing would throw away grasps that nobody found wanting. So grasps
are measured again, but only as many as needed: in wider ranges success is rarer, so an old share is
(but for noise) an upper bound of the present one. Grasps are measured again in the order of what is
known of them, until the best `LEADERS` all have a share in the present ranges; nobody else can then
be better. This is the lazy evaluation of greedy selection (Minoux 1978).

These new trials are what the ranges are told: the leaders were chosen by earlier trials, so that
their luck does not count. Newcomers' trials are not told, for newcomers that fail get fewer trials.
Each stage has other draws: a leader that was only lucky does not stay one.

Rollouts are what a search has to spend. In a model of grasps with known limits, ranges that began
at the undisturbed scene and grew in each generation spent half of the rollouts on old grasps and on
trials that all passed: the best 15 grasps had MDR 0.10 lower than those of me-fit where grasps were
fragile, and the same where they were robust. Stages that end only by success halved that loss, and
beginning at the profile removed it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from dr_grasp.core.adr import BOUNDARIES, Boundary, Ranges, Thresholds
from dr_grasp.core.doubt import Doubt, perturbed
from dr_grasp.core.engine import Engine
from dr_grasp.core.perturbation import Perturbation
from dr_grasp.core.trajectory import GraspTrajectory
from dr_grasp.generation.fitness_trials import Trial, noise_seed, succeeds
from dr_grasp.generation.grown_ranges import GrownRanges
from dr_grasp.generation.result import Result, Trials
from dr_grasp.generation.search_journal import SearchJournal
from dr_grasp.generation.task import FitnessSettings, Task
from dr_grasp.robots.robot_spec import load_robot
from dr_grasp.scoring.blocks import Block
from dr_grasp.workers.pool import Pool

LEADERS = 15
"""Number of the fittest distinct grasps that are measured again when the ranges have grown."""

READY = 0.9
"""Mean share of successes of the leaders at which the ranges grow."""

THRESHOLDS = Thresholds(high=0.8, low=0.5, trials=5)
"""ADR's own m = 240 is for a policy that is trained for months. A search has some thousand rollouts
for 14 ends, each of which takes a dozen steps to be as wide again as an ordinary profile."""


@dataclass(frozen=True, slots=True)
class DoubtBlock(Block):
    """Trials to whose perturbations doubts are added.

    Attributes:
        doubts: Coordinates of the doubts.
    """

    doubts: Mapping[Doubt, float] = field(default_factory=dict)

    def perturbations(self, arm_joints: int) -> Iterator[Perturbation]:
        """The perturbation of each trial, for an arm of that number of joints."""
        half_ranges = load_robot(self.grasp.robot).arm_half_ranges
        # A dataclass with slots has no `super()` without arguments before Python 3.14.
        drawn = Block.perturbations(self, arm_joints)
        for trial, base in enumerate(drawn, start=self.first):
            directions = np.random.default_rng([self.seed, trial, 1])
            yield perturbed(base, self.doubts, directions, half_ranges)


class Curriculum:
    """The growing ranges of one search, and the trials in them."""

    def __init__(
        self, task: Task, fitness: FitnessSettings, thresholds: Thresholds, journal: SearchJournal
    ) -> None:
        """Begin with ranges of width 0.

        Args:
            task: The task of the search.
            fitness: The task's fitness, which says the number of trials, the engines, and the
                profile to which doubts are added.
            thresholds: When ranges grow or shrink.
            journal: Outcomes of an earlier run, if any; new outcomes are added to it.
        """
        self._engines = fitness.engines or (task.engine,)
        self._planned = fitness.trials
        self._profile = fitness.profile
        self._criterion = fitness.criterion
        self._seed = noise_seed(task.seed)
        self._journal = journal
        self._ranges = Ranges(thresholds)
        self._seen = [GrownRanges.of(self._ranges)]
        self._stage_of: dict[int, int] = {}
        # Without any doubt all ends are at one place, which the first leaders bear: one step each.
        self._outcomes = [(each, True) for each in BOUNDARIES for _ in range(thresholds.trials)]

    @property
    def ranges(self) -> GrownRanges:
        """The ranges of the present stage."""
        return self._seen[-1]

    def measured_in(self, result: Result) -> GrownRanges:
        """The ranges in which a result got its trials."""
        return self._seen[self._stage_of[result.proposal.index]]

    @staticmethod
    def is_ready(leaders: Sequence[Result]) -> bool:
        """Whether the fittest grasps are so good that the next stage may begin."""
        shares = [result.trials.value for result in leaders if result.trials is not None]
        return len(shares) >= LEADERS and sum(shares) >= READY * len(shares)

    def begin_stage(self) -> None:
        """Move the ranges by the leaders' outcomes at their ends."""
        for boundary, success in self._outcomes:
            self._ranges.tell(boundary, success)
        self._outcomes.clear()
        self._seen.append(GrownRanges.of(self._ranges))

    def note(self, results: Sequence[Result]) -> None:
        """Take notice of results whose trials were made in the present stage."""
        for result in results:
            self._stage_of[result.proposal.index] = self._stage

    def outdated(self, results: Sequence[Result]) -> list[Result]:
        """Those of some results that were measured in an earlier stage."""
        return [each for each in results if self._stage_of[each.proposal.index] != self._stage]

    def make_block(self, place: int, grasp: GraspTrajectory, trial: int, engine: Engine) -> Block:
        """The block of one trial of the present stage."""
        number = self._stage * self._planned + trial
        shares = np.random.default_rng([self._seed, number, 0])
        doubts = self._ranges.draw(shares, self._boundary(trial))
        drawn = self._profile, self._criterion, self._seed
        return DoubtBlock(place, grasp, *drawn, number, 1, engine=engine, doubts=doubts)

    def measure(
        self, results: Sequence[Result], pool: Pool, is_cancelled: Callable[[], bool]
    ) -> Iterator[Result | None]:
        """Run all trials of the present stage for each of some successes.

        Args:
            results: Successes, with trials of earlier stages.
            pool: Workers that run the rollouts.
            is_cancelled: Polled; True ends the trials.

        Yields:
            The successes with their new trials, in order; None last if the run was cancelled, and
            then none of them.
        """
        known: dict[int, dict[int, bool]] = {}
        for place, result in enumerate(results):
            stored = self._journal.outcomes_of(result.proposal.index, self._stage)
            known[place] = dict(enumerate(stored or ()))
        work = (
            Trial(
                place,
                tuple(self.make_block(place, grasp, trial, each) for each in self._engines),
            )
            for place, outcomes in known.items()
            if not outcomes and (grasp := results[place].grasp) is not None
            for trial in range(self._planned)
        )
        for finished in pool.run(succeeds, work, is_cancelled):
            if finished is None:
                yield None
                return
            done, held = finished
            outcomes = known[done.place]
            outcomes[done.blocks[0].first - self._stage * self._planned] = held
            if len(outcomes) == self._planned:
                index = results[done.place].proposal.index
                self._journal.add_outcomes(index, self._stage, _in_order(outcomes))
        for place, result in enumerate(results):
            ordered = _in_order(known[place])
            for trial, held in enumerate(ordered):
                self._outcomes.append((self._boundary(trial), held))
            trials = Trials(sum(ordered), len(ordered), self._planned)
            renewed = replace(result, trials=trials)
            self.note([renewed])
            yield renewed

    @property
    def _stage(self) -> int:
        return len(self._seen) - 1

    def _boundary(self, trial: int) -> Boundary:
        """The end at which a trial of the present stage is made: all ends have their turn."""
        return BOUNDARIES[(self._stage * self._planned + trial) % len(BOUNDARIES)]


def _in_order(outcomes: Mapping[int, bool]) -> list[bool]:
    return [outcomes[trial] for trial in sorted(outcomes)]
