"""What a rollout costs: the Franka with each object of the demonstration, on one core.

Prints rollouts per second, simulation steps per rollout, microseconds per step, and the share of
the time spent inside `stepSimulation`; then how busy the scorer keeps a worker for each core,
against as many bare loops of rollouts that share nothing.
"""

import argparse
import multiprocessing
import os
import time
from collections.abc import Sequence
from typing import Any

from dr_grasp.bringup.demonstration import OBJECTS
from dr_grasp.cli.console import print_table
from dr_grasp.core.perturbation import Criterion, sample_perturbation
from dr_grasp.core.trajectory import GraspTrajectory
from dr_grasp.generation.sampler import generate
from dr_grasp.objects.object_spec import load_object
from dr_grasp.robots.robot_spec import load_robot
from dr_grasp.scoring.blocks import Block, run_block
from dr_grasp.scoring.profiles import load_profile
from dr_grasp.scoring.request import ScoreRequest
from dr_grasp.scoring.scorer import Scorer
from dr_grasp.scoring.tally import Tally
from dr_grasp.simulation.bullet import world as bullet_world
from dr_grasp.simulation.rollout_runner import RolloutRunner


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
    with RolloutRunner(world) as runner, Stopwatch() as inside:
        began = time.perf_counter()
        for grasp in batch:
            for criterion in Criterion:
                for trial in range(trials):
                    noise = sample_perturbation(profile, criterion, 0, trial, arm_joints)
                    steps += runner.run(grasp, noise).steps
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


def bare_loop(blocks: list[Block], ready: Any, go: Any, done: Any) -> None:
    """Roll out blocks, one after the other, once everybody is ready."""
    run_block(blocks[0])  # builds the world
    ready.put(None)
    go.wait()
    for block in blocks:
        run_block(block)
    done.put(None)


def bare_rate(batch: Sequence[GraspTrajectory], request: ScoreRequest, jobs: int) -> float:
    """Rollouts per second of loops without any pool, each with its share of the trials."""
    context = multiprocessing.get_context("spawn")
    ready, done, go = context.Queue(), context.Queue(), context.Event()
    blocks = [
        [
            block
            for index, grasp in enumerate(batch)
            for block in iter(Tally(index, grasp, request).next_block, None)
        ][job::jobs]
        for job in range(jobs)
    ]
    processes = [
        context.Process(target=bare_loop, args=(share, ready, go, done)) for share in blocks
    ]
    for process in processes:
        process.start()
    for _ in processes:
        ready.get()
    began = time.perf_counter()
    go.set()
    for _ in processes:
        done.get()
    seconds = time.perf_counter() - began
    for process in processes:
        process.join()
    return sum(block.count for share in blocks for block in share) / seconds


def measure_workers(robot: str, obj: str, grasps: int, trials: int) -> list[list[str]]:
    """Rollouts per second of the scorer with one worker and with all cores, and of bare loops."""
    batch = generate(robot, obj, grasps, seed=0)
    request = ScoreRequest(load_profile("default"), trials=trials)
    rollouts = len(batch) * request.rollouts_per_grasp
    rows = []
    for jobs in sorted({1, os.cpu_count() or 1}):
        bare = bare_rate(batch, request, jobs)
        with Scorer(jobs) as scorer:
            scorer.score(batch, ScoreRequest(load_profile("default"), trials=1))  # warm up
            began = time.perf_counter()
            scorer.score(batch, request)
            rate = rollouts / (time.perf_counter() - began)
        rows.append([str(jobs), str(rollouts), f"{rate:.1f}", f"{bare:.1f}", f"{rate / bare:.2f}"])
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
        ["workers", "rollouts", "rollouts/s", "bare loops", "ratio"],
        measure_workers(options.robot, OBJECTS[-1], options.grasps, options.trials),
        title=f"the scorer, {options.robot} with {OBJECTS[-1]}",
    )


# Workers import this file anew.
if __name__ == "__main__":
    main()
