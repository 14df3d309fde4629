"""`dr-grasp message`: what it prints is the request that the client sends, field by field."""

import json
import subprocess
import sys

import pytest
import yaml
from typer.testing import CliRunner

from dr_grasp.cli.main import app
from dr_grasp.formats.grasp_file import grasp_to_dict, write_grasps
from dr_grasp.messages.requests import encode_request

OPTIONS = ["--trials", "20,fdr=5", "--criteria", "fdr,mdr", "--seed", str(2**64 - 1)]
OPTIONS += ["--engine", "mujoco", "--metrics", "tug,epsilon"]
WORDS = {
    "trials": 20,
    "own_trials": [("fdr", 5)],
    "criteria": ["fdr", "mdr"],
    "seed": 2**64 - 1,
    "engine": "mujoco",
    "metrics": ["epsilon", "tug"],
}


@pytest.fixture
def grasps(samples):
    # Names that YAML would take for something else, were they not quoted.
    return [samples.grasp(name) for name in ("1e3", "no", "größe: 'x'")]


@pytest.fixture
def file(tmp_path, grasps):
    write_grasps(tmp_path / "grasps.json", grasps)
    return str(tmp_path / "grasps.json")


def run(*words):
    return CliRunner().invoke(app, ["message", *words])


def test_it_says_what_the_client_sends(file, grasps):
    done = run(file, *OPTIONS)
    assert done.exit_code == 0, done.output
    assert yaml.safe_load(done.stdout) == encode_request(grasps, **WORDS)
    rest = run(file, "--only", "no", "--until", "0.1", "--profile", "huber2023")
    expected = encode_request([grasps[1]], until=0.1, profile="huber2023")
    assert yaml.safe_load(rest.stdout) == expected
    assert yaml.safe_load(run(file, "--count", "2", "--top", "1").stdout) == encode_request(
        grasps[:2], top=1
    )


@pytest.mark.parametrize("kind", ["service", "action"])
def test_ros_makes_the_same_message_of_it(file, grasps, kind):
    """By rosidl_runtime_py, as `ros2 service call` and `ros2 action send_goal` do."""
    setting = pytest.importorskip("rosidl_runtime_py.set_message")
    from dr_grasp.ros.conversions import to_msg
    from dr_grasp_interfaces import action, srv

    made = {"service": srv.ScoreGrasps.Request, "action": action.ScoreGrasps.Goal}[kind]
    message = made()
    setting.set_message_fields(message, yaml.safe_load(run(file, *OPTIONS).stdout))
    assert message == to_msg(made, encode_request(grasps, **WORDS))


@pytest.mark.parametrize("kind", ["service", "action"])
def test_our_messages_have_these_fields(file, grasps, kind):
    pytest.importorskip("rclpy")
    from dr_grasp.ros.conversions import to_msg
    from dr_grasp_interfaces import action, srv

    made = {"service": srv.ScoreGrasps.Request, "action": action.ScoreGrasps.Goal}[kind]
    fields = yaml.safe_load(run(file, *OPTIONS).stdout)
    message = to_msg(made, fields)
    assert set(fields) == set(made.get_fields_and_field_types())
    assert [grasp.id for grasp in message.grasps] == [grasp.id for grasp in grasps]
    assert (message.trials, message.seed, list(message.criteria)) == (20, 2**64 - 1, ["fdr", "mdr"])


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--only", "nope"], "unknown grasp 'nope'"),
        (["--criteria", "nope"], "unknown criterion 'nope'"),
        (["--metrics", "nope"], "unknown metric 'nope'"),
        (["--trials", "fdr=3000000000"], "trials: expected from 1 to 2147483647, got 3000000000"),
        (["--trials", "-1"], "trials: expected from 1 to 2147483647, got -1"),
        (["--seed", "-1"], "seed: expected from 0 to 2**64 - 1, got -1"),
        (["--until", "2"], "until: expected a width between 0 and 1, got 2.0"),
        (["--top", "1", "--until", "0.5"], "top: expected without until"),
        (["--engine", "ode"], "unknown engine 'ode'; expected one of bullet, mujoco, mujoco-warp"),
    ],
)
def test_what_a_message_cannot_say_is_refused(file, words, message):
    done = run(file, *words)
    assert done.exit_code == 1
    (line,) = done.stderr.splitlines()
    assert message in line


def test_a_bad_grasp_is_named_and_the_others_are_printed(tmp_path, grasps):
    bad = grasp_to_dict(grasps[0]) | {"hold_s": -1.0}
    content = {"schema_version": 1, "kind": "dr_grasp/grasps"}
    content["grasps"] = [bad, grasp_to_dict(grasps[1])]
    path = tmp_path / "some.json"
    path.write_text(json.dumps(content))
    done = run(str(path))
    assert yaml.safe_load(done.stdout) == encode_request(grasps[1:2])
    assert "grasp 1e3: hold: expected more than 0" in done.stderr


def test_it_needs_no_ros(file):
    hidden = "import sys; sys.modules['rclpy'] = sys.modules['dr_grasp_interfaces'] = None; "
    program = f"{hidden}from dr_grasp.cli.main import app; app()"
    done = subprocess.run(
        [sys.executable, "-c", program, "message", file], capture_output=True, check=True
    )
    assert yaml.safe_load(done.stdout)["grasps"]
