"""The example for planners' authors, as it stands, with real nodes; and what they do wrong."""

import os
import re
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from dr_grasp.bringup.processes import NodeProcesses
from dr_grasp.core.ranking import rank
from dr_grasp.errors import BackendError
from dr_grasp.formats.grasp_file import write_grasps
from dr_grasp.recording.bag_reader import read_bag
from dr_grasp.ros import DrGraspClient

from .in_process import own_lines

EXAMPLE = Path(__file__).resolve().parents[2] / "examples" / "score_from_a_planner.py"
LIMIT_S = 120.0


def run(*words):
    return subprocess.run(
        [sys.executable, str(EXAMPLE), *words], capture_output=True, text=True, timeout=LIMIT_S
    )


def test_it_is_short():
    assert len(EXAMPLE.read_text(encoding="utf-8").splitlines()) <= 40


def test_it_scores_and_executes_the_best(system, tmp_path, block_grasps):
    write_grasps(tmp_path / "grasps.json", block_grasps)
    done = run(str(tmp_path / "grasps.json"), system.namespace)
    assert (done.returncode, done.stderr) == (0, "")
    lines = own_lines(done.stdout)
    count = len(block_grasps)
    for grasp, line in zip(block_grasps, lines, strict=False):
        found = re.fullmatch(rf"{re.escape(grasp.id)}: \w+ (\{{'OSDR': [\d.]+, 'JSDR'.*\}})", line)
        assert found, line
    rollouts = count * (1 + 4 * 5)
    assert f"{rollouts} of {rollouts} rollouts" in lines
    scores = system.planner.score(block_grasps, trials=5, seed=1).scores
    best = rank(scores)[0].grasp_id
    assert lines[-2] == f"the best of {count}: {best}"
    (attempt,) = [a for a in read_bag(system.bag).attempts if a.score in scores]
    assert lines[-1].split()[:2] == [f"{best}:", attempt.outcome.label]
    assert attempt.grasp.id == best


def test_its_errors_are_one_line(tmp_path, block_grasps):
    done = run(str(tmp_path / "none.json"))
    assert done.returncode == 1
    (line,) = done.stderr.splitlines()
    assert line.startswith("score_from_a_planner: ") and "none.json: cannot be read" in line


@pytest.mark.parametrize("way", ["score", "score_few"])
def test_a_scorer_that_dies_in_the_call_is_one_error(namespace, tmp_path, block_grasps, way):
    with (
        NodeProcesses({"scorer": {"jobs": 1}}, namespace, tmp_path / "logs") as nodes,
        DrGraspClient(namespace) as client,
    ):
        assert client.score_few(block_grasps[:1], trials=1, criteria=["mdr"]).scores
        killing = threading.Timer(1.5, os.kill, (nodes.pid("scorer"), signal.SIGKILL))
        killing.start()
        began = time.monotonic()
        with pytest.raises(
            BackendError, match=r"score_grasps: the server vanished during (the goal|a request)"
        ):
            getattr(client, way)(block_grasps, trials=400)
        assert time.monotonic() - began < LIMIT_S  # a limit against hanging
        killing.join()
