"""`dr-grasp score --resume`: a run that was ended goes on to the same file."""

import signal
import subprocess
import sys
import time

import pytest
from typer.testing import CliRunner

from dr_grasp.cli import score
from dr_grasp.cli.main import app
from dr_grasp.common.run_lock import RunLock
from dr_grasp.formats.grasp_file import write_grasps
from dr_grasp.scoring.scorer import Scorer

PROGRAM = [sys.executable, "-m", "dr_grasp.cli.main"]


def run(*words):
    """Run a command in this process."""
    return CliRunner().invoke(app, [str(word) for word in words])


@pytest.fixture(scope="module")
def grasp_file(tmp_path_factory, block_grasps, shortened):
    path = tmp_path_factory.mktemp("score") / "grasps.json"
    write_grasps(path, map(shortened, block_grasps))
    return path


@pytest.mark.parametrize("words", [["--criteria", "mdr"], ["--criteria", "mdr", "--top", "1"]])
def test_a_killed_run_goes_on_to_the_same_bytes(grasp_file, tmp_path, words, results_in):
    whole, out = tmp_path / "whole.json", tmp_path / "out.json"
    words = ["score", str(grasp_file), *words, "--trials", "12", "--jobs", "2"]
    assert run(*words, "--out", whole).exit_code == 0
    journal = tmp_path / "out.json.journal"
    with subprocess.Popen([*PROGRAM, *words, "--out", str(out)]) as process:
        while len(results_in(journal)) < 4:
            assert process.poll() is None
            time.sleep(0.05)
        process.send_signal(signal.SIGKILL)
        process.wait()
    before = set(results_in(journal))
    assert not out.exists()
    assert any(path.name.startswith(".out.json.") for path in tmp_path.iterdir())
    put = []

    class Recording(score.ScoreJournal):
        def put(self, key, value):
            put.append(key)
            super().put(key, value)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(score, "ScoreJournal", Recording)
        done = run(*words, "--out", out, "--resume")
    assert done.exit_code == 0, done.output
    assert out.read_bytes() == whole.read_bytes()
    assert put and len(put) == len(set(put)) and not before & set(put)
    # Not the journal either, nor what was being written when it was killed.
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out.json", "whole.json"]


def test_a_resumption_of_something_else_is_refused_in_one_line(grasp_file, tmp_path):
    out = tmp_path / "out.json"
    journal = tmp_path / "out.json.journal"
    words = ["score", grasp_file, "--out", out, "--trials", "2", "--criteria", "fdr", "--jobs", 1]

    def stop(*args, **kwargs):
        yield None

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Scorer, "stream", stop)
        done = run(*words)
    assert (done.exit_code, done.stdout) == (130, "")
    assert done.stderr == "dr-grasp: interrupted; --resume goes on\n"
    assert sorted(path.name for path in tmp_path.iterdir()) == [journal.name]
    before = journal.read_bytes()
    done = run(*words, "--seed", 1, "--resume")
    assert done.exit_code == 1
    assert done.stderr == (
        f"dr-grasp: {journal}: seed: expected 1 as asked for now, got 0; "
        "without --resume the run begins anew\n"
    )
    assert journal.read_bytes() == before
    assert run(*words, "--seed", 1).exit_code == 0
    assert sorted(path.name for path in tmp_path.iterdir()) == [out.name]


@pytest.mark.parametrize("resume", [[], ["--resume"]])
def test_a_second_run_to_the_same_file_is_refused_in_one_line(grasp_file, tmp_path, resume):
    out = tmp_path / "out.json"
    journal = tmp_path / "out.json.journal"
    generate = ["generate", "--robot", "franka", "--object", "mug", "--evaluations", 1]
    with RunLock(journal):
        for words in (["score", grasp_file, "--criteria", "fdr"], generate):
            done = run(*words, "--out", out, "--jobs", 1, *resume)
            assert (done.exit_code, done.stdout) == (1, "")
            problem = "another process is working on the same run"
            assert done.stderr == f"dr-grasp: {journal}: {problem}\n"
    assert list(tmp_path.iterdir()) == []
