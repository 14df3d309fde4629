"""Runs trials of successes under one criterion, for the fitness that ME-fit maximises.

A success gets a few trials, and more only while it can still become better than the elite of its
cell. So most trials go to grasps that matter, and the archive is the same as with all trials.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from dr_grasp.core.engine import Engine
from dr_grasp.core.outcome import Outcome
from dr_grasp.core.trajectory import GraspTrajectory
from dr_grasp.generation.result import Result, Trials
from dr_grasp.generation.task import FitnessSettings
from dr_grasp.scoring.blocks import Block, run_block
from dr_grasp.workers.pool import Pool

MakeBlock = Callable[[int, GraspTrajectory, int, Engine], Block]

ROUND_TRIALS = 5
"""Number of trials of a success before it is decided whether it gets more."""


def noise_seed(seed: int) -> int:
    """Seed of the perturbations in a search's trials, derived from the seed of the search.

    The two differ, so that a later scoring with the search's seed does not use the same noise: that
    would be like a test on the training data, and the score would be too high.
    """
    return int(np.random.SeedSequence([seed, 4]).generate_state(1, np.uint64)[0])


@dataclass(frozen=True, slots=True)
class Trial:
    """One trial of a success: the unit of work.

    Attributes:
        place: Position of the success in its batch.
        blocks: The same rollout in each engine that counts.
    """

    place: int
    blocks: tuple[Block, ...]

    def __str__(self) -> str:
        """Name the trial in an error."""
        return str(self.blocks[0])


def succeeds(trial: Trial) -> bool:
    """Whether a trial succeeds in all of its engines; the first failure ends it. For a worker."""
    return all(run_block(block).outcomes[Outcome.SUCCESS] > 0 for block in trial.blocks)


def add_trials(
    pool: Pool,
    successes: Sequence[Result],
    to_beat: Callable[[Result], float | None],
    settings: FitnessSettings,
    seed: int,
    is_cancelled: Callable[[], bool],
    engine: Engine = Engine.BULLET,
    make_block: MakeBlock | None = None,
) -> Iterator[Result | None]:
    """Run the trials of successes, for each only as many as are needed to compare it.

    Args:
        pool: Workers that run the rollouts.
        successes: Successes of one batch.
        to_beat: Returns the fitness of the elite in a success's cell; None if there is no elite.
        settings: The fitness that is maximised.
        seed: Seed of the search.
        is_cancelled: Polled; True ends the trials.
        engine: The engine in which rollouts are simulated, if the fitness names none.
        make_block: Makes the block of one trial, by the place of the success, its grasp, the
            number of the trial and the engine; None for trials under the criterion.

    Yields:
        Each success with its trials, as it is done; None last if the run was cancelled.
    """
    drawn = settings.profile, settings.criterion, noise_seed(seed)

    def under_criterion(place: int, grasp: GraspTrajectory, trial: int, engine: Engine) -> Block:
        return Block(place, grasp, *drawn, trial, 1, engine=engine)

    make_block = make_block or under_criterion
    unsettled = {place: Trials(0, 0, settings.trials) for place in range(len(successes))}
    while unsettled:
        # One rollout in each block, so that a cancelled run waits for a single trial at most.
        work = (
            Trial(
                place,
                tuple(
                    make_block(place, grasp, trial, each) for each in settings.engines or (engine,)
                ),
            )
            for place, trials in unsettled.items()
            if (grasp := successes[place].grasp) is not None
            for trial in range(trials.done, min(trials.done + ROUND_TRIALS, trials.planned))
        )
        tallies = dict(unsettled)
        for finished in pool.run(succeeds, work, is_cancelled):
            if finished is None:
                yield None
                return
            done, held = finished
            before = tallies[done.place]
            tallies[done.place] = replace(
                before, successes=before.successes + held, done=before.done + 1
            )
        unsettled = {}
        for place, trials in tallies.items():
            if trials.may_still_beat(to_beat(successes[place])):
                unsettled[place] = trials
            else:
                yield replace(successes[place], trials=trials)
