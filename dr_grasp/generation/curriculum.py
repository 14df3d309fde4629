"""Automatic domain randomisation in a search: trials in ranges that grow with its success.

The ranges of `core.adr` begin at the nominal scene. Each generation of the search is a stage. In a
stage all grasps meet the same trials: each puts one doubt at one end of its range, in turn, and
draws the other doubts from theirs. So each rollout serves twice: it measures a grasp, and tells
whether that end may grow, as every second rollout does in ADR (Akkaya et al. 2019).

A fitness that was measured in narrower ranges cannot be compared with one in wider ranges. An order
by the entropy at the time of measurement, and the share of successes second, would prefer a poor
newcomer to every older grasp; ageing would throw away grasps that nobody found wanting. So grasps
are measured again, but only as many as needed: in wider ranges success is rarer, so an old share is
(but for noise) an upper bound of the present one. Grasps are measured again in the order of what is
known of them, until the best `LEADERS` all have a share in the present ranges; nobody else can then
be better. This is the lazy evaluation of greedy selection (Minoux 1978).

The leaders' new trials are what the ranges are told: they were chosen by earlier trials, so that
their luck does not count. Newcomers' trials are not told, for newcomers that fail get fewer trials.
Each stage has other draws, also if no range moved: a lucky leader does not stay one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from dr_grasp.core.adr import BOUNDARIES, Boundary, Ranges, Thresholds
from dr_grasp.core.doubt import Doubt, perturbed
from dr_grasp.core.engine import Engine
from dr_grasp.core.perturbation import Perturbation, Profile
from dr_grasp.core.trajectory import GraspTrajectory
from dr_grasp.generation.fitness_trials import Trial, noise_seed, succeeds
from dr_grasp.generation.grown_ranges import GrownRanges
from dr_grasp.generation.result import Result, Trials
from dr_grasp.generation.search_journal import SearchJournal
from dr_grasp.generation.task import FitnessSettings, Task
from dr_grasp.robots.robot_spec import load_robot
from dr_grasp.scoring.blocks import Block
from dr_grasp.workers.pool import Pool

LEADERS = 10
"""Number of the fittest distinct grasps that are measured again when the ranges have grown."""

THRESHOLDS = Thresholds(high=0.8, low=0.5, trials=5)
"""ADR's own m = 240 is for a policy that is trained for months. A search has some thousand rollouts
for 14 ends, each of which takes a dozen steps to pass the ranges of an ordinary profile."""


def undoubted(profile: Profile) -> Profile:
    """The profile without the noises that are doubts of ADR, so that they are at their means.

    What remains is drawn from the profile as always: roll and pitch, jitter, rolling and spinning
    friction, delay and lag.
    """
    roll_std, pitch_std, _ = profile.object_pose.rotation_std_rad
    return replace(
        profile,
        object_pose=replace(
            profile.object_pose, position_std_m=0.0, rotation_std_rad=(roll_std, pitch_std, 0.0)
        ),
        joints=replace(profile.joints, offset_std=0.0),
        dynamics=replace(
            profile.dynamics,
            lateral_friction_scale=None,
            mass_scale=None,
            center_of_mass_std_m=0.0,
            gripper_force_scale=None,
        ),
    )


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
        """Begin with the first step of each range.

        Args:
            task: The task of the search.
            fitness: The task's fitness, which says the number of trials, the engines, and the
                profile from which everything is drawn that is no doubt.
            thresholds: When ranges grow or shrink.
            journal: Outcomes of an earlier run, if any; new outcomes are added to it.
        """
        self._engines = fitness.engines or (task.engine,)
        self._planned = fitness.trials
        self._profile = undoubted(fitness.profile)
        self._criterion = fitness.criterion
        self._seed = noise_seed(task.seed)
        self._journal = journal
        self._ranges = Ranges(thresholds)
        # In ranges of width 0, every trial is the undisturbed rollout, which all grasps survived.
        for boundary in BOUNDARIES:
            for _ in range(thresholds.trials):
                self._ranges.tell(boundary, True)
        self._seen = [GrownRanges.of(self._ranges)]
        self._stage_of: dict[int, int] = {}
        self._outcomes: list[tuple[Boundary, bool]] = []

    @property
    def ranges(self) -> GrownRanges:
        """The ranges of the present stage."""
        return self._seen[-1]

    def measured_in(self, result: Result) -> GrownRanges:
        """The ranges in which a result got its trials."""
        return self._seen[self._stage_of[result.proposal.index]]

    def begin_stage(self) -> None:
        """Move the ranges by the leaders' outcomes in the stage that ends."""
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
