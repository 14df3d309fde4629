"""Trials of successes under one criterion: the fitness that ME-fit maximises.

A success gets a few trials, and more only while it could still be better than the elite where it
touches. So most trials go to grasps that matter, and the archive is the same as with all trials.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

import numpy as np

from dr_grasp.core.outcome import Outcome
from dr_grasp.generation.result import Result, Trials
from dr_grasp.generation.task import FitnessSettings
from dr_grasp.scoring.blocks import Block, run_block
from dr_grasp.workers.pool import Pool

ROUND_TRIALS = 5
"""Trials between two decisions whether to go on."""


def noise_seed(seed: int) -> int:
    """Seed of the perturbations that a search selects by.

    Not that of the run: a later scoring with the same seed must not meet the same noise, or the
    score would be as flattering as a test on the training data.
    """
    return int(np.random.SeedSequence([seed, 4]).generate_state(1, np.uint64)[0])


def add_trials(
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
    unsettled = {place: Trials(0, 0, settings.trials) for place in range(len(successes))}
    while unsettled:
        # A rollout a block: a cancelled run then waits for no more than that.
        blocks = (
            Block(place, grasp, settings.profile, settings.criterion, noise, trial, 1)
            for place, trials in unsettled.items()
            if (grasp := successes[place].grasp) is not None
            for trial in range(trials.done, min(trials.done + ROUND_TRIALS, trials.planned))
        )
        tallies = dict(unsettled)
        for finished in pool.run(run_block, blocks, is_cancelled):
            if finished is None:
                yield None
                return
            block, counts = finished
            before = tallies[block.grasp_index]
            held = before.successes + counts.get(Outcome.SUCCESS, 0)
            tallies[block.grasp_index] = replace(before, successes=held, done=before.done + 1)
        unsettled = {}
        for place, trials in tallies.items():
            if trials.may_still_beat(to_beat(successes[place])):
                unsettled[place] = trials
            else:
                yield replace(successes[place], trials=trials)
