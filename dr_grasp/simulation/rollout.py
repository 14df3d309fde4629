"""The loop that simulates a grasp, for the nominal run, all criteria, diagnoses and pictures."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from dr_grasp.core.arrays import FloatArray, frozen
from dr_grasp.core.geometry import Pose
from dr_grasp.core.outcome import Judge, LinkPair, Observation, Outcome
from dr_grasp.core.perturbation import Perturbation
from dr_grasp.core.trajectory import GraspTrajectory, Phase, Schedule
from dr_grasp.robots.robot_spec import RobotSpec
from dr_grasp.simulation.engine import World
from dr_grasp.simulation.motors import RATE_HZ, late
from dr_grasp.simulation.scene import ObjectState

OBSERVATION_RATE_HZ = 48.0
"""How often the judge observes: a link that brushes the table at 0.2 m/s is seen within 5 mm."""

LOOK_EVERY = round(RATE_HZ / OBSERVATION_RATE_HZ)
"""Steps between two observations."""

SETTLING_S = 2.0
"""How long `settled_pose` waits for an object to come to rest [s]."""

PHASES = {phase.value: phase for phase in Phase}

Observer = Callable[[int, Phase, Observation], Outcome | None]
"""Called with a step, its phase and the judge's observation; if it returns an outcome and the judge
has not decided, the rollout ends."""


@dataclass(frozen=True, slots=True)
class Rollout:
    """How a rollout ended, and how many commands' times were simulated.

    Attributes:
        outcome: The outcome.
        steps: Number of simulated steps.
        links: What touched, if the robot hit itself or the table; else None.
    """

    outcome: Outcome
    steps: int
    links: LinkPair | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Commands:
    """The commands of a grasp under a perturbation.

    Attributes:
        grasp: The grasp.
        plan: The commands of the grasp without the perturbation.
        start: Shape (n,), arm positions before the first step [rad or m].
        arm: Shape (t, n), commanded arm positions, later if the drives are late [rad or m].
        arm_velocity: Shape (t, n), velocities to feed forward [rad/s or m/s].
        closing: The step at which the hand begins to close; beyond the last if that is too late.
    """

    grasp: GraspTrajectory
    plan: Schedule
    start: FloatArray
    arm: FloatArray
    arm_velocity: FloatArray
    closing: int

    @classmethod
    def under(
        cls, perturbation: Perturbation, grasp: GraspTrajectory, plan: Schedule, robot: RobotSpec
    ) -> Commands:
        """Add the noise of a perturbation to the commands of a grasp."""
        noise = perturbation.command_noise(len(plan.phases), robot.arm_half_ranges)
        arm, velocity = plan.arm, plan.arm_velocity
        closing = int(np.argmax(plan.phases == Phase.CLOSE))
        lateness = perturbation.delay_s, perturbation.lag_s
        if any(lateness):
            arm = late(arm, grasp.approach.at([0.0])[0], *lateness)
            velocity = late(velocity, np.zeros(arm.shape[1]), *lateness)
            closing += round(perturbation.delay_s * RATE_HZ)
        start = arm_start(perturbation, grasp, robot)
        return cls(grasp, plan, start, arm + noise, velocity, closing)


def arm_start(perturbation: Perturbation, grasp: GraspTrajectory, robot: RobotSpec) -> FloatArray:
    """Arm positions before the first step of a rollout, shape (n,) [rad or m]."""
    start = frozen(grasp.approach.at([0.0])[0])
    if not perturbation.joint_offset.size:
        return start
    return frozen(start + perturbation.joint_offset * robot.arm_half_ranges)


@dataclass(frozen=True, slots=True, eq=False)
class EntryPoint:
    """The state in which a rollout begins: at its first step, or later to shorten it.

    Attributes:
        step: The first step that is simulated.
        arm: Shape (n,), arm positions before that step [rad or m].
        arm_velocity: Shape (n,), arm velocities before that step [rad/s or m/s]; None at rest.
        object_state: State of the object before that step; None to put it above its place.
        judge: The judge, with its observations before that step.
    """

    step: int
    arm: FloatArray
    arm_velocity: FloatArray | None
    object_state: ObjectState | None
    judge: Judge

    @classmethod
    def first_step(cls, commands: Commands) -> EntryPoint:
        """The state in which a whole rollout begins."""
        return cls(0, commands.start, None, None, Judge())


def run_rollout(
    world: World,
    grasp: GraspTrajectory,
    perturbation: Perturbation,
    on_phase_end: Callable[[Phase], None] | None = None,
    on_observation: Observer | None = None,
) -> Rollout:
    """Simulate one grasp once, open loop, every step from the first to the last.

    The hand closes when the trajectory says so, never when the simulator feels a touch.

    Args:
        world: A world of the grasp's robot and object.
        grasp: The grasp, checked against the robot.
        perturbation: How the rollout differs from the nominal scene.
        on_phase_end: Called with each phase after its last step, to look at the world.
        on_observation: Called after each observation of the judge.
    """
    commands = Commands.under(perturbation, grasp, grasp.schedule(RATE_HZ), world.robot)
    entry = EntryPoint.first_step(commands)
    return simulate(world, commands, perturbation, entry, on_phase_end, on_observation)


def simulate(
    world: World,
    commands: Commands,
    perturbation: Perturbation,
    entry: EntryPoint,
    on_phase_end: Callable[[Phase], None] | None = None,
    on_observation: Observer | None = None,
    last: Phase = Phase.HOLD,
) -> Rollout:
    """Simulate commands from some step on, until the judge decides.

    Args:
        world: A world of the grasp's robot and object.
        commands: The perturbed commands of the grasp.
        perturbation: How the rollout differs from the nominal scene.
        entry: The state in which the rollout begins.
        on_phase_end: Called with each phase after its last step, to look at the world.
        on_observation: Called after each observation of the judge.
        last: The phase with whose last step the rollout ends at the latest; if that is before the
            hold, a rollout that did not fail by then has the outcome `UNKNOWN`.
    """
    grasp, plan = commands.grasp, commands.plan
    phases = [PHASES[phase] for phase in plan.phases.tolist()]
    phase_ends = np.append(np.diff(plan.phases) != 0, True).tolist()
    world.start(
        grasp.object_in_base,
        perturbation,
        entry.arm,
        grasp.close.preshape,
        arm_velocity=entry.arm_velocity,
        object_state=entry.object_state,
    )
    world.follow(commands.arm, commands.arm_velocity)
    force = grasp.close.force * perturbation.gripper_force_scale
    for step in range(entry.step, len(phases)):
        world.drive(step)
        if step == commands.closing:
            world.command_hand(grasp.close.positions, force)
        world.advance()
        if not phase_ends[step] and step % LOOK_EVERY != 0:
            continue
        seen = world.observe()
        outcome = entry.judge.observe(phases[step], seen, phase_ends[step])
        if on_observation is not None:
            early = on_observation(step, phases[step], seen)
            outcome = early if outcome is None else outcome
        if phase_ends[step] and on_phase_end is not None:
            on_phase_end(phases[step])
        if outcome is not None:
            return Rollout(outcome, step + 1 - entry.step, seen.links(outcome))
        if phase_ends[step] and phases[step] is last:
            return Rollout(Outcome.UNKNOWN, step + 1 - entry.step)
    raise AssertionError("the judge decides at the last step of the hold")


def settled_pose(world: World, near: Pose | None = None) -> Pose:
    """Let the object come to rest on the table.

    Args:
        world: World with the robot and the object.
        near: Where it is put down, with this orientation, whatever the height; None for the robot's
            usual place, upright as its mesh.

    Returns:
        Its pose at rest in the robot's base frame.
    """
    if near is None:
        near = Pose(frozen([*world.robot.object_xy, 0.0]), frozen([0, 0, 0, 1]))
    height = world.robot.table.top_z - world.object.lowest_point(near.rotation.as_matrix())
    pose = Pose(frozen([*near.position[:2], height]), near.quaternion_xyzw)
    world.start(pose, Perturbation.none(), world.robot.home, world.robot.hand_open)
    for _ in range(round(SETTLING_S * RATE_HZ)):
        world.advance()
    return world.object_pose()
