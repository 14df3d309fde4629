"""`dr-grasp generate` as its user meets it: summaries, interruptions, resumptions, refusals."""

import dataclasses
import json
import re
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
from typer.testing import CliRunner

from dr_grasp.cli.main import app
from dr_grasp.core.collisions import listed
from dr_grasp.core.doubt import Doubt
from dr_grasp.core.outcome import LinkPair, Outcome
from dr_grasp.formats.grasp_file import read_grasps, write_grasps
from dr_grasp.generation.grown_ranges import GrownRanges
from dr_grasp.generation.search import BATCH, Search
from dr_grasp.generation.search_journal import SearchJournal
from dr_grasp.generation.task import METHODS, Findings, Task
from dr_grasp.objects.object_spec import load_object

PROGRAM = [sys.executable, "-m", "dr_grasp.cli.main"]
WHERE = ["generate", "--robot", "franka", "--object", "procedural_000"]


def run(*words):
    """Run a command in this process."""
    return CliRunner().invoke(app, [str(word) for word in words])


@pytest.fixture(scope="module")
def start(tmp_path_factory, block_grasps):
    path = tmp_path_factory.mktemp("generate") / "start.json"
    write_grasps(path, block_grasps)
    return path


def test_grasps_are_for_the_pose_that_the_object_is_said_to_have(tmp_path, start):
    out = tmp_path / "grasps.json"
    where = ["--object-pose", "0.45,0.12,0.02,0,0,0.7", "--jobs", 1, "--out", out]
    for method in (["--method", "sampler"], ["--method", "me-scs", "--start", start]):
        done = run(*WHERE, *method, "--count", 1, *where)
        assert done.exit_code == 0, done.output
        for grasp in read_grasps(out).grasps:
            np.testing.assert_allclose(grasp.object_in_base.position[:2], [0.45, 0.12], atol=2e-3)
            assert grasp.object_in_base.rotation.magnitude() == pytest.approx(0.7, abs=0.01)
    done = run(*WHERE, "--count", 1, "--object-pose", "2,0,0,0,0,0", "--out", out)
    assert done.exit_code == 1 and "object pose: expected on the table" in done.stderr


def test_a_summary_tells_what_became_of_the_proposals(tmp_path, start):
    out = tmp_path / "grasps.json"
    words = ["--method", "me-fit", "--evaluations", 8, "--fitness", "fdr", "--trials", 3]
    words += ["--engine", "bullet"]
    done = run(*WHERE, *words, "--start", start, "--jobs", 1, "--out", out, "--json")
    assert done.exit_code == 0, done.output
    summary = json.loads(done.stdout)
    assert set(summary) == {
        *(
            "out",
            "method",
            "grasps",
            "evaluations",
            "simulated",
            "successes",
            "failures",
            "collisions",
            "distinct",
        ),
        *("coverage", "seconds", "evaluations_per_second"),
    }
    assert (summary["out"], summary["method"]) == (str(out), "me-fit")
    assert summary["evaluations"] == 8
    assert 8 >= summary["simulated"] >= summary["successes"] >= summary["grasps"] >= 3
    assert summary["distinct"] == summary["grasps"] == len(read_grasps(out).grasps)
    assert 0 < summary["coverage"] < 1
    assert summary["successes"] + sum(summary["failures"].values()) == 8
    for grasp in read_grasps(out).grasps:
        assert grasp.provenance["fitness"].startswith("fdr ")
    assert done.stderr == ""
    assert list(tmp_path.iterdir()) == [out]  # the journal has done its duty


def test_a_search_with_growing_ranges_says_how_far_they_came(tmp_path, start):
    out = tmp_path / "grasps.json"
    words = ["--method", "me-fit", "--evaluations", 4, "--fitness", "adr", "--trials", 2]
    words += ["--engine", "bullet", "--start", start, "--jobs", 1, "--out", out]
    done = run(*WHERE, *words, "--json")
    assert done.exit_code == 0, done.output
    summary = json.loads(done.stdout)
    # One generation, in which nothing is added to the profile.
    assert set(summary["ranges"]) == {doubt.value for doubt in Doubt}
    assert (summary["ranges"]["x"], summary["ranges"]["mass"]) == ([0, 0], [1, 1])
    assert summary["entropy"] == 0
    for grasp in read_grasps(out).grasps:
        assert grasp.provenance["fitness"].startswith("adr ")
        assert grasp.provenance["fitness ranges"].startswith("object along x 0 to 0 m, ")
    found = Findings(evaluations=4, ranges=GrownRanges({Doubt.MASS: (0.5, 2.0)}, 0.25))
    lines = said_of(found, tmp_path / "other.json").splitlines()
    assert lines[1:] == ["errors added to the profile's, of entropy 0.25:", "  mass 0.5 to 2"]


