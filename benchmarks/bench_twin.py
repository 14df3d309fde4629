"""What does an attempt cost on the twin in each engine, do they agree, and does an object creep?

For each arm and object: grasps of the sampler are attempted in turns in MuJoCo and in SAPIEN, under
the twin's profiles `default` and `sapien`, which are one laboratory; and in each engine with half
its timestep, which shows how far two simulations of the same can agree.
"""

import argparse
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np

from dr_grasp.cli.console import print_table
from dr_grasp.core.outcome import Outcome
from dr_grasp.core.trajectory import GraspTrajectory
from dr_grasp.execution.backend import ignore_phase, never_cancelled
from dr_grasp.generation.sampler import generate
from dr_grasp.objects.object_spec import ObjectSpec, load_object
from dr_grasp.robots.robot_spec import RobotSpec, load_robot, robot_names
from dr_grasp.twin import mujoco_world
from dr_grasp.twin.mujoco_world import MujocoTwinWorld
from dr_grasp.twin.placing import on_table
from dr_grasp.twin.sapien.settings import SETTINGS
from dr_grasp.twin.sapien.world import SapienTwinWorld
from dr_grasp.twin.twin_backend import GraspRun
from dr_grasp.twin.twin_profile import load_twin_profile, object_truth, real_pose, robot_truth

SEED = 1
CREEP_S = 10

MakeWorld = Callable[..., MujocoTwinWorld | SapienTwinWorld]


@dataclass
class Way:
    """One way of simulating attempts, and what came of it.

    Attributes:
        name: Its name.
        make: Class of its worlds.
        finer: How many timesteps it makes for each of its engine's.
    """

    name: str
    make: MakeWorld
    timestep_s: float
    finer: int = 1
    held: list[bool] = field(default_factory=list)
    outcomes: list[Outcome] = field(default_factory=list)
    cpu_s: float = 0.0
    creep_m: list[float] = field(default_factory=list)

    def world(self, robot: RobotSpec, item: ObjectSpec) -> MujocoTwinWorld | SapienTwinWorld:
        """A world of the robot and the object."""
        profile = load_twin_profile("default")
        world = self.make(
            robot,
            item,
            object_truth(profile, item.name),
            robot_truth(profile, robot.name, len(robot.arm_joints)),
            timestep_s=self.timestep_s / self.finer,
        )
        step = world.step
        world.step = lambda steps=1: step(steps * self.finer)
        return world

    def run(
        self,
        world: MujocoTwinWorld | SapienTwinWorld,
        grasp: GraspTrajectory,
        robot: RobotSpec,
        item: ObjectSpec,
        index: int,
        creep: bool,
    ) -> None:
        """One attempt, timed, and how far the object creeps if it is held on."""
        real = real_pose(load_twin_profile("default"), grasp.object_in_base, SEED, index)
        begun = time.process_time()
        run = GraspRun(world, grasp, robot, ignore_phase, never_cancelled, None, False)
        outcome = run.settle(on_table(robot, item, real)) or run.run()
        self.cpu_s += time.process_time() - begun
        self.outcomes.append(outcome)
        self.held.append(outcome is Outcome.SUCCESS)
        if creep and self.held[-1]:
            start = world.object_in_base().position
            world.step(round(CREEP_S / self.timestep_s))
            self.creep_m.append(float(np.abs(world.object_in_base().position - start).max()))


def measure(robot_name: str, names: Sequence[str], grasps: int, attempts: int) -> list[list[str]]:
    """Attempt grasps of one arm in all ways; rows of the table."""
    robot, rows = load_robot(robot_name), []
    for name in names:
        item, made = load_object(name), generate(robot_name, name, grasps, seed=3)
        ways = [
            Way("mujoco", MujocoTwinWorld, mujoco_world.TIMESTEP_S),
            Way("mujoco, half step", MujocoTwinWorld, mujoco_world.TIMESTEP_S, 2),
            Way("sapien", SapienTwinWorld, SETTINGS.timestep_s),
            Way("sapien, half step", SapienTwinWorld, SETTINGS.timestep_s, 2),
        ]
        worlds = [way.world(robot, item) for way in ways]
        for place, grasp in enumerate(made):
            for number in range(attempts):
                for way, world in zip(ways, worlds, strict=True):
                    creep = number == 0 and way.finer == 1
                    way.run(world, grasp, robot, item, place * attempts + number, creep)
        for way in ways:
            rows.append([robot_name, name, *figures(way, ways)])
        print_table(HEAD, rows[-len(ways) :])
    return rows


HEAD = ["robot", "object", "twin", "CPU s", "eta", "as mujoco", "as sapien", "creep 10 s"]


def figures(way: Way, ways: Sequence[Way]) -> list[str]:
    """Cost, share held, agreement with both engines, and median and largest creep."""
    agrees = [
        f"{np.mean(np.equal(way.held, other.held)):.2f}" for other in ways if other.finer == 1
    ]
    creep = np.array(way.creep_m) * 1e3
    told = f"{np.median(creep):.3f}, {creep.max():.2f} mm" if len(creep) else "-"
    return [
        way.name,
        f"{way.cpu_s / len(way.held):.2f}",
        f"{np.mean(way.held):.2f}",
        *agrees,
        told,
    ]


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--robots", nargs="+", default=robot_names())
    parser.add_argument("--objects", nargs="+", default=["box", "mug"])
    parser.add_argument("--grasps", type=int, default=8)
    parser.add_argument("--attempts", type=int, default=5)
    args = parser.parse_args()
    for robot in args.robots:
        measure(robot, args.objects, args.grasps, args.attempts)


if __name__ == "__main__":
    main()
