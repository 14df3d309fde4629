"""`dr-grasp diagnose` as its user meets it."""

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace

import pytest
from typer.testing import CliRunner

from dr_grasp.cli import diagnose
from dr_grasp.cli.main import app
from dr_grasp.common.run_lock import RunLock
from dr_grasp.core.diagnosis import Cause, Diagnosis
from dr_grasp.core.engine import Engine
from dr_grasp.core.fitness import Fitness
from dr_grasp.core.metric import Metric
from dr_grasp.core.outcome import LinkPair, Outcome
from dr_grasp.core.perturbation import Criterion
from dr_grasp.formats.diagnosis_file import read_diagnoses
from dr_grasp.formats.grasp_file import write_grasps
from dr_grasp.formats.score_file import ScoreFile, write_scores
from dr_grasp.scoring.tally import software_version

PROGRAM = [sys.executable, "-m", "dr_grasp.cli.main"]
BOTH = (Criterion.FDR, Criterion.MDR)


def run(*words):
    """Run a command in this process."""
    return CliRunner().invoke(app, [str(word) for word in words])


@pytest.fixture(scope="module")
def grasps(block_grasps):
    """Two that hold, and one that closes beside the object."""
    there = block_grasps[2].object_in_base.perturbed([0, 0.3, 0], [0, 0, 0])
    return [*block_grasps[:2], replace(block_grasps[2], id="beside", object_in_base=there)]


@pytest.fixture
def write(tmp_path, grasps, samples):
    """Writes the grasps, and scores by which the first is shaky and the second steady."""

    def write(criteria=BOTH, engine=Engine.BULLET, metrics=None):
        shared = {"seed": 0, "profile": "default", "software_version": "dr_grasp 0.3.0"}
        shared |= {"engine": engine}
        more = shared | {"metrics": metrics or {}}
        made = [
            samples.score(grasp.id, fitness={c: Fitness(c, good, 20) for c in criteria}, **more)
            for grasp, good in zip(grasps, (1, 20), strict=False)
        ]
        write_grasps(tmp_path / "grasps.json", grasps)
        write_scores(tmp_path / "scores.json", ScoreFile(tuple(made), (), **shared))
        return tmp_path / "grasps.json", tmp_path / "scores.json"

    return write


@pytest.fixture
def no_physics(monkeypatch):
    """Everything holds on little friction."""

    def pretend(grasps, scores, pool, is_cancelled, engine):
        for one in grasps:
            bare = Diagnosis(one.id, Outcome.SUCCESS, least_friction=0.05, grip_offset_m=0.01)
            yield bare.with_score(scores.get(one.id))

    monkeypatch.setattr(diagnose, "diagnose_each", pretend)


def test_the_same_file_whatever_the_number_of_workers(write, tmp_path, grasps):
    """Of three grasps, and one that is refused."""
    given, scores = write()
    content = json.loads(given.read_text())
    content["grasps"].insert(1, {**content["grasps"][0], "id": "stray", "robot": "nobody"})
    given.write_text(json.dumps(content))
    written = []
    for jobs in (1, 2):
        out = tmp_path / f"{jobs}.json"
        done = run("diagnose", given, "--scores", scores, "--out", out, "--jobs", jobs)
        assert done.exit_code == 1, done.output
        refusal, count = done.stderr.splitlines()
        assert refusal.startswith("dr-grasp: grasp stray: unknown robot 'nobody'")
        assert count == "dr-grasp: 1 of 4 grasps refused, the others are diagnosed"
        written.append(out.read_bytes())
    assert written[0] == written[1]
    found = read_diagnoses(out)
    assert [one.grasp_id for one in found.refused] == ["stray"]
    assert [one.grasp_id for one in found.diagnoses] == [one.id for one in grasps]
    first, second, beside = found.diagnoses
    assert (first.mdr, first.friction_loss) == (0.05, 0.95)
    assert (second.mdr, second.friction_loss) == (1.0, 0.0)
    assert beside == Diagnosis("beside", Outcome.MISSED, trajectory=beside.trajectory)
    assert Cause.FRICTION in first.causes(found.thresholds)
    for one in (first, second):
        assert one.other_outcome is not None
        assert 0.05 <= one.least_friction <= 1 and one.surface_distance_m < 0.001
        assert one.grip_lever_m <= one.grip_offset_m
    # The best first, and what nobody scored last; then each cause with its count.
    lines = done.stdout.splitlines()
    order = (second.grasp_id, first.grasp_id, "beside")
    places = [next(i for i, line in enumerate(lines) if one in line) for one in order]
    assert places == sorted(places) and "missed" in lines[places[2]]
    counts = [line.split()[:4] for line in lines[places[2] + 1 :]]
    for cause in Cause:
        expected = sum(cause in one.causes(found.thresholds) for one in found.diagnoses)
        assert ["│", cause.value, "│", str(expected)] in counts
    assert any("fails undisturbed" in line and " 1 " in line for line in lines)
    assert {path.suffix for path in tmp_path.iterdir()} == {".json"}


