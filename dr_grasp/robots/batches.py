"""Splits a batch into grasps that can be replayed and refusals, before anything moves."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence

from dr_grasp.core.refusal import RefusedGrasp
from dr_grasp.core.trajectory import GraspTrajectory
from dr_grasp.errors import DrGraspError
from dr_grasp.objects.object_spec import load_object
from dr_grasp.robots.checking import check_grasp
from dr_grasp.robots.robot_spec import RobotSpec

RobotOf = Callable[[GraspTrajectory], RobotSpec]


def check_batch(
    grasps: Sequence[GraspTrajectory], robot_of: RobotOf
) -> tuple[tuple[int, ...], tuple[RefusedGrasp, ...]]:
    """Check each grasp against its robot and its object.

    Args:
        grasps: The batch.
        robot_of: Gives the robot of a grasp; may raise DrGraspError.

    Returns:
        Positions of the grasps that can be replayed, and the refusals of the others.
    """
    checked = list(check_each(grasps, robot_of))
    accepted = [i for i, entry in enumerate(checked) if not isinstance(entry, RefusedGrasp)]
    return tuple(accepted), tuple(entry for entry in checked if isinstance(entry, RefusedGrasp))


def check_each(
    grasps: Iterable[GraspTrajectory | RefusedGrasp], robot_of: RobotOf
) -> Iterator[GraspTrajectory | RefusedGrasp]:
    """Check grasps as they come: id, robot, object, joints and limits.

    Args:
        grasps: Any number of grasps, and refusals, which are passed on.
        robot_of: Gives the robot of a grasp; may raise DrGraspError.

    Yields:
        Each grasp, or its refusal.
    """
    ids: set[str] = set()
    for index, grasp in enumerate(grasps):
        if isinstance(grasp, RefusedGrasp):
            yield grasp
            continue
        try:
            if grasp.id in ids:
                raise DrGraspError("id: expected unique ids, got it a second time")
            ids.add(grasp.id)
            check_grasp(grasp, robot_of(grasp))
            load_object(grasp.object)
        except DrGraspError as error:
            reason = str(error).removeprefix(f"grasp {grasp.id}: ")
            yield RefusedGrasp(index, grasp.id, f"grasp {grasp.id}: {reason}")
        else:
            yield grasp
