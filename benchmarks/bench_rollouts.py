"""What a rollout costs: the Franka with each object of the demonstration, on one core.

Prints rollouts per second, simulation steps per rollout, microseconds per step, and the share of
the time spent inside `stepSimulation`; then how well a worker for each core keeps them busy.
"""

import argparse
import os
import time

from dr_grasp.cli.console import print_table
from dr_grasp.core.perturbation import Criterion, sample_perturbation
from dr_grasp.demo import OBJECTS
from dr_grasp.generation.sampler import generate
from dr_grasp.objects.spec import load_object
from dr_grasp.robots.spec import load_robot
from dr_grasp.scoring.profiles import load_profile
from dr_grasp.scoring.request import ScoreRequest
from dr_grasp.scoring.scorer import Scorer
from dr_grasp.simulation import bullet_world
from dr_grasp.simulation.rollout import run_rollout


class Stopwatch:
    """Times PyBullet's step from within the world that calls it."""

    def __init__(self) -> None:
        self._step = bullet_world.p.stepSimulation
        self.seconds = 0.0

    def __enter__(self) -> "Stopwatch":
        """Begin to time."""
        bullet_world.p.stepSimulation = self
        return self

    def __exit__(self, *error: object) -> None:
        """Put the step back."""
        bullet_world.p.stepSimulation = self._step

    def __call__(self, **options: int) -> None:
        """Simulate one step."""
        began = time.perf_counter()
        self._step(**options)
        self.seconds += time.perf_counter() - began


def measure(robot: str, obj: str, grasps: int, trials: int) -> list[str]:
    """One row of the table."""
    profile = load_profile("default")
    batch = generate(robot, obj, grasps, seed=0)
    arm_joints = len(load_robot(robot).arm_joints)
    steps = rollouts = 0
    world = bullet_world.BulletWorld(load_robot(robot), load_object(obj))
    with world, Stopwatch() as inside:
        began = time.perf_counter()
        for grasp in batch:
            for criterion in Criterion:
                for trial in range(trials):
                    noise = sample_perturbation(profile, criterion, 0, trial, arm_joints)
                    steps += run_rollout(world, grasp, noise).steps
                    rollouts += 1
        seconds = time.perf_counter() - began
    return [
        obj,
        str(rollouts),
        f"{rollouts / seconds:.1f}",
        f"{steps / rollouts:.0f}",
        f"{seconds / steps * 1e6:.0f}",
        f"{inside.seconds / seconds:.3f}",
    ]


def measure_workers(robot: str, obj: str, grasps: int, trials: int) -> list[list[str]]:
    """Rollouts per second of the scorer with one worker and with all cores."""
    batch = generate(robot, obj, grasps, seed=0)
    request = ScoreRequest(load_profile("default"), trials=trials)
    rollouts = len(batch) * request.rollouts_per_grasp
    rows = []
    for jobs in (1, os.cpu_count() or 1):
        with Scorer(jobs) as scorer:
            scorer.score(batch[:1], ScoreRequest(load_profile("default"), trials=1))  # warm up
            began = time.perf_counter()
            scorer.score(batch, request)
            rate = rollouts / (time.perf_counter() - began)
        rows.append([str(jobs), str(rollouts), f"{rate:.1f}", f"{rate / jobs:.1f}"])
    return rows


def main() -> None:
    """Print both tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--robot", default="franka")
    parser.add_argument("--grasps", type=int, default=3)
    parser.add_argument("--trials", type=int, default=5)
    options = parser.parse_args()
    print_table(
        ["object", "rollouts", "rollouts/s on one core", "steps/rollout", "us/step", "in step"],
        [measure(options.robot, obj, options.grasps, options.trials) for obj in OBJECTS],
        title=f"{options.robot}, profile default",
    )
    print_table(
        ["workers", "rollouts", "rollouts/s", "rollouts/s and worker"],
        measure_workers(options.robot, OBJECTS[-1], options.grasps, options.trials),
        title=f"the scorer, {options.robot} with {OBJECTS[-1]}",
    )


# Workers import this file anew.
if __name__ == "__main__":
    main()
