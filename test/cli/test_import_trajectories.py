"""`dr-grasp import --format trajectories`: a grasp goes out and in again with the same scores."""

import csv
import json

import numpy as np
import pytest
import yaml
from typer.testing import CliRunner

from dr_grasp.cli.main import app
from dr_grasp.formats.grasp_file import read_grasps, write_grasps


def run(*words):
    """Run a command in this process."""
    return CliRunner().invoke(app, [str(word) for word in words])


def options(out, obj="procedural_000"):
    return ["--format", "trajectories", "--robot", "franka", "--object", obj, "--out", out]


def export(path, grasp, speed=1.0):
    """Write a grasp's joints every 50 ms, as a recorder of joint states would."""
    ends = np.cumsum(
        [grasp.approach.duration_s, grasp.close.duration_s, grasp.lift.duration_s, grasp.hold_s]
    )
    times = np.round(np.arange(round(ends[-1] * 20) + 1) / 20, 9)
    lifted = grasp.lift_from_grasp.at(times - ends[1])
    arm = np.where((times <= ends[0])[:, None], grasp.approach.at(times), lifted)
    phase = np.minimum(np.searchsorted(ends, times + 1e-9), 3)
    finger = np.where(phase == 0, grasp.close.preshape[0], 0.0)
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["t", *grasp.approach.joints, *grasp.close.joints, "phase"])
        for row in zip(times / speed, arm, finger, phase, strict=True):
            writer.writerow([row[0], *row[1], *row[2:]])
    pose = grasp.object_in_base
    content = {
        "time": "t",
        "phases": {"column": "phase"},
        "object_in_base": {
            "position": pose.position.tolist(),
            "quaternion_xyzw": pose.quaternion_xyzw.tolist(),
        },
    }
    path.with_suffix(".yaml").write_text(yaml.safe_dump(content))
    return path


@pytest.fixture
def files(tmp_path, block_grasps):
    return [
        export(tmp_path / f"{name}.csv", g) for name, g in zip("abc", block_grasps, strict=True)
    ]


def scored(path):
    out = path.with_suffix(".scores.json")
    words = ["--seed", 3, "--jobs", 1, "--trials", 6, "--criteria", "osdr,mdr", "--out", out]
    done = run("score", path, *words)
    assert done.exit_code == 0, done.output
    return [score["fitness"] for score in json.loads(out.read_text())["scores"]]


def test_what_was_exported_gets_the_same_scores_again(files, tmp_path, block_grasps):
    out = tmp_path / "back.json"
    done = run("import", *files, *options(out))
    assert done.exit_code == 0, done.output
    assert done.stdout == f"{out}: 3 grasps\n" and done.stderr == ""
    assert [grasp.id for grasp in read_grasps(out).grasps] == [
        f"franka-procedural_000-trajectories-{name}" for name in "abc"
    ]
    write_grasps(tmp_path / "were.json", block_grasps)
    assert scored(out) == scored(tmp_path / "were.json")


def test_too_fast_ones_are_named_and_retimed_on_demand(files, tmp_path, block_grasps):
    export(files[1], block_grasps[1], speed=6.0)
    out = tmp_path / "back.json"
    done = run("import", *files, *options(out), "--json")
    assert done.exit_code == 0, done.output
    said = json.loads(done.stdout)
    assert (said["trajectories"], said["imported"], list(said["refused"])) == (3, 2, ["b"])
    (line,) = done.stderr.splitlines()
    assert line.startswith(f"dr-grasp: {files[1]}: line ") and "panda_joint" in line
    assert line.endswith("rad/s; --retime slows it down")

    done = run("import", *files, *options(out), "--retime")
    assert done.exit_code == 0, done.output
    retimed = [line for line in done.stdout.splitlines() if line.startswith("retimed: ")]
    assert retimed and all("-trajectories-b: " in line for line in retimed)
    assert "times slower, since panda_joint" in retimed[0]
    assert done.stdout.endswith(f"{out}: 3 grasps\n")


def test_one_yaml_file_may_serve_all(files, tmp_path):
    for path in files[1:]:
        path.with_suffix(".yaml").unlink()
    out = tmp_path / "back.json"
    layout = ["--layout", files[0].with_suffix(".yaml")]
    assert run("import", *files, *options(out), *layout).exit_code == 0
    assert len(read_grasps(out).grasps) == 3
    done = run("import", *files, *options(out))
    assert done.exit_code == 1 and "b.yaml: cannot be read" in done.stderr


def test_the_object_stands_where_the_option_says(files, tmp_path):
    out = tmp_path / "back.json"
    z = yaml.safe_load(files[0].with_suffix(".yaml").read_text())["object_in_base"]["position"][2]
    done = run("import", files[0], *options(out), "--object-pose", f"0.4,0.1,{z},0,0,1")
    assert done.exit_code == 0, done.output
    (grasp,) = read_grasps(out).grasps
    assert grasp.object_in_base.position.tolist() == [0.4, 0.1, z]
    assert grasp.object_in_base.rotation.magnitude() == pytest.approx(1.0)


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (["--gripper", "panda"], "--gripper, --synergy, --same-size: expected none with"),
        (["--same-size"], "--gripper, --synergy, --same-size: expected none with trajectories"),
        (["--layout", "none.yaml"], "none.yaml: cannot be read: No such file or directory"),
        (["--object-pose", "0.5,0,0.9,0,0,0"], "object pose: expected on the table"),
        (["--object", "teapot"], "unknown object 'teapot'"),
    ],
)
def test_bad_input_is_one_line(files, tmp_path, more, message):
    out = tmp_path / "back.json"
    done = run("import", *files, *options(out), *more)
    assert done.exit_code == 1 and message in done.stderr
    assert len(done.stderr.splitlines()) == 1 and not out.exists()


def test_none_that_can_be_used_is_an_error(files, tmp_path, block_grasps):
    export(files[0], block_grasps[0], speed=6.0)
    out = tmp_path / "back.json"
    done = run("import", files[0], *options(out))
    assert done.exit_code == 1 and not out.exists()
    assert done.stderr.splitlines()[-1] == (
        f"dr-grasp: none of the trajectories can be used; {out} not written"
    )
