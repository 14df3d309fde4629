"""What does each metric of a grasp cost, and what does it say?

For each arm and engine: some grasps of each object. The CPU time of a metric is given by itself and
in rollouts, at the time of a shortened rollout under MDR of the same grasps; a label of MDR takes
100 of those. Metrics of the same contacts share one rollout, so each of them alone costs as much as
all. Beside it: the share of grasps for which a metric is 0, its median over all grasps, and the
rank correlation of PyBullet's values with MuJoCo's.
"""

import argparse
import time
from collections import defaultdict

import numpy as np
from scipy.stats import spearmanr

from dr_grasp.cli.console import print_table
from dr_grasp.core.engine import SINGLE, Engine
from dr_grasp.core.metric import ENGINE_DOUBT, Metric
from dr_grasp.core.perturbation import Criterion, Perturbation, sample_perturbation
from dr_grasp.core.trajectory import GraspTrajectory
from dr_grasp.generation.sampler import generate
from dr_grasp.quality.measurement import measure
from dr_grasp.robots.robot_spec import robot_names
from dr_grasp.scoring.profiles import load_profile
from dr_grasp.simulation.rollout_runner import RolloutRunner, kept_runner

METRICS = [metric for metric in Metric if metric not in ENGINE_DOUBT]


class Bench:
    """Metrics of one arm's grasps in one engine, with CPU times."""

    def __init__(self) -> None:
        self.values: dict[Metric, list[float]] = defaultdict(list)
        self._seconds: dict[Metric, list[float]] = defaultdict(list)
        self._rollouts_s: list[float] = []

    def add(self, runner: RolloutRunner, grasp: GraspTrajectory, options: argparse.Namespace):
        """Measure a grasp; the first rollout, which finds the free way, is not timed."""
        profile, joints = load_profile(options.profile), len(runner.world.robot.arm_joints)
        runner.run(grasp, Perturbation.none())
        for trial in range(options.trials):
            noise = sample_perturbation(profile, Criterion.MDR, options.seed, trial, joints)
            begun = time.process_time()
            runner.run(grasp, noise)
            self._rollouts_s.append(time.process_time() - begun)
        for metric in METRICS:
            begun = time.process_time()
            found = measure(runner, grasp, [metric], profile, options.seed)
            self._seconds[metric].append(time.process_time() - begun)
            self.values[metric].append(found.get(metric, np.nan))

    def row(self, metric: Metric) -> list[str]:
        """Seconds, rollouts, share of zeros and median of a metric."""
        seconds, values = np.mean(self._seconds[metric]), np.array(self.values[metric])
        return [
            f"{seconds:.3f}",
            f"{seconds / np.mean(self._rollouts_s):.1f}",
            f"{np.mean(values == 0.0):.2f}",
            f"{np.nanmedian(values):.3g}",
        ]


def correlation(first: list[float], second: list[float]) -> str:
    """Rank correlation over grasps that have the metric in both engines."""
    both = np.isfinite(first) & np.isfinite(second)
    return f"{spearmanr(np.array(first)[both], np.array(second)[both]).statistic:+.2f}"


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--robots", nargs="+", default=robot_names())
    parser.add_argument("--objects", nargs="+", default=["mug", "procedural_000"])
    parser.add_argument("--grasps", type=int, default=3, help="of each arm and object")
    parser.add_argument("--trials", type=int, default=5, help="rollouts that are timed")
    parser.add_argument("--profile", default="default")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    rows = []
    for robot in options.robots:
        benches: dict[Engine, Bench] = {engine: Bench() for engine in SINGLE}
        for obj in options.objects:
            for grasp in generate(robot, obj, options.grasps, options.seed):
                for engine, bench in benches.items():
                    bench.add(kept_runner(robot, obj, engine=engine), grasp, options)
        for metric in METRICS:
            alike = correlation(*(bench.values[metric] for bench in benches.values()))
            for engine, bench in benches.items():
                rows.append([robot, metric.value, engine.value, *bench.row(metric), alike])
                print("  ".join(rows[-1]), flush=True)
    print_table(
        ["arm", "metric", "engine", "CPU [s]", "rollouts", "zeros", "median", "rho of engines"],
        rows,
        title=f"{options.grasps * len(options.objects)} grasps of each arm",
    )


if __name__ == "__main__":
    main()
