"""`dr-grasp score` as its user meets it: widths, the best, what is said once, what is refused."""

import json
import subprocess
import sys
from dataclasses import replace
from xml.etree import ElementTree

import numpy as np
import pytest
from typer.testing import CliRunner

from dr_grasp.cli import score
from dr_grasp.cli.main import app
from dr_grasp.common.resources import resolve_uri
from dr_grasp.core.engine import Engine
from dr_grasp.core.metric import Metric
from dr_grasp.core.perturbation import Criterion
from dr_grasp.errors import SettingsError
from dr_grasp.formats.grasp_file import read_grasps, write_grasps
from dr_grasp.formats.score_file import read_scores
from dr_grasp.scoring.scorer import Scorer
from dr_grasp.simulation.rollout_runner import ALL, Shortcuts
from dr_grasp.transfer.model_terms import MetricTerm
from dr_grasp.transfer.transfer_model import write_model

PROGRAM = [sys.executable, "-m", "dr_grasp.cli.main"]


def run(*words):
    """Run a command in this process."""
    return CliRunner().invoke(app, [str(word) for word in words])


@pytest.fixture(scope="module")
def grasp_file(tmp_path_factory, block_grasps, mug_grasps, shortened):
    path = tmp_path_factory.mktemp("score") / "grasps.json"
    write_grasps(path, map(shortened, [*block_grasps[:2], *mug_grasps[:2]]))
    return path


def test_an_object_outside_a_profiles_ranges_is_said_once(grasp_file, tmp_path):
    words = ["score", grasp_file, "--profile", "huber2023", "--trials", 1, "--json", "--criteria"]
    done = run(*words, "fdr", "--out", tmp_path / "out.json", "--jobs", 2)
    assert done.exit_code == 0
    names = dict.fromkeys(grasp.object for grasp in read_grasps(grasp_file).grasps)
    assert done.stderr.splitlines() == [
        f"dr-grasp: {name}: {what} friction 0.001 m: profile huber2023 draws from {low} to {high} m"
        for name in names
        for what, low, high in (("rolling", 0.01, 0.04), ("spinning", 0.1, 0.4))
    ]
    done = run(*words, "osdr", "--out", tmp_path / "other.json", "--jobs", 1)
    assert (done.exit_code, done.stderr) == (0, "")


def test_what_is_odd_of_a_robot_is_said_once_whatever_the_number_of_workers(
    block_grasps, tmp_path, monkeypatch
):
    panda = "package://example-robot-data/robots/panda_description/urdf/panda.urdf"
    root = ElementTree.parse(resolve_uri(panda)).getroot()
    inertia = root.find("link[@name='panda_leftfinger']/inertial/inertia")
    inertia.set("ixx", str(10 * float(inertia.get("iyy"))))
    (tmp_path / "robots").mkdir()
    ElementTree.ElementTree(root).write(tmp_path / "robots" / "odd.urdf")
    (tmp_path / "robots" / "odd.yaml").write_text("extends: franka\nurdf: odd.urdf\n")
    monkeypatch.setenv("DR_GRASP_CONFIG", str(tmp_path))
    grasps = tmp_path / "grasps.json"
    write_grasps(grasps, [replace(grasp, robot="odd") for grasp in block_grasps[:2]])
    words = ["--criteria", "osdr", "--trials", "2", "--jobs", "2", "--json"]
    program = [*PROGRAM, "score", str(grasps), "--out", str(tmp_path / "out.json"), *words]
    done = subprocess.run(program, capture_output=True, text=True, timeout=120, check=True)
    (line,) = done.stderr.splitlines()
    assert line.startswith("dr-grasp: odd.urdf: link panda_leftfinger: expected moments of inertia")


@pytest.fixture
def low_file(block_grasps, shortened, franka, tmp_path):
    """A grasp whose approach ends in the table, bent forward at the shoulder, beside a good one."""
    low = np.array(franka.home)
    low[1] = 1.2
    grasp = shortened(block_grasps[0])
    positions = np.linspace(franka.home, low, len(grasp.approach.positions))
    into_table = replace(
        grasp,
        id="low",
        object_in_base=grasp.object_in_base.perturbed([0, 0.45, 0], [0, 0, 0]),
        approach=replace(grasp.approach, positions=positions),
        lift=replace(grasp.lift, positions=np.tile(low, (len(grasp.lift.positions), 1))),
    )
    path = tmp_path / "low.json"
    write_grasps(path, [grasp, into_table])
    return path


