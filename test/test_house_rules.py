"""What is asked of the code as a whole, held by machine."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import dr_grasp

PACKAGE = Path(dr_grasp.__file__).parent
ROOT = PACKAGE.parent


def run(*arguments: str | Path, folder: Path = ROOT) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
        env={**os.environ, "NO_COLOR": "1", "PYTHONPATH": str(folder)},
    )


def passes(done: subprocess.CompletedProcess[str]) -> None:
    assert done.returncode == 0, done.stdout + done.stderr


def check_imports(folder: Path) -> subprocess.CompletedProcess[str]:
    code = "import sys; from importlinter import cli; sys.exit(cli.lint_imports(cache_dir=None))"
    return run("-c", code, folder=folder)


def test_ruff_check() -> None:
    passes(run("-m", "ruff", "check", "--no-cache", "."))


def test_ruff_format() -> None:
    passes(run("-m", "ruff", "format", "--check", "--no-cache", "."))


def test_mypy() -> None:
    passes(run("-m", "mypy", "--no-error-summary"))


def test_no_arrow_between_the_rooms_points_outward() -> None:
    passes(check_imports(ROOT))


STRAYS = {
    "simulation/bullet": "from dr_grasp.twin import twin_profile",
    "scoring": "import dr_grasp.twin",
    "generation/importers": "from dr_grasp.twin.mujoco_world import MujocoTwinWorld",
    "objects": "import mujoco",
    "core": "import dr_grasp.robots.robot_spec",
    "twin": "import pybullet",
    "execution": "import rclpy",
    "formats": "import dr_grasp.ros.client",
}


def test_the_contract_bites(tmp_path: Path) -> None:
    shutil.copytree(PACKAGE, tmp_path / "dr_grasp", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    for room, line in STRAYS.items():
        (tmp_path / "dr_grasp" / room / "stray.py").write_text(f"{line}\n", encoding="utf-8")
    done = check_imports(tmp_path)
    assert done.returncode == 1, done.stdout + done.stderr
    for room, line in STRAYS.items():
        source = f"dr_grasp.{room.replace('/', '.')}.stray"
        target = line.split()[1]
        assert f"{source} -> {target}" in done.stdout, done.stdout


SCORING = """
import sys
from pathlib import Path

opened = []
sys.addaudithook(lambda event, args: opened.append(str(args[0])) if event == "open" else None)

import dr_grasp
from dr_grasp.core.perturbation import Criterion
from dr_grasp.simulation.bullet.world import BulletWorld
from dr_grasp.simulation.rollout_runner import RolloutRunner
from dr_grasp.core.perturbation import sample_perturbation
from dr_grasp.scoring.profiles import load_profile

[grasp] = dr_grasp.generate("franka", "mug", 1, seed=0)
robot, item = dr_grasp.load_robot(grasp.robot), dr_grasp.load_object(grasp.object)
with RolloutRunner(BulletWorld(robot, item)) as runner:
    noise = sample_perturbation(load_profile("default"), Criterion.MDR, 0, 0, len(robot.arm_joints))
    runner.run(grasp, noise)
assert any("config/profiles/default.yaml" in path for path in opened)
print(*(path for path in opened if "config/twin" in path))
print(*({"mujoco", "dr_grasp.twin", "rclpy"} & set(sys.modules)))
"""


def test_what_scores_reads_nothing_of_the_twin() -> None:
    done = run("-c", SCORING)
    passes(done)
    assert done.stdout.split() == []


def test_importing_the_package_loads_and_says_nothing() -> None:
    code = "import sys, dr_grasp; print(*(m for m in ('numpy', 'pybullet') if m in sys.modules))"
    done = run("-c", code)
    assert (done.returncode, done.stdout.strip(), done.stderr) == (0, "", "")


@pytest.mark.parametrize("name", dr_grasp.__all__)
def test_each_name_of_the_library_is_there_and_documented(name: str) -> None:
    value = getattr(dr_grasp, name)
    assert value.__name__ == name and value.__doc__
    assert name in (dr_grasp.__doc__ or "")


def test_a_name_that_the_library_lacks_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="module 'dr_grasp' has no attribute 'scorer_of_all'"):
        dr_grasp.scorer_of_all  # noqa: B018


@pytest.mark.parametrize("arguments", [["--help"], ["score", "--help"], ["execute", "--help"]])
def test_the_command_line_loads_ros_only_when_it_needs_it(arguments: list[str]) -> None:
    code = f"""
import sys
from dr_grasp.cli.main import main
sys.argv = ["dr-grasp", *{arguments!r}]
try:
    main()
finally:
    print(*({{"rclpy", "dr_grasp.ros", "dr_grasp_interfaces"}} & set(sys.modules)), file=sys.stderr)
"""
    done = run("-c", code)
    assert (done.returncode, done.stderr.strip()) == (0, "")
    assert "Usage" in done.stdout
