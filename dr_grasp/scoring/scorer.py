"""Scores grasps: many rollouts on worker processes, the same result whatever their number."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from dr_grasp import __version__
from dr_grasp.batches import check_batch
from dr_grasp.closing import Closing
from dr_grasp.core.fitness import Fitness, GraspScore
from dr_grasp.core.outcome import Outcome
from dr_grasp.core.perturbation import Criterion
from dr_grasp.core.ranking import rank, ranking_value
from dr_grasp.core.trajectory import GraspTrajectory
from dr_grasp.robots.spec import load_robot
from dr_grasp.scoring.pool import WorkerPool
from dr_grasp.scoring.request import Progress, ScoreBatch, ScoreRequest
from dr_grasp.scoring.worker import Block, run_block
from dr_grasp.simulation.bullet_world import engine_version

BLOCK_TRIALS = 5
"""Trials in a unit of work: about a second, enough to amortise sending it, little to lose."""


@dataclass(slots=True)
class _Tally:
    """Counts of one grasp while its blocks come in."""

    grasp: GraspTrajectory
    left: int
    nominal: Outcome = Outcome.UNKNOWN
    counts: dict[Criterion, Counter[Outcome]] = field(default_factory=dict)

    def add(self, block: Block, counts: Mapping[Outcome, int]) -> None:
        self.left -= block.count
        if block.criterion is None:
            (self.nominal,) = counts
        else:
            self.counts.setdefault(block.criterion, Counter()).update(counts)

    def score(self, request: ScoreRequest) -> GraspScore:
        failures: Counter[Outcome] = Counter()
        for counts in self.counts.values():
            failures.update({o: n for o, n in counts.items() if o is not Outcome.SUCCESS})
        return GraspScore(
            grasp_id=self.grasp.id,
            nominal_outcome=self.nominal,
            fitness={
                c: Fitness(c, self.counts[c][Outcome.SUCCESS], request.trials_of(c))
                for c in request.criteria
            },
            failures=dict(sorted(failures.items())),
            seed=request.seed,
            profile=request.profile.name,
            software_version=software_version(),
        )


class Scorer(Closing):
    """Scores batches of grasps on worker processes, which it keeps between batches.

    A worker that dies costs time only: its rollouts run again elsewhere, and since each depends on
    (grasp, profile, criterion, seed, trial) alone the result is the same.
    """

    def __init__(self, jobs: int = 1) -> None:
        """Prepare to work; processes start with the first batch.

        Args:
            jobs: Number of worker processes, at least 1.

        Raises:
            SettingsError: Fewer than one job.
        """
        self._pool = WorkerPool(jobs)

    def close(self) -> None:
        """End the worker processes after the blocks they are at; may be called twice."""
        self._pool.close()

    def score(
        self,
        grasps: Sequence[GraspTrajectory],
        request: ScoreRequest,
        on_progress: Callable[[Progress], None] | None = None,
        on_score: Callable[[GraspScore], None] | None = None,
        is_cancelled: Callable[[], bool] | None = None,
    ) -> ScoreBatch:
        """Score a batch.

        Args:
            grasps: The batch. A grasp that does not fit its robot, or whose object is unknown, is
                refused and the others are scored.
            request: What to find out.
            on_progress: Told after each block of rollouts.
            on_score: Told each score once it is complete.
            is_cancelled: Asked every 50 ms; True ends the call at once.

        Raises:
            WorkerError: Workers died again and again without finishing anything.
        """
        accepted, refused = check_batch(grasps, lambda grasp: load_robot(grasp.robot))
        tallies = {i: _Tally(grasps[i], request.rollouts_per_grasp) for i in accepted}
        total = len(accepted) * request.rollouts_per_grasp
        done = 0
        best: list[GraspScore] = []
        complete: dict[int, GraspScore] = {}
        cancelled = False
        blocks = (block for index in accepted for block in _blocks(index, grasps[index], request))
        for finished in self._pool.run(run_block, blocks, is_cancelled or (lambda: False)):
            if finished is None:
                cancelled = True
                break
            block, counts = finished
            tally = tallies[block.grasp_index]
            tally.add(block, counts)
            done += block.count
            if tally.left == 0:
                score = tally.score(request)
                complete[block.grasp_index] = score
                if on_score is not None:
                    on_score(score)
                best = rank([*best, score])[:1]
            if on_progress is not None:
                leader = (best[0].grasp_id, ranking_value(best[0])) if best else ("", math.nan)
                on_progress(Progress(done, total, *leader))
        scores = tuple(complete[index] for index in sorted(complete))
        return ScoreBatch(scores, refused, cancelled)


def _blocks(index: int, grasp: GraspTrajectory, request: ScoreRequest) -> Iterator[Block]:
    profile, seed = request.profile, request.seed
    yield Block(index, grasp, profile, None, seed, 0, 1)
    for criterion in request.criteria:
        trials = request.trials_of(criterion)
        for first in range(0, trials, BLOCK_TRIALS):
            count = min(BLOCK_TRIALS, trials - first)
            yield Block(index, grasp, profile, criterion, seed, first, count)


def software_version() -> str:
    """What made a score, for the record."""
    return f"dr_grasp {__version__}, {engine_version()}"
