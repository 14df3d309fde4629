"""Tries other people's robots and objects, and writes the tables of docs/other-peoples-files.md.

All of them come from PyPI: example-robot-data and pybullet_data, which we need anyway, and the
wheels of ManiSkill and robosuite, of which only URDFs, SRDFs and meshes are unpacked. What one
needs to use a robot is a file in benchmarks/other_robots/. Each robot and each object has a process
of its own, which may crash or take too long.

    python benchmarks/compatibility.py --out results.json
    python benchmarks/compatibility.py --out results.json --only z1 pybullet_lego
    python benchmarks/compatibility.py --out results.json --page docs/other-peoples-files.md --only

The last one runs nothing and writes the page. What is not run again stays in the file of results.
Pinocchio (`pip install pin`), where installed, says what is right about kinematics.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import time
import zipfile
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import pybullet_data
from compatibility_page import write_page
from try_grasps import Row
from try_object import try_object, try_procedural
from try_robot import try_robot

from dr_grasp.common.atomic import write_whole
from dr_grasp.errors import DrGraspError

ROBOTS = Path(__file__).parent / "other_robots"
WHEELS = {"mani_skill": "3.0.1", "robosuite": "1.5.2"}
UNPACKED = ("mani_skill/assets/robots/", "robosuite/models/assets/bullet_data/")
"""What is taken out of the wheels."""

PACKAGES = ("pybullet", "mujoco", "pin", "example-robot-data", "trimesh", "coacd")
OBJECTS = {
    "pybullet_block": "block.urdf",
    "pybullet_cube_small": "cube_small.urdf",
    "pybullet_cube": "cube.urdf",
    "pybullet_cube_rotate": "cube_rotate.urdf",
    "pybullet_domino": "domino/domino.urdf",
    "pybullet_jenga": "jenga/jenga.urdf",
    "pybullet_lego": "lego/lego.urdf",
    "pybullet_mug": "objects/mug.urdf",
    "pybullet_mug_in_urdf": "urdf/mug.urdf",
    "pybullet_duck": "duck_vhacd.urdf",
    "pybullet_teddy": "teddy_vhacd.urdf",
    "pybullet_teddy_large": "teddy_large.urdf",
    "pybullet_soccerball": "soccerball.urdf",
    "pybullet_sphere_small": "sphere_small.urdf",
    "pybullet_sphere_1cm": "sphere_1cm.urdf",
    "pybullet_sphere2": "sphere2.urdf",
    "pybullet_sphere8cube": "sphere8cube.urdf",
    "pybullet_concave_box": "toys/concave_box.urdf",
    "pybullet_tray": "tray/tray.urdf",
    "pybullet_traybox": "tray/traybox.urdf",
    "pybullet_table": "table/table.urdf",
    "pybullet_table_square": "table_square/table_square.urdf",
    "pybullet_samurai": "samurai.urdf",
    "pybullet_plane": "plane.urdf",
    "pybullet_plane_implicit": "plane_implicit.urdf",
    "pybullet_cloth": "cloth_z_up.urdf",
    "pybullet_torus_deform": "torus_deform.urdf",
    "pybullet_pr2_gripper": "pr2_gripper.urdf",
    "pybullet_diff_ring": "differential/diff_ring.urdf",
    "pybullet_bike": "bicycle/bike.urdf",
    "pybullet_kiva_shelf": "kiva_shelf/model.sdf",
    "pybullet_bunny_obj": "bunny.obj",
    "pybullet_stone_obj": "stone.obj",
    "pybullet_teddy_obj": "teddy2_VHACD_CHs.obj",
    "pybullet_duck_obj": "duck.obj",
    "pybullet_torus_obj": "torus/torus_textured.obj",
    "pybullet_cylinder_obj": "toys/cylinder.obj",
    "pybullet_prism_obj": "toys/prism.obj",
    "pybullet_shape_sorter_obj": "toys/shape_sorter.obj",
    "pybullet_terrain_obj": "terrain.obj",
    "pybullet_plane_obj": "plane.obj",
    "pybullet_finger_tip_stl": "l_finger_tip.stl",
    "pybullet_bike_rack_stl": "bicycle/files/bike_rack.stl",
}
"""Everything in pybullet_data that is no robot, by the name of its row."""

PROCEDURAL = "procedural"
LIMIT_S = 1200.0
PROCEDURAL_LIMIT_S = 5400.0
ROW = "DR_GRASP_ROW"


def names() -> list[str]:
    """Names of all rows."""
    return [*sorted(path.stem for path in ROBOTS.glob("*.yaml")), *OBJECTS, PROCEDURAL]


def prepare(folder: Path, wheels: Path, chosen: Sequence[str]) -> None:
    """Put the robots' files, and what the chosen rows need of the wheels, where we look."""
    robots = folder / "config" / "robots"
    robots.mkdir(parents=True, exist_ok=True)
    for path in ROBOTS.glob("*.yaml"):
        shutil.copy(path, robots)
    wheels.mkdir(parents=True, exist_ok=True)
    for package, number in WHEELS.items():
        users = [name for name in chosen if (ROBOTS / f"{name}.yaml").is_file()]
        needed = any(f"urdf: {package}/" in (ROBOTS / f"{name}.yaml").read_text() for name in users)
        if not needed or (robots / package).exists():
            continue
        if not list(wheels.glob(f"{package}-{number}-*.whl")):
            arguments = ["download", "--no-deps", "--dest", str(wheels), f"{package}=={number}"]
            subprocess.run([sys.executable, "-m", "pip", *arguments], check=True)
        (wheel,) = wheels.glob(f"{package}-{number}-*.whl")
        with zipfile.ZipFile(wheel) as archive:
            archive.extractall(robots, [n for n in archive.namelist() if n.startswith(UNPACKED)])


