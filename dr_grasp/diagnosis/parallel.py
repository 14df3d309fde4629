"""Diagnoses grasps on worker processes, the same whatever their number."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass

from dr_grasp.core.diagnosis import Diagnosis
from dr_grasp.core.fitness import GraspScore
from dr_grasp.core.refusal import RefusedGrasp
from dr_grasp.core.trajectory import GraspTrajectory
from dr_grasp.diagnosis.measurement import diagnose
from dr_grasp.objects.object_spec import ObjectSpec, load_object
from dr_grasp.robots.batches import check_each
from dr_grasp.robots.robot_spec import RobotSpec, load_robot
from dr_grasp.simulation.bullet.world import BulletWorld
from dr_grasp.simulation.rollout_runner import RolloutRunner
from dr_grasp.workers.pool import Pool


@dataclass(frozen=True, slots=True)
class DiagnosisTask:
    """One grasp to diagnose: the unit of work.

    Attributes:
        index: Its position among all.
        grasp: The grasp, checked.
    """

    index: int
    grasp: GraspTrajectory


def diagnose_each(
    grasps: Iterable[GraspTrajectory | RefusedGrasp],
    scores: Mapping[str, GraspScore],
    pool: Pool,
    is_cancelled: Callable[[], bool],
) -> Iterator[Diagnosis | RefusedGrasp | None]:
    """Diagnose any number of grasps, with few of them in memory.

    Args:
        grasps: Grasps as they are needed, and those that were refused already.
        scores: By the grasp's id; a grasp without one is measured all the same.
        pool: Workers.
        is_cancelled: Asked every 50 ms; True ends the work at once.

    Yields:
        A diagnosis or a refusal for each grasp, in their order. None comes last if the work was
        cancelled.

    Raises:
        WorkerError: Workers died again and again without finishing anything.
    """
    done: dict[int, Diagnosis | RefusedGrasp] = {}
    given_out = 0

    def work() -> Iterator[DiagnosisTask]:
        for index, entry in enumerate(check_each(grasps, lambda one: load_robot(one.robot))):
            if isinstance(entry, RefusedGrasp):
                done[index] = entry
            else:
                yield DiagnosisTask(index, entry)

    for finished in pool.run(examine, work(), is_cancelled):
        if finished is None:
            yield None
            return
        patient, diagnosis = finished
        done[patient.index] = diagnosis.with_score(scores.get(patient.grasp.id))
        while given_out in done:
            yield done.pop(given_out)
            given_out += 1
    yield from (done[index] for index in sorted(done))  # refusals after the last grasp


def examine(patient: DiagnosisTask) -> Diagnosis:
    """Measure one grasp, in a worker process; depends on the grasp alone."""
    grasp = patient.grasp
    # The objects themselves: a name may come to mean another.
    return diagnose(_replayer(load_robot(grasp.robot), load_object(grasp.object)), grasp)


_kept: dict[tuple[RobotSpec, ObjectSpec], RolloutRunner] = {}
"""Of a worker: one, since grasps of a robot and an object mostly come together."""


def _replayer(robot: RobotSpec, obj: ObjectSpec) -> RolloutRunner:
    key = (robot, obj)
    if key not in _kept:
        while _kept:
            _kept.popitem()[1].close()
        _kept[key] = RolloutRunner(BulletWorld(robot, obj))
    return _kept[key]
