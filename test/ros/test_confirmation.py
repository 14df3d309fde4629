"""An arm that asks before it moves, through the action and the command line."""

import json
import time

import pytest
from typer.testing import CliRunner

from dr_grasp.bringup.processes import NodeProcesses
from dr_grasp.cli.main import app
from dr_grasp.core.outcome import Outcome
from dr_grasp.errors import BackendError
from dr_grasp.execution.runner import ExecutionFailedError
from dr_grasp.formats.grasp_file import write_grasps
from dr_grasp.formats.score_file import ScoreFile, write_scores
from dr_grasp.recording.bag_reader import read_bag
from dr_grasp.ros.client import DrGraspClient


@pytest.fixture(scope="module")
def careful(tmp_path_factory, new_namespace):
    """An executor that asks, as before a real arm; behind it the twin."""
    folder = tmp_path_factory.mktemp("careful")
    space = new_namespace()
    commands = {
        "executor": {"confirm": True, "connect_s": 60},
        "recorder": {"bag": str(folder / "bag")},
        "twin": {"confirm": True, "recorder_s": 60},
    }
    with NodeProcesses(commands, space, folder / "logs") as nodes:
        deadline = time.monotonic() + 60.0
        while not (folder / "bag").exists() and time.monotonic() < deadline:
            nodes.check()
            time.sleep(0.05)
        yield space, folder
        nodes.check()


def recorded(careful):
    return read_bag(careful[1] / "bag").attempts


@pytest.fixture
def execute(careful, block_grasps):
    """Runs `dr-grasp execute`; what is typed answers its question."""
    space, folder = careful
    write_grasps(folder / "grasps.json", block_grasps)
    write_scores(folder / "scores.json", ScoreFile((), (), 0, "default", ""))
    files = [folder / "grasps.json", "--scores", folder / "scores.json"]
    words = ["execute", *map(str, files), "--backend", "ros", "--namespace", space, "--top", "1"]
    return lambda *more, typed=None: CliRunner().invoke(app, [*words, *more], input=typed)


def test_without_a_word_nothing_moves(careful, block_grasps):
    before = recorded(careful)
    with DrGraspClient(careful[0]) as planner:
        answer = planner.execute(block_grasps, [], top=2)
        assert answer.needs_confirmation
        assert [attempt.outcome for attempt in answer.attempts] == [Outcome.UNKNOWN] * 2
        assert recorded(careful) == before
        shown = planner.execute(block_grasps, [], top=1)
        moved = planner.execute(block_grasps, [], top=1, confirmed=shown.token)
        assert not moved.needs_confirmation and moved.attempts[0].outcome is not Outcome.UNKNOWN
        dry = planner.execute(block_grasps, [], top=1, dry_run=True)
        assert not dry.needs_confirmation and dry.attempts[0].outcome is Outcome.UNKNOWN
    assert len(recorded(careful)) == len(before) + 1


def test_a_goal_without_a_valid_grasp_says_why(careful, home_grasp):
    broken = [home_grasp(id=name, object="teapot") for name in ("g1", "g2")]
    with (
        DrGraspClient(careful[0]) as planner,
        pytest.raises(ExecutionFailedError, match=r"all 2 grasps were refused: grasp g1: .*g2: "),
    ):
        planner.execute(broken, [], top=2)


@pytest.mark.parametrize(("typed", "moves"), [("n\n", False), ("", False), ("y\n", True)])
def test_the_command_line_asks(careful, execute, typed, moves):
    before = len(recorded(careful))
    done = execute(typed=typed)
    assert "This moves a real arm." in done.stderr
    assert len(recorded(careful)) == before + moves
    assert done.exit_code == (0 if moves else 1), done.stderr
    assert ("nothing moved" in done.stderr or "Aborted" in done.stderr) == (not moves)


def test_yes_and_dry_run_do_not_ask(careful, execute):
    (checked,) = json.loads(execute("--dry-run", "--json").stdout)
    assert (checked["outcome"], checked["reason"]) == ("unknown", "dry run")
    (made,) = json.loads(execute("--yes", "--json").stdout)
    assert made["attempt_id"] == recorded(careful)[-1].attempt_id


def test_nobody_there_is_said(namespace):
    with (
        DrGraspClient(namespace, connect_s=0.5) as planner,
        pytest.raises(BackendError, match="no such"),
    ):
        planner.execute([], [], top=1)
