"""Where a rollout's time goes in PyBullet, and what other settings of it would cost and change.

For each arm and object, rollouts of some grasps under each criterion, shortened as for scoring:

- the shares of CPU time in `stepSimulation`, in queries of contacts and distances, in PyBullet's
  other functions, and in Python;
- in turns under the same noise: as scored, with other limits of solver iterations, with other
  convex pieces (cut by CoACD into as many as the object has, half and a quarter), and without the
  pairs in which robot and ground could meet. Against rollouts as scored: CPU time, also for each
  step of the robot's world; the share that both end in success or both do not; how many more hold;
  and by how much the fitness of a grasp under a criterion differs, absolutely. A nudge of some
  hundredths of a millimetre shows how much agreement can be expected, since contact dynamics
  amplify whatever differs.
"""

import argparse
import dataclasses
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from unittest import mock

import coacd
import numpy as np
import pybullet as p
import trimesh
from bench_shortcuts import nudged

from dr_grasp.cli.console import print_table
from dr_grasp.core.arrays import frozen
from dr_grasp.core.outcome import Outcome
from dr_grasp.core.perturbation import Criterion, Perturbation, sample_perturbation
from dr_grasp.core.trajectory import GraspTrajectory
from dr_grasp.generation.sampler import generate
from dr_grasp.objects.convex import COACD_OPTIONS, hulls_of
from dr_grasp.objects.object_spec import ObjectSpec, load_object
from dr_grasp.robots.robot_spec import RobotSpec, load_robot, robot_names
from dr_grasp.scoring.profiles import load_profile
from dr_grasp.simulation.bullet import table_world
from dr_grasp.simulation.bullet.world import BulletWorld
from dr_grasp.simulation.rollout_runner import RolloutRunner

OBJECTS = ("mug", "procedural_000")
ITERATIONS = (30, 50, 100, 110)
QUERIES = ("getContactPoints", "getClosestPoints", "performCollisionDetection")
AS_SCORED, NUDGED = "as scored", "nudged"

Rollouts = list[tuple[GraspTrajectory, Criterion, Perturbation]]


class Stopwatch:
    """Times calls of PyBullet's functions, in three groups."""

    def __init__(self) -> None:
        self.seconds = {"stepSimulation": 0.0, "queries": 0.0, "others": 0.0}
        names = [name for name in dir(p) if name[0].islower() and callable(getattr(p, name))]
        self._patch = mock.patch.dict(vars(p), {name: self._timed(name) for name in names})

    def _timed(self, name: str) -> Callable[..., Any]:
        group = name if name == "stepSimulation" else "queries" if name in QUERIES else "others"
        call = getattr(p, name)

        def timed(*arguments: Any, **options: Any) -> Any:
            began = time.process_time()
            result = call(*arguments, **options)
            self.seconds[group] += time.process_time() - began
            return result

        return timed

    def __enter__(self) -> "Stopwatch":
        """Begin to time."""
        self._patch.start()
        return self

    def __exit__(self, *error: object) -> None:
        """Put PyBullet's functions back."""
        self._patch.stop()


class Variant:
    """Rollouts in one way: what they cost, and which of them held."""

    def __init__(self, robot: RobotSpec, item: ObjectSpec, nudge: bool = False) -> None:
        self.runner = RolloutRunner(BulletWorld(robot, item))
        self._arm_joints = len(robot.arm_joints)
        self._nudge = nudge
        self.seconds, self.steps = 0.0, 0
        self.held: list[bool] = []

    def add(self, grasp: GraspTrajectory, noise: Perturbation) -> None:
        """Roll out once."""
        if self._nudge:
            noise = nudged(noise, self._arm_joints)
        began = time.process_time()
        rollout = self.runner.run(grasp, noise)
        self.seconds += time.process_time() - began
        self.steps += rollout.steps
        self.held.append(rollout.outcome is Outcome.SUCCESS)

    def row(self, name: str, scored: "Variant", labels: int) -> list[str]:
        """A line of the table."""
        held, expected = np.array(self.held, float), np.array(scored.held, float)
        # A fitness is the mean over the trials of one grasp and criterion; they are in a row.
        differences = (held - expected).reshape(labels, -1).mean(axis=1)
        return [
            name,
            f"{self.seconds / len(held) * 1e3:.0f}",
            f"{self.seconds / scored.seconds:.2f}",
            f"{(self.seconds / self.steps) / (scored.seconds / scored.steps):.2f}",
            f"{np.mean(held == expected):.3f}",
            f"{held.mean() - expected.mean():+.3f}",
            f"{np.abs(differences).mean():.3f}",
        ]


