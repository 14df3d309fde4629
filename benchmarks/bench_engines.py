"""Do two engines see the same? Rollouts in PyBullet, and in MuJoCo under the same perturbations.

For each arm and object: whole rollouts of some grasps under MDR in both engines, MuJoCo with steps
of a millisecond; how many hold in each, and in how many both agree whether the grasp holds; what
they call the failures. Beside it how far the arm is from its commands in PyBullet where the hand
closes, after nominal approaches that touch nothing.
"""

import argparse
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from dr_grasp.cli.console import print_table
from dr_grasp.core.outcome import Judge, Outcome
from dr_grasp.core.perturbation import Criterion, Perturbation, sample_perturbation
from dr_grasp.core.trajectory import GraspTrajectory, Phase
from dr_grasp.formats.grasp_file import read_grasps
from dr_grasp.generation.sampler import generate
from dr_grasp.objects.object_spec import ObjectSpec, load_object
from dr_grasp.robots.robot_spec import RobotSpec, load_robot, robot_names
from dr_grasp.scoring.profiles import load_profile
from dr_grasp.simulation.bullet.world import BulletWorld
from dr_grasp.simulation.motors import RATE_HZ
from dr_grasp.simulation.mujoco.dynamics import ObjectDynamics
from dr_grasp.simulation.rollout import LOOK_EVERY, Commands, run_rollout
from dr_grasp.twin.placing import on_table
from dr_grasp.twin.twin_world import TwinWorld

STEP_S = 0.001
SETTLE_S = 0.3


def in_mujoco(
    robot: RobotSpec,
    item: ObjectSpec,
    world: BulletWorld,
    grasp: GraspTrajectory,
    noise: Perturbation,
) -> tuple[Outcome, TwinWorld]:
    """One rollout, and its world; commands are jittered at the rate of the other engine."""
    rolling, spinning = noise.rolling_friction, noise.spinning_friction
    truth = ObjectDynamics(
        friction_factor=noise.lateral_friction_scale,
        mass_factor=noise.mass_scale,
        center_of_mass_shift_m=tuple(noise.center_of_mass_m.tolist()),
        # MuJoCo's are levers as they are, Bullet's are multiplied by the hand's friction.
        torsional_friction_m=item.spinning_friction if spinning is None else spinning,
        rolling_friction_m=item.rolling_friction if rolling is None else rolling,
    )
    plan = grasp.schedule(RATE_HZ)
    commands = Commands.under(noise, grasp, plan, world.robot)
    twin = TwinWorld(robot, item, truth, timestep_s=STEP_S)
    pose = grasp.object_in_base.perturbed(noise.translation_m, noise.rotation_rpy_rad)
    hand = np.array(grasp.close.preshape)
    twin.reset(commands.start, hand, on_table(robot, item, pose), grasp.close.force)
    twin.step(round(SETTLE_S / STEP_S))
    judge, time_s = Judge(), 0.0
    ends = np.append(np.diff(plan.phases) != 0, True)
    for index, (arm, phase) in enumerate(zip(commands.arm, plan.phases, strict=True)):
        target = grasp.close.positions if phase >= Phase.CLOSE else grasp.close.preshape
        reach = robot.hand_velocities / RATE_HZ
        hand = hand + np.clip(target - hand, -reach, reach)
        twin.command(arm, hand)
        steps = round((index + 1) / RATE_HZ / STEP_S) - round(time_s / STEP_S)
        twin.step(steps)
        time_s += steps * STEP_S
        if twin.diverged:
            return Outcome.DIVERGED, twin
        if ends[index] or index % LOOK_EVERY == 0:
            outcome = judge.observe(Phase(int(phase)), twin.observe(), bool(ends[index]))
            if outcome is not None:
                return outcome, twin
    raise AssertionError("the judge decides at the last step of the hold")


def sag(world: BulletWorld, grasp: GraspTrajectory) -> tuple[float, float]:
    """Largest error of a joint where the hand closes [rad], and how much too high the hand is [m].

    Zeros if the hand touches something there.
    """
    errors = [(0.0, 0.0)]

    def look(phase: Phase) -> None:
        if phase is Phase.APPROACH and not world.observe().hand_touches:
            arm = world.arm_positions()
            error = arm - grasp.approach.positions[-1]
            errors.append((float(np.abs(error).max()), float(world.jacobian()[2] @ error)))

    run_rollout(world, grasp, Perturbation.none(), on_phase_end=look)
    return errors[-1]


def share(held: Sequence[bool]) -> str:
    """A share of successes."""
    return f"{np.mean(held):.2f}"


def words(outcomes: Sequence[Outcome]) -> str:
    """How often rollouts failed, and how."""
    failures = Counter(one.label for one in outcomes if one is not Outcome.SUCCESS)
    return ", ".join(f"{count} {label}" for label, count in failures.most_common(3))


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--robots", nargs="+", default=robot_names())
    parser.add_argument("--objects", nargs="+", default=["procedural_000"])
    parser.add_argument("--grasps", type=int, default=8)
    parser.add_argument("--file", type=Path, help="grasps to replay instead of the sampler's")
    parser.add_argument("--trials", type=int, default=8)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    profile, rows = load_profile("default"), []
    for name in options.robots:
        for obj in options.objects:
            robot, item = load_robot(name), load_object(obj)
            grasps = (
                generate(name, obj, options.grasps, options.seed)
                if options.file is None
                else read_grasps(options.file).grasps[: options.grasps]
            )
            bullet, other = [], []
            with BulletWorld(robot, item) as world:
                errors = [sag(world, grasp) for grasp in grasps]
                for grasp in grasps:
                    for trial in range(options.trials):
                        noise = sample_perturbation(
                            profile, Criterion.MDR, options.seed, trial, len(robot.arm_joints)
                        )
                        bullet.append(run_rollout(world, grasp, noise).outcome)
                        other.append(in_mujoco(robot, item, world, grasp, noise)[0])
            held = [[one is Outcome.SUCCESS for one in engine] for engine in (bullet, other)]
            rows.append(
                [
                    name,
                    obj,
                    f"{1e3 * max(error for error, _ in errors):.2f} mrad",
                    f"{1e3 * min(height for _, height in errors):+.2f} mm",
                    share(held[0]),
                    share(held[1]),
                    share(np.equal(*held)),
                    words(bullet),
                    words(other),
                ]
            )
            print("  ".join(rows[-1]), flush=True)
    print_table(
        [
            "arm",
            "object",
            "error",
            "hand",
            "PyBullet",
            "MuJoCo",
            "agree",
            "failures",
            "in MuJoCo",
        ],
        rows,
        title=f"{options.grasps} grasps, {options.trials} trials of MDR each, whole rollouts",
    )


if __name__ == "__main__":
    main()
