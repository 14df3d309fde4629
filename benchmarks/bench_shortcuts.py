"""What leaving out parts of a rollout saves, and what it changes, held against whole rollouts.

For each arm and object: rollouts of some grasps under each criterion, whole and shortened, with the
same noise. Agreement is the share of rollouts that both end in success or both do not. A whole
rollout whose object and joints are some hundredths of a millimetre aside shows how much agreement
can be expected, since contact dynamics amplify whatever differs. The label's cost is that of the
rollouts of profile `huber2023`, 550 a grasp, at the CPU time of those of each criterion here.
"""

import argparse
import dataclasses
import time
from collections import defaultdict
from collections.abc import Callable

import numpy as np

from dr_grasp.cli.console import print_table
from dr_grasp.core.outcome import Outcome
from dr_grasp.core.perturbation import Criterion, Perturbation, sample_perturbation
from dr_grasp.core.trajectory import GraspTrajectory
from dr_grasp.generation.sampler import generate
from dr_grasp.objects.object_spec import load_object
from dr_grasp.robots.robot_spec import load_robot, robot_names
from dr_grasp.scoring.profiles import load_profile
from dr_grasp.simulation.bullet.world import BulletWorld
from dr_grasp.simulation.rollout import Rollout, run_rollout
from dr_grasp.simulation.rollout_runner import RolloutRunner, Shortcuts

OBJECTS = ("mug", "procedural_000", "procedural_001")
WHOLE, NUDGED = "whole", "whole, nudged"
SHORTENED = {
    "late entry": Shortcuts(early_end=False),
    "early end": Shortcuts(late_entry=False),
    "both": Shortcuts(),
}
NUDGE_M = 1e-5
NUDGE_HALF_RANGES = 1e-5


def nudged(perturbation: Perturbation, arm_joints: int) -> Perturbation:
    """The same, but for the places of the object and of the joints."""
    moved = perturbation.translation_m + np.array([NUDGE_M, 0.0, 0.0])
    offset = perturbation.joint_offset
    offset = (offset if offset.size else np.zeros(arm_joints)) + NUDGE_HALF_RANGES
    return dataclasses.replace(perturbation, translation_m=moved, joint_offset=offset)


class Tally:
    """Rollouts of one way to replay: how they ended, by criterion, and what they cost."""

    def __init__(self, run: Callable[[GraspTrajectory, Perturbation], Rollout]) -> None:
        self._run = run
        self.held: dict[Criterion, list[bool]] = defaultdict(list)
        self.seconds: dict[Criterion, float] = defaultdict(float)
        self.steps = 0

    def add(self, grasp: GraspTrajectory, criterion: Criterion, noise: Perturbation) -> None:
        """Replay once."""
        began = time.process_time()
        rollout = self._run(grasp, noise)
        self.seconds[criterion] += time.process_time() - began
        self.held[criterion].append(rollout.outcome is Outcome.SUCCESS)
        self.steps += rollout.steps

    def label_seconds(self) -> float:
        """CPU time of a label of 550 rollouts, or of its share in the criteria replayed."""
        trials = load_profile("huber2023").trials
        return sum(trials[c] * self.seconds[c] / len(held) for c, held in self.held.items())

    def agreement(self, other: "Tally") -> float:
        """Share of rollouts that succeed in both or in neither."""
        same = [np.equal(held, other.held[c]).mean() for c, held in self.held.items()]
        return float(np.mean(same))

    def differences(self, other: "Tally") -> list[float]:
        """By how much each criterion's fitness is higher, over all grasps."""
        return [float(np.mean(held) - np.mean(other.held[c])) for c, held in self.held.items()]

    def standard_error(self, other: "Tally") -> float:
        """Of these differences, the largest."""
        pairs = [np.subtract(held, other.held[c], dtype=float) for c, held in self.held.items()]
        return max(float(pair.std() / len(pair) ** 0.5) for pair in pairs)


def measure(robot: str, obj: str, options: argparse.Namespace) -> dict[str, Tally]:
    """Replay some grasps in every way, in turns."""
    spec, item = load_robot(robot), load_object(obj)
    grasps = generate(robot, obj, options.grasps, options.seed)
    profile = load_profile(options.profile)
    with BulletWorld(spec, item) as world:
        tallies = {
            WHOLE: Tally(lambda grasp, noise: run_rollout(world, grasp, noise)),
            NUDGED: Tally(
                lambda grasp, noise: run_rollout(world, grasp, nudged(noise, len(spec.arm_joints)))
            ),
        }
        for name, shortcuts in SHORTENED.items():
            tallies[name] = Tally(RolloutRunner(BulletWorld(spec, item), shortcuts).run)
        for grasp in grasps:
            for criterion in map(Criterion, options.criteria):
                for trial in range(options.trials):
                    noise = sample_perturbation(
                        profile, criterion, options.seed, trial, len(spec.arm_joints)
                    )
                    for tally in tallies.values():
                        tally.add(grasp, criterion, noise)
    return tallies


def row(robot: str, obj: str, name: str, tally: Tally, whole: Tally) -> list[str]:
    """A line of the table."""
    return [
        robot,
        obj,
        name,
        f"{tally.agreement(whole):.3f}",
        " ".join(f"{difference:+.3f}" for difference in tally.differences(whole)),
        f"{tally.standard_error(whole):.3f}",
        f"{whole.steps / tally.steps:.2f}",
        f"{tally.label_seconds():.1f}",
        f"{whole.label_seconds() / tally.label_seconds():.2f}",
    ]


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--robots", nargs="+", default=robot_names())
    parser.add_argument("--objects", nargs="+", default=OBJECTS)
    parser.add_argument("--grasps", type=int, default=6)
    parser.add_argument("--trials", type=int, default=10, help="of each criterion")
    parser.add_argument("--criteria", nargs="+", default=[one.value for one in Criterion])
    parser.add_argument("--profile", default="default")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    rows, sums = [], defaultdict(list)
    for robot in options.robots:
        for obj in options.objects:
            tallies = measure(robot, obj, options)
            for name, tally in tallies.items():
                rows.append(row(robot, obj, name, tally, tallies[WHOLE]))
                print("  ".join(rows[-1]), flush=True)
                sums[name].append(
                    (tally.agreement(tallies[WHOLE]), *tally.differences(tallies[WHOLE]))
                )
    count = options.grasps * options.trials
    print_table(
        [
            "arm",
            "object",
            "rollout",
            "agreement",
            "differences",
            "s.e.",
            "steps",
            "s/label",
            "gain",
        ],
        rows,
        title=f"against whole rollouts: {count} of each criterion, profile {options.profile}",
    )
    for name, values in sums.items():
        mean = np.mean(values, axis=0)
        print(f"{name}: agreement {mean[0]:.3f}, differences {np.round(mean[1:], 3).tolist()}")


if __name__ == "__main__":
    main()
