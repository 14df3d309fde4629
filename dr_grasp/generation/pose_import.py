"""Grasp poses from elsewhere, made into trajectories of a robot of ours."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from dr_grasp.core.arrays import frozen
from dr_grasp.core.geometry import Pose
from dr_grasp.core.refusal import RefusedGrasp
from dr_grasp.core.trajectory import GraspTrajectory
from dr_grasp.errors import DrGraspError
from dr_grasp.generation.antipodal import SamplerSettings
from dr_grasp.generation.evaluation import Evaluator
from dr_grasp.generation.importers import GraspPoses, PoseGrasp
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
        refused: Poses that the file has wrong.
        unreachable: Names of those that the arm cannot do, under the reason.
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
    wide and, as the sampler has it, `SamplerSettings.least_play_m` wider, if it can; else fully.

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
    for index, one in enumerate(poses.grasps):
        grip_in_object = mesh_in_object @ poses.grip_in_object(one)
        found = _plan(evaluator, grip_in_object, one, index, poses, synergies)
        if isinstance(found, Unreachable):
            unreachable.setdefault(found, []).append(one.id)
        else:
            grasps.append(found)
        if on_pose is not None:
            on_pose(index + 1)
    named = {reason: tuple(names) for reason, names in unreachable.items()}
    return Imported(tuple(grasps), poses.refused, named)


def _plan(
    evaluator: Evaluator,
    grip_in_object: Pose,
    one: PoseGrasp,
    index: int,
    poses: GraspPoses,
    synergies: Sequence[Synergy],
) -> GraspTrajectory | Unreachable:
    """With the first synergy that works; else why the first does not."""
    play = SamplerSettings().least_play_m
    said = {"held in simulation": one.held_in_simulation, "quality": one.quality}
    provenance = {
        "source": poses.source,
        "pose": one.id,
        **{key: str(value).lower() for key, value in said.items() if value is not None},
    }
    reasons = []
    for synergy in synergies:
        proposal = Proposal(
            index,
            grip_in_object,
            synergy.name,
            1.0 if one.width_m is None else synergy.opening(one.width_m + play),
            name=f"{Path(poses.source).stem}-{one.id}",
            provenance=provenance,
        )
        found = evaluator.plan(proposal)
        if not isinstance(found, Unreachable):
            return found
        reasons.append(found)
    return reasons[0]