def test_links_that_touch_undisturbed_are_named(write, tmp_path, monkeypatch):
    links = LinkPair("panda_hand", "panda_link5")
    failed = Outcome.SELF_COLLISION

    def pretend(grasps, scores, pool, is_cancelled, engine):
        yield from (Diagnosis(one.id, failed, links=links) for one in grasps)

    monkeypatch.setattr(diagnose, "diagnose_each", pretend)
    given, scores = write()
    out = tmp_path / "diagnosis.json"
    done = run("diagnose", given, "--scores", scores, "--out", out, "--jobs", 1)
    assert done.exit_code == 0, done.output
    assert done.stdout.count("self_collision: panda_hand with panda_link5") == 4
    assert (
        "undisturbed, self_collision: panda_hand with panda_link5 (3 of 3); if these may touch, "
        "list them under allowed_collisions in the robot's YAML"
    ) in done.stdout.splitlines()
    assert json.loads(out.read_text())["diagnoses"][0]["links"] == ["panda_hand", "panda_link5"]
    assert {one.links for one in read_diagnoses(out).diagnoses} == {links}


def test_json_is_the_file(write, tmp_path, no_physics):
    given, scores = write()
    words = ["diagnose", given, "--scores", scores, "--json"]
    bare = run(*words)
    assert (bare.exit_code, bare.stderr) == (0, "")
    assert json.loads(bare.stdout)["kind"] == "dr_grasp/diagnosis"
    out = tmp_path / "out.json"
    assert run(*words, "--out", out).stdout == bare.stdout == out.read_text()


def test_what_was_not_scored_is_said(write, no_physics):
    for criteria, missing in ((BOTH, ()), ((Criterion.MDR,), ("FDR",)), ((), ("MDR", "FDR"))):
        given, scores = write(criteria)
        done = run("diagnose", given, "--scores", scores)
        assert done.exit_code == 0, done.output
        for name in ("MDR", "FDR"):
            assert (f"{name} was not scored" in done.stdout) == (name in missing)


def test_what_fails_undisturbed_in_the_other_engine_is_said(write, grasps, monkeypatch):
    def pretend(grasps, scores, pool, is_cancelled, engine):
        for one, other in zip(grasps, (Outcome.SUCCESS, Outcome.MISSED), strict=False):
            yield Diagnosis(one.id, Outcome.SUCCESS, other_outcome=other)

    monkeypatch.setattr(diagnose, "diagnose_each", pretend)
    given, scores = write()
    done = run("diagnose", given, "--scores", scores)
    lines = done.stdout.splitlines()
    one = "1 of 2 grasps that hold undisturbed fail undisturbed in mujoco"
    assert f"{one}: {grasps[1].id} (missed)" in lines
    gap = "the engine gap was not measured: mujoco simulated undisturbed rollouts only"
    assert gap in lines
    write(metrics={Metric.ENGINE_GAP: 0.1})
    assert gap not in run("diagnose", given, "--scores", scores).stdout


def test_the_table_shows_the_best_and_says_how_many_there_are(
    write, grasps, tmp_path, no_physics, monkeypatch
):
    monkeypatch.setattr(diagnose, "SHOWN", 1)
    given, scores = write()
    done = run("diagnose", given, "--scores", scores, "--out", tmp_path / "out.json")
    table = done.stdout.partition("the best 1 of 3 grasps; all are in")[0]
    assert grasps[1].id in table and grasps[0].id not in table


def test_thresholds_of_ones_own(write, tmp_path, no_physics, monkeypatch):
    given, scores = write()
    own = tmp_path / "own"
    (own / "diagnosis").mkdir(parents=True)
    monkeypatch.setenv("DR_GRASP_CONFIG", str(own))
    file = own / "diagnosis" / "strict.yaml"
    limits = {
        "least_friction": 0.04,
        "friction_loss": 1,
        "deepest_penetration_m": 1,
        "lift_acceleration": 99,
        "grip_offset_m": 0.005,
        "grip_lever_m": 1,
        "surface_distance_m": 1,
        "mdr": 0.5,
    }
    file.write_text(json.dumps(limits))
    words = ["diagnose", given, "--scores", scores, "--thresholds"]
    content = json.loads(run(*words, "strict", "--json").stdout)
    assert [one["causes"] for one in content["diagnoses"]] == [["friction", "inertia"]] * 3
    assert content["thresholds"] == {**limits, "engine_gap": None}
    for text, message in (
        ("least_friction: 2", "least_friction: expected less than or equal to 1, got 2"),
        ("friction: 1", "friction: expected no such key"),
    ):
        file.write_text(text)
        done = run(*words, "strict")
        assert (done.exit_code, done.stdout) == (1, "") and message in done.stderr
    done = run(*words, "lax")
    assert (done.exit_code, done.stdout) == (1, "")
    assert done.stderr == "dr-grasp: unknown thresholds 'lax'; expected one of default, strict\n"


