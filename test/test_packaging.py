"""What is installed, under which names and versions, and what `make` says if something lacks."""

from __future__ import annotations

import json
import os
import re
import shutil
import stat
import subprocess
import sys
from importlib import metadata
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
import yaml

import dr_grasp

ROOT = Path(__file__).resolve().parent.parent
NODES = ["executor", "moveit", "recorder", "scorer", "twin"]

REPORT = """
import json
from distutils.core import run_setup
found = run_setup("setup.py", stop_after="init")
print(json.dumps({
    "name": found.get_name(), "version": found.get_version(), "packages": found.packages,
    "data_files": found.data_files, "entry_points": found.entry_points,
    "install_requires": list(found.install_requires),
}))
"""


@pytest.fixture(scope="module")
def distribution() -> dict[str, Any]:
    """What setup.py says, without building anything."""
    report = subprocess.run(
        # setuptools first: it brings distutils and teaches it its own keywords.
        [sys.executable, "-c", "import setuptools" + REPORT],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    return json.loads(report.stdout.splitlines()[-1])


def package_xml(folder: Path) -> ElementTree.Element:
    return ElementTree.parse(folder / "package.xml").getroot()


def text(element: ElementTree.Element, tag: str) -> str:
    return element.findtext(tag, default="").strip()


def test_both_packages_have_one_version(distribution: dict[str, Any]) -> None:
    versions = [
        text(package_xml(ROOT / folder), "version") for folder in ("", "dr_grasp_interfaces")
    ]
    assert versions == [distribution["version"]] * 2
    assert dr_grasp.__version__ == metadata.version("dr_grasp_interfaces") == versions[0]


def test_the_ament_package_is_whole(distribution: dict[str, Any]) -> None:
    package = package_xml(ROOT)
    assert package.get("format") == "3"
    assert text(package, "name") == distribution["name"] == "dr_grasp"
    assert text(package, "license") == "Apache-2.0"
    assert text(package, "export/build_type") == "ament_python"
    needed = [depend.text for depend in package.iter("exec_depend")]
    assert needed.count("dr_grasp_interfaces") == 1
    assert len(needed) == len(set(needed))


def test_every_package_is_installed(distribution: dict[str, Any]) -> None:
    folders = {path.parent for path in (ROOT / "dr_grasp").rglob("*.py")}
    named = {".".join(folder.relative_to(ROOT).parts) for folder in folders}
    assert set(distribution["packages"]) == named


def test_every_data_file_keeps_its_place(distribution: dict[str, Any]) -> None:
    installed = {
        f"{folder}/{Path(file).name}": ROOT / file
        for folder, files in distribution["data_files"]
        for file in files
    }
    for source in (ROOT / "config").rglob("*.yaml"):
        place = f"share/dr_grasp/{source.relative_to(ROOT).as_posix()}"
        assert installed.get(place) == source
    for source in (ROOT / "launch").glob("*.py"):
        assert installed.get(f"share/dr_grasp/launch/{source.name}") == source
    assert "share/ament_index/resource_index/packages/dr_grasp" in installed
    assert "share/dr_grasp/package.xml" in installed
    assert all(source.is_file() for source in installed.values())


def test_nodes_are_executables_of_the_ros_package(distribution: dict[str, Any]) -> None:
    programs = dict(distribution["data_files"])["lib/dr_grasp"]
    assert sorted(Path(program).name for program in programs) == NODES
    for program in programs:
        assert os.access(ROOT / program, os.X_OK)
    # Only one name for the shell: a program called `twin` would be anybody's.
    assert distribution["entry_points"] == {
        "console_scripts": ["dr-grasp = dr_grasp.cli.start:main"]
    }


def write_executable(path: Path, *lines: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(["#!/bin/sh", *lines, ""]), encoding="utf-8")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return path


@pytest.mark.parametrize("node", NODES)
def test_a_node_runs_with_the_python_of_its_environment(tmp_path: Path, node: str) -> None:
    program = tmp_path / "lib" / "dr_grasp" / node
    program.parent.mkdir(parents=True)
    shutil.copy(ROOT / "scripts" / node, program)  # follows the link, as an installation does
    write_executable(tmp_path / "bin" / "python3", 'printf "%s|" "$@"')
    command = [program, "--ros-args", "-r", "__ns:=/a b"]
    said = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60).stdout
    assert said == f"-m|dr_grasp.ros.start|{node}|--ros-args|-r|__ns:=/a b|"
    assert (ROOT / "dr_grasp" / "ros" / f"{node}_node.py").is_file()


