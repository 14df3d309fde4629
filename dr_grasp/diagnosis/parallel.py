"""Diagnoses grasps on worker processes; results do not depend on the number of processes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

from dr_grasp.core.diagnosis import Diagnosis
from dr_grasp.core.engine import Engine
from dr_grasp.core.fitness import GraspOrRefusal, GraspScore, RefusedGrasp
from dr_grasp.core.perturbation import Perturbation
from dr_grasp.core.trajectory import GraspTrajectory
from dr_grasp.diagnosis.measurement import diagnose
from dr_grasp.errors import ModelError
from dr_grasp.robots.robot_spec import load_robot
from dr_grasp.simulation.rollout_runner import kept_runner
from dr_grasp.workers.each_grasp import for_each_grasp
from dr_grasp.workers.pool import Pool


@dataclass(frozen=True, slots=True)
class DiagnosisTask:
    """The unit of work of a worker.

    Attributes:
        index: Position of the grasp in the batch.
        grasp: The grasp, checked.
        engine: The engine in which rollouts are simulated.
    """

    index: int
    grasp: GraspTrajectory
    engine: Engine = Engine.BULLET

    def __str__(self) -> str:
        """Name the grasp in an error."""
        return f"grasp {self.grasp.id}"


def diagnose_each(
    grasps: Iterable[GraspOrRefusal],
    scores: Mapping[str, GraspScore],
    pool: Pool,
    is_cancelled: Callable[[], bool],
    engine: Engine = Engine.BULLET,
) -> Iterator[Diagnosis | RefusedGrasp | None]:
    """Diagnose any number of grasps, with few of them in memory.

    Args:
        grasps: Grasps, and refusals already made, taken one by one as they are needed.
        scores: Scores by the id of their grasp; a grasp without a score is measured all the same.
        pool: Workers that measure the grasps.
        is_cancelled: Called every 50 ms; if it returns True, the work ends at once.
        engine: The engine in which rollouts are simulated.

    Yields:
        A diagnosis or a refusal for each grasp, in the order given. None comes last if the work
        was cancelled.

    Raises:
        WorkerError: Workers died again and again without finishing anything.
    """
    for finished in for_each_grasp(
        grasps,
        lambda grasp: load_robot(grasp.robot),
        lambda index, grasp: DiagnosisTask(index, grasp, engine),
        run_task,
        pool,
        is_cancelled,
    ):
        if finished is None or isinstance(finished, RefusedGrasp):
            yield finished
        else:
            task, diagnosis = finished
            yield diagnosis.with_score(scores.get(task.grasp.id))


def run_task(task: DiagnosisTask) -> Diagnosis:
    """Measure one grasp, in a worker process; the result depends on the grasp alone.

    A grasp that holds undisturbed is also simulated undisturbed in the other engine. An engine that
    cannot load the robot or the object says nothing.
    """
    robot, obj = task.grasp.robot, task.grasp.object
    found = diagnose(kept_runner(robot, obj, engine=task.engine), task.grasp)
    if not found.holds:
        return found
    try:
        other = kept_runner(robot, obj, engine=task.engine.other)
    except ModelError:
        return found
    return replace(found, other_outcome=other.run(task.grasp, Perturbation.none()).outcome)
