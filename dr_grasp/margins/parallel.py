"""Measures margins on worker processes; results do not depend on the number of processes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial

from dr_grasp.core.fitness import GraspOrRefusal, RefusedGrasp
from dr_grasp.core.margin import GraspMargins
from dr_grasp.core.trajectory import GraspTrajectory
from dr_grasp.margins.margins_journal import MarginsJournal
from dr_grasp.margins.measurement import measure
from dr_grasp.margins.request import MarginRequest
from dr_grasp.scoring.profiles import robot_scored_by
from dr_grasp.simulation.rollout_runner import kept_runner
from dr_grasp.workers.each_grasp import for_each_grasp
from dr_grasp.workers.pool import Pool


@dataclass(frozen=True, slots=True)
class MarginsTask:
    """The unit of work of a worker.

    Attributes:
        index: Position of the grasp in the batch.
        grasp: The grasp, checked.
        request: How margins are measured.
    """

    index: int
    grasp: GraspTrajectory
    request: MarginRequest

    def __str__(self) -> str:
        """Name the grasp in an error."""
        return f"grasp {self.grasp.id}"


def measure_each(
    grasps: Iterable[GraspOrRefusal],
    request: MarginRequest,
    pool: Pool,
    is_cancelled: Callable[[], bool],
    journal: MarginsJournal | None = None,
) -> Iterator[GraspMargins | RefusedGrasp | None]:
    """Measure the margins of any number of grasps, with few of them in memory.

    Args:
        grasps: Grasps, and refusals already made, taken one by one as they are needed.
        request: How margins are measured.
        pool: Workers that measure the grasps.
        is_cancelled: Called every 50 ms; if it returns True, the work ends at once.
        journal: Has the results so far, and keeps new ones; None to keep none.

    Yields:
        Margins or a refusal for each grasp, in the order given. None comes last if the work was
        cancelled.

    Raises:
        WorkerError: Workers died again and again without finishing anything.
        FileFormatError: The journal cannot be read or written, or a robot or an object has changed
            since it began.
    """

    def known(task: MarginsTask) -> GraspMargins | None:
        if journal is None:
            return None
        journal.check_models(task.grasp)
        return journal.known(task.index)

    def keep(task: MarginsTask, margins: GraspMargins) -> None:
        if journal is not None:
            journal.add(task.index, margins)

    for finished in for_each_grasp(
        grasps,
        partial(robot_scored_by, request.profile),
        lambda index, grasp: MarginsTask(index, grasp, request),
        run_task,
        pool,
        is_cancelled,
        known,
        keep,
    ):
        yield finished if finished is None or isinstance(finished, RefusedGrasp) else finished[1]


def run_task(task: MarginsTask) -> GraspMargins:
    """Measure one grasp, in a worker process; the result depends on the task alone."""
    grasp, request = task.grasp, task.request
    return measure(kept_runner(grasp.robot, grasp.object, engine=request.engine), grasp, request)
