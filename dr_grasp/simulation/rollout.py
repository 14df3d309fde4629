"""The one loop that replays a grasp: nominal run, every criterion, pictures and replays call it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from dr_grasp.core.arrays import FloatArray, frozen
from dr_grasp.core.geometry import Pose
from dr_grasp.core.outcome import Judge, Observation, Outcome
from dr_grasp.core.perturbation import Perturbation
from dr_grasp.core.trajectory import GraspTrajectory, Phase, Schedule
from dr_grasp.simulation.bullet.table_world import ObjectState
from dr_grasp.simulation.bullet.world import BulletWorld
from dr_grasp.simulation.early_end import EarlyEnd

OBSERVATION_RATE_HZ = 48.0
"""How often the judge looks: often enough for a link that brushes the table at 0.2 m/s to be seen
within 5 mm."""


@dataclass(frozen=True, slots=True)
class Rollout:
    """How a rollout ended, and after how many physics steps, of those that were simulated."""

    outcome: Outcome
    steps: int


@dataclass(frozen=True, slots=True, eq=False)
class Commands:
    """A grasp as it is commanded under a perturbation.

    Attributes:
        grasp: The grasp.
        plan: What would be commanded without it.
        start: Shape (n,), where the arm stands before the first step [rad or m].
        arm: Shape (t, n), commanded arm positions [rad or m].
    """

    grasp: GraspTrajectory
    plan: Schedule
    start: FloatArray
    arm: FloatArray

    @classmethod
    def under(
        cls, perturbation: Perturbation, grasp: GraspTrajectory, plan: Schedule, world: BulletWorld
    ) -> Commands:
        """Perturb the commands of a grasp."""
        half_ranges = world.robot.arm_half_ranges
        noise = perturbation.command_noise(len(plan.phases), half_ranges)
        start = grasp.approach.at([0.0])[0]
        if perturbation.joint_offset.size:
            start = start + perturbation.joint_offset * half_ranges
        return cls(grasp, plan, start, plan.arm + noise)


@dataclass(frozen=True, slots=True, eq=False)
class EntryPoint:
    """Where a rollout is entered.

    Attributes:
        step: The first step that is simulated.
        arm: Shape (n,), arm positions before it [rad or m].
        arm_velocity: Shape (n,) [rad/s or m/s]; None at rest.
        object_state: Where the object is by then; None above its place.
        judge: What it has seen.
    """

    step: int
    arm: FloatArray
    arm_velocity: FloatArray | None
    object_state: ObjectState | None
    judge: Judge


def look_every(world: BulletWorld) -> int:
    """Steps between two observations."""
    return round(world.settings.rate_hz / OBSERVATION_RATE_HZ)


def run_rollout(
    world: BulletWorld,
    grasp: GraspTrajectory,
    perturbation: Perturbation,
    on_phase_end: Callable[[Phase], None] | None = None,
    on_observation: Callable[[Observation], None] | None = None,
) -> Rollout:
    """Replay one grasp once, open loop, every step from the first to the last.

    The hand closes when the trajectory says so, never when the simulator feels a touch.

    Args:
        world: A world of the grasp's robot and object.
        grasp: Checked against the robot already.
        perturbation: What differs from the nominal scene.
        on_phase_end: Called at the last step of each phase, to look at the world.
        on_observation: Told what the judge is shown.
    """
    plan = grasp.schedule(world.settings.rate_hz)
    commands = Commands.under(perturbation, grasp, plan, world)
    entry = EntryPoint(0, commands.start, None, None, Judge())
    return simulate(world, commands, perturbation, entry, None, on_phase_end, on_observation)


def simulate(
    world: BulletWorld,
    commands: Commands,
    perturbation: Perturbation,
    entry: EntryPoint,
    early_end: EarlyEnd | None = None,
    on_phase_end: Callable[[Phase], None] | None = None,
    on_observation: Callable[[Observation], None] | None = None,
) -> Rollout:
    """Replay commands from some step on.

    Args:
        world: Of the grasp's robot and object.
        commands: What the arm is told.
        perturbation: The rest of what differs.
        entry: Where to begin.
        early_end: Asked after each observation whether the end is certain.
        on_phase_end: As of `run_rollout`.
        on_observation: As of `run_rollout`.
    """
    grasp, plan = commands.grasp, commands.plan
    world.start(
        grasp.object_in_base,
        perturbation,
        entry.arm,
        grasp.close.preshape,
        arm_velocity=entry.arm_velocity,
        object_state=entry.object_state,
    )
    targets = world.motor_targets(commands.arm, plan.arm_velocity)
    # Motors keep their targets, so that only new ones need to be told.
    changes = np.append(True, np.any(np.diff(commands.arm, axis=0) != 0, axis=1))
    changes[1:] |= np.any(np.diff(plan.arm_velocity, axis=0) != 0, axis=1)
    changes[entry.step] = True
    told = changes.tolist()
    every = look_every(world)
    phase_ends = np.append(np.diff(plan.phases) != 0, True).tolist()
    phases = [Phase(int(phase)) for phase in plan.phases]
    closing = phases.index(Phase.CLOSE)
    for step in range(entry.step, len(phases)):
        if told[step]:
            world.drive(*targets[step])
        if step == closing:
            world.command_hand(grasp.close.positions, grasp.close.force)
        world.advance()
        if phase_ends[step] or step % every == 0:
            seen = world.observe()
            outcome = entry.judge.observe(phases[step], seen, phase_ends[step])
            if on_observation is not None:
                on_observation(seen)
            if phase_ends[step] and on_phase_end is not None:
                on_phase_end(phases[step])
            if outcome is None and early_end is not None:
                outcome = early_end.observe(step, phases[step], seen, world, entry.judge)
            if outcome is not None:
                return Rollout(outcome, step + 1 - entry.step)
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
