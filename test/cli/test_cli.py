"""The program as its user meets it: files, tables, JSON, one line for an error, exit statuses."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from typer.testing import CliRunner

from dr_grasp.cli.execute import print_attempts
from dr_grasp.cli.main import app
from dr_grasp.core.outcome import Outcome
from dr_grasp.formats.grasp_file import read_grasps, write_grasps
from dr_grasp.formats.score_file import read_scores
from dr_grasp.recording.bag_reader import read_bag
from dr_grasp.scoring.request import ScoreRequest
from dr_grasp.scoring.scorer import Scorer
from dr_grasp.twin import engine

PROGRAM = [sys.executable, "-m", "dr_grasp.cli.main"]


def run(*words):
    """Run a command in this process."""
    return CliRunner().invoke(app, [str(word) for word in words])


@pytest.fixture(scope="module")
def grasp_file(tmp_path_factory, block_grasps):
    path = tmp_path_factory.mktemp("cli") / "grasps.json"
    write_grasps(path, block_grasps)
    return path


@pytest.fixture(scope="module")
def score_file(grasp_file):
    """Written by the program in a pipe; what it printed is kept beside."""
    out = grasp_file.with_name("scores.json")
    words = ["score", str(grasp_file), "--out", str(out), "--seed", "5", "--jobs", "2"]
    done = subprocess.run(
        [*PROGRAM, *words, "--trials", "1", "--engine", "bullet", "--json"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return out, done


def test_scores_are_those_of_the_library(score_file, block_grasps):
    out, _ = score_file
    with Scorer(1) as scorer:
        request = ScoreRequest.from_names("default", [], 1, 5, engine="bullet")
        assert read_scores(out).scores == scorer.score(block_grasps, request).scores


def test_a_pipe_gets_json_and_no_progress(score_file):
    out, done = score_file
    assert json.loads(done.stdout) == json.loads(out.read_text())
    assert done.stderr == ""


def test_the_scores_file_has_the_documented_keys(score_file, block_grasps):
    content = json.loads(score_file[0].read_text())
    assert content["schema_version"] == 1
    assert [entry["grasp_id"] for entry in content["scores"]] == [g.id for g in block_grasps]
    for entry in content["scores"]:
        assert entry["nominal_success"] is True
        assert set(entry["fitness"]) == {"osdr", "jsdr", "fdr", "mdr"}
        for fitness in entry["fitness"].values():
            assert set(fitness) == {"successes", "trials", "value", "low", "high"}
            assert fitness["low"] <= fitness["value"] <= fitness["high"]
        failures = sum(entry["failures"].values())
        assert failures == sum(f["trials"] - f["successes"] for f in entry["fitness"].values())


def test_execute_records_the_best_in_rank_order(score_file, grasp_file, tmp_path):
    words = ["--scores", score_file[0], "--top", 2, "--seed", 3, "--bag", tmp_path / "bag"]
    done = run("execute", grasp_file, *words, "--json")
    assert done.exit_code == 0, done.output
    printed = json.loads(done.stdout)
    bag = read_bag(tmp_path / "bag")
    assert [attempt["attempt_id"] for attempt in printed] == [
        attempt.attempt_id for attempt in bag.attempts
    ]
    assert [attempt["outcome"] for attempt in printed] == [
        attempt.outcome.label for attempt in bag.attempts
    ]
    assert len(bag.scores) == 3
    assert all(attempt.outcome is not Outcome.UNKNOWN for attempt in bag.attempts)
    again = run("execute", grasp_file, *words[:-1], tmp_path / "bag2", "--json")
    assert [attempt["outcome"] for attempt in json.loads(again.stdout)] == [
        attempt["outcome"] for attempt in printed
    ]
    full = run("execute", grasp_file, *words)
    assert full.exit_code == 1
    assert "expected a new or empty folder" in full.stderr


def test_execute_without_the_twins_engine_leaves_no_bag(
    score_file, grasp_file, tmp_path, monkeypatch
):
    monkeypatch.setattr(engine, "find_spec", lambda name: None)
    words = ["--scores", score_file[0], "--twin", "sapien", "--bag", tmp_path / "bag"]
    done = run("execute", grasp_file, *words)
    assert (done.exit_code, done.stdout) == (1, "")
    assert done.stderr.endswith("pip install -r requirements/twin.txt\n")
    assert not (tmp_path / "bag").exists()


def test_execute_says_who_keeps_the_bag(score_file, grasp_file, tmp_path):
    words = ["execute", grasp_file, "--scores", score_file[0]]
    without = run(*words)
    assert (without.exit_code, without.stdout) == (1, "")
    assert "--bag: expected a folder for the bag of the twin" in without.stderr
    both = run(*words, "--backend", "ros", "--bag", tmp_path / "bag")
    assert "--bag: expected none with ros" in both.stderr
    other = run(*words, "--backend", "arm", "--bag", tmp_path / "bag")
    assert "unknown backend 'arm'; expected one of ros, twin" in other.stderr
    dry = run(*words, "--dry-run", "--bag", tmp_path / "bag")
    assert "--dry-run: expected the backend ros, got twin" in dry.stderr
    assert {both.exit_code, other.exit_code, dry.exit_code} == {1}
    assert not (tmp_path / "bag").exists()


def test_generate_writes_grasps_that_can_be_read_back(tmp_path):
    out = tmp_path / "grasps.json"
    words = ["generate", "--robot", "franka", "--object", "procedural_000", "--seed", 0]
    done = run(*words, "--count", 1, "--jobs", 1, "--out", out, "--json")
    assert done.exit_code == 0, done.output
    assert json.loads(done.stdout)["grasps"] == 1
    (grasp,) = read_grasps(out).grasps
    assert (grasp.robot, grasp.object) == ("franka", "procedural_000")


def test_one_broken_grasp_is_named_and_the_others_are_scored(grasp_file, tmp_path):
    content = json.loads(grasp_file.read_text())
    content["grasps"][0]["approach"]["positions"][1][2] = float("nan")
    content["grasps"][1]["lift"]["positions"][-1][3] = 0.5
    broken, out = tmp_path / "broken.json", tmp_path / "scores.json"
    broken.write_text(json.dumps(content))
    names = [grasp["id"] for grasp in content["grasps"]]
    done = run("score", broken, "--out", out, "--trials", 1, "--criteria", "fdr", "--jobs", 1)
    assert done.exit_code == 1
    first, second, summary = done.stderr.strip().splitlines()
    assert f"grasp {names[0]}: approach positions: expected finite numbers" in first
    assert f"grasp {names[1]}: lift positions: expected panda_joint4 within" in second
    assert "2 of 3 grasps refused" in summary
    scores = read_scores(out)
    assert [score.grasp_id for score in scores.scores] == names[2:]
    assert [refusal.index for refusal in scores.refused] == [0, 1]


def test_of_only_refused_grasps_nothing_is_written(grasp_file, tmp_path):
    content = json.loads(grasp_file.read_text())
    for grasp in content["grasps"]:
        grasp["object"] = "teapot"
    broken, out = tmp_path / "broken.json", tmp_path / "scores.json"
    broken.write_text(json.dumps(content))
    done = run("score", broken, "--out", out, "--trials", 1, "--jobs", 1)
    number = len(content["grasps"])
    assert done.exit_code == 1 and list(tmp_path.iterdir()) == [broken]
    last = f"dr-grasp: {number} of {number} grasps refused: {out} not written"
    assert done.stderr.splitlines()[-1] == last


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["generate", "--robot", "r2d2", "--object", "mug"], "unknown robot 'r2d2'"),
        (["generate", "--robot", "franka", "--object", "tea"], "unknown object 'tea'"),
        (
            ["generate", "--robot", "franka", "--object", "mug", "--count", "0"],
            "count: expected at least 1, got 0",
        ),
        (["score", "GRASPS", "--trials", "0"], "trials: expected at least 1, got 0"),
        (["score", "GRASPS", "--jobs", "0"], "jobs: expected at least 1, got 0"),
        (["score", "GRASPS", "--seed", "-1"], "seed: expected from 0"),
        (["score", "GRASPS", "--criteria", "osdr,luck"], "unknown criterion 'luck'"),
        (["score", "GRASPS", "--profile", "wishful"], "unknown profile 'wishful'"),
        (["score", "missing.json"], "missing.json: cannot be read"),
    ],
)
def test_bad_input_is_one_line_and_no_file(words, message, grasp_file, tmp_path):
    out = tmp_path / "out.json"
    given = [str(grasp_file) if word == "GRASPS" else word for word in words]
    done = run(*given, "--out", out)
    assert done.exit_code == 1
    assert done.stdout == ""
    (line,) = done.stderr.strip().splitlines()
    assert line.startswith("dr-grasp: ")
    assert message in line
    assert not out.exists()


@pytest.mark.parametrize(
    ("place", "message"),
    [(".", "is a folder, expected a file"), ("absent/out.json", "cannot be written: no folder")],
)
def test_a_place_that_cannot_be_written_is_refused_before_the_work(
    place, message, grasp_file, tmp_path, monkeypatch
):
    def work(*args, **kwargs):
        raise AssertionError("the work had begun")

    monkeypatch.setattr(Scorer, "stream", work)
    monkeypatch.setattr("dr_grasp.cli.generate.make_method", work)
    where = ["--robot", "franka", "--object", "mug"]
    for words in (["score", grasp_file], ["generate", *where]):
        done = run(*words, "--out", tmp_path / place)
        assert done.exit_code == 1
        (line,) = done.stderr.strip().splitlines()
        assert message in line


def test_an_id_that_looks_like_markup_is_printed_as_it_is(samples, capsys):
    print_attempts([samples.attempt(grasp=samples.grasp("cup[left][/b]"))])
    table, reason = capsys.readouterr().out.split("cup[left][/b]")[1:]
    assert samples.attempt().outcome.label in table
    assert reason == ": it fell\n"


def test_lists():
    robots = json.loads(run("robots", "--json").stdout)
    assert [robot["name"] for robot in robots] == ["baxter", "franka", "ur5_schunk_sih"]
    objects = json.loads(run("objects", "--json").stdout)
    assert {family["first"] for family in objects} == {"box", "cylinder", "mug", "procedural_000"}
    assert "procedural_000 .. procedural_999" in run("objects").stdout
    assert "Panda" in run("robots").stdout


VERBS = ["generate", "score", "execute", "demo", "robots", "objects"]


@pytest.mark.parametrize(
    "verb", [*VERBS, *(f"objects {word}" for word in ("add", "show", "remove"))]
)
def test_every_verb_has_help(verb):
    done = run(*verb.split(), "--help")
    assert done.exit_code == 0
    assert f"{verb} [OPTIONS]" in " ".join(done.stdout.split())


@pytest.mark.parametrize(
    ("verb", "default"),
    [
        ("score", "the profile's, else bullet"),
        ("diagnose", "that of the scores"),
        ("calibrate", "all"),
        ("generate", "40 without --evaluations"),
    ],
)
def test_help_says_what_happens_without_an_option(verb, default):
    """Rich takes brackets in an option's own words for markup, and drops them."""
    said = " ".join(run(verb, "--help").stdout.replace("│", " ").split())
    assert f"[default: ({default})]" in said


