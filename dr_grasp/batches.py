"""Splits a batch into grasps that can be replayed and refusals, before anything is."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from dr_grasp.core.refusal import RefusedGrasp
from dr_grasp.core.trajectory import GraspTrajectory
from dr_grasp.errors import DrGraspError
from dr_grasp.objects.spec import load_object
from dr_grasp.robots.checking import check_grasp
from dr_grasp.robots.spec import RobotSpec


def check_batch(
    grasps: Sequence[GraspTrajectory], robot_of: Callable[[GraspTrajectory], RobotSpec]
) -> tuple[tuple[int, ...], tuple[RefusedGrasp, ...]]:
    """Check each grasp against its robot and its object.

    Args:
        grasps: The batch.
        robot_of: Which robot a grasp is for; may raise DrGraspError.

    Returns:
        Positions of the grasps that can be replayed, and the refusals of the others.
    """
    accepted, refused = [], []
    seen: set[str] = set()
    for index, grasp in enumerate(grasps):
        try:
            if grasp.id in seen:
                raise DrGraspError("id: expected unique ids, got it a second time")
            seen.add(grasp.id)
            check_grasp(grasp, robot_of(grasp))
            load_object(grasp.object)
        except DrGraspError as error:
            reason = str(error).removeprefix(f"grasp {grasp.id}: ")
            refused.append(RefusedGrasp(index, grasp.id, f"grasp {grasp.id}: {reason}"))
        else:
            accepted.append(index)
    return tuple(accepted), tuple(refused)
