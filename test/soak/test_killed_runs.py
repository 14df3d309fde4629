"""Whole runs killed at random moments, and gone on with, again and again until they are done."""

import random
import shutil
import signal
import subprocess
import sys
import time

import pytest

from dr_grasp.common.record_file import RecordFile
from dr_grasp.formats.grasp_file import write_grasps

PROGRAM = [sys.executable, "-m", "dr_grasp.cli.main"]


@pytest.fixture(scope="module")
def commands(tmp_path_factory, block_grasps, shortened):
    """Commands without their --out, by name, and whether they can be resumed."""
    folder = tmp_path_factory.mktemp("inputs")
    grasps, scores = folder / "grasps.json", folder / "scores.json"
    write_grasps(grasps, map(shortened, block_grasps))
    score = ["score", str(grasps), "--criteria", "mdr", "--trials", "8", "--jobs", "2"]
    subprocess.run([*PROGRAM, *score, "--out", str(scores)], check=True, stdout=subprocess.DEVNULL)
    search = ["generate", "--robot", "franka", "--object", "procedural_000", "--jobs", "2"]
    return {
        "score": (score, ["--resume"]),
        "score --top": ([*score, "--top", "1"], ["--resume"]),
        "generate": ([*search, "--evaluations", "8"], ["--resume"]),
        "diagnose": (["diagnose", str(grasps), "--scores", str(scores), "--jobs", "2"], []),
    }


def results_in(out, folder):
    """Number of results in the journal that a killed run has left."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    for file in out.parent.glob("out.json.journal*"):
        shutil.copy(file, folder / file.name)
    with RecordFile(folder / "out.json.journal") as journal:
        assert not journal.damaged
        return journal.count("result")


@pytest.mark.parametrize("name", ["score", "score --top", "generate", "diagnose"])
def test_killed_runs(commands, tmp_path, tmp_path_factory, rounds, figures, name):
    words, resume = commands[name]
    copy = tmp_path_factory.mktemp("journal") / "copy"
    whole, out = tmp_path / "whole.json", tmp_path / "out.json"
    begun = time.monotonic()
    subprocess.run([*PROGRAM, *words, "--out", str(whole)], check=True, stdout=subprocess.DEVNULL)
    whole_s = time.monotonic() - begun
    rng = random.Random(name)
    kills = lost = 0
    for _ in range(max(1, rounds(1) // 4)):  # a round takes a minute
        known = 0
        for attempt in range(10_000):
            command = [*PROGRAM, *words, "--out", str(out), *resume]
            with subprocess.Popen(
                command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
            ) as process:
                try:
                    # Longer and longer, or else a machine that became busier would never be done.
                    longest_s = whole_s * (1.0 + attempt / (16.0 if resume else 4.0))
                    _, said = process.communicate(timeout=rng.uniform(0.0, longest_s))
                except subprocess.TimeoutExpired:
                    process.send_signal(signal.SIGKILL)
                    process.communicate()
                    kills += 1
                    # Once the file is written, the journal is removed.
                    found = known if out.exists() else results_in(out, copy)
                    lost += max(0, known - found)
                    known = 0 if out.exists() else found
                    # No half file: it is there as a whole, or not yet.
                    assert not out.exists() or out.read_bytes() == whole.read_bytes()
                    continue
            assert (process.returncode, said) == (0, "")
            break
        assert out.read_bytes() == whole.read_bytes()
        # Nor a journal, a lock, or a file that was being written.
        assert sorted(path.name for path in tmp_path.iterdir()) == ["out.json", "whole.json"]
        out.unlink()
    assert not lost
    figures[f"killed runs: {name}"] = {"kills": kills, "results lost": lost, "files damaged": 0}
