"""The demonstration, smaller: four real nodes, and all that it leaves behind."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from matplotlib.image import imread
from typer.testing import CliRunner

pytest.importorskip("rclpy", reason="needs ROS, which `make test-noble` does without")

from dr_grasp.bringup.demonstration import DemoSettings, run_demo
from dr_grasp.cli.main import app
from dr_grasp.core.ranking import rank
from dr_grasp.errors import SettingsError
from dr_grasp.formats.grasp_file import read_grasps
from dr_grasp.formats.score_file import read_scores
from dr_grasp.recording.bag_reader import read_bag
from dr_grasp.robots.robot_spec import robot_names

SMALL = DemoSettings(objects=("procedural_000",), grasps_per_object=3, trials=1, executed=2, jobs=2)


def processes_with(text):
    """Command lines of running processes that contain a text."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            line = path.read_bytes().replace(b"\0", b" ").decode()
        except OSError:  # it ended while we looked
            continue
        if text in line:
            found.append(line)
    return found


@pytest.fixture
def loopback_only(monkeypatch):
    monkeypatch.setenv("ROS_AUTOMATIC_DISCOVERY_RANGE", "LOCALHOST")


def test_it_leaves_scores_a_bag_and_a_picture(tmp_path, loopback_only):
    last = {}

    def follow(step, done, total, note):
        last[step] = (done, total)

    result = run_demo(tmp_path / "out", SMALL, follow)
    grasps = read_grasps(result.files["grasps"]).grasps
    scores = read_scores(result.files["scores"]).scores
    assert len(grasps) == len(scores) == 3
    assert all(score.nominal_success for score in scores)
    assert last == {"generating": (3, 3), "scoring": (3 * 5, 3 * 5), "executing": (1, 2)}

    # The best in rank order, then the worst from the last rank upwards.
    ranked = [score.grasp_id for score in rank(scores)]
    attempts = [*result.best, *result.worst]
    assert [attempt.grasp.id for attempt in attempts] == [*ranked[:2], *reversed(ranked[-2:])]
    bag = read_bag(result.files["bag"])
    assert {attempt.attempt_id for attempt in bag.attempts} == {
        attempt.attempt_id for attempt in attempts
    }
    assert {score.grasp_id for score in bag.scores} == set(ranked)

    picture = imread(result.files["picture"])
    assert picture.shape[0] > 400
    assert picture.shape[1] > 800
    assert np.ptp(picture[..., :3]) > 0.5
    assert processes_with(f"dr_grasp_demo_{os.getpid()}") == []

    with pytest.raises(SettingsError, match="bag: exists already"):
        run_demo(tmp_path / "out", SMALL, follow)


def test_ctrl_c_leaves_no_process_behind(tmp_path, loopback_only):
    program = [sys.executable, "-m", "dr_grasp.cli.main", "demo", "--out", str(tmp_path / "out")]
    with subprocess.Popen(program, stderr=subprocess.PIPE, text=True) as demo:
        namespace = f"dr_grasp_demo_{demo.pid}"
        deadline = time.monotonic() + 120
        # Nodes start before the grasps are generated.
        while len(processes_with(namespace)) < 4:
            assert demo.poll() is None
            assert time.monotonic() < deadline
            time.sleep(0.1)
        demo.send_signal(signal.SIGINT)
        _, stderr = demo.communicate(timeout=120)
    assert demo.returncode == 130
    assert stderr.strip() == "dr-grasp: interrupted"
    assert processes_with(namespace) == []


def test_an_unknown_robot_is_refused_at_once(tmp_path):
    words = ["demo", "--robot", "r2d2", "--out", str(tmp_path / "out")]
    done = CliRunner().invoke(app, words)
    assert done.exit_code == 1
    names = ", ".join(robot_names())
    assert done.stderr.strip() == f"dr-grasp: unknown robot 'r2d2'; expected one of {names}"
    assert not (tmp_path / "out").exists()
