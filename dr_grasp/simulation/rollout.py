"""The one loop that replays a grasp: nominal run, every criterion, pictures and replays call it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from dr_grasp.core.arrays import frozen
from dr_grasp.core.geometry import Pose
from dr_grasp.core.outcome import Judge, Observation, Outcome
from dr_grasp.core.perturbation import Perturbation
from dr_grasp.core.trajectory import GraspTrajectory, Phase
from dr_grasp.simulation.bullet_world import BulletWorld

OBSERVATION_RATE_HZ = 48.0
"""How often the judge looks: often enough for a link that brushes the table at 0.2 m/s to be seen
within 5 mm."""


@dataclass(frozen=True, slots=True)
class Rollout:
    """How a rollout ended, and after how many physics steps."""

    outcome: Outcome
    steps: int


def run_rollout(
    world: BulletWorld,
    grasp: GraspTrajectory,
    perturbation: Perturbation,
    on_phase_end: Callable[[Phase], None] | None = None,
    on_observation: Callable[[Observation], None] | None = None,
) -> Rollout:
    """Replay one grasp once, open loop.

    The hand closes when the trajectory says so, never when the simulator feels a touch.

    Args:
        world: A world of the grasp's robot and object.
        grasp: Checked against the robot already.
        perturbation: What differs from the nominal scene.
        on_phase_end: Called at the last step of each phase, to look at the world.
        on_observation: Told what the judge is shown.
    """
    rate = world.settings.rate_hz
    plan = grasp.schedule(rate)
    steps = len(plan.phases)
    noise = perturbation.command_noise(steps, world.robot.arm_half_ranges)
    start = grasp.approach.at([0.0])[0]
    if perturbation.joint_offset.size:
        start = start + perturbation.joint_offset * world.robot.arm_half_ranges
    world.start(grasp.object_in_base, perturbation, start, grasp.close.preshape)
    commands = (plan.arm + noise).tolist()
    velocities = plan.arm_velocity.tolist()
    look_every = round(rate / OBSERVATION_RATE_HZ)
    phase_ends = np.append(np.diff(plan.phases) != 0, True).tolist()
    phases = [Phase(int(phase)) for phase in plan.phases]
    judge = Judge()
    for step in range(steps):
        world.command_arm(commands[step], velocities[step])
        if step > 0 and phase_ends[step - 1] and phases[step] is Phase.CLOSE:
            world.command_hand(grasp.close.positions, grasp.close.force)
        world.advance()
        if phase_ends[step] or step % look_every == 0:
            seen = world.observe()
            outcome = judge.observe(phases[step], seen, phase_ends[step])
            if on_observation is not None:
                on_observation(seen)
            if phase_ends[step] and on_phase_end is not None:
                on_phase_end(phases[step])
            if outcome is not None:
                return Rollout(outcome, step + 1)
    raise AssertionError("the judge decides at the last step of the hold")


def settled_pose(world: BulletWorld, yaw: float, duration_s: float = 2.0) -> Pose:
    """Let the object come to rest on the table, upright as its mesh is.

    Args:
        world: The world.
        yaw: Turn about the vertical [rad].
        duration_s: How long to wait.

    Returns:
        The object in the base frame.
    """
    upright = Pose.identity().perturbed([0, 0, 0], [0, 0, yaw])
    height = world.robot.table.top_z - world.object.lowest_point(upright.rotation.as_matrix())
    pose = Pose(frozen([*world.robot.object_xy, height]), upright.quaternion_xyzw)
    world.start(pose, Perturbation.none(), world.robot.home, world.robot.hand_open)
    for _ in range(round(duration_s * world.settings.rate_hz)):
        world.advance()
    return world.object_pose()
