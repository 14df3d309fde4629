"""`make robot-pc`: what it installs and builds, what colcon then knows of it, what it refuses."""

from __future__ import annotations

import json
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest

ROOT = Path(__file__).resolve().parent.parent
SCRIPT = (ROOT / "scripts" / "robot_pc").read_text(encoding="utf-8")
FROM_PIP = shlex.split(re.findall(r"^from_pip=\((.*)\)$", SCRIPT, re.MULTILINE)[0])
NAMES = {name.partition("[")[0] for name in FROM_PIP}  # without extras, such as mujoco[sysid]

# Stand for the system's Python and for colcon. They answer what the script asks, and write down
# what they are told to do.
PYTHON = """#!/bin/sh
case "$*" in
  *version_info*) echo "${FAKE_VERSION:-3.12}" ;;
  *"${FAKE_LACKS:-nothing}"*) exit 1 ;;
  "-m venv"*) echo "$*" >>"$FAKE_LOG"; mkdir -p "$4/bin"; cp "$0" "$4/bin/python" ;;
  "-m pip"*) echo "$*" >>"$FAKE_LOG" ;;
esac
"""
TOOLS = ["bash", "cat", "cksum", "cp", "cut", "dirname", "env", "find", "grep", "make", "mkdir"]
TOOLS += ["sh", "tail"]
COLCON = '#!/bin/sh\necho "colcon in $PWD: $*" >>"$FAKE_LOG"\n[ -z "$FAKE_FAILS" ]\n'


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """A clone in a workspace; beside it all programs that it can call, and no others."""
    for name, text in {"python3": PYTHON, "colcon": COLCON, "c++": "#!/bin/sh\n"}.items():
        program = tmp_path / "bin" / name
        program.parent.mkdir(exist_ok=True)
        program.write_text(text, encoding="utf-8")
        program.chmod(0o755)
    for name in TOOLS:
        (tmp_path / "bin" / name).symlink_to(shutil.which(name) or pytest.skip(f"needs {name}"))
    clone = tmp_path / "ws" / "src" / "dr_grasp"
    for folder in ("scripts", "dr_grasp_interfaces", "test/message_packages"):
        (clone / folder).mkdir(parents=True)
    for name in ("Makefile", "scripts/robot_pc", "scripts/install_pybullet"):
        shutil.copy(ROOT / name, clone / name)
    return clone


