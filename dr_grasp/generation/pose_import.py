"""Grasp poses from elsewhere, made into trajectories of a robot of ours."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from dr_grasp.core.arrays import frozen
from dr_grasp.core.fitness import RefusedGrasp
from dr_grasp.core.geometry import Pose
from dr_grasp.core.trajectory import GraspTrajectory
from dr_grasp.errors import DrGraspError
from dr_grasp.generation.antipodal import LEAST_PLAY_M
from dr_grasp.generation.evaluation import Evaluator
from dr_grasp.generation.importers import GraspPoses
from dr_grasp.generation.motion import Unreachable
from dr_grasp.generation.proposal import Proposal
from dr_grasp.robots.robot_spec import Synergy
from dr_grasp.simulation.bullet.world import BulletWorld

METHOD = "import"


@dataclass(frozen=True, slots=True)
class Imported:
    """What became of a file's poses; each is in one of the three.

    Attributes:
        grasps: Trajectories of those that the arm can do.
        refused: Poses that the file has wrong, with reasons.
        unreachable: By reason, the ids of those that the arm cannot do.
    """

    grasps: tuple[GraspTrajectory, ...]
    refused: tuple[RefusedGrasp, ...]
    unreachable: Mapping[Unreachable, tuple[str, ...]]


def import_poses(
    world: BulletWorld,
    poses: GraspPoses,
    synergies: Sequence[Synergy],
    seed: int = 0,
    on_pose: Callable[[int], None] | None = None,
) -> Imported:
    """Find the arm's way to each pose.

    The object stands upright as its mesh is, where the robot's file puts objects; so all poses that
    come from below the table are out of reach. Where a pose has a width, the hand comes opened that
    wide and, as the sampler has it, `LEAST_PLAY_M` wider, if it can; else fully.

    Args:
        world: The robot and the object.
        poses: Of a gripper in the frame of the object's mesh.
        synergies: Ways to close to try for each pose, in this order.
        seed: Of the search for inverse kinematics.
        on_pose: Told how many have been tried.

    Raises:
        DrGraspError: No synergy to try.
    """
    if not synergies:
        raise DrGraspError("synergies: expected at least one, got none")
    evaluator = Evaluator(world, METHOD, seed)
    mesh_in_object = Pose(world.object.mesh_origin, frozen([0, 0, 0, 1]))
    grasps: list[GraspTrajectory] = []
    unreachable: dict[Unreachable, list[str]] = {}
    for index, pose in enumerate(poses.grasps):
        said = {"held in simulation": pose.held_in_simulation, "quality": pose.quality}
        proposals = [
            Proposal(
                index,
                mesh_in_object @ poses.grip_in_object(pose),
                synergy.name,
                1.0 if pose.width_m is None else synergy.opening(pose.width_m + LEAST_PLAY_M),
                name=f"{Path(poses.source).stem}-{pose.id}",
                provenance={
                    "source": poses.source,
                    "pose": pose.id,
                    **{key: str(value).lower() for key, value in said.items() if value is not None},
                },
            )
            for synergy in synergies
        ]
        planned = _plan(evaluator, proposals)
        if isinstance(planned, Unreachable):
            unreachable.setdefault(planned, []).append(pose.id)
        else:
            grasps.append(planned)
        if on_pose is not None:
            on_pose(index + 1)
    named = {reason: tuple(names) for reason, names in unreachable.items()}
    return Imported(tuple(grasps), poses.refused, named)


def _plan(evaluator: Evaluator, proposals: Sequence[Proposal]) -> GraspTrajectory | Unreachable:
    """The first that the arm can do; else why it cannot do the first."""
    reasons = []
    for proposal in proposals:
        planned = evaluator.plan(proposal)
        if not isinstance(planned, Unreachable):
            return planned
        reasons.append(planned)
    return reasons[0]
