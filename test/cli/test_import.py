"""`dr-grasp import`, as its users meet it."""

import json
import re

import h5py
import numpy as np
import pytest
import trimesh
from typer.testing import CliRunner

from dr_grasp.cli.main import app
from dr_grasp.formats.grasp_file import read_grasps


def run(*words):
    """Run a command in this process."""
    return CliRunner().invoke(app, ["import", *(str(word) for word in words)])


@pytest.fixture(scope="module")
def poses(tmp_path_factory):
    """A pose that the Franka reaches, one from below, one beside the object, and one broken."""
    above = {"id": "above", "position": [0, 0, 0.02], "quaternion_xyzw": [1, 0, 0, 0]}
    path = tmp_path_factory.mktemp("poses") / "poses.json"
    under = above | {"id": "under", "position": [0, 0, 0], "quaternion_xyzw": [0, 0, 0, 1]}
    far = above | {"id": "far", "position": [0, 3, 0.03]}
    wrong = above | {"id": "wrong", "quaternion_xyzw": [1, 1, 0, 0]}
    path.write_text(json.dumps([above, under, far, wrong]))
    return path


def options(out, robot="franka", obj="procedural_000", format="poses"):
    return ["--format", format, "--robot", robot, "--object", obj, "--out", out]


def test_what_cannot_be_used_is_counted_and_named(poses, tmp_path):
    done = run(poses, *options(tmp_path / "grasps.json"))
    assert done.exit_code == 0, done.output
    assert "4 poses" in done.stdout
    assert "1 out of reach: no inverse kinematics within the joints' limits" in done.stdout
    assert "1 refused: they do not fit the object" in done.stdout
    assert "1 refused\n" in done.stdout and "1 grasps" in done.stdout
    lines = done.stderr.splitlines()
    assert len(lines) == 3
    assert "wrong" in lines[0] and "quaternion" in lines[0]
    assert lines[1].startswith("dr-grasp: grasp far: expected the object between the open jaws or")
    assert lines[1].endswith("m away: wrong scale or frame")
    assert lines[2].startswith("dr-grasp: out of reach, no inverse kinematics")
    assert lines[2].endswith(": under")
    (grasp,) = read_grasps(tmp_path / "grasps.json").grasps
    assert grasp.id == "franka-procedural_000-import-poses-above"


def test_json_says_the_same(poses, tmp_path):
    done = run(poses, *options(tmp_path / "grasps.json"), "--json", "--synergy", "pinch")
    said = json.loads(done.stdout)
    assert (said["poses"], said["imported"]) == (4, 1)
    assert said["unreachable"] == {"kinematics": ["under"]}
    assert list(said["refused"]) == ["wrong", "far"]


@pytest.mark.parametrize(
    ("changes", "more", "message"),
    [
        (
            {"format": "yaml"},
            [],
            "unknown format 'yaml'; expected one of acronym, graspgen, poses, tra",
        ),
        ({}, ["--retime"], "--layout, --retime: expected the format trajectories, got poses"),
        ({}, ["--object-pose", "1,2"], "object pose: expected x,y,z,roll,pitch,yaw or"),
        ({}, ["--object-pose", "5,0,0,0,0,0"], "object pose: expected on the table"),
        ({}, ["--object-pose", "0.5,0,0.3,0,0,0"], "m above the top; it would stand there with"),
        ({}, ["--object-pose", "0.5,0,0,0,0,0,2"], "object pose: quaternion: expected"),
        ({"robot": "c3po"}, [], "unknown robot 'c3po'"),
        ({"obj": "teapot"}, [], "unknown object 'teapot'"),
        ({}, ["--synergy", "bite"], "unknown synergy 'bite'; expected one of pinch"),
        ({}, ["--gripper", "hook"], "unknown gripper 'hook'; expected one of"),
        ({}, ["--seed", "-1"], "seed: expected at least 0, got -1"),
        ({"format": "acronym"}, [], "poses.json: "),
    ],
)
def test_bad_input_is_one_line(poses, tmp_path, changes, more, message):
    done = run(poses, *options(tmp_path / "grasps.json", **changes), *more)
    assert done.exit_code == 1
    assert message in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert not (tmp_path / "grasps.json").exists()


def test_nothing_in_reach_is_an_error(poses, tmp_path):
    far = tmp_path / "far.json"
    far.write_text(json.dumps(json.loads(poses.read_text())[1:2]))  # from below
    done = run(far, *options(tmp_path / "grasps.json"))
    assert done.exit_code == 1
    assert "none of its poses can be reached by franka" in done.stderr
    assert not (tmp_path / "grasps.json").exists()


