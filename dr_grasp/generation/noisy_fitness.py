"""The fitness that ME-fit maximises: trials under one criterion, the cheap ones first.

A success gets a few trials, and more only while it could still be better than the elite where it
touches. So most trials go to grasps that matter, and the archive is the same as with all trials.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from dr_grasp.core.outcome import Outcome
from dr_grasp.core.perturbation import Criterion, Profile
from dr_grasp.errors import SettingsError
from dr_grasp.generation.result import Result, Trials
from dr_grasp.scoring.blocks import Block, run_block
from dr_grasp.scoring.profiles import load_profile
from dr_grasp.scoring.request import MOST_TRIALS
from dr_grasp.workers.pool import Pool

ROUND_TRIALS = 5
"""Trials between two decisions whether to go on."""


@dataclass(frozen=True, slots=True)
class FitnessSettings:
    """What is maximised.

    Attributes:
        criterion: What is doubted.
        profile: The noises.
        trials: Rollouts of a grasp.
    """

    criterion: Criterion
    profile: Profile
    trials: int = 20

    def __post_init__(self) -> None:
        """Check the number.

        Raises:
            SettingsError: No trial, or too many.
        """
        if not 1 <= self.trials <= MOST_TRIALS:
            raise SettingsError(f"trials: expected from 1 to {MOST_TRIALS}, got {self.trials}")

    @classmethod
    def from_names(cls, criterion: str, profile: str, trials: int) -> FitnessSettings:
        """Make settings from what users type.

        Raises:
            DrGraspError: An unknown name or a number out of bounds.
        """
        return cls(Criterion.from_name(criterion), load_profile(profile), trials)


def noise_seed(seed: int) -> int:
    """Seed of the perturbations that a search selects by.

    Not that of the run: who scores the result with the same seed must not meet the same noise, or
    the score would be as flattering as a test on the training data.
    """
    return int(np.random.SeedSequence([seed, 4]).generate_state(1, np.uint64)[0])


def may_still_win(trials: Trials, to_beat: float | None) -> bool:
    """Whether more trials could make a fitness better than another.

    Args:
        trials: So far.
        to_beat: The other fitness, in [0, 1]; None if there is none.
    """
    return trials.done < trials.planned and (to_beat is None or trials.bound > to_beat)


def appraise(
    pool: Pool,
    successes: Sequence[Result],
    to_beat: Callable[[Result], float | None],
    settings: FitnessSettings,
    seed: int,
    is_cancelled: Callable[[], bool],
) -> Iterator[Result | None]:
    """Give successes their trials, each as many as it needs; yields None last if cancelled.

    Args:
        pool: For the rollouts.
        successes: Of one batch.
        to_beat: Fitness of the elite where a success touches, if there is one.
        settings: What is maximised.
        seed: Of the run.
        is_cancelled: Asked again and again.
    """
    noise = noise_seed(seed)
    open_ = {place: Trials(0, 0, settings.trials) for place in range(len(successes))}
    while open_:
        # A rollout a block: a cancelled run then waits for no more than that.
        blocks = (
            Block(place, grasp, settings.profile, settings.criterion, noise, trial, 1)
            for place, trials in open_.items()
            if (grasp := successes[place].grasp) is not None
            for trial in range(trials.done, min(trials.done + ROUND_TRIALS, trials.planned))
        )
        tallies = dict(open_)
        for finished in pool.run(run_block, blocks, is_cancelled):
            if finished is None:
                yield None
                return
            block, counts = finished
            before = tallies[block.grasp_index]
            held = before.successes + counts.get(Outcome.SUCCESS, 0)
            tallies[block.grasp_index] = replace(before, successes=held, done=before.done + 1)
        open_ = {}
        for place, trials in tallies.items():
            if may_still_win(trials, to_beat(successes[place])):
                open_[place] = trials
            else:
                yield replace(successes[place], trials=trials)
