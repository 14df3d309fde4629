"""Does something with each grasp of a file on worker processes, and gives the results in order."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Protocol, TypeVar

from dr_grasp.core.fitness import GraspOrRefusal, RefusedGrasp
from dr_grasp.core.trajectory import GraspTrajectory
from dr_grasp.robots.checking import check_each
from dr_grasp.robots.robot_spec import RobotSpec
from dr_grasp.workers.pool import Pool


class GraspTask(Protocol):
    """The unit of work: one grasp."""

    @property
    def index(self) -> int:
        """Position of the grasp in the batch."""


TaskT = TypeVar("TaskT", bound=GraspTask)
ResultT = TypeVar("ResultT")


def for_each_grasp(
    grasps: Iterable[GraspOrRefusal],
    robot_of: Callable[[GraspTrajectory], RobotSpec],
    task_of: Callable[[int, GraspTrajectory], TaskT],
    function: Callable[[TaskT], ResultT],
    pool: Pool,
    is_cancelled: Callable[[], bool],
    known: Callable[[TaskT], ResultT | None] = lambda task: None,
    keep: Callable[[TaskT, ResultT], None] = lambda task, result: None,
) -> Iterator[tuple[TaskT, ResultT] | RefusedGrasp | None]:
    """Call a function for each of any number of grasps, with few of them in memory.

    Args:
        grasps: Grasps, and refusals already made, taken one by one as they are needed.
        robot_of: Gives the robot of a grasp; may raise DrGraspError, which refuses the grasp.
        task_of: Makes the work of a grasp from its position in the batch and the checked grasp.
        function: The function of a module that does the work, in a worker.
        pool: The workers.
        is_cancelled: Called every 50 ms; if it returns True, the work ends at once.
        known: Gives a result that is known already; None to do the work.
        keep: Called with each new result as it comes.

    Yields:
        Work and result, or a refusal, for each grasp, in the order given. None comes last if the
        work was cancelled.

    Raises:
        WorkerError: Workers died again and again without finishing anything.
    """
    done: dict[int, tuple[TaskT, ResultT] | RefusedGrasp] = {}
    given_out = 0

    def tasks() -> Iterator[TaskT]:
        for index, grasp in enumerate(check_each(grasps, robot_of)):
            if isinstance(grasp, RefusedGrasp):
                done[index] = grasp
                continue
            task = task_of(index, grasp)
            result = known(task)
            if result is None:
                yield task
            else:
                done[index] = task, result

    for finished in pool.run(function, tasks(), is_cancelled):
        if finished is None:
            yield None
            return
        keep(*finished)
        done[finished[0].index] = finished
        while given_out in done:
            yield done.pop(given_out)
            given_out += 1
    yield from (done[index] for index in sorted(done))  # what came after the last work