def cut_into(item: ObjectSpec, most: int, folder: Path) -> ObjectSpec:
    """The same object as at most so many convex pieces."""
    coacd.set_log_level("error")
    mesh = trimesh.load_mesh(item.visual)
    parts = coacd.run_coacd(
        coacd.Mesh(mesh.vertices, mesh.faces), max_convex_hull=most, **COACD_OPTIONS
    )
    hulls = hulls_of([trimesh.Trimesh(vertices, faces) for vertices, faces in parts])
    files = [folder / f"{most}_{index}.obj" for index in range(len(hulls))]
    for hull, file in zip(hulls, files, strict=True):
        hull.export(file)
    points = frozen(np.vstack([hull.vertices for hull in hulls]))
    return dataclasses.replace(item, pieces=tuple(files), points=points)


def without_ground(variant: Variant) -> Variant:
    """Leave out the pairs of the robot's links and the ground, a metre below the table."""
    world = variant.runner.world
    client = world.in_client["physicsClientId"]
    ground, *others = range(p.getNumBodies(client))  # the ground is made first
    robot = max(others, key=lambda body: int(p.getNumJoints(body, client)))
    for link in range(-1, p.getNumJoints(robot, client)):
        p.setCollisionFilterPair(ground, robot, -1, link, 0, client)
    return variant


def variants(robot: RobotSpec, item: ObjectSpec, folder: Path) -> dict[str, Variant]:
    """All ways to roll out, by name."""
    found = {AS_SCORED: Variant(robot, item), NUDGED: Variant(robot, item, nudge=True)}
    for limit in ITERATIONS:
        with mock.patch.multiple(table_world, SOLVER_ITERATIONS=limit, ITERATIONS_PER_HAND_JOINT=0):
            found[f"{limit} iterations"] = Variant(robot, item)
    for share in (1, 2, 4):
        other = cut_into(item, max(1, len(item.pieces) // share), folder)
        found[f"{len(other.pieces)} of {len(item.pieces)} pieces"] = Variant(robot, other)
    found["robot never meets ground"] = without_ground(Variant(robot, item))
    return found


def where_time_goes(robot: RobotSpec, item: ObjectSpec, rollouts: Rollouts) -> list[str]:
    """The line of the first table."""
    variant = Variant(robot, item)
    with Stopwatch() as watch:
        for grasp, _, noise in rollouts:
            variant.add(grasp, noise)
    shares = [seconds / variant.seconds for seconds in watch.seconds.values()]
    return [f"{share:.3f}" for share in (*shares, 1.0 - sum(shares))]


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--robots", nargs="+", default=robot_names())
    parser.add_argument("--objects", nargs="+", default=OBJECTS)
    parser.add_argument("--grasps", type=int, default=3)
    parser.add_argument("--trials", type=int, default=3, help="of each grasp and criterion")
    options = parser.parse_args()
    profile, times = load_profile("default"), []
    for name in options.robots:
        robot = load_robot(name)
        for obj in options.objects:
            item = load_object(obj)
            rollouts = [
                (
                    grasp,
                    criterion,
                    sample_perturbation(profile, criterion, 0, trial, len(robot.arm_joints)),
                )
                for grasp in generate(name, obj, options.grasps, seed=0)
                for criterion in Criterion
                for trial in range(options.trials)
            ]
            times.append([name, obj, *where_time_goes(robot, item, rollouts)])
            with tempfile.TemporaryDirectory() as folder:
                ways = variants(robot, item, Path(folder))
                for grasp, _, noise in rollouts:
                    for way in ways.values():
                        way.add(grasp, noise)
            print_table(
                ["rollout", "CPU ms", "CPU", "CPU a step", "agreement", "held", "fitness"],
                [
                    way.row(title, ways[AS_SCORED], len(rollouts) // options.trials)
                    for title, way in ways.items()
                ],
                title=f"{name}, {obj}: {len(rollouts)} rollouts in each way, against as scored",
            )
            for way in ways.values():
                way.runner.close()
    print_table(
        ["arm", "object", "in step", "queries", "other calls", "Python"],
        times,
        title="shares of the CPU time of shortened rollouts",
    )


if __name__ == "__main__":
    main()
