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
from dr_grasp.generation.importers import GraspPoses, PoseGrasp
from dr_grasp.generation.motion import Unreachable
from dr_grasp.generation.proposal import Proposal
from dr_grasp.generation.size_check import GripCheck
from dr_grasp.robots.robot_spec import Synergy
from dr_grasp.simulation.engine import World

METHOD = "import"


@dataclass(frozen=True, slots=True)
class Imported:
    """Result of an import; each pose of the file is in exactly one attribute.

    Attributes:
        grasps: Trajectories for the poses that the arm can reach.
        refused: Poses that are wrong in the file, with reasons.
        outside: Poses whose grips do not fit the object, with reasons; see `GripCheck`.
        guess: What may be wrong, in words, if most of the grips do not fit; else "".
        unreachable: The ids of poses that the arm cannot reach, by reason.
    """

    grasps: tuple[GraspTrajectory, ...]
    refused: tuple[RefusedGrasp, ...]
    outside: tuple[RefusedGrasp, ...]
    guess: str
    unreachable: Mapping[Unreachable, tuple[str, ...]]


def import_poses(
    world: World,
    poses: GraspPoses,
    synergies: Sequence[Synergy],
    seed: int = 0,
    on_pose: Callable[[int], None] | None = None,
    object_in_base: Pose | None = None,
) -> Imported:
    """Plan the arm's motion to each pose whose grip fits the object.

    The object stands where it is said to, or where the file of poses says, or else where the
    robot's file puts objects, with the orientation of its mesh. Poses from below the table cannot
    be reached. If a pose has a width, the hand opens by that width plus `LEAST_PLAY_M`, as in the
    sampler, or as far as it can; without a width it opens fully.

    Args:
        world: World with the robot and the object.
        poses: Poses of a gripper in the frame of the object's mesh.
        synergies: Ways to close the hand, tried for each pose in this order.
        seed: Seed of the starting points for inverse kinematics.
        on_pose: Called after each pose with the number of poses so far.
        object_in_base: Where the object is said to stand; None for what the file says.

    Raises:
        DrGraspError: There is no synergy to try, or the object cannot stand there.
    """
    if not synergies:
        raise DrGraspError("synergies: expected at least one, got none")
    place = poses.object_in_base if object_in_base is None else object_in_base
    evaluator = Evaluator(world, METHOD, seed, place)
    check = GripCheck(world.object, synergies)
    mesh_in_object = Pose(world.object.mesh_origin, frozen([0, 0, 0, 1]))
    grasps: list[GraspTrajectory] = []
    outside: list[RefusedGrasp] = []
    unreachable: dict[Unreachable, list[str]] = {}
    grips = [mesh_in_object @ poses.grip_in_object(pose) for pose in poses.grasps]
    for index, (pose, grip) in enumerate(zip(poses.grasps, grips, strict=True)):
        if check.fits(grip):
            planned = _plan(evaluator, _proposals(poses.source, index, pose, grip, synergies))
            if isinstance(planned, Unreachable):
                unreachable.setdefault(planned, []).append(pose.id)
            else:
                grasps.append(planned)
        else:
            outside.append(RefusedGrasp(index, pose.id, f"grasp {pose.id}: {check.reason(grip)}"))
        if on_pose is not None:
            on_pose(index + 1)
    guess = check.guess(grips) if 2 * len(outside) > len(grips) else ""
    named = {reason: tuple(names) for reason, names in unreachable.items()}
    return Imported(tuple(grasps), poses.refused, tuple(outside), guess, named)


def _proposals(
    source: str, index: int, pose: PoseGrasp, grip: Pose, synergies: Sequence[Synergy]
) -> list[Proposal]:
    """A proposal for each way to close the hand."""
    verdicts = {"held in simulation": pose.held_in_simulation, "quality": pose.quality}
    said = {key: str(value).lower() for key, value in verdicts.items() if value is not None}
    return [
        Proposal(
            index,
            grip,
            synergy.name,
            1.0 if pose.width_m is None else synergy.opening(pose.width_m + LEAST_PLAY_M),
            name=f"{Path(source).stem}-{pose.id}",
            provenance={"source": source, "pose": pose.id, **said},
        )
        for synergy in synergies
    ]


def _plan(evaluator: Evaluator, proposals: Sequence[Proposal]) -> GraspTrajectory | Unreachable:
    """The first proposal that the arm can reach; else the reason why it cannot reach the first."""
    reasons = []
    for proposal in proposals:
        planned = evaluator.plan(proposal)
        if not isinstance(planned, Unreachable):
            return planned
        reasons.append(planned)
    return reasons[0]
