"""Scores grasps: many rollouts on worker processes, the same result whatever their number."""

from __future__ import annotations

import json
import logging
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import IO

from dr_grasp.common.closing import Closing
from dr_grasp.core.fitness import GraspScore
from dr_grasp.core.refusal import RefusedGrasp
from dr_grasp.core.selection import Selection
from dr_grasp.core.trajectory import GraspTrajectory
from dr_grasp.formats.score_file import SPOOLED
from dr_grasp.objects.object_spec import load_object
from dr_grasp.robots.batches import check_each
from dr_grasp.robots.robot_spec import load_robot
from dr_grasp.scoring.block_queue import BlockQueue, GraspOrRefusal, ScoreOrRefusal
from dr_grasp.scoring.progress import ProgressTracker
from dr_grasp.scoring.racing import Race
from dr_grasp.scoring.request import Progress, ScoreBatch, ScoreRequest
from dr_grasp.scoring.score_journal import Journal
from dr_grasp.scoring.tally import Tally
from dr_grasp.workers.pool import Pool, WorkerPool

IsCancelled = Callable[[], bool]

_LOGGER = logging.getLogger(__name__)


class Scorer(Closing):
    """Scores batches of grasps on worker processes, which it keeps between batches.

    A worker that dies costs time only: its rollouts run again elsewhere, and since each depends on
    (grasp, profile, criterion, seed, trial) alone the result is the same.
    """

    def __init__(self, jobs: int = 1, pool: Pool | None = None) -> None:
        """Prepare to work; processes start with the first batch.

        Args:
            jobs: Number of worker processes, at least 1.
            pool: Workers to use instead of processes of our own; closed with the scorer.

        Raises:
            SettingsError: Fewer than one job.
        """
        self._pool = WorkerPool(jobs) if pool is None else pool

    def close(self) -> None:
        """End the worker processes after the blocks they are at; may be called twice."""
        self._pool.close()

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
            grasps: The batch. A grasp that does not fit its robot, or whose object is unknown, is
                refused and the others are scored; one that was refused already stays so.
            request: What to find out.
            on_progress: Told after each block of rollouts.
            on_score: Told each score once it is complete.
            is_cancelled: Asked every 50 ms; True ends the call at once.

        Raises:
            WorkerError: Workers died again and again without finishing anything.
        """
        entries = list(check_each(grasps, lambda grasp: load_robot(grasp.robot)))
        ranges = _Ranges(request)
        for entry in entries:
            ranges.meet(entry)
        accepted = sum(not isinstance(entry, RefusedGrasp) for entry in entries)
        follower = ProgressTracker(accepted, request.rollouts_per_grasp, on_progress, on_score)
        given = list(self._score(entries, request, Journal(), follower, is_cancelled))
        return ScoreBatch(
            tuple(one for one in given if isinstance(one, GraspScore)),
            # Also those that a cancel has left no time for.
            tuple(entry for entry in entries if isinstance(entry, RefusedGrasp)),
            cancelled=None in given,
            selection=next((one for one in given if isinstance(one, Selection)), None),
        )

    def stream(
        self,
        grasps: Iterable[GraspOrRefusal],
        request: ScoreRequest,
        count: int,
        journal: Journal | None = None,
        on_progress: Callable[[Progress], None] | None = None,
        is_cancelled: IsCancelled | None = None,
    ) -> Iterator[ScoreOrRefusal | Selection | None]:
        """Score any number of grasps, with few of them in memory.

        Args:
            grasps: Grasps as they are needed, and those that were refused already; gone through
                again and again if only the best are asked for.
            request: What to find out.
            count: Number of grasps, for the progress.
            journal: Keeps the outcomes of rollouts, so that none is run twice.
            on_progress: Told after each block of rollouts.
            is_cancelled: Asked every 50 ms; True ends the work at once.

        Yields:
            A score or a refusal for each grasp, in their order; then the selection if the request
            is for the best. None comes last if the work was cancelled.

        Raises:
            WorkerError: Workers died again and again without finishing anything.
        """
        journal = Journal() if journal is None else journal
        follower = ProgressTracker(count, request.rollouts_per_grasp, on_progress)
        # Of those whom a check has refused; there may be as many as grasps.
        with tempfile.SpooledTemporaryFile(SPOOLED, "w+", encoding="utf-8") as refusals:
            checked = _Checked(grasps, journal, _Ranges(request), follower, refusals)
            yield from self._score(checked, request, journal, follower, is_cancelled)

    def _score(
        self,
        entries: Iterable[GraspOrRefusal],
        request: ScoreRequest,
        journal: Journal,
        follower: ProgressTracker,
        is_cancelled: IsCancelled | None,
    ) -> Iterator[ScoreOrRefusal | Selection | None]:
        cancelled = is_cancelled or (lambda: False)
        race = None

        def begin(index: int, grasp: GraspTrajectory) -> Tally:
            return Tally(index, grasp, request)

        if request.top is not None:
            race = Race(entries, request, journal, follower)
            if not race.run(self._pool, cancelled):
                yield None
                return
            begin = race.begin
        chosen = []
        for index, one in enumerate(
            BlockQueue(entries, begin, journal, follower).run(self._pool, cancelled)
        ):
            yield one
            if one is None:
                return
            if race is not None and isinstance(one, GraspScore) and race.won(index):
                fitness = one.fitness[request.racing_criterion]
                race.note(index, fitness.successes, fitness.trials)
                chosen.append(one.grasp_id)
        if race is not None:
            yield race.selection(tuple(chosen))


class _Ranges:
    """Says of each object what of its nominal dynamics a request's profile leaves out."""

    def __init__(self, request: ScoreRequest) -> None:
        self._profile = request.profile
        self._matter = any(criterion.doubts_dynamics for criterion in request.criteria)
        self._seen: set[str] = set()

    def meet(self, entry: GraspOrRefusal) -> None:
        if not self._matter or isinstance(entry, RefusedGrasp) or entry.object in self._seen:
            return
        self._seen.add(entry.object)
        item = load_object(entry.object)
        for line in self._profile.leaves_out(item.rolling_friction, item.spinning_friction):
            _LOGGER.warning("%s: %s", entry.object, line)


class _Checked:
    """Entries, checked and told of when they are gone through for the first time."""

    def __init__(
        self,
        entries: Iterable[GraspOrRefusal],
        journal: Journal,
        ranges: _Ranges,
        follower: ProgressTracker,
        refusals: IO[str],
    ) -> None:
        self._entries = entries
        self._ranges = ranges
        self._journal = journal
        self._follower = follower
        self._refusals = refusals
        self._known = False

    def __iter__(self) -> Iterator[GraspOrRefusal]:
        return self._recall() if self._known else self._check()

    def _check(self) -> Iterator[GraspOrRefusal]:
        checked = check_each(self._entries, lambda grasp: load_robot(grasp.robot))
        for position, entry in enumerate(checked):
            if isinstance(entry, RefusedGrasp):
                self._follower.refused()
                record = position, entry.index, entry.grasp_id, entry.reason
                self._refusals.write(json.dumps(record) + "\n")
            else:
                self._journal.meet(entry)
                self._ranges.meet(entry)
            yield entry
        self._known = True

    def _recall(self) -> Iterator[GraspOrRefusal]:
        self._refusals.seek(0)
        refusals = map(json.loads, self._refusals)
        end = (-1, None)
        refused, *refusal = next(refusals, end)
        for position, entry in enumerate(self._entries):
            if position == refused:
                yield RefusedGrasp(*refusal)
                refused, *refusal = next(refusals, end)
            else:
                yield entry
