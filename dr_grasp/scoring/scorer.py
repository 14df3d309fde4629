"""Scores grasps with many rollouts on workers; scores do not depend on the number of workers."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from itertools import tee

from dr_grasp.common.closing import Closing
from dr_grasp.core.engine import Engine
from dr_grasp.core.fitness import GraspOrRefusal, GraspScore, RefusedGrasp, Selection
from dr_grasp.core.trajectory import GraspTrajectory
from dr_grasp.objects.object_spec import load_object
from dr_grasp.robots.checking import check_each
from dr_grasp.scoring.batches import Batches
from dr_grasp.scoring.block_queue import BlockQueue, BlockRunner, RunBlocks
from dr_grasp.scoring.blocks import run_block
from dr_grasp.scoring.metrics import with_metrics
from dr_grasp.scoring.profiles import robot_scored_by
from dr_grasp.scoring.progress import Progress, ProgressTracker
from dr_grasp.scoring.racing import Race
from dr_grasp.scoring.request import (
    ScoreBatch,
    ScoreOrRefusal,
    ScoreRequest,
)
from dr_grasp.scoring.score_journal import ScoreJournal
from dr_grasp.scoring.tally import Tally
from dr_grasp.simulation.engine import check_available
from dr_grasp.workers.pool import Pool, WorkerPool

IsCancelled = Callable[[], bool]

_LOGGER = logging.getLogger(__name__)


class Scorer(Closing):
    """Scores batches of grasps on worker processes, which it keeps between batches.

    Requests for MuJoCo Warp are simulated in this process, which keeps its worlds on the GPU; their
    metrics are measured on worker processes, in MuJoCo, and in PyBullet as the other engine.

    If a worker dies, its rollouts run again on another. A rollout depends on (grasp, profile,
    criterion, seed, trial) alone, so the result is the same; but for rounding on a GPU.
    """

    def __init__(
        self, jobs: int = 1, pool: Pool | None = None, batches: Batches | None = None
    ) -> None:
        """Prepare to work; processes start with the first batch.

        Args:
            jobs: Number of worker processes, at least 1.
            pool: Workers to use instead of new processes; closed with the scorer.
            batches: Worlds on a GPU to use instead of its own; they stay open.

        Raises:
            SettingsError: `jobs` is less than 1.
        """
        self._pool = WorkerPool(jobs) if pool is None else pool
        self._batches = Batches() if batches is None else batches
        self._owns_batches = batches is None

    def close(self) -> None:
        """End the worker processes after their current blocks; may be called twice."""
        self._pool.close()
        if self._owns_batches:
            self._batches.close()

    def score(
        self,
        grasps: Sequence[GraspOrRefusal],
        request: ScoreRequest,
        on_progress: Callable[[Progress], None] | None = None,
        on_score: Callable[[GraspScore], None] | None = None,
        is_cancelled: IsCancelled | None = None,
    ) -> ScoreBatch:
        """Score a batch.

        Args:
            grasps: The batch, with refusals already made. A grasp that does not fit its robot, or
                whose object is unknown, is refused too, and the other grasps are scored.
            request: How to score.
            on_progress: Called with the progress after each block of rollouts.
            on_score: Called with each score once it is complete.
            is_cancelled: Called every 50 ms; if it returns True, scoring ends at once.

        Raises:
            SettingsError: The engine cannot be used on this machine.
            WorkerError: Workers died again and again without finishing anything.
        """
        tracker = ProgressTracker(len(grasps), request.rollouts_per_grasp, on_progress, on_score)
        entries = list(_checked(grasps, request, None, tracker))
        results = list(self._results(entries, request, None, tracker, is_cancelled))
        return ScoreBatch(
            tuple(result for result in results if isinstance(result, GraspScore)),
            # Including refusals that a cancelled run did not reach.
            tuple(entry for entry in entries if isinstance(entry, RefusedGrasp)),
            cancelled=None in results,
            selection=next((result for result in results if isinstance(result, Selection)), None),
        )

    def stream(
        self,
        grasps: Iterable[GraspOrRefusal],
        request: ScoreRequest,
        count: int,
        journal: ScoreJournal | None = None,
        on_progress: Callable[[Progress], None] | None = None,
        is_cancelled: IsCancelled | None = None,
    ) -> Iterator[ScoreOrRefusal | Selection | None]:
        """Score any number of grasps, with few of them in memory.

        Args:
            grasps: Grasps, and refusals already made, taken one by one as they are needed. All are
                kept in memory if the request is for the best.
            request: How to score.
            count: Number of grasps, for the progress.
            journal: Keeps the outcomes of rollouts, so that a resumed run does not repeat them.
            on_progress: Called with the progress after each block of rollouts.
            is_cancelled: Called every 50 ms; if it returns True, scoring ends at once.

        Yields:
            A score or a refusal for each grasp, in the order given; then the selection if the
            request is for the best. None comes last if the work was cancelled.

        Raises:
            SettingsError: The engine cannot be used on this machine.
            WorkerError: Workers died again and again without finishing anything.
        """
        tracker = ProgressTracker(count, request.rollouts_per_grasp, on_progress)
        entries = _checked(grasps, request, journal, tracker)
        yield from self._results(entries, request, journal, tracker, is_cancelled)

    def _results(
        self,
        entries: Iterable[GraspOrRefusal],
        request: ScoreRequest,
        journal: ScoreJournal | None,
        tracker: ProgressTracker,
        is_cancelled: IsCancelled | None,
    ) -> Iterator[ScoreOrRefusal | Selection | None]:
        check_available(request.engine)
        run: RunBlocks = partial(self._pool.run, run_block)
        if request.engine is Engine.MUJOCO_WARP:
            run = partial(self._batches.run, shortcuts=request.shortcuts)
        cancelled = is_cancelled or (lambda: False)
        runner = BlockRunner(run, journal, cancelled)
        if not request.metrics:
            return _fitnesses(entries, request, runner, tracker)
        entries, again = tee(entries)
        scores = _fitnesses(entries, request, runner, tracker)
        measuring = BlockRunner(partial(self._pool.run, run_block), journal, cancelled)
        return with_metrics(again, scores, request, measuring, tracker)


def _fitnesses(
    entries: Iterable[GraspOrRefusal],
    request: ScoreRequest,
    runner: BlockRunner,
    tracker: ProgressTracker,
) -> Iterator[ScoreOrRefusal | Selection | None]:
    if request.top is not None:
        return Race(list(entries), request, runner, tracker).results()

    def begin(index: int, grasp: GraspTrajectory) -> Tally:
        return Tally(index, grasp, request)

    return BlockQueue(entries, begin, tracker).run(runner)


def _checked(
    grasps: Iterable[GraspOrRefusal],
    request: ScoreRequest,
    journal: ScoreJournal | None,
    tracker: ProgressTracker,
) -> Iterator[GraspOrRefusal]:
    """Check grasps, and refuse those that cannot be simulated.

    Warns once for each object whose nominal dynamics the profile never draws.
    """
    doubts_dynamics = any(criterion.doubts_dynamics for criterion in request.criteria)
    objects: set[str] = set()

    for entry in check_each(grasps, partial(robot_scored_by, request.profile)):
        if isinstance(entry, RefusedGrasp):
            tracker.refused()
        else:
            if journal is not None:
                journal.check_models(entry)
            if doubts_dynamics and entry.object not in objects:
                objects.add(entry.object)
                item = load_object(entry.object)
                friction = item.rolling_friction, item.spinning_friction
                for line in request.profile.leaves_out(*friction):
                    _LOGGER.warning("%s: %s", entry.object, line)
        yield entry
