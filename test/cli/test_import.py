"""`dr-grasp import`, as its users meet it."""

import json

import pytest
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
    assert "1 refused: they grip beside the object" in done.stdout
    assert "1 refused\n" in done.stdout and "1 grasps" in done.stdout
    lines = done.stderr.splitlines()
    assert len(lines) == 3
    assert "wrong" in lines[0] and "quaternion" in lines[0]
    assert lines[1].startswith("dr-grasp: grasp far: expected the object between the jaws or")
    assert lines[1].endswith("m away: wrong scale or frame; the same for: far")
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
        ({"format": "yaml"}, [], "unknown format 'yaml'; expected one of acronym, graspgen, poses"),
        ({}, ["--retime"], "--layout, --retime: expected the format trajectories, got poses"),
        ({}, ["--object-pose", "1,2"], "object pose: expected x,y,z,roll,pitch,yaw or"),
        ({}, ["--object-pose", "5,0,0,0,0,0"], "object pose: expected on the table"),
        ({}, ["--object-pose", "0.5,0,0.3,0,0,0"], "m above the top; it would stand there with"),
        ({}, ["--object-pose", "0.5,0,0,0,0,0,2"], "object pose: document: quaternion: expected"),
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
