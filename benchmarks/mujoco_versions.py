"""Do engine mujoco and the twin see the same with another release of MuJoCo?

Installs each release in a temporary folder (needs pip's index), simulates the same grasps under the
same perturbations in each, and compares with the first: outcomes, and where objects ended. How much
that says, the last rows tell: the first release, with each object moved by a micrometre. Then it
runs the twin's own tests with each. MuJoCo 4 needs Python 3.11.
"""

import argparse
import dataclasses
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from dr_grasp.cli.console import print_table
from dr_grasp.core.arrays import frozen
from dr_grasp.core.outcome import Outcome
from dr_grasp.core.perturbation import Criterion, sample_perturbation
from dr_grasp.formats.grasp_file import read_grasps, write_grasps
from dr_grasp.generation.sampler import generate
from dr_grasp.objects.object_spec import load_object
from dr_grasp.robots.robot_spec import load_robot, robot_names
from dr_grasp.scoring.profiles import load_profile
from dr_grasp.simulation.mujoco.world import MujocoWorld
from dr_grasp.simulation.rollout import run_rollout

PACKAGES = {"3": "mujoco", "4": "mujoco-core"}
"""The package with the engine, by MuJoCo's major version; that of 4 has no viewer."""

HOUSE = Path(__file__).resolve().parent.parent
SEED = 0

SHIFT_M = 1e-6
"""No engine should care about this, and all do once a contact is made or lost by it [m]."""


def replay(grasp_file: Path, trials: int, shift_m: float) -> None:
    """Print, for each rollout with the MuJoCo that is imported, outcome and the object's end."""
    profile = load_profile("default")
    for grasp in read_grasps(grasp_file).grasps:
        robot, item = load_robot(grasp.robot), load_object(grasp.object)
        with MujocoWorld(robot, item) as world:
            for trial in range(trials):
                noise = sample_perturbation(
                    profile, Criterion.MDR, SEED, trial, len(robot.arm_joints)
                )
                place = frozen(noise.translation_m + np.array([shift_m, 0.0, 0.0]))
                moved = dataclasses.replace(noise, translation_m=place)
                outcome = run_rollout(world, grasp, moved).outcome
                end = world.object_pose().position.tolist()
                print(json.dumps({"robot": robot.name, "outcome": outcome.label, "end": end}))


def install(version: str, folder: Path) -> dict[str, str]:
    """Install a release of MuJoCo; returns the environment in which Python imports it."""
    wanted = f"{PACKAGES[version.split('.')[0]]}=={version}"
    pip = [sys.executable, "-m", "pip", "install", "-q", "--no-deps", "--target", str(folder)]
    subprocess.run([*pip, wanted], check=True)
    return {**os.environ, "PYTHONPATH": f"{folder}{os.pathsep}{HOUSE}"}


def printed(command: Sequence[str], environment: Mapping[str, str]) -> list[str]:
    """The lines that a command prints; its errors go to ours."""
    done = subprocess.run(
        command, env=environment, cwd=HOUSE, stdout=subprocess.PIPE, text=True, check=False
    )
    return done.stdout.strip().splitlines()


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--versions", nargs="+", default=["3.17.0", "4.0.0", "4.0.1"])
    parser.add_argument("--object", default="procedural_000")
    parser.add_argument("--grasps", type=int, default=8)
    parser.add_argument("--trials", type=int, default=8)
    parser.add_argument("--replay", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--shift", type=float, default=0.0, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.replay is not None:
        replay(options.replay, options.trials, options.shift)
        return
    rollouts, tests = {}, {}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        grasps = [
            grasp
            for robot in robot_names()
            for grasp in generate(robot, options.object, options.grasps, SEED)
        ]
        # An id is unique within a robot only.
        write_grasps(folder / "grasps.json", grasps)
        environments = {version: install(version, folder / version) for version in options.versions}
        first = options.versions[0]
        child = [sys.executable, __file__, "--replay", str(folder / "grasps.json")]
        child += ["--trials", str(options.trials), "--shift"]
        for version, environment in environments.items():
            rollouts[version] = printed([*child, "0"], environment)
            twin = HOUSE / "test" / "twin"
            pytest = [sys.executable, "-m", "pytest", "-q", str(twin)]
            pytest += ["--ignore", str(twin / "test_mujoco_next.py")]  # it would do this again
            tests[version] = printed(pytest, environment)[-1]
        rollouts[f"{first}, moved"] = printed([*child, str(SHIFT_M)], environments[first])
    nominal = [json.loads(line) for line in rollouts[first]]
    rows = []
    for version, lines in rollouts.items():
        for robot in robot_names():
            pairs = [
                (mine, theirs)
                for mine, theirs in zip(map(json.loads, lines), nominal, strict=True)
                if mine["robot"] == robot
            ]
            held = Outcome.SUCCESS.label
            both = [pair for pair in pairs if all(one["outcome"] == held for one in pair)]
            apart = [np.linalg.norm(np.subtract(a["end"], b["end"])) for a, b in both]
            rows.append(
                [
                    version,
                    robot,
                    f"{sum(mine['outcome'] == held for mine, _ in pairs)} of {len(pairs)}",
                    f"{sum(a['outcome'] == b['outcome'] for a, b in pairs)}",
                    f"{1e3 * np.median(apart):.3g} mm" if apart else "-",
                    f"{1e3 * max(apart):.3g} mm" if apart else "-",
                ]
            )
    print_table(
        ["MuJoCo", "robot", "held", f"as in {first}", "median apart", "farthest"],
        rows,
        title="the same grasps and perturbations; how far apart objects end that both hold",
    )
    for version, line in tests.items():
        print(f"test/twin with MuJoCo {version}: {line}")


if __name__ == "__main__":
    main()