def test_links_that_touched_are_named_with_trials_by_criterion(low_file, tmp_path):
    out = tmp_path / "out.json"
    words = ["score", low_file, "--out", out, "--criteria", "osdr,fdr", "--jobs", 2]
    done = run(*words, "--trials", "osdr=3,fdr=2", "--engine", "bullet")
    assert done.exit_code == 0, done.output
    assert "robot_hit_table: panda_link7 with table │" in done.stdout
    # Of five perturbed rollouts and the undisturbed one.
    line = "of all rollouts, robot_hit_table: panda_link7 with table (6 of 6)"
    assert done.stdout.splitlines().count(line) == 1
    good, low = read_scores(out).scores
    assert [low.fitness[c].trials for c in (Criterion.OSDR, Criterion.FDR)] == [3, 2]
    assert good.collisions == ()
    found = [
        (one.criterion, one.outcome.label, str(one.links), one.count) for one in low.collisions
    ]
    assert found == [
        (criterion, "robot_hit_table", "panda_link7 with table", count)
        for criterion, count in ((None, 1), (Criterion.OSDR, 3), (Criterion.FDR, 2))
    ]


def test_until_a_width(grasp_file, tmp_path):
    files = []
    for jobs in (1, 2):
        out = tmp_path / f"{jobs}.json"
        words = ["--criteria", "mdr", "--until", 0.6, "--trials", 15, "--jobs", jobs]
        done = run("score", grasp_file, "--out", out, *words, "--json")
        assert done.exit_code == 0, done.output
        assert done.stdout == out.read_text()
        files.append(out.read_bytes())
    assert files[0] == files[1]
    for one in read_scores(out).scores:
        for fitness in one.fitness.values():
            low, high = fitness.interval
            assert fitness.sequential and (high - low <= 0.6 or fitness.trials == 15)
    counts = [one.fitness[Criterion.MDR].trials for one in read_scores(out).scores]
    assert min(counts) < 15
    assert all(
        f["sequential"] for s in json.loads(files[0])["scores"] for f in s["fitness"].values()
    )


def test_only_the_best(grasp_file, tmp_path):
    files, said = [], []
    for jobs in (1, 2):
        out = tmp_path / f"{jobs}.json"
        words = ["--criteria", "jsdr,mdr", "--top", 1, "--trials", 6, "--jobs", jobs]
        done = run("score", grasp_file, "--out", out, *words)
        assert done.exit_code == 0, done.output
        files.append(out.read_bytes())
        said.append(done.stdout)
    assert files[0] == files[1] and said[0] == said[1].replace("2.json", "1.json")
    assert "1 chosen of 4 by MDR: " in said[0] and "of the true best are expected" in said[0]
    content = json.loads(files[0])
    assert len(content["selection"]["chosen"]) == 1
    assert content["selection"]["criterion"] == "mdr"
    assert 0 <= content["selection"]["most_missed"] <= 1


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--until", 0], "until: expected a width between 0 and 1, got 0.0"),
        (["--trials", "osdr=1,x=2"], "unknown criterion 'x'; expected one of fdr, jsdr, mdr, osdr"),
        (["--trials", "osdr=1,osdr=1"], "trials: expected osdr once, got it twice"),
        (["--trials", "osdr=0"], "trials of osdr: expected at least 1, got 0"),
        (["--trials", "many"], "expected a number, or numbers by criterion as in osdr=50,fdr=25"),
        (
            ["--criteria", "mdr", "--trials", "osdr=5"],
            "trials: expected criteria that are scored (mdr), got osdr",
        ),
        (["--top", 0], "top: expected at least 1, got 0"),
        (["--top", 2, "--until", 0.2], "top: expected without until"),
    ],
)
def test_what_makes_no_sense_is_one_line(grasp_file, tmp_path, words, message):
    done = run("score", grasp_file, "--out", tmp_path / "out.json", *words)
    assert (done.exit_code, done.stdout) == (1, "")
    (line,) = done.stderr.splitlines()
    assert message in line
    assert list(tmp_path.iterdir()) == []


