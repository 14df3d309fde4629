"""Engine mujoco-warp on a GPU: rollouts per second, a label, agreement with mujoco, memory.

Prints the name of the card, and after each measurement a line, so that what was measured until the
time was over stays. It takes at most 8 minutes: measurements that would take longer are left out.
Without a GPU it says so and measures nothing, but for `--device cpu --worlds 4`, which tries it.
"""

import argparse
import itertools
import os
import sys
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from typing import Any

from dr_grasp.cli.console import print_table
from dr_grasp.core.perturbation import Criterion, Perturbation, sample_perturbation
from dr_grasp.core.trajectory import GraspTrajectory
from dr_grasp.errors import SettingsError
from dr_grasp.generation.sampler import generate
from dr_grasp.objects.object_spec import load_object
from dr_grasp.robots.robot_spec import load_robot
from dr_grasp.scoring.profiles import load_profile
from dr_grasp.simulation.mujoco.world import MujocoWorld
from dr_grasp.simulation.rollout import Rollout
from dr_grasp.simulation.rollout_runner import RolloutRunner
from dr_grasp.simulation.warp.batch_runner import BatchRunner
from dr_grasp.simulation.warp.device import find_device

MOST_S = 480.0
WORLDS = (256, 1024, 4096, 16384)
LABEL = 550
"""Rollouts of a label: 200 OSDR, 200 JSDR, 50 FDR, 100 MDR."""

Work = tuple[GraspTrajectory, Perturbation]


def rollouts(robot: str, obj: str) -> Iterator[Work]:
    """The rollouts of a label again and again, grasp after grasp, with other noise each time."""
    grasps = generate(robot, obj, 4, seed=0)
    profile, joints = load_profile("huber2023"), len(load_robot(robot).arm_joints)
    for seed in itertools.count():
        for grasp in grasps:
            for criterion in Criterion:
                for trial in range(profile.trials[criterion]):
                    yield grasp, sample_perturbation(profile, criterion, seed, trial, joints)


def in_mujoco(work: list[Work]) -> list[Rollout]:
    """The same rollouts in engine mujoco, in this process."""
    grasp, _ = work[0]
    world = MujocoWorld(load_robot(grasp.robot), load_object(grasp.object))
    with RolloutRunner(world) as runner:
        return [runner.run(*one) for one in work]


class Clock:
    """Says what there is still time for."""

    def __init__(self) -> None:
        self._began = time.perf_counter()

    def has(self, seconds: float) -> bool:
        """Whether something that takes so long ends in time."""
        return time.perf_counter() - self._began + seconds < MOST_S


def peak_memory_gb(device: Any) -> float:
    """Largest memory of Warp's pool on the device so far [GB]; 0 on a CPU."""
    import warp as wp

    return wp.get_mempool_used_mem_high(device) / 1e9 if device.is_cuda else 0.0


def timed(runner: BatchRunner, work: list[Work]) -> tuple[float, list[Rollout]]:
    """Seconds, and the rollouts in their order."""
    began = time.perf_counter()
    found = dict(runner.run(work))
    return time.perf_counter() - began, [found[index] for index in range(len(work))]


def measure(args: argparse.Namespace, clock: Clock, device: Any) -> None:
    """Measure with one robot and object, and print."""
    waves, rows, seconds = args.waves, [], 0.0
    for worlds in args.worlds:
        # Twice as many worlds take at most as much longer, and kernels are loaded anew.
        if rows and not clock.has(8 * seconds):
            break
        work = list(itertools.islice(rollouts(args.robot, args.object), waves * worlds))
        with BatchRunner(worlds, device=str(device)) as runner:
            first, _ = timed(runner, work[:1])
            seconds, found = timed(runner, work)
        rows.append(
            [
                str(worlds),
                str(len(work)),
                f"{len(work) / seconds:.3g}",
                f"{sum(rollout.steps for rollout in found) / seconds:.4g}",
                f"{first:.1f}",
                f"{peak_memory_gb(device):.2f}",
            ]
        )
        print(f"worlds {worlds}: {len(work) / seconds:.1f} rollouts/s", flush=True)
    columns = ("worlds", "rollouts", "rollouts/s", "commands/s", "first one [s]", "peak [GB]")
    print_table(columns, rows)


def label(args: argparse.Namespace, device: Any) -> None:
    """Time a label, with and without ordered sums, and compare it with itself and with mujoco."""
    count = min(LABEL, args.label)
    work = list(itertools.islice(rollouts(args.robot, args.object), count))
    rows, kept = [], []
    for deterministic in (False, True) if device.is_cuda else (False,):
        worlds = min(args.label_worlds, count)
        with BatchRunner(worlds, device=str(device), deterministic=deterministic) as runner:
            timed(runner, work[:1])
            seconds, found = timed(runner, work)
            again, other = timed(runner, work)
        kept.append(found)
        same = sum(one == two for one, two in zip(found, other, strict=True))
        rows.append(
            [str(deterministic), f"{seconds:.2f}", f"{again:.2f}", f"{same} of {len(work)}"]
        )
        print(f"a label of {count}, deterministic {deterministic}: {seconds:.2f} s", flush=True)
    print_table(("deterministic", "label [s]", "again [s]", "same twice"), rows)
    cores = os.cpu_count() or 1
    parts = [work[start : start + 10] for start in range(0, min(count, args.compared), 10)]
    began = time.process_time(), time.perf_counter()
    with ProcessPoolExecutor(cores) as pool:
        expected = list(itertools.chain.from_iterable(pool.map(in_mujoco, parts)))
    seconds = time.perf_counter() - began[1]
    pairs = list(zip(expected, kept[0], strict=False))
    agreed = sum(one.outcome is two.outcome for one, two in pairs)
    print(f"mujoco on {cores} cores: {len(expected) / seconds:.1f} rollouts/s")
    print(f"outcomes as in mujoco: {agreed} of {len(pairs)}")
    differ = Counter(
        (one.outcome.label, two.outcome.label) for one, two in pairs if one.outcome != two.outcome
    )
    for (one, two), times in differ.most_common():
        print(f"  {one} in mujoco, {two} here: {times}")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--device", help="Warp's name of the device, such as cuda:0")
    parser.add_argument("--worlds", type=int, nargs="+", default=list(WORLDS))
    parser.add_argument("--waves", type=int, default=3, help="rollouts for each world")
    parser.add_argument("--label", type=int, default=LABEL, help="rollouts of the label")
    parser.add_argument("--label-worlds", type=int, default=LABEL)
    parser.add_argument("--compared", type=int, default=LABEL, help="rollouts made in mujoco too")
    parser.add_argument("--robot", default="franka")
    parser.add_argument("--object", default="mug")
    args = parser.parse_args()
    try:
        device = find_device(args.device)
    except SettingsError as error:
        print(f"not measured: {error}")
        return 0
    if not device.is_cuda:
        args.waves, args.label = 1, 1  # minutes, though nothing is learnt but that it runs
    print(f"{device.name}: {args.robot} with {args.object}")
    clock = Clock()
    label(args, device)
    measure(args, clock, device)
    return 0


if __name__ == "__main__":
    sys.exit(main())