def test_what_makes_no_sense_is_one_line(write, grasps, tmp_path, monkeypatch):
    def work(*arguments):
        raise AssertionError("the work had begun")

    monkeypatch.setattr(diagnose, "diagnose_each", work)
    given, scores = write()
    others = tmp_path / "others.json"
    write_grasps(others, [replace(grasps[0], id="another")])
    for words, message in (
        ([others, "--scores", scores], f"{scores}: expected scores of the grasps in {others}"),
        ([given, "--scores", given], "kind: expected 'dr_grasp/scores'"),
        ([scores, "--scores", scores], "kind: expected 'dr_grasp/grasps'"),
        ([given, "--scores", scores, "--out", tmp_path], "is a folder, expected a file"),
        ([given, "--scores", scores, "--jobs", 0], "jobs: expected at least 1, got 0"),
    ):
        done = run("diagnose", *words)
        assert (done.exit_code, done.stdout) == (1, ""), done.output
        (line,) = done.stderr.splitlines()
        assert line.startswith("dr-grasp: ") and message in line


def test_ctrl_c_of_a_terminal_is_one_line_and_no_file(write, tmp_path, children_of):
    given, scores = write()
    before = sorted(tmp_path.iterdir())
    words = ["diagnose", str(given), "--scores", str(scores), "--jobs", "1"]
    with subprocess.Popen(
        [*PROGRAM, *words, "--out", str(tmp_path / "out.json")],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as process:
        # A worker, beside the tracker of resources.
        while len(children_of(process.pid)) < 2:
            assert process.poll() is None
            time.sleep(0.01)
        os.killpg(process.pid, signal.SIGINT)
        stdout, stderr = process.communicate(timeout=300)
    assert (process.returncode, stdout) == (130, "")
    assert stderr == "dr-grasp: interrupted\n"
    assert sorted(tmp_path.iterdir()) == before


def test_a_second_run_to_the_same_file_is_refused_in_one_line(write, no_physics, tmp_path):
    grasps, scores = write()
    out = tmp_path / "diagnosis.json"
    words = ["diagnose", grasps, "--scores", scores, "--out", out, "--jobs", 1]
    with RunLock(out):
        done = run(*words)
    assert done.exit_code == 1
    assert done.stderr == f"dr-grasp: {out}: another process is working on the same run\n"
    assert not out.exists()
    assert run(*words).exit_code == 0
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "diagnosis.json",
        "grasps.json",
        "scores.json",
    ]


@pytest.mark.parametrize(
    ("scored", "asked", "measured", "said"),
    [
        ("bullet", None, "bullet", ""),
        ("mujoco", None, "mujoco", ""),
        ("mujoco-warp", None, "mujoco", ""),  # of which it has the model
        ("mujoco", "bullet", "bullet", "scored in mujoco, and measured in bullet: the causes mix"),
    ],
)
def test_it_measures_in_the_engine_of_the_scores_if_none_is_named(
    write, tmp_path, no_physics, scored, asked, measured, said
):
    given, scores = write(engine=Engine.from_name(scored))
    out = tmp_path / "d.json"
    words = [] if asked is None else ["--engine", asked]
    done = run("diagnose", given, "--scores", scores, "--out", out, *words)
    assert done.exit_code == 0 and (said in done.stderr) and bool(done.stderr) == bool(said)
    found = read_diagnoses(out)
    assert found.engine is Engine.from_name(measured)
    assert found.software_version == software_version(found.engine)
    assert ('"engine"' in out.read_text()) == (measured != "bullet")


def test_what_measures_no_single_rollout_is_refused(write, tmp_path):
    given, scores = write()
    out = tmp_path / "d.json"
    done = run("diagnose", given, "--scores", scores, "--out", out, "--engine", "mujoco-warp")
    assert done.exit_code == 1 and not out.exists()
    assert done.stderr.startswith("dr-grasp: engine: expected bullet or mujoco, which simulate one")