def test_the_table_shows_the_best_and_says_how_many_there_are(block_grasps, tmp_path, monkeypatch):
    monkeypatch.setattr(score, "SHOWN", 2)
    grasps, out = tmp_path / "grasps.json", tmp_path / "out.json"
    write_grasps(grasps, [replace(block_grasps[0], id=f"g{i}") for i in range(3)])
    done = run("score", grasps, "--out", out, "--trials", 1, "--criteria", "fdr", "--jobs", 1)
    assert done.exit_code == 0, done.output
    assert "g0" in done.stdout and "g1" in done.stdout and "g2" not in done.stdout
    assert f"the best 2 of 3 grasps; all are in {out}" in done.stdout


def test_whole_rollouts_on_demand(grasp_file, tmp_path, monkeypatch):
    """With --whole nothing is left out, and a journal of shortened rollouts is not taken over."""
    asked = []
    stream = Scorer.stream

    def noted(self, grasps, request, *arguments):
        asked.append(request.shortcuts)
        return stream(self, grasps, request, *arguments)

    monkeypatch.setattr(Scorer, "stream", noted)
    words = ["score", grasp_file, "--trials", 1, "--criteria", "fdr", "--jobs", 1]
    for extra in ([], ["--whole"]):
        done = run(*words, "--out", tmp_path / "scores.json", *extra)
        assert done.exit_code == 0, done.output
    assert asked == [ALL, Shortcuts.none()]


def test_a_transfer_model_says_how_probable_it_is_and_ranks(
    grasp_file, contrary_model, tmp_path, monkeypatch
):
    """Worst MDR first, by this model; without the robot in it nothing can be said."""
    monkeypatch.setenv("COLUMNS", "200")
    out, model = tmp_path / "out.json", tmp_path / "model.json"
    words = ["score", grasp_file, "--out", out, "--trials", 4, "--criteria", "mdr", "--jobs", 1]
    words += ["--engine", "bullet"]
    write_model(model, contrary_model)
    done = run(*words, "--transfer-model", model)
    assert done.exit_code == 0, done.output
    scores = {score.grasp_id: score for score in read_scores(out).scores}
    assert len({score.fitness[Criterion.MDR].value for score in scores.values()}) > 1
    for one in scores.values():
        assert one.transfer_probability == contrary_model.predict(one, "franka")
    lines = [line for line in done.stdout.splitlines() if any(name in line for name in scores)]
    shown = [next(name for name in scores if name in line) for line in lines]
    of_shown = [scores[name].transfer_probability for name in shown]
    assert len(shown) == 4 and of_shown == sorted(of_shown, reverse=True)
    assert all(f"{p:.2f}" in line for p, line in zip(of_shown, lines, strict=True))

    write_model(model, replace(contrary_model, robots={"baxter": 0.0}))
    done = run(*words, "--transfer-model", model)
    assert done.exit_code == 0 and done.stdout.count("uncalibrated") == 4
    assert done.stderr.count("franka") == 1
    assert all(score.transfer_probability is None for score in read_scores(out).scores)

    model.write_text("{}")
    done = run(*words, "--transfer-model", model)
    assert done.exit_code == 1 and str(model) in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--engine", "ode"], "unknown engine 'ode'; expected one of bullet, mujoco, mujoco-warp"),
        (["--worlds", 8], "--worlds: expected with --engine mujoco-warp, got mujoco"),
        (
            ["--engine", "mujoco", "--worlds", 8],
            "--worlds: expected with --engine mujoco-warp, got mujoco",
        ),
        (["--engine", "mujoco-warp", "--jobs", 2], "--engine mujoco-warp: expected without --jobs"),
        (
            ["--engine", "mujoco-warp", "--cluster", "tcp://nobody:1"],
            "--engine mujoco-warp: expected without --cluster",
        ),
        (["--engine", "mujoco-warp"], "engine mujoco-warp: no GPU here"),
        (["--ros", "--worlds", 8], "--ros: expected without --worlds: the scorer has a parameter"),
    ],
)
def test_an_engine_that_cannot_be_is_one_line_and_no_file(
    home_grasp, tmp_path, monkeypatch, words, message
):
    def check(engine):
        if engine is Engine.MUJOCO_WARP:
            raise SettingsError(f"engine {engine.value}: no GPU here")

    monkeypatch.setattr(score, "check_available", check)
    grasps = tmp_path / "grasps.json"
    write_grasps(grasps, [home_grasp()])
    done = run("score", grasps, "--out", tmp_path / "out.json", *words)
    assert done.exit_code == 1
    (line,) = done.stderr.splitlines()
    assert line.startswith(f"dr-grasp: {message}")
    assert list(tmp_path.iterdir()) == [grasps]


