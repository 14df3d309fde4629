"""`dr-grasp margins` as its user meets it."""

import json
from dataclasses import replace

import pytest
from typer.testing import CliRunner

from dr_grasp.cli import margins
from dr_grasp.cli.main import app
from dr_grasp.core.adr import Boundary
from dr_grasp.core.doubt import Doubt
from dr_grasp.core.fitness import Fitness
from dr_grasp.core.margin import Count, GraspMargins, JointRanges, Margin
from dr_grasp.core.outcome import Outcome
from dr_grasp.core.perturbation import Criterion
from dr_grasp.formats.grasp_file import write_grasps
from dr_grasp.formats.margins_file import read_margins
from dr_grasp.formats.score_file import ScoreFile, read_scores, write_scores
from dr_grasp.margins import parallel

from ..workers.shuffled import ShuffledPool

FEW = ["--parameters", "friction", "--halvings", 1, "--trials", 1, "--rounds", 1]
FEW += ["--engine", "bullet", "--background", 0.01]


def run(*words):
    """Run a command in this process."""
    return CliRunner().invoke(app, [str(word) for word in words])


@pytest.fixture(scope="module")
def grasps(block_grasps, shortened):
    """Two that hold, and one that closes beside the object."""
    there = block_grasps[2].object_in_base.perturbed([0, 0.3, 0], [0, 0, 0])
    beside = replace(block_grasps[2], id="beside", object_in_base=there)
    return [*map(shortened, block_grasps[:2]), shortened(beside)]


@pytest.fixture
def given(tmp_path, grasps):
    path = tmp_path / "grasps.json"
    write_grasps(path, grasps)
    return path


def toy_margins(name, y):
    """Bears so much in y, and half the friction."""
    found = (
        Margin(Boundary(Doubt.Y, False), -0.06, Count(5, 5)),
        Margin(Boundary(Doubt.Y, True), y, Count(5, 5), 2 * y, Count(0, 3)),
        Margin(Boundary(Doubt.JOINTS, True), 0.04, Count(5, 5), 0.05, Count(0, 3)),
        Margin(Boundary(Doubt.FRICTION, False), 0.5, Count(5, 5), 0.4, Count(0, 3)),
        Margin(Boundary(Doubt.FRICTION, True), 4.0, Count(5, 5)),
    )
    joint = JointRanges(
        {Doubt.Y: (-0.06, y), Doubt.JOINTS: (0.0, 0.04), Doubt.FRICTION: (0.5, 4.0)}
    )
    return GraspMargins(name, name, Outcome.SUCCESS, Count(5, 5), found, joint, 100)


@pytest.fixture
def no_physics(monkeypatch):
    """Each grasp bears more than the one before; the last fails undisturbed."""

    def pretend(grasps, request, pool, is_cancelled, journal):
        *good, bad = grasps
        for number, each in enumerate(good, 1):
            yield toy_margins(each.id, 0.004 * number)
        yield GraspMargins(bad.id, bad.id, Outcome.MISSED)

    monkeypatch.setattr(margins, "measure_each", pretend)


def test_the_same_file_whatever_the_number_of_workers(given, tmp_path, grasps):
    """Of three grasps, and one that is refused."""
    content = json.loads(given.read_text())
    content["grasps"].insert(1, {**content["grasps"][0], "id": "stray", "robot": "nobody"})
    given.write_text(json.dumps(content))
    written = []
    for jobs in (1, 2):
        out = tmp_path / f"{jobs}.json"
        done = run("margins", given, "-o", out, "--jobs", jobs, *FEW)
        assert done.exit_code == 1, done.output
        refusal, count = done.stderr.splitlines()
        assert refusal.startswith("dr-grasp: grasp stray: unknown robot 'nobody'")
        assert count == f"dr-grasp: 1 of 4 grasps refused, the others are in {out}"
        written.append(out.read_bytes())
    assert written[0] == written[1]
    found = read_margins(out)
    assert [each.grasp_id for each in found.margins] == [grasp.id for grasp in grasps]
    first, second, beside = found.margins
    assert beside == GraspMargins("beside", beside.trajectory, Outcome.MISSED)
    for each in (first, second):
        assert [margin.name for margin in each.margins] == ["friction lower", "friction upper"]
        assert each.joint.entropy > 0 and each.rollouts in (4, 5, 6)
    made = found.measured_with
    assert (made.engine.value, made.profile, made.halvings) == ("bullet", "default", 1)
    assert {path.suffix for path in tmp_path.iterdir()} == {".json"}