def run_make(clone: Path, *words: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run `make robot-pc` as from a terminal in which ROS was sourced."""
    environment = {
        "PATH": str(clone.parents[2] / "bin"),
        "HOME": str(clone.parents[2]),
        "FAKE_LOG": str(clone.parents[2] / "done"),
        "ROS_DISTRO": "jazzy",
        **variables,
    }
    return subprocess.run(
        ["make", "--no-print-directory", "robot-pc", *words],
        cwd=clone,
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
    )


def done(clone: Path) -> list[str]:
    """What the programs were told to do."""
    return (clone.parents[2] / "done").read_text(encoding="utf-8").splitlines()


def test_installs_what_apt_lacks_and_builds_both_packages(clone: Path) -> None:
    made = run_make(clone)
    assert made.returncode == 0, made.stderr
    workspace, venv = clone.parents[1], clone / ".venv-robot-pc"
    assert made.stdout.splitlines()[-1] == f"ready: source {workspace}/install/setup.bash"
    environment, pybullet, packages, build = done(clone)
    assert environment == f"-m venv --system-site-packages {venv}"
    assert f"--constraint {clone}/requirements/noble.txt " in pybullet
    assert pybullet.endswith(" pybullet")
    assert packages.endswith(f"-c {clone}/requirements/noble.txt {' '.join(FROM_PIP)}")
    assert build == f"colcon in {workspace}: build --base-paths {clone} {clone}/dr_grasp_interfaces"
    hook = (venv / "robot_pc.dsv").read_text(encoding="utf-8")
    assert hook == f"append-non-duplicate;PYTHONPATH;{venv}/lib/python3.12/site-packages\n"


def test_the_ros_that_was_sourced_reaches_colcon(clone: Path) -> None:
    """For all other targets the Makefile hides it."""
    colcon = clone.parents[2] / "bin" / "colcon"
    colcon.write_text('#!/bin/sh\necho "$AMENT_PREFIX_PATH $PYTHONPATH" >>"$FAKE_LOG"\n')
    assert run_make(clone, AMENT_PREFIX_PATH="/ros", PYTHONPATH="/ros/lib").returncode == 0
    assert done(clone)[-1] == "/ros /ros/lib"


def test_the_workspace_may_be_named_and_keeps_its_layout(clone: Path, tmp_path: Path) -> None:
    (tmp_path / "of two words" / "install").mkdir(parents=True)
    (tmp_path / "of two words" / "install" / ".colcon_install_layout").write_text("merged\n")
    assert run_make(clone, f"WS={tmp_path}/of two words", "ARGS=--symlink-install").returncode == 0
    assert done(clone)[-1].startswith(f"colcon in {tmp_path}/of two words: build ")
    assert done(clone)[-1].endswith(" --merge-install --symlink-install")


def test_the_home_folder_of_a_named_workspace_may_be_a_tilde(clone: Path, tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    assert run_make(clone, "WS=~/other").returncode == 0
    assert done(clone)[-1].startswith(f"colcon in {tmp_path}/other: build ")


def test_a_clone_in_no_src_is_its_own_workspace(clone: Path, tmp_path: Path) -> None:
    alone = tmp_path / "a" / "b" / "dr_grasp"
    shutil.copytree(clone, alone)
    made = run_make(alone, FAKE_LOG=str(tmp_path / "done"), PATH=f"{tmp_path}/bin")
    assert made.returncode == 0, made.stderr
    assert f"ready: source {alone}/install/setup.bash" in made.stdout


@pytest.mark.parametrize(
    ("variables", "says"),
    [
        ({"ROS_DISTRO": ""}, "no ROS in this shell: source /opt/ros/jazzy/setup.bash"),
        ({"ROS_DISTRO": "humble"}, "expected ROS 2 jazzy, got humble"),
        ({"FAKE_VERSION": "3.11"}, "expected Python 3.12, as ROS 2 Jazzy has it, got 3.11"),
        ({"FAKE_LACKS": "base_prefix"}, "is that of a virtual environment"),
        ({"FAKE_LACKS": "ensurepip"}, "sudo apt install python3-venv, then"),
        ({"FAKE_LACKS": "Python.h"}, "sudo apt install python3-dev, then"),
        ({"CXX": "no-such-compiler"}, "sudo apt install g++, then"),
        ({"FAKE_LACKS": "rclpy"}, "does not find rclpy: is ROS 2 Jazzy whole?"),
        ({"FAKE_LACKS": "sklearn"}, "h5py are not all there: rosdep install --from-paths"),
        ({"WS": "/no/such/folder"}, "cannot write to the workspace /no/such/folder"),
    ],
)
def test_says_in_one_line_what_to_do(clone: Path, variables: dict[str, str], says: str) -> None:
    made = run_make(clone, **variables)
    line, by_make = made.stderr.splitlines()
    assert line.startswith("robot-pc: ") and says in line
    assert by_make.startswith("make: ")
    assert made.returncode != 0 and made.stdout == ""
    assert not (clone / ".venv-robot-pc").exists()


def test_asks_for_colcon(clone: Path) -> None:
    (clone.parents[2] / "bin" / "colcon").unlink()
    assert "sudo apt install python3-colcon-common-extensions, then" in run_make(clone).stderr


def test_a_failed_build_names_its_log(clone: Path) -> None:
    made = run_make(clone, FAKE_FAILS="1")
    assert made.returncode != 0
    assert "ready" not in made.stdout
    log = clone / ".venv-robot-pc" / "setup.log"
    assert f"see above and {log}, then run make robot-pc again" in made.stderr


def data_files(folder: Path) -> dict[str, list[str]]:
    """What setup.py installs beside code if it stands in a folder."""
    shutil.copy(ROOT / "setup.py", folder)
    shutil.copy(ROOT / "package.xml", folder)
    report = (
        "import json, setuptools; from distutils.core import run_setup; "
        "print(json.dumps(run_setup('setup.py', stop_after='init').data_files))"
    )
    said = subprocess.run(
        [sys.executable, "-c", report],
        cwd=folder,
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    return dict(json.loads(said.stdout.splitlines()[-1]))


def test_colcon_learns_of_the_environment(tmp_path: Path) -> None:
    (hook,) = json.loads((ROOT / "colcon.pkg").read_text(encoding="utf-8"))["hooks"]
    folder, _, name = hook.rpartition("/")
    assert folder not in data_files(tmp_path)
    left = tmp_path / ".venv-robot-pc" / name
    left.parent.mkdir()
    left.touch()
    assert data_files(tmp_path)[folder] == [f".venv-robot-pc/{name}"]


def test_apt_and_pip_together_bring_all_requirements() -> None:
    under_other_names = {"pycollada": "collada", "pyyaml": "yaml", "scikit-learn": "sklearn"}
    block = (ROOT / "setup.py").read_text(encoding="utf-8").partition("install_requires=[\n")[2]
    needed = set(re.findall(r'"([\w-]+)(?:\[\w+\])?[<>=]', block.partition("\n    ]")[0]))
    assert needed >= NAMES
    root = ElementTree.parse(ROOT / "package.xml").getroot()
    keys = {depend.text for depend in root.iter("exec_depend")}
    for name in needed - NAMES:
        key = "xacro" if name == "xacro" else f"python3-{under_other_names.get(name, name)}"
        assert key in keys
    pinned = (ROOT / "requirements" / "noble.txt").read_text(encoding="utf-8")
    assert set(re.findall(r"^([\w-]+)==", pinned, re.MULTILINE)) >= NAMES


WORKFLOWS = ROOT / ".github" / "workflows"
PAGE = ROOT / "docs" / "tutorials" / "robot_pc.md"


@pytest.mark.parametrize("path", [*sorted(WORKFLOWS.glob("*.yml")), PAGE, ROOT / ".ci" / "run"])
def test_targets_and_files_that_are_named_are_there(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    for target in re.findall(r"\bmake (?:-C \S+ )?([a-z][\w-]*)", text):
        assert re.search(rf"^{target}:", makefile, re.MULTILINE), target
    for name in re.findall(r"(?:test/)?(?:docs|requirements|scripts|\.ci)/[\w./]*\w", text):
        assert (ROOT / name).exists(), name


def test_the_page_says_every_refusal() -> None:
    page = PAGE.read_text(encoding="utf-8")
    for start in re.findall(r'stop "([^$:,]*[^$:, ])', SCRIPT):
        assert start in page or start.startswith("no python3"), start