def test_a_score_in_mujoco_says_so_and_is_the_same_again(grasp_file, tmp_path):
    files = [tmp_path / "a.json", tmp_path / "b.json"]
    for out in files:
        words = ["--engine", "mujoco", "--criteria", "fdr", "--trials", 2, "--jobs", 2]
        done = run("score", grasp_file, "--out", out, *words)
        assert done.exit_code == 0, done.output
    assert files[0].read_bytes() == files[1].read_bytes()
    found = read_scores(files[0])
    assert found.engine is Engine.MUJOCO and "mujoco" in found.software_version
    assert {"robot", "object", "profile", "engine"} <= set(found.scores[0].models)


def test_metrics_are_measured_and_shown_in_millimetres(grasp_file, tmp_path):
    out = tmp_path / "out.json"
    words = ["--trials", 1, "--criteria", "mdr", "--jobs", 2, "--metrics", "penetration,engine_gap"]
    done = run("score", grasp_file, "--out", out, *words)
    assert done.exit_code == 0, done.output
    scores = read_scores(out).scores
    assert {tuple(one.metrics) for one in scores} == {(Metric.PENETRATION, Metric.ENGINE_GAP)}
    fitnesses, metrics = (f"┏{table}" for table in done.stdout.split("┏")[1:])
    assert "MDR" in fitnesses and "penetration (mm) ┃ engine gap" in metrics
    for one in scores:
        (line,) = (line for line in metrics.splitlines() if one.grasp_id in line)
        assert f" {1e3 * one.metrics[Metric.PENETRATION]:.1f} " in line
        assert one.metrics[Metric.ENGINE_GAP] in (0.0, 1.0)


def test_all_metrics_are_shown_in_full(samples, tmp_path, monkeypatch, grasp_file):
    every = samples.score(metrics=dict.fromkeys(Metric, 0.123456))
    monkeypatch.setattr(Scorer, "stream", lambda *given, **more: iter([every]))
    done = run("score", grasp_file, "--out", tmp_path / "out.json", "--metrics", "all")
    assert done.exit_code == 0, done.output
    *_, line = (line for line in done.stdout.splitlines() if every.grasp_id in line)
    assert [cell.strip() for cell in line.split("│")[2:-1]] == [
        "123.5" if metric.in_millimetres else "0.123" for metric in Metric
    ]
    assert "…" not in done.stdout


def test_metrics_that_cannot_be_measured_are_refused_before_the_work(grasp_file, tmp_path):
    words = ["score", grasp_file, "--out", tmp_path / "out.json", "--criteria", "osdr,fdr"]
    done = run(*words, "--metrics", "tug,engine_gap")
    assert (done.exit_code, done.stdout) == (1, "")
    expected = "engine_gap: expected criterion mdr among those scored, got osdr, fdr"
    assert done.stderr == f"dr-grasp: metrics: {expected}\n"


def test_what_a_transfer_model_needs_is_measured(grasp_file, tmp_path, contrary_model, monkeypatch):
    term = MetricTerm(0.5, 2.0, 1.5, 0.5, 6.0)
    write_model(tmp_path / "model.json", replace(contrary_model, metrics={Metric.TUG: term}))
    asked = []

    def stream(self, grasps, request, *others):
        asked.append(request.metrics)
        return iter(())

    monkeypatch.setattr(Scorer, "stream", stream)
    words = ["score", grasp_file, "--out", tmp_path / "out.json"]
    for more in ([], ["--metrics", "epsilon"]):
        run(*words, "--transfer-model", tmp_path / "model.json", *more)
    assert asked == [(Metric.TUG,), (Metric.EPSILON, Metric.TUG)]
