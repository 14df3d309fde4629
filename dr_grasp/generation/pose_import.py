"""Makes trajectories for a known robot from grasp poses of other datasets."""

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
    """Result of an import; each pose of the file is in exactly one attribute.

    Attributes:
        grasps: Trajectories for the poses that the arm can reach.
        refused: Poses that are wrong in the file, with reasons.
        unreachable: The ids of poses that the arm cannot reach, by reason.
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
    """Plan the arm's motion to each pose.

    The object stands where the robot's file puts objects, with the orientation of its mesh. Poses
    from below the table cannot be reached. If a pose has a width, the hand opens by that width plus
    `LEAST_PLAY_M`, as in the sampler, or as far as it can; without a width it opens fully.

    Args:
        world: World with the robot and the object.
        poses: Poses of a gripper in the frame of the object's mesh.
        synergies: Ways to close the hand, tried for each pose in this order.
        seed: Seed of the starting points for inverse kinematics.
        on_pose: Called after each pose with the number of poses so far.

    Raises:
        DrGraspError: There is no synergy to try.
    """
    if not synergies:
        raise DrGraspError("synergies: expected at least one, got none")
    evaluator = Evaluator(world, METHOD, seed)
    mesh_in_object = Pose(world.object.mesh_origin, frozen([0, 0, 0, 1]))
    grasps: list[GraspTrajectory] = []
    unreachable: dict[Unreachable, list[str]] = {}
    for index, pose in enumerate(poses.grasps):
        verdicts = {"held in simulation": pose.held_in_simulation, "quality": pose.quality}
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
                    **{
                        key: str(value).lower()
                        for key, value in verdicts.items()
                        if value is not None
                    },
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
    """The first proposal that the arm can reach; else the reason why it cannot reach the first."""
    reasons = []
    for proposal in proposals:
        planned = evaluator.plan(proposal)
        if not isinstance(planned, Unreachable):
            return planned
        reasons.append(planned)
    return reasons[0]
