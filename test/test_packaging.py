"""What is installed, under which names and versions, and what `make` says if something lacks."""

from __future__ import annotations

import json
import os
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
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

import dr_grasp

ROOT = Path(__file__).resolve().parent.parent
NODES = ["executor", "moveit", "recorder", "scorer", "twin"]
PYTHONS = ["3.10", "3.11", "3.12", "3.13"]

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
    assert dr_grasp.__version__ == versions[0]
    pytest.importorskip("rclpy", reason="needs our messages, built for ROS")
    assert metadata.version("dr_grasp_interfaces") == versions[0]


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


def requirements(name: str) -> list[Requirement]:
    """What a file of requirements/ asks for."""
    lines = (ROOT / "requirements" / f"{name}.txt").read_text(encoding="utf-8").splitlines()
    stripped = [line.partition("#")[0].strip() for line in lines]
    return [Requirement(line) for line in stripped if line]


INSTALLED = ("base", "ros", "test", "cluster", "gpu", "twin", "docs", "mujoco_next")


def test_requirements_are_pinned_and_complete(distribution: dict[str, Any]) -> None:
    pinned = set()
    for file in INSTALLED:
        for requirement in requirements(file):
            [specifier] = requirement.specifier
            name = canonicalize_name(requirement.name)
            assert specifier.operator == "==", f"{file}.txt: expected {name}==version"
            assert name not in pinned, f"{name} is pinned twice"
            pinned.add(name)
    files = {path.stem for path in (ROOT / "requirements").glob("*.txt")}
    assert files == {*INSTALLED, "noble"}
    for text in distribution["install_requires"]:
        assert canonicalize_name(Requirement(text).name) in pinned


@pytest.mark.parametrize("file", ["base", "noble"])
def test_the_minimum_versions_let_in_what_we_test_with(
    distribution: dict[str, Any], file: str
) -> None:
    allowed = {
        canonicalize_name(found.name): found.specifier
        for found in map(Requirement, distribution["install_requires"])
    }
    tried = {canonicalize_name(found.name): found.specifier for found in requirements(file)}
    # pycollada is apt's own on Ubuntu 24.04, and any version serves.
    assert set(allowed) - set(tried) <= {"pycollada"}
    for name in set(allowed) & set(tried):
        versions = [specifier.version for specifier in tried[name]]
        refused = [version for version in versions if version not in allowed[name]]
        assert refused == [], f"setup.py: {name}{allowed[name]} refuses {file}.txt's {refused}"


def test_what_simulates_has_one_version_on_ubuntu_and_elsewhere() -> None:
    """Else the same seed could give another score."""
    pins = [
        {canonicalize_name(found.name): str(found.specifier) for found in requirements(file)}
        for file in ("base", "noble")
    ]
    for name in ("coacd", "example-robot-data", "mujoco", "pybullet", "trimesh", "xacro"):
        assert pins[0][name] == pins[1][name]


def test_every_python_that_make_takes_gets_every_package_of_base() -> None:
    """Packages that one Python lacks are those that stand in for what it has not built in."""
    for python in PYTHONS:
        left_out = {
            found.name
            for file in INSTALLED
            if file != "docs"  # MyST needs Python 3.11
            for found in requirements(file)
            if found.marker and not found.marker.evaluate({"python_version": python})
        }
        assert left_out == ({"mujoco-core"} if python == "3.10" else {"tomli", "exceptiongroup"})


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """What `make` reads before it installs anything, without a .venv."""
    for name in ["Makefile", "scripts/find_python", "scripts/install_pybullet"]:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        shutil.copy(ROOT / name, tmp_path / name)
    (tmp_path / "dr_grasp_interfaces").mkdir()
    (tmp_path / "test" / "message_packages").mkdir(parents=True)
    read = ["setup.py", "package.xml"]
    for name in [
        *read,
        *(f"requirements/{name}.txt" for name in (*INSTALLED, "noble")),
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
@pytest.mark.parametrize("target", ["demo", "test", "test-noble"])
@pytest.mark.parametrize("version", ["3.8", "3.9", "3.14"])
def test_make_refuses_other_pythons(checkout: Path, target: str, version: str) -> None:
    python = write_executable(checkout / "python", f"echo {version}")
    line = refusal(checkout, target, python)
    assert f"{python} is Python {version}; dr_grasp needs 3.10 to 3.13: install one" in line


@pytest.mark.parametrize("version", PYTHONS)
def test_a_python_that_fits_is_found_by_its_usual_name(tmp_path: Path, version: str) -> None:
    answer = f'case "$*" in *version_info*) echo {version} ;; esac'
    write_executable(tmp_path / f"python{version}", answer)
    found = subprocess.run(
        ["/bin/sh", ROOT / "scripts" / "find_python"],
        env={"PATH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    assert found.stdout == f"python{version}\n"


def test_without_any_python_one_line_says_what_to_install(tmp_path: Path) -> None:
    found = subprocess.run(
        ["/bin/sh", ROOT / "scripts" / "find_python"],
        env={"PATH": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert found.returncode == 1
    [line] = found.stdout.splitlines()
    assert line.startswith("no Python 3.10 to 3.13 found (looked for python3.11 python3.10 ")
    assert "apt install python3-venv python3-dev" in line


def test_pybullet_is_built_once_and_kept_where_it_has_no_wheel(tmp_path: Path) -> None:
    """With a double of Python: its pip installs only if it was offered a folder with a wheel."""
    kept = tmp_path / "cache" / "dr_grasp" / "wheels"
    python = write_executable(
        tmp_path / "python",
        f'echo "$*" >>{tmp_path}/calls',
        'case "$*" in',
        "    *version_info*) echo 3.12 ;;",
        f'    *" install "*"--find-links {kept} "*) test -e {kept}/it.whl ;;',
        f'    *" wheel "*"--wheel-dir {kept} "*) touch {kept}/it.whl ;;',
        "    *) exit 1 ;;",
        "esac",
    )

    def install(environment: str) -> str:
        log = tmp_path / f"{environment}.log"
        return subprocess.run(
            [ROOT / "scripts" / "install_pybullet", python, "base.txt", log],
            env=os.environ | {"XDG_CACHE_HOME": str(tmp_path / "cache"), "PIP_NO_CACHE_DIR": "1"},
            capture_output=True,
            text=True,
            check=True,
            timeout=60,
        ).stdout

    [line] = install("first").splitlines()
    assert "PyBullet from source, since it has no wheel for Python 3.12" in line
    assert str(kept) in line
    assert install("second") == ""
    calls = (tmp_path / "calls").read_text(encoding="utf-8")
    assert calls.count(" wheel ") == 1
    assert "--constraint base.txt" in calls


@pytest.mark.skipif(shutil.which("make") is None, reason="needs make")
def test_a_python_that_is_named_replaces_that_of_test_noble(checkout: Path) -> None:
    place = subprocess.run(
        ["cksum"], input=bytes(checkout.resolve()), capture_output=True, check=True
    ).stdout.split()[0]
    stamp = checkout / "build" / "noble" / f"stamps-{place.decode()}" / "venv"
    stamp.parent.mkdir(parents=True)
    stamp.write_text("python3.12\n", encoding="utf-8")
    line = refusal(checkout, "test-noble", checkout / "nowhere")
    assert "nowhere is not there or does not run" in line


@pytest.mark.skipif(shutil.which("make") is None, reason="needs make")
def test_make_refuses_a_python_that_is_not_there(checkout: Path) -> None:
    line = refusal(checkout, "demo", checkout / "nowhere")
    assert "nowhere is not there or does not run; dr_grasp needs 3.10 to 3.13" in line


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
