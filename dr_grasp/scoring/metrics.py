"""Adds metrics to scores: measures grasps, and runs their MDR in the other engine."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import replace

from dr_grasp.core.fitness import GraspOrRefusal, GraspScore, RefusedGrasp, Selection
from dr_grasp.core.metric import Metric, measurements, rollouts_of
from dr_grasp.core.outcome import Outcome
from dr_grasp.core.perturbation import Criterion
from dr_grasp.core.trajectory import GraspTrajectory
from dr_grasp.scoring.block_queue import BlockQueue, BlockRunner
from dr_grasp.scoring.blocks import Block, Counts
from dr_grasp.scoring.progress import ProgressTracker
from dr_grasp.scoring.request import ScoreOrRefusal, ScoreRequest
from dr_grasp.scoring.tally import BLOCK_TRIALS, other_engine

Scored = tuple[GraspTrajectory, GraspScore]


def with_metrics(
    entries: Iterable[GraspOrRefusal],
    results: Iterable[ScoreOrRefusal | Selection | None],
    request: ScoreRequest,
    runner: BlockRunner,
    tracker: ProgressTracker,
) -> Iterator[ScoreOrRefusal | Selection | None]:
    """Measure the metrics of grasps while they are scored.

    Args:
        entries: Checked grasps, and refusals; taken one by one, each after its result.
        results: A score or a refusal for each entry, in their order; then the selection, if any;
            None last if the work was cancelled.
        request: How to score, with at least one metric.
        runner: Runs blocks in worker processes.
        tracker: Counts the progress.

    Yields:
        The same results, with metrics in the scores.
    """
    last: list[Selection | None] = []
    given = iter(entries)

    def scored() -> Iterator[Scored | RefusedGrasp]:
        for result in results:
            if result is None or isinstance(result, Selection):
                last.append(result)
                continue
            grasp = next(given)
            if isinstance(result, RefusedGrasp):
                yield result
            elif isinstance(grasp, GraspTrajectory):
                yield grasp, result

    def begin(index: int, entry: Scored) -> MetricsTally:
        return MetricsTally(index, *entry, request)

    for result in BlockQueue(scored(), begin, tracker).run(runner):
        yield result
        if result is None:
            return
    yield from last


class MetricsTally:
    """The measurements of one grasp, and its trials in the other engine."""

    final = True

    def __init__(
        self, index: int, grasp: GraspTrajectory, score: GraspScore, request: ScoreRequest
    ) -> None:
        """Begin without any measurement.

        Args:
            index: Position of the grasp in the batch.
            grasp: The grasp, checked.
            score: Its score, without metrics.
            request: How to score the grasp.
        """
        self._index = index
        self._grasp = grasp
        self._score = score
        self._request = request
        work = list(self._work()) if self._is_measured() else []
        self._left = len(work)
        self._blocks = iter(work)
        self._found: dict[Metric, float] = {}
        self._in_other: Counter[Outcome] = Counter()
        self.used = 1 + sum(fitness.trials for fitness in score.fitness.values())

    @property
    def complete(self) -> bool:
        """Whether everything is measured."""
        return not self._left

    def next_block(self) -> Block | None:
        """The block to run next; None if all were given out."""
        return next(self._blocks, None)

    def add(self, block: Block, counts: Counts) -> int:
        """Take the result of a block; returns the number of rollouts added."""
        self._left -= 1
        self.used += block.count
        if block.metrics:
            self._found.update(counts.metrics)
        else:
            self._in_other.update(counts.outcomes)
        return block.count

    def score(self) -> GraspScore:
        """The score with its metrics."""
        score = self._score
        found = dict(self._found)
        if self._in_other:
            own, other = score.fitness[Criterion.MDR], self._in_other[Outcome.SUCCESS]
            # Of counts, so that equal gaps are equal numbers, which statistics see as ties.
            found[Metric.ENGINE_GAP] = abs(own.successes - other) / own.trials
            found[Metric.WORST_ENGINE_MDR] = min(own.successes, other) / own.trials
            models = {**score.models, **other_engine(self._request.engine)}
            score = replace(score, models=models)
        asked = {metric: found[metric] for metric in self._request.metrics if metric in found}
        return self._request.estimated(replace(score, metrics=asked), self._grasp.robot)

    def _is_measured(self) -> bool:
        """Whether the grasp did not drop out of a race."""
        fitness = self._score.fitness
        dropped = not fitness or any(found.sequential for found in fitness.values())
        return self._request.top is None or not dropped

    def _work(self) -> Iterator[Block]:
        request = self._request
        nominal = Block(self._index, self._grasp, request.profile, None, request.seed, 0, 1)
        nominal = replace(nominal, shortcuts=request.shortcuts, engine=request.engine.single)
        for metrics in measurements(request.metrics):
            yield replace(nominal, metrics=metrics, count=rollouts_of(metrics))
        if not request.doubts_engine:
            return
        # As many trials as in the engine of the score, with the same perturbations.
        trials = self._score.fitness[Criterion.MDR].trials
        other = replace(nominal, criterion=Criterion.MDR, engine=request.engine.other)
        for first in range(0, trials, BLOCK_TRIALS):
            yield replace(other, first=first, count=min(BLOCK_TRIALS, trials - first))
