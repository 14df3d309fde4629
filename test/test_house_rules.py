"""What STYLE.md asks of the code as a whole, held by machine."""

import ast
import os
import subprocess
import sys
from pathlib import Path

import pytest

import dr_grasp

PACKAGE = Path(dr_grasp.__file__).parent
ROOT = PACKAGE.parent
FILES = sorted(PACKAGE.rglob("*.py"))
OUTER = ("ros", "cli", "demo.py")
ENGINES = {"pybullet", "mujoco", "rclpy", "moveit"}


def imported(tree):
    """Modules that a tree imports, wherever in it; those under TYPE_CHECKING too."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "relative imports are not used here"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def imports_of(path):
    return set(imported(ast.parse(path.read_text(encoding="utf-8"))))


def importers(package):
    """Files that import a package, relative to ours."""
    return {
        str(path.relative_to(PACKAGE))
        for path in FILES
        if any(name.split(".")[0] == package for name in imports_of(path))
    }


def in_a_new_process(code):
    return subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=120, check=False
    )


def test_there_is_something_to_check():
    assert len(FILES) > 20 and len(list((PACKAGE / "core").glob("*.py"))) > 5


@pytest.mark.parametrize(
    ("room", "others"),
    [
        ("core", ENGINES | {"trimesh", "yaml", "pydantic", "dr_grasp_interfaces"}),
        ("scoring", {"rclpy", "mujoco", "dr_grasp_interfaces"}),
        ("generation", {"rclpy", "mujoco", "dr_grasp_interfaces"}),
    ],
)
def test_importing_a_room_loads_nothing_that_it_must_not_know(room, others):
    modules = [f"dr_grasp.{room}.{p.stem}" for p in (PACKAGE / room).glob("[a-z]*.py")]
    code = (
        "import importlib, sys\n"
        f"for name in {modules!r}: importlib.import_module(name)\n"
        f"print(*sorted({others!r} & {{name.split('.')[0] for name in sys.modules}}))"
    )
    done = in_a_new_process(code)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == []


def test_core_knows_no_other_room():
    for path in (PACKAGE / "core").glob("*.py"):
        ours = {name for name in imports_of(path) if name.split(".")[0] == "dr_grasp"}
        assert all(name.startswith(("dr_grasp.core.", "dr_grasp.errors.")) for name in ours), path


def test_each_engine_has_its_one_file():
    assert importers("pybullet") == {"simulation/bullet_world.py", "simulation/table_world.py"}
    assert len(importers("mujoco")) == 1
    assert len(importers("moveit")) <= 1


def test_only_the_outer_rooms_know_ros():
    for package in ("rclpy", "dr_grasp_interfaces"):
        assert all(name.startswith(("ros/", "cli/")) for name in importers(package))


def test_the_command_line_loads_ros_only_when_it_needs_it():
    for path in (PACKAGE / "cli").rglob("*.py"):
        for node in ast.parse(path.read_text()).body:
            names = imported(node) if isinstance(node, ast.Import | ast.ImportFrom) else ()
            for name in names:
                assert not name.startswith(("rclpy", "dr_grasp.ros", "dr_grasp_interfaces")), path


def test_inner_rooms_do_not_know_outer_ones():
    for path in FILES:
        if path.relative_to(PACKAGE).parts[0] in OUTER:
            continue
        assert not any(
            name.startswith(("dr_grasp.ros", "dr_grasp.cli", "dr_grasp.bringup.demonstration"))
            for name in imports_of(path)
        ), path


def test_the_scorer_cannot_read_the_truth_of_the_twin():
    for room in ("core", "robots", "objects", "simulation", "scoring", "generation"):
        for path in (PACKAGE / room).glob("*.py"):
            assert not any(name.startswith("dr_grasp.execution") for name in imports_of(path)), path
            assert "config/twin" not in path.read_text(), path


def test_importing_says_nothing():
    done = in_a_new_process("import dr_grasp.scoring.scorer, dr_grasp.generation.sampler")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def calls(tree):
    """Dotted names of what is called, such as "np.random.seed"."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            yield ast.unparse(node.func)


def test_no_global_randomness_and_no_debuggers():
    forbidden = ("np.random.seed", "np.random.rand", "random.", "pdb.", "breakpoint", "print")
    allowed = ("np.random.default_rng", "np.random.SeedSequence")
    for path in FILES:
        if path.relative_to(PACKAGE).parts[0] in OUTER:
            continue  # these print for a living
        for name in calls(ast.parse(path.read_text())):
            assert name in allowed or not name.startswith(forbidden), f"{path}: {name}"


def test_no_bare_excepts_and_no_mutable_defaults():
    for path in FILES:
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ExceptHandler):
                assert node.type is not None, f"{path}:{node.lineno}"
            if isinstance(node, ast.arguments):
                for default in (*node.defaults, *filter(None, node.kw_defaults)):
                    mutable = isinstance(default, ast.List | ast.Dict | ast.Set)
                    assert not mutable, f"{path}:{default.lineno}"


def run_tool(*arguments):
    done = subprocess.run(
        [sys.executable, "-m", *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
        env={**os.environ, "NO_COLOR": "1"},
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_ruff_check():
    run_tool("ruff", "check", "--no-cache", ".")


def test_ruff_format():
    run_tool("ruff", "format", "--check", "--no-cache", ".")


def test_mypy():
    run_tool("mypy", "--no-error-summary")
