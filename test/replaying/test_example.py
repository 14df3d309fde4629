"""The example session, replayed as CI does it."""

import dataclasses
import json
import shutil
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest

from dr_grasp.provenance.fingerprint import PROCESSOR, processor
from dr_grasp.recording.bag_reader import read_bag
from dr_grasp.recording.bag_writer import BagWriter

SESSION = Path(__file__).parents[2] / "examples" / "session"


def replay(*arguments):
    return subprocess.run(
        [sys.executable, "-m", "dr_grasp.cli.main", "replay", *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=900,
        check=False,
    )


@pytest.fixture(scope="module")
def contents():
    return read_bag(SESSION)


def test_it_holds_thirty_attempts_of_ten_grasps(contents):
    assert len(contents.attempts) == 30 and len(contents.scores) == 10
    assert len({attempt.grasp.id for attempt in contents.attempts}) == 10
    assert len({attempt.outcome for attempt in contents.attempts}) > 1
    (report,) = contents.reports
    assert report.attempt_id in {attempt.attempt_id for attempt in contents.attempts}


def test_it_comes_out_the_same_again(contents, tmp_path):
    if contents.scores[0].models[PROCESSOR] != processor():
        pytest.skip(f"recorded on another processor than this {processor()}")
    done = replay(SESSION, "--junit", tmp_path / "junit.xml", "--json")
    checks = json.loads(done.stdout)
    differing = [check for check in checks if check["verdict"] != "same"]
    assert (done.returncode, differing) == (0, []), done.stderr
    # Nominal outcome, four fitnesses, failures of each grasp; outcome and motion of each attempt.
    assert len(checks) == 10 * 6 + 30 * 2
    suite = ElementTree.parse(tmp_path / "junit.xml").getroot()[0]
    assert (suite.get("tests"), suite.get("failures")) == ("120", "0")


def test_another_profile_of_the_twin_is_found_out(tmp_path, monkeypatch):
    """One attempt of the example, after its twin has been changed under its name."""
    attempt = next(a for a in read_bag(SESSION).attempts if a.grasp.object == "box")
    with BagWriter(tmp_path / "bag") as bag:
        bag.write_attempt(dataclasses.replace(attempt, score=None))
    own = tmp_path / "config" / "twin"
    own.mkdir(parents=True)
    ours = Path(__file__).parents[2] / "config" / "twin" / "default.yaml"
    text = shutil.copy(ours, own / "default.yaml").read_text()
    (own / "default.yaml").write_text(text.replace("seed: ", "seed: 1"))
    monkeypatch.setenv("DR_GRASP_CONFIG", str(tmp_path / "config"))
    done = replay(tmp_path / "bag", "--jobs", 1, "--json")
    reasons = {check["reason"] for check in json.loads(done.stdout) if check["reason"]}
    assert done.returncode == 1
    assert reasons and all(reason.startswith("twin changed: ") for reason in reasons)


def test_what_is_no_bag_ends_with_one_line(tmp_path):
    done = replay(tmp_path)
    assert (done.returncode, done.stdout) == (1, "")
    (line,) = done.stderr.strip().splitlines()
    assert line.startswith(f"dr-grasp: {tmp_path}: expected a bag")
