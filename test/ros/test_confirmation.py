"""An arm that asks before it moves, through the action and the command line."""

import json
import os
import subprocess
import sys

import pytest

from dr_grasp.bringup.processes import NodeProcesses
from dr_grasp.core.outcome import Outcome
from dr_grasp.errors import BackendError
from dr_grasp.formats.score_file import ScoreFile, write_grasps, write_scores
from dr_grasp.recording.bag_reader import read_bag
from dr_grasp.ros.client import DrGraspClient


@pytest.fixture(scope="module")
def careful(tmp_path_factory):
    """An executor that asks, as before a real arm; behind it the twin."""
    folder = tmp_path_factory.mktemp("careful")
    space = f"/careful_{os.getpid()}"
    commands = {
        "executor": {"confirm": True, "connect_s": 60},
        "recorder": {"bag": str(folder / "bag")},
        "twin": {},
    }
    with NodeProcesses(commands, space, folder / "logs") as nodes:
        yield space, folder
        nodes.check()


def command_line(careful, block_grasps, *words, answer=None):
    space, folder = careful
    write_grasps(folder / "grasps.json", block_grasps)
    write_scores(folder / "scores.json", ScoreFile((), (), 0, "default", ""))
    files = [folder / "grasps.json", "--scores", folder / "scores.json"]
    done = subprocess.run(
        [
            *(sys.executable, "-m", "dr_grasp.cli.main", "execute", *map(str, files)),
            *("--backend", "ros", "--namespace", space, "--top", "1", *words),
        ],
        input=answer,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    return done


def test_without_a_word_nothing_moves(careful, block_grasps):
    space, folder = careful
    with DrGraspClient(space) as planner:
        answer = planner.execute(block_grasps, [], top=2)
        assert answer.needs_confirmation
        assert [one.outcome for one in answer.attempts] == [Outcome.UNKNOWN] * 2
        assert read_bag(folder / "bag").attempts == ()
        moved = planner.execute(block_grasps, [], top=1, confirmed=True)
        assert not moved.needs_confirmation and moved.attempts[0].outcome is not Outcome.UNKNOWN
        dry = planner.execute(block_grasps, [], top=1, dry_run=True)
        assert not dry.needs_confirmation and dry.attempts[0].outcome is Outcome.UNKNOWN
    assert len(read_bag(folder / "bag").attempts) == 1


@pytest.mark.parametrize(("answer", "moves"), [("n\n", False), ("", False), ("y\n", True)])
def test_the_command_line_asks(careful, block_grasps, answer, moves):
    before = len(read_bag(careful[1] / "bag").attempts)
    done = command_line(careful, block_grasps, answer=answer)
    assert "This moves a real arm." in done.stderr
    assert len(read_bag(careful[1] / "bag").attempts) == before + moves
    assert done.returncode == (0 if moves else 1), done.stderr
    assert ("nothing moved" in done.stderr or "Aborted" in done.stderr) == (not moves)


def test_yes_and_dry_run_do_not_ask(careful, block_grasps):
    done = command_line(careful, block_grasps, "--dry-run", "--json")
    (checked,) = json.loads(done.stdout)
    assert (checked["outcome"], checked["reason"]) == ("unknown", "dry run")
    done = command_line(careful, block_grasps, "--yes", "--json")
    (made,) = json.loads(done.stdout)
    assert made["attempt_id"] == read_bag(careful[1] / "bag").attempts[-1].attempt_id


def test_an_arm_that_does_not_ask_needs_no_word(system, block_grasps):
    answer = system.planner.execute(block_grasps, [], top=1, seed=9)
    assert not answer.needs_confirmation and len(answer.attempts) == 1


def test_nobody_there_is_said(namespace):
    with (
        DrGraspClient(namespace, connect_s=0.5) as planner,
        pytest.raises(BackendError, match="no such"),
    ):
        planner.execute([], [], top=1)