def test_ros_finds_what_is_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    """By pip, editable or not, or by colcon: then `ros2 launch dr_grasp` works."""
    packages = pytest.importorskip("ament_index_python.packages", reason="there is no ROS")
    ours = os.pathsep.join(filter(None, [sys.prefix, os.environ.get("AMENT_PREFIX_PATH")]))
    monkeypatch.setenv("AMENT_PREFIX_PATH", ours)
    launch = Path(packages.get_package_share_directory("dr_grasp")) / "launch"
    names = {path.name for path in (ROOT / "launch").glob("*.launch.py")}
    assert {path.name for path in launch.glob("*.launch.py")} == names
    programs = Path(packages.get_package_prefix("dr_grasp")) / "lib" / "dr_grasp"
    assert sorted(path.name for path in programs.iterdir()) == NODES
    assert all(os.access(path, os.X_OK) for path in programs.iterdir())


def depends(folder: Path) -> set[str]:
    """The keys of everything that a package.xml needs, our other package left out."""
    needed = {e.text or "" for e in package_xml(folder) if e.tag.endswith("depend")}
    return needed - {"dr_grasp_interfaces"}


def test_rosdep_gets_every_key_with_apt() -> None:
    table = yaml.safe_load((ROOT / "test" / "rosdep_keys.yaml").read_text(encoding="utf-8"))
    known = {*table["ros"], *table["apt"]}
    needed = depends(ROOT) | depends(ROOT / "dr_grasp_interfaces")
    assert needed - known == set(), "look these up in rosdistro, as the table says"
    assert known - needed == set(), "nothing needs these any more"


def test_requirements_are_pinned_and_complete(distribution: dict[str, Any]) -> None:
    pinned = {}
    for file in sorted((ROOT / "requirements").glob("*.txt")):
        for line in file.read_text(encoding="utf-8").splitlines():
            requirement = line.partition("#")[0].strip()
            if requirement:
                found = re.fullmatch(
                    r'([\w.-]+)(?:\[\w+\])?==([\w.]+)(?:; python_version (?:<|>=) "3\.11")?',
                    requirement,
                )
                assert found, f"{file.name}: expected name==version, got {requirement}"
                name = found[1].lower().replace("_", "-")
                assert name not in pinned, f"{file.name}: {name} is pinned twice"
                pinned[name] = found[2]
    for requirement in distribution["install_requires"]:
        assert re.split("[<>=]", requirement)[0].lower() in pinned


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """What `make` reads before it installs anything, without a .venv."""
    for name in ["Makefile", "scripts/find_python"]:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        shutil.copy(ROOT / name, tmp_path / name)
    (tmp_path / "dr_grasp_interfaces").mkdir()
    read = ["setup.py", "package.xml"]
    for name in [
        *read,
        *(f"requirements/{name}.txt" for name in ("base", "cluster", "mujoco_next", "ros", "test")),
    ]:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    return tmp_path


def refusal(checkout: Path, target: str, python: Path, **variables: str) -> str:
    """The one line that `make` ends with."""
    # As from a shell: this test may itself run below make.
    mine = ("MAKEFLAGS", "MAKELEVEL", "MFLAGS")
    inherited = {key: value for key, value in os.environ.items() if key not in mine}
    made = subprocess.run(
        ["make", "--no-print-directory", target, f"PYTHON={python}"],
        cwd=checkout,
        env=inherited | variables,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert made.returncode != 0
    assert made.stdout == ""
    assert not (checkout / ".venv").exists()
    lines = made.stderr.splitlines()
    assert len(lines) == 1, made.stderr
    return lines[0]


@pytest.mark.skipif(shutil.which("make") is None, reason="needs make")
@pytest.mark.parametrize("target", ["demo", "test"])
def test_make_refuses_an_old_python(checkout: Path, target: str) -> None:
    python = write_executable(checkout / "python", "echo 3.8")
    line = refusal(checkout, target, python)
    assert f"{python} is Python 3.8; dr_grasp needs 3.10 or 3.11: install python3.11" in line


@pytest.mark.skipif(shutil.which("make") is None, reason="needs make")
def test_make_refuses_a_python_that_is_not_there(checkout: Path) -> None:
    line = refusal(checkout, "demo", checkout / "nowhere")
    assert "nowhere is not there or does not run; dr_grasp needs 3.10 or 3.11" in line


@pytest.mark.skipif(shutil.which("make") is None, reason="needs make")
@pytest.mark.parametrize(
    ("lacks", "says"),
    [
        ("ensurepip", "has no venv: install it (Debian: apt install python3.11-venv)"),
        ("Python.h", "has no headers: install them (Debian: apt install python3.11-dev)"),
    ],
)
def test_make_names_the_missing_part_of_python(checkout: Path, lacks: str, says: str) -> None:
    script = [f'case "$*" in *{lacks}*) exit 1 ;; *version_info*) echo 3.11 ;; esac']
    assert says in refusal(checkout, "demo", write_executable(checkout / "python", *script))


@pytest.mark.skipif(shutil.which("make") is None, reason="needs make")
def test_make_asks_for_a_compiler_before_it_loads_anything(checkout: Path) -> None:
    python = write_executable(checkout / "python", "echo 3.11")
    line = refusal(checkout, "test", python, CXX="no-such-compiler")
    assert "no C++ compiler: install one (Debian: apt install g++)" in line