def test_a_picture_of_each_the_widest_first(given, tmp_path, grasps, no_physics):
    out = tmp_path / "out.json"
    done = run("margins", given, "-o", out)
    assert (done.exit_code, done.stderr) == (0, "")
    lines = done.stdout.splitlines()
    heads = [line.partition(":")[0] for line in lines if line and not line.startswith(" ")]
    assert heads == [grasps[1].id, grasps[0].id, "beside", "bars", str(out)]
    assert lines[0].endswith("; loses it at 16 mm in y; bears 50 % of the friction")
    assert lines[0].startswith(f"{grasps[1].id}: entropy ")
    dark = "\N{BLACK SQUARE}"
    assert lines[1] == f"  object along y    -60 mm \u2190{dark * 17}\u2502{dark * 2:<18} 8 mm"
    assert lines[2] == f"  joint error{' ' * 32}\u2502{dark * 9:<18} 2.3 deg"
    assert lines[3].endswith(f"{dark * 4}\u2502{dark * 17}\u2192 400 %")
    assert "beside: fails undisturbed: missed" in lines
    assert all(len(line) <= 80 for line in lines if line.startswith(" "))


def test_the_pictures_say_how_many_there_are(given, tmp_path, no_physics, monkeypatch):
    monkeypatch.setattr(margins, "SHOWN", 1)
    out = tmp_path / "out.json"
    assert f"the widest 1 of 3 grasps; all are in {out}" in run("margins", given, "-o", out).stdout


def test_json_is_the_file(given, tmp_path, no_physics):
    out = tmp_path / "out.json"
    done = run("margins", given, "-o", out, "--json")
    assert (done.exit_code, done.stderr, done.stdout) == (0, "", out.read_text())
    assert json.loads(done.stdout)["kind"] == "dr_grasp/margins"


@pytest.fixture
def scores(tmp_path, grasps, samples):
    """A scores file of the second grasp and of another one."""
    path, first = tmp_path / "scores.json", samples.score()
    fitness = {Criterion.MDR: Fitness(Criterion.MDR, 1, 4)}
    made = tuple(samples.score(name, fitness=fitness) for name in (grasps[1].id, "another"))
    write_scores(path, ScoreFile(made, (), first.seed, first.profile, first.software_version))
    return path


def test_margins_are_written_into_scores(given, tmp_path, grasps, scores, no_physics):
    before = read_scores(scores)
    done = run("margins", given, "-o", tmp_path / "out.json", "--scores", scores)
    assert done.exit_code == 0, done.output
    after = read_scores(scores)
    assert [each.margins for each in after.scores] == [toy_margins(grasps[1].id, 0.008), None]
    stripped = tuple(replace(each, margins=None) for each in after.scores)
    assert replace(after, scores=stripped) == before


def test_what_makes_no_sense_is_one_line(given, tmp_path, scores, monkeypatch):
    def work(*arguments):
        raise AssertionError("the work had begun")

    monkeypatch.setattr(margins, "measure_each", work)
    write_scores(
        others := tmp_path / "others.json", replace(read_scores(scores), scores=(), selection=None)
    )
    out = tmp_path / "out.json"
    for words, message in (
        ([given, "-o", tmp_path], "is a folder, expected a file"),
        ([scores, "-o", out], "kind: expected 'dr_grasp/grasps'"),
        ([given, "-o", out, "--scores", given], "kind: expected 'dr_grasp/scores'"),
        ([given, "-o", out, "--scores", others], f"{others}: expected scores of the grasps in"),
        ([given, "-o", out, "--parameters", "z"], "unknown doubt 'z'; expected one of"),
        ([given, "-o", out, "--engine", "mujoco-warp"], "engine: expected bullet or mujoco"),
        (
            [given, "-o", out, "--high", "0.4"],
            "rates: expected 0 < low < high < 1, got 0.5 and 0.4",
        ),
        ([given, "-o", out, "--halvings", "99"], "halvings: expected 1 to 12, got 99"),
        ([given, "-o", out, "--profile", "mine"], "unknown profile 'mine'"),
        ([given, "-o", out, "--jobs", 0], "jobs: expected at least 1, got 0"),
    ):
        done = run("margins", *words)
        assert (done.exit_code, done.stdout) == (1, ""), done.output
        (line,) = done.stderr.splitlines()
        assert line.startswith("dr-grasp: ") and message in line
    assert not out.exists()


def test_a_run_that_was_cancelled_goes_on_to_the_same_bytes(given, tmp_path, monkeypatch):
    whole, out, measured = tmp_path / "whole.json", tmp_path / "out.json", []

    def run_task(task):
        measured.append(task.index)
        return toy_margins(task.grasp.id, 0.002 * (1 + task.index))

    monkeypatch.setattr(parallel, "run_task", run_task)
    monkeypatch.setattr(margins, "make_pool", lambda jobs, cluster: ShuffledPool())
    assert run("margins", given, "-o", whole).exit_code == 0
    monkeypatch.setattr(margins, "make_pool", lambda jobs, cluster: ShuffledPool(cancel_after=2))
    measured.clear()
    done = run("margins", given, "-o", out)
    assert (done.exit_code, done.stderr) == (130, "dr-grasp: interrupted; --resume goes on\n")
    assert not out.exists() and len(measured) == 2
    assert run("margins", given, "-o", out, "--resume").exit_code == 0
    assert sorted(measured) == [0, 1, 2] and out.read_bytes() == whole.read_bytes()
    assert not list(tmp_path.glob("*.journal*"))