def is_worker(pid):
    """Whether a process is a worker, however short it has been alive."""
    try:
        return b"spawn_main" in Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return False


def simulates(pid):
    """Whether a process has loaded the simulator."""
    try:
        return "pybullet" in Path(f"/proc/{pid}/maps").read_text()
    except OSError:  # it is only being started, or has ended
        return False


@pytest.mark.parametrize(
    ("has_begun", "send"),
    [
        # A terminal sends it to the workers as well, which may be anywhere in their imports.
        pytest.param(is_worker, os.killpg, id="of a terminal, while workers start"),
        pytest.param(simulates, os.kill, id="to the program alone, during rollouts"),
    ],
)
def test_ctrl_c_ends_scoring_with_one_line_and_no_file(
    has_begun, send, grasp_file, tmp_path, children_of
):
    out = tmp_path / "scores.json"
    words = ["score", str(grasp_file), "--out", str(out), "--trials", "1000", "--jobs", "2"]
    with subprocess.Popen(
        [*PROGRAM, *words],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as process:
        while not any(map(has_begun, children_of(process.pid))):
            assert process.poll() is None
            time.sleep(0.01)
        send(process.pid, signal.SIGINT)
        stdout, stderr = process.communicate(timeout=120)
    assert (process.returncode, stdout) == (130, "")
    assert stderr == "dr-grasp: interrupted; --resume goes on\n"
    assert not out.exists()
