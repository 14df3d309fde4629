"""Samples grasps until enough of them succeed in the undisturbed simulation."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from dr_grasp.core.geometry import Pose
from dr_grasp.core.outcome import Outcome
from dr_grasp.core.perturbation import Perturbation
from dr_grasp.core.trajectory import GraspTrajectory
from dr_grasp.core.waypoints import HandClose
from dr_grasp.errors import DrGraspError, InvalidGraspError
from dr_grasp.generation.antipodal import (
    SamplerSettings,
    SurfacePairs,
    find_pairs,
    sample_grasp_pose,
)
from dr_grasp.generation.motion import MotionSettings, plan_motion
from dr_grasp.objects.spec import load_object
from dr_grasp.robots.checking import check_grasp
from dr_grasp.robots.spec import load_robot
from dr_grasp.simulation.bullet_world import BulletWorld
from dr_grasp.simulation.rollout import run_rollout, settled_pose

CANDIDATES_PER_GRASP = 200
"""A search that needs more candidates for each success gives up."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """One sampled candidate.

    Attributes:
        index: Number of the candidate under its seed.
        grasp: The trajectory; None if the arm cannot get there, or not without the table.
        outcome: Of the undisturbed rollout; None if there was none.
    """

    index: int
    grasp: GraspTrajectory | None
    outcome: Outcome | None

    @property
    def success(self) -> bool:
        """Whether the candidate is a grasp that holds undisturbed."""
        return self.outcome is Outcome.SUCCESS


def generate(
    robot: str,
    obj: str,
    count: int,
    seed: int,
    on_candidate: Callable[[Candidate], None] | None = None,
) -> list[GraspTrajectory]:
    """Sample grasps that succeed nominally.

    Args:
        robot: Robot name.
        obj: Object name.
        count: How many are wanted, at least 1.
        seed: Same seed, same grasps.
        on_candidate: Told of every candidate, for progress.

    Raises:
        DrGraspError: Unknown names, or so few successes that the search gave up.
    """
    if count < 1:
        raise DrGraspError(f"count: expected at least 1, got {count}")
    if seed < 0:
        raise DrGraspError(f"seed: expected at least 0, got {seed}")
    found: list[GraspTrajectory] = []
    with BulletWorld(load_robot(robot), load_object(obj)) as world:
        for candidate in candidates(world, seed):
            if on_candidate is not None:
                on_candidate(candidate)
            if candidate.success and candidate.grasp is not None:
                found.append(candidate.grasp)
            if len(found) == count:
                return found
            if candidate.index + 1 >= CANDIDATES_PER_GRASP * count:
                break
    raise DrGraspError(
        f"{robot} with {obj}: expected {count} grasps that succeed nominally, got {len(found)} "
        f"from {CANDIDATES_PER_GRASP * count} candidates"
    )


def candidates(world: BulletWorld, seed: int) -> Iterator[Candidate]:
    """Sample candidates without end; each depends on (seed, index) alone.

    Raises:
        DrGraspError: The object offers nothing that the jaws could pinch.
    """
    robot = world.robot
    settings = SamplerSettings()
    object_in_base = settled_pose(world, yaw=0.0)
    rng = np.random.default_rng([seed, 0])
    pairs = find_pairs(world.object.visual, robot.largest_width_m, settings, rng)
    if len(pairs.first) == 0:
        raise DrGraspError(
            f"{world.object.name}: no two opposing surfaces within the "
            f"{robot.largest_width_m * 1000:.0f} mm that {robot.name} opens"
        )
    index = 0
    while True:
        yield _candidate(world, pairs, object_in_base, settings, seed, index)
        index += 1


def _candidate(
    world: BulletWorld,
    pairs: SurfacePairs,
    object_in_base: Pose,
    settings: SamplerSettings,
    seed: int,
    index: int,
) -> Candidate:
    robot = world.robot
    rng = np.random.default_rng([seed, 1, index])
    tcp = sample_grasp_pose(
        pairs, object_in_base, robot.approach_axis, robot.closing_axis, settings, rng
    )
    motion_settings = MotionSettings()
    motion = plan_motion(world, tcp, motion_settings, rng)
    if motion is None:
        return Candidate(index, None, None)
    grasp = GraspTrajectory(
        id=f"{robot.name}-{world.object.name}-{seed}-{index:05d}",
        robot=robot.name,
        object=world.object.name,
        object_in_base=object_in_base,
        approach=motion.approach,
        close=HandClose(
            robot.hand_joints,
            robot.hand_open,
            robot.hand_closed,
            robot.hand_force,
            robot.close_duration_s,
        ),
        lift=motion.lift,
        hold_s=motion_settings.hold_s,
        provenance={"method": "sampler", "seed": str(seed), "candidate": str(index)},
    )
    try:
        check_grasp(grasp, robot)
    except InvalidGraspError:  # a spline may overshoot a limit between two reachable postures
        return Candidate(index, None, None)
    return Candidate(index, grasp, run_rollout(world, grasp, Perturbation.none()).outcome)