def said_of(findings, out):
    """What the command prints at the end of a search."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Search, "run", lambda search, limits: findings)
        return run(*WHERE, "--evaluations", findings.evaluations, "--jobs", 1, "--out", out).stdout


def test_an_interrupted_run_keeps_its_grasps_and_goes_on_to_the_same_file(tmp_path, results_in):
    whole, out = tmp_path / "whole.json", tmp_path / "out.json"
    words = [*WHERE, "--evaluations", "32", "--jobs", "1"]
    done = run(*words, "--out", whole)
    assert done.exit_code == 0, done.output
    assert done.stdout.startswith(f"{whole}: ") and "from 32 evaluations" in done.stdout
    journal = tmp_path / "out.json.journal"
    with subprocess.Popen(
        [*PROGRAM, *words, "--out", str(out)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        while [one["outcome"] for one in results_in(journal).values()].count("success") < 2:
            assert process.poll() is None
            time.sleep(0.05)
        process.send_signal(signal.SIGINT)
        stdout, stderr = process.communicate(timeout=120)
    assert (process.returncode, stdout) == (130, "")
    kept = len(read_grasps(out).grasps)
    assert kept >= 1
    assert stderr == f"dr-grasp: interrupted: {kept} grasps kept in {out}; --resume goes on\n"
    assert len(results_in(journal)) < 32
    done = run(*words, "--out", out, "--resume", "--json")
    assert done.exit_code == 0, done.output
    assert json.loads(done.stdout)["evaluations"] == 32
    assert out.read_bytes() == whole.read_bytes()
    assert not journal.exists()


def test_a_summary_names_the_links_that_touched(tmp_path, monkeypatch):
    elbow, wrist = LinkPair("elbow", "hand"), LinkPair("hand", "wrist")
    hit = Outcome.SELF_COLLISION
    found = Findings(
        evaluations=21,
        failures={"self_collision": 19, "missed": 2},
        collisions=listed({(hit, elbow): 17, (hit, wrist): 2}),
    )
    monkeypatch.setattr(Search, "run", lambda search, limits: found)
    words = [*WHERE, "--evaluations", 21, "--jobs", 1, "--out", tmp_path / "grasps.json"]
    assert run(*words).stdout.splitlines()[1:] == [
        "  19 x self_collision: elbow with hand (17 of 19); if these may touch, list them under "
        "allowed_collisions in the robot's YAML",
        "  2 x missed",
    ]
    assert json.loads(run(*words, "--json").stdout)["collisions"][0] == {
        "criterion": None,
        "outcome": "self_collision",
        "links": ["elbow", "hand"],
        "count": 17,
    }


@pytest.mark.parametrize(("candidates", "finds"), [(1, False), (3, True)])
def test_a_count_that_is_out_of_reach_leaves_what_there_is(
    tmp_path, monkeypatch, candidates, finds
):
    monkeypatch.setattr("dr_grasp.generation.task.CANDIDATES_PER_GRASP", candidates)
    out = tmp_path / "grasps.json"
    done = run(*WHERE, "--count", 12, "--jobs", 1, "--out", out)
    assert done.exit_code == 1 and out.exists() == finds
    assert list(tmp_path.iterdir()) == [out] * finds
    if not finds:
        assert done.stderr == (
            "dr-grasp: franka with procedural_000: no grasp found in 12 evaluations; "
            f"{out} not written\n"
        )
        return
    found = len(read_grasps(out).grasps)
    assert 0 < found < 12
    assert done.stderr == (
        f"dr-grasp: franka with procedural_000: expected 12 distinct grasps, got {found} "
        f"from {12 * candidates} evaluations; they are in {out}\n"
    )


def test_a_journal_of_another_run_is_refused_and_left_alone(tmp_path):
    out = tmp_path / "grasps.json"
    journal = tmp_path / "grasps.json.journal"
    SearchJournal(journal, {"batch": 24}).close()
    before = journal.read_bytes()
    done = run(*WHERE, "--out", out, "--resume")
    assert done.exit_code == 1
    (line,) = done.stderr.splitlines()
    assert line == (
        f"dr-grasp: {journal}: method: expected 'sampler' as asked for now, got None; "
        "without --resume the run begins anew"
    )
    assert journal.read_bytes() == before and not out.exists()


def test_a_journal_from_before_the_object_was_changed_is_refused(tmp_path, monkeypatch):
    out = tmp_path / "grasps.json"
    task = Task("franka", "procedural_000", "sampler")
    SearchJournal(tmp_path / "grasps.json.journal", {**task.described(), "batch": BATCH}).close()
    lighter = dataclasses.replace(load_object("procedural_000"), mass=0.01)
    monkeypatch.setattr("dr_grasp.generation.task.load_object", lambda name: lighter)
    done = run(*WHERE, "--out", out, "--resume")
    assert done.exit_code == 1
    assert "object_fingerprint: expected" in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_no_grasp_at_all_says_why(tmp_path):
    out = tmp_path / "g.json"
    done = run(*WHERE, "--evaluations", 4, "--seed", 3, "--jobs", 1, "--out", out)
    assert done.exit_code == 1 and not out.exists()
    assert done.stderr == (
        "dr-grasp: franka with procedural_000: no grasp found in 4 evaluations; "
        f"{out} not written\n"
    )
    first, *others = done.stdout.splitlines()
    failed = 4 - int(re.search(r"among (\d+) successes", first)[1])
    assert failed > 0
    assert sum(int(line.split(" x ")[0]) for line in others) == failed


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--method", "cma"], "unknown method 'cma'; expected one of me-fit, me-scs, sampler"),
        (["--evaluations", 0], "evaluations: expected at least 1, got 0"),
        (["--evaluations", 5, "--count", -1], "count: expected at least 1, got -1"),
        (["--seed", -1], "seed: expected at least 0, got -1"),
        (["--jobs", 0], "jobs: expected at least 1, got 0"),
        (["--fitness", "mdr"], "fitness: only me-fit maximises a fitness, got sampler"),
        (["--method", "me-scs", "--trials", 3], "trials: only me-fit maximises a fitness, got me-"),
        (["--profile", "default"], "profile: only me-fit maximises a fitness, got sampler"),
        (["--fitness-engines", "bullet"], "fitness-engines: only me-fit maximises a fitness, got"),
        (
            ["--method", "me-fit", "--fitness-engines", "bullet,bullet"],
            "engines: expected each once, got bullet, bullet",
        ),
        (
            ["--method", "me-fit", "--fitness-engines", "bullet,mujoco-warp"],
            "engine: expected bullet or mujoco, which simulate one rollout at a time, got mujoco-w",
        ),
        (["--method", "me-fit", "--trials", 0], "trials: expected from 1 to 100000, got 0"),
        (
            ["--method", "me-fit", "--fitness", "luck"],
            "unknown criterion 'luck'; expected one of adr, fd",
        ),
        (["--method", "me-fit", "--profile", "wishful"], "unknown profile 'wishful'"),
        (["--engine", "ode"], "unknown engine 'ode'; expected one of bullet, mujoco, mujoco-warp"),
        (["--engine", "mujoco-warp"], "engine: expected bullet or mujoco, which simulate one ro"),
        (["--start", "START"], "start: only me-scs and me-fit begin from grasps, got sampler"),
        (["--method", "me-scs", "--start", "absent.json"], "absent.json: cannot be read"),
        (
            ["--method", "me-scs", "--start", "START", "--object", "mug"],
            "expected grasps of franka with mug, got franka-procedural_000-sampler-0-",
        ),
    ],
)
def test_bad_input_is_one_line_and_no_file(words, message, start, tmp_path):
    given = [start if word == "START" else word for word in words]
    done = run(*WHERE, *given, "--out", tmp_path / "out.json")
    assert done.exit_code == 1
    assert done.stdout == ""
    (line,) = done.stderr.strip().splitlines()
    assert line.startswith("dr-grasp: ")
    assert message in line
    assert list(tmp_path.iterdir()) == []


def test_help_names_the_methods():
    said = " ".join(run("generate", "--help").stdout.replace("│", " ").split())
    assert f"one of {', '.join(METHODS)}." in said
