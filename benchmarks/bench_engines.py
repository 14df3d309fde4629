"""What does a rollout cost in each engine, and do they see the same?

For each arm and object: some grasps under MDR and FDR, in turns in PyBullet and in MuJoCo as it
scores; in MuJoCo with steps of half a millisecond and the solver's pass against slip, the reference
for its settings; and in that reference with the object a micrometre aside, which shows how far two
simulations of the same can agree. Then how far a held object creeps in a second.
"""

import argparse
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from itertools import product

import numpy as np

from dr_grasp.cli.console import print_table
from dr_grasp.core.arrays import frozen
from dr_grasp.core.engine import Engine
from dr_grasp.core.outcome import Observation, Outcome
from dr_grasp.core.perturbation import Criterion, Perturbation, sample_perturbation
from dr_grasp.core.trajectory import GraspTrajectory, Phase
from dr_grasp.generation.sampler import generate
from dr_grasp.objects.object_spec import ObjectSpec, load_object
from dr_grasp.robots.robot_spec import RobotSpec, load_robot, robot_names
from dr_grasp.scoring.profiles import load_profile
from dr_grasp.simulation.engine import open_world
from dr_grasp.simulation.motors import RATE_HZ
from dr_grasp.simulation.mujoco.settings import SCORING, ModelSettings
from dr_grasp.simulation.mujoco.world import MujocoWorld
from dr_grasp.simulation.rollout import LOOK_EVERY, run_rollout
from dr_grasp.simulation.rollout_runner import RolloutRunner

NUDGE_M = 1e-6
CREEP_S = 1.0


@dataclass
class Way:
    """One way of simulating the rollouts, and what came of it."""

    name: str
    runner: RolloutRunner
    nudge_m: float = 0.0
    outcomes: list[Outcome] = field(default_factory=list)
    cpu_s: float = 0.0

    def run(self, grasp: GraspTrajectory, noise: Perturbation) -> None:
        """One rollout, timed."""
        aside = frozen(noise.translation_m + np.array([self.nudge_m, 0.0, 0.0]))
        noise = replace(noise, translation_m=aside)
        begun = time.process_time()
        self.outcomes.append(self.runner.run(grasp, noise).outcome)
        self.cpu_s += time.process_time() - begun

    @property
    def held(self) -> list[bool]:
        """Whether each rollout succeeded."""
        return [outcome is Outcome.SUCCESS for outcome in self.outcomes]

    def agrees_with(self, other: "Way") -> str:
        """Share of rollouts in which both hold, or both fail."""
        return f"{np.mean(np.equal(self.held, other.held)):.3f}"

    def failures(self) -> str:
        """How often rollouts failed, and how."""
        failures = Counter(one.label for one in self.outcomes if one is not Outcome.SUCCESS)
        return ", ".join(f"{count} {label}" for label, count in failures.most_common(3))


def fine(settings: ModelSettings) -> ModelSettings:
    """The reference: steps of half a millisecond, and the pass that takes all slip away."""
    return replace(
        settings,
        timestep_s=1 / RATE_HZ / 8,
        impratio=10.0,
        noslip_iterations=3,
        tolerance=1e-8,
    )


def ways_of(robot: RobotSpec, item: ObjectSpec, slow: bool) -> list[Way]:
    """All ways, the two of the reference only where asked for."""
    ways = [
        Way(engine.value, RolloutRunner(open_world(engine, robot, item)))
        for engine in (Engine.BULLET, Engine.MUJOCO)
    ]
    if slow:
        settings = fine(SCORING.of(robot))
        for name, nudge_m in (("fine", 0.0), ("nudged", NUDGE_M)):
            runner = RolloutRunner(MujocoWorld(robot, item, settings))
            ways.append(Way(name, runner, nudge_m))
    return ways


def creep_mm(world: MujocoWorld, grasp: GraspTrajectory) -> float | None:
    """How far the object creeps in the hand in a second of holding; None if it is not held."""
    places: list[np.ndarray] = []

    def look(step: int, phase: Phase, seen: Observation) -> None:
        if phase is Phase.HOLD:
            places.append(np.array(world.object_in_hand()))

    longer = replace(grasp, hold_s=grasp.hold_s + CREEP_S)
    rollout = run_rollout(world, longer, Perturbation.none(), on_observation=look)
    if rollout.outcome is not Outcome.SUCCESS:
        return None
    looks = round(CREEP_S * RATE_HZ / LOOK_EVERY)
    return float(1e3 * np.linalg.norm(places[-1] - places[-1 - looks]))


def rows_of(
    robot: RobotSpec, item: ObjectSpec, options: argparse.Namespace
) -> tuple[list[str], list[str]]:
    """What it costs, and what it sees, for one arm and object."""
    profile = load_profile("default")
    grasps = generate(robot.name, item.name, options.grasps, options.seed)
    ways = ways_of(robot, item, options.fine)
    for grasp in grasps:
        for way in ways:  # what is done once for a grasp belongs to a label, not to its rollouts
            way.runner.run(grasp, Perturbation.none())
        for trial, criterion in product(range(options.trials), (Criterion.MDR, Criterion.FDR)):
            arm_joints = len(robot.arm_joints)
            noise = sample_perturbation(profile, criterion, options.seed, trial, arm_joints)
            for way in ways:
                way.run(grasp, noise)
    bullet, mujoco, *slow = ways
    count = len(bullet.outcomes)
    world = mujoco.runner.world
    assert isinstance(world, MujocoWorld)
    creeps = [creep for grasp in grasps if (creep := creep_mm(world, grasp)) is not None]
    costs = [
        robot.name,
        item.name,
        *(f"{1e3 * way.cpu_s / count:.0f} ms" for way in ways),
        f"{mujoco.cpu_s / bullet.cpu_s:.2f}",
    ]
    sees = [
        robot.name,
        item.name,
        *(f"{np.mean(way.held):.2f}" for way in ways),
        mujoco.agrees_with(bullet),
        *((mujoco.agrees_with(slow[0]), slow[1].agrees_with(slow[0])) if slow else ()),
        f"{max(creeps):.3f} mm" if creeps else "none held",
        bullet.failures(),
        mujoco.failures(),
    ]
    for way in ways:
        way.runner.close()
    return costs, sees


def table(title: str, names: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print a table."""
    print_table(["arm", "object", *names], [list(row) for row in rows], title=title)


def main() -> None:
    """Print both tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--robots", nargs="+", default=robot_names())
    parser.add_argument("--objects", nargs="+", default=["mug", "procedural_000"])
    parser.add_argument("--grasps", type=int, default=4)
    parser.add_argument("--trials", type=int, default=4, help="of MDR, and of FDR, for each grasp")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--fine", action="store_true", help="also the reference, which takes long")
    options = parser.parse_args()
    costs, sees = [], []
    for name, obj in product(options.robots, options.objects):
        cost, seen = rows_of(load_robot(name), load_object(obj), options)
        print("  ".join(cost), "|", "  ".join(seen[2:]), flush=True)
        costs.append(cost)
        sees.append(seen)
    ways = ["bullet", "mujoco", *(["fine", "nudged"] if options.fine else [])]
    count = 2 * options.grasps * options.trials
    table(f"CPU of a rollout, {count} of each", [*ways, "mujoco / bullet"], costs)
    agreements = ["as bullet", *(["as fine", "nudged as fine"] if options.fine else [])]
    names = [*ways, *agreements, "creep in 1 s", "failures", "in mujoco"]
    table("shares that hold, and that agree", names, sees)


if __name__ == "__main__":
    main()