def test_a_missing_file_is_one_line(tmp_path):
    done = run(tmp_path / "none.json", *options(tmp_path / "grasps.json"))
    assert done.exit_code == 1
    assert "none.json: cannot be read: No such file or directory" in done.stderr


@pytest.fixture
def acronym(tmp_path, monkeypatch):
    """A can of 60 x 60 x 100 mm, whose mesh is four times as large in millimetres, and its file."""
    monkeypatch.setenv("DR_GRASP_CONFIG", str(tmp_path / "own"))
    monkeypatch.setenv("DR_GRASP_CACHE", str(tmp_path / "cache"))
    mesh = trimesh.creation.cylinder(radius=120, height=400)
    mesh.apply_translation([0, 0, 200])
    mesh.export(tmp_path / "can.obj")
    down = np.array([[1.0, 0, 0, 0], [0, -1, 0, 0], [0, 0, -1, 0.1834], [0, 0, 0, 1]])
    with h5py.File(tmp_path / "can.h5", "w") as file:
        file["grasps/transforms"] = np.stack([down] * 3)
        file["grasps/qualities/flex/object_in_gripper"] = np.ones(3, np.int64)
        file["object/file"] = b"meshes/Can/can.obj"
        file["object/scale"] = 0.00025
        file["gripper/type"] = b"panda"
    return tmp_path / "can.h5"


def added(acronym, *more):
    mesh = acronym.with_suffix(".obj")
    words = ["objects", "add", mesh, "--mass", "0.1", *more]
    assert CliRunner().invoke(app, [str(word) for word in words]).exit_code == 0


def test_a_file_for_another_scale_of_the_mesh_is_refused_with_the_factor(acronym, tmp_path):
    added(acronym)  # in millimetres, as guessed
    out = tmp_path / "grasps.json"
    done = run(acronym, *options(out, obj="can", format="acronym"))
    assert done.exit_code == 1 and not out.exists()
    (line,) = done.stderr.splitlines()
    assert "can is 4 times too large" in line
    assert "dr-grasp objects add can.obj --scale 0.00025 --mass 0.1" in line
    done = run(acronym, *options(out, obj="can", format="acronym"), "--same-size", "--json")
    assert json.loads(done.stdout)["object_scale"] == pytest.approx(0.00025)


def test_a_file_for_the_right_scale_is_imported(acronym, tmp_path):
    added(acronym, "--scale", "0.00025")
    out = tmp_path / "grasps.json"
    done = run(acronym, *options(out, obj="can", format="acronym"))
    assert done.exit_code == 0, done.output
    assert "for meshes/Can/can.obj times 0.00025; can, made of can.obj times 0.00025" in done.stdout
    assert len(read_grasps(out).grasps) == 3


def test_grips_that_all_fit_another_size_are_explained(acronym, tmp_path):
    added(acronym, "--scale", "0.00025", "--name", "small")
    with h5py.File(acronym, "a") as file:
        del file["object/file"], file["grasps/transforms"]
        del file["grasps/qualities/flex/object_in_gripper"]
        pose = np.array([[1.0, 0, 0, 0], [0, -1, 0, 0], [0, 0, -1, 0.5], [0, 0, 0, 1]])
        file["grasps/transforms"] = np.stack([pose] * 12)
    out = tmp_path / "grasps.json"
    done = run(acronym, *options(out, obj="small", format="acronym"))
    assert done.exit_code == 1 and not out.exists()
    lines = done.stderr.splitlines()
    assert len(lines) == 2 and lines[0].startswith("dr-grasp: grasp 00000: expected the object bet")
    # Grips at a height of 396.6 mm, of a can of 100 mm: in reach of its top if it is 387 to 406 mm
    # high. Beyond, both jaws are inside.
    found = re.search(
        r"most of its poses do not fit small; they would fit an object (\S+) to (\S+) times as",
        lines[1],
    )
    assert 3.0 <= float(found[1]) <= 3.87 and 4.06 <= float(found[2]) <= 5.0


def test_the_object_stands_where_it_is_said_to(poses, tmp_path):
    out = tmp_path / "grasps.json"
    done = run(poses, *options(out), "--object-pose", "0.45,0.1,0.02,0,0,0.5")
    assert done.exit_code == 0, done.output
    (grasp,) = read_grasps(out).grasps
    np.testing.assert_allclose(grasp.object_in_base.position[:2], [0.45, 0.1], atol=2e-3)
    assert grasp.object_in_base.rotation.magnitude() == pytest.approx(0.5, abs=0.01)


def test_several_files_of_poses_are_refused(poses, tmp_path):
    done = run(poses, poses, *options(tmp_path / "grasps.json"))
    assert done.exit_code == 1
    assert "2 files: expected one with --format poses" in done.stderr