def run_row(name: str, folder: Path) -> Row:
    """Run a row in a process of its own, and take what it had written when it ended."""
    out = folder / "rows" / f"{name}.json"
    out.parent.mkdir(parents=True, exist_ok=True)
    out.unlink(missing_ok=True)
    environment = {**os.environ, "DR_GRASP_CONFIG": str(folder / "config"), ROW: name}
    limit, began = PROCEDURAL_LIMIT_S if name == PROCEDURAL else LIMIT_S, time.monotonic()
    arguments = [sys.executable, __file__, "--folder", str(folder), "--out", str(out)]
    try:
        done = subprocess.run(
            arguments, env=environment, timeout=limit, capture_output=True, text=True, check=False
        )
        ended = "" if done.returncode == 0 else f"the process ended with {done.returncode}: "
        ended += "" if done.returncode == 0 else done.stderr.strip()[-300:]
    except subprocess.TimeoutExpired:
        ended = f"took more than {limit:.0f} s"
    row: Row = json.loads(out.read_text()) if out.exists() else {}
    if ended:
        row["crash"] = ended
    row["seconds"] = round(time.monotonic() - began)
    return without_places(row, folder)


def without_places(row: Row, folder: Path) -> Row:
    """Leave out where things are on this machine."""
    text = json.dumps(row)
    for place in (folder / "config" / "robots", folder / "config", pybullet_data.getDataPath()):
        text = text.replace(f"{place}/", "")
    return json.loads(text)


def try_row(name: str, out: Path) -> None:
    """What the process of a row does."""
    if name == PROCEDURAL:
        row: Row = {"kind": "procedural"}
    elif name in OBJECTS:
        row = {"kind": "object", "file": OBJECTS[name]}
    else:
        row = {"kind": "robot"}
    try:
        if name == PROCEDURAL:
            try_procedural(row)
        elif name in OBJECTS:
            try_object(name, Path(pybullet_data.getDataPath()) / OBJECTS[name], row)
        else:
            try_robot(name, row)
    except DrGraspError as error:
        row["error"] = str(error)
    finally:  # what was found before something broke
        write_whole(out, json.dumps(row).encode())


def versions() -> dict[str, str]:
    """Of all that was used."""
    found = {"python": sys.version.split()[0], **WHEELS}
    for package in PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found


def main(arguments: Sequence[str] | None = None) -> None:
    """Run rows, two at a time, and write results and the page."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--folder", type=Path, default=Path("others"), help="where all is kept")
    parser.add_argument("--wheels", type=Path, help="wheels, FOLDER/wheels if not given")
    parser.add_argument("--out", type=Path, default=Path("compatibility.json"), help="all numbers")
    parser.add_argument("--page", type=Path, help="page whose tables are written anew")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--only", nargs="*", metavar="NAME", help="rows to run; none: just a page")
    options = parser.parse_args(arguments)
    if ROW in os.environ:
        try_row(os.environ[ROW], options.out)
        return
    chosen = names() if options.only is None else options.only
    unknown = sorted(set(chosen) - set(names()))
    if unknown:
        parser.error(f"--only: expected some of {', '.join(names())}, got {', '.join(unknown)}")
    results = json.loads(options.out.read_text()) if options.out.exists() else {"rows": {}}
    folder = options.folder.resolve()
    if chosen:
        prepare(folder, options.wheels or folder / "wheels", chosen)
        results["versions"] = versions()
    with ThreadPoolExecutor(options.jobs) as pool:
        for name, row in zip(chosen, pool.map(lambda n: run_row(n, folder), chosen), strict=True):
            results["rows"][name] = row
            words = row.get("crash") or row.get("error") or "done"
            print(f"{name}: {words} ({row['seconds']} s)", flush=True)
            write_whole(options.out, (json.dumps(results, indent=1) + "\n").encode())
    if options.page is not None:
        write_page(options.page, results)


if __name__ == "__main__":
    main()
