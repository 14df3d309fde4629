"""A model's file comes back; what a model says can be computed by hand."""

import json
import math
from dataclasses import replace

import pytest

from dr_grasp.core.engine import Engine
from dr_grasp.core.fitness import Fitness
from dr_grasp.core.metric import Metric
from dr_grasp.core.perturbation import Criterion
from dr_grasp.errors import FileFormatError
from dr_grasp.transfer.calibration import calibrate
from dr_grasp.transfer.estimator import Estimator
from dr_grasp.transfer.model_terms import MetricTerm, Steps
from dr_grasp.transfer.transfer_model import (
    model_document,
    read_model,
    write_model,
)

STEPS = Steps((0.1, 0.5, 0.9), (0.2, 0.2, 0.7))


@pytest.fixture
def known(contrary_model):
    """A model whose every number is known."""
    return replace(
        contrary_model,
        coefficients={Criterion.JSDR: -0.25, Criterion.MDR: 2.0},
        ranges={Criterion.JSDR: (-3.0, 3.0), Criterion.MDR: (-4.0, 4.0)},
        robots={"baxter": -0.75, "franka": 0.75},
    )


@pytest.mark.parametrize("steps", [None, STEPS])
def test_a_model_comes_back(known, tmp_path, steps):
    model = replace(known, steps=steps)
    write_model(tmp_path / "model.json", model)
    found = read_model(tmp_path / "model.json")
    assert model_document(found) == model_document(model)
    assert found.training == model.training
    write_model(tmp_path / "again.json", found)
    assert (tmp_path / "again.json").read_bytes() == (tmp_path / "model.json").read_bytes()


def test_models_of_bullet_are_written_as_before_there_was_a_choice(known, tmp_path):
    assert "engine" not in model_document(known)["training"]
    other = replace(known, training=replace(known.training, engine=Engine.MUJOCO))
    assert model_document(other)["training"]["engine"] == "mujoco"
    write_model(tmp_path / "model.json", other)
    assert read_model(tmp_path / "model.json") == other


def test_models_without_metrics_are_written_as_before_there_were_any(known, tmp_path):
    assert "metrics" not in model_document(known)
    model = replace(known, metrics={Metric.TUG: MetricTerm(0.5, 2.0, 1.5, 0.5, 6.0)})
    assert model_document(model)["metrics"] == {
        "tug": {"coefficient": 0.5, "mean": 2.0, "deviation": 1.5, "low": 0.5, "high": 6.0}
    }
    write_model(tmp_path / "model.json", model)
    assert read_model(tmp_path / "model.json") == model


@pytest.mark.parametrize(
    ("changes", "problem"),
    [({"deviation": 0.0}, "expected above 0, got 0.0"), ({"low": 7.0}, "low <= high, got 7.0 > 6")],
)
def test_a_term_that_contradicts_itself_is_refused(known, tmp_path, changes, problem):
    model = replace(known, metrics={Metric.TUG: MetricTerm(0.5, 2.0, 1.5, 0.5, 6.0)})
    content = model_document(model)
    content["metrics"]["tug"].update(changes)
    (tmp_path / "model.json").write_text(json.dumps(content))
    with pytest.raises(FileFormatError, match=f"metrics.*{problem}"):
        read_model(tmp_path / "model.json")


def test_a_model_with_metrics_can_be_computed_by_hand_and_needs_them(known, samples, tmp_path):
    model = replace(known, metrics={Metric.TUG: MetricTerm(0.5, 2.0, 1.5, 0.5, 6.0)})
    without, score = samples.score(metrics={}), samples.score(metrics={Metric.TUG: 3.5})
    p = known.predict(score, "franka")
    odds = p / (1 - p) * math.exp(0.5 * (3.5 - 2.0) / 1.5)
    assert model.predict(score, "franka") == pytest.approx(odds / (1 + odds), rel=1e-12)
    assert model.problem_with(score, "franka") == ""
    assert model.problem_with(without, "franka") == (
        "uncalibrated: the model expects metrics tug, got none of tug"
    )
    write_model(tmp_path / "model.json", model)
    assert Estimator(tmp_path / "model.json", print).metrics == (Metric.TUG,)


def test_a_calibrated_model_comes_back_to_the_bit(tmp_path, many_rows):
    model = calibrate(many_rows(100)).model
    write_model(tmp_path / "model.json", model)
    assert read_model(tmp_path / "model.json") == model


def test_what_it_says_can_be_computed_by_hand(known, samples):
    score = samples.score(
        fitness={
            Criterion.JSDR: Fitness(Criterion.JSDR, 3, 10),
            Criterion.MDR: Fitness(Criterion.MDR, 9, 10),
            Criterion.FDR: Fitness(Criterion.FDR, 1, 10),
        }
    )
    linear = 0.5 + 0.75 - 0.25 * math.log(3.5 / 7.5) + 2.0 * math.log(9.5 / 1.5)
    expected = 1 / (1 + math.exp(-linear))
    assert known.predict(score, "franka") == pytest.approx(expected, rel=1e-12)
    assert known.predict(score, "baxter") < expected
    stepped = replace(known, steps=STEPS)
    assert stepped.predict(score, "franka") == 0.7  # beyond the last knot


def test_more_rollouts_than_it_was_made_from_make_nothing_more_certain(samples, many_rows):
    found = calibrate(many_rows(300))
    model, fitnesses = found.model, [one.fitness[Criterion.MDR] for one in found.tallies]

    def said(successes, trials):
        fitness = {c: Fitness(c, successes, trials) for c in Criterion}
        return model.predict(samples.score(fitness=fitness), "franka")

    assert said(5, 5) < said(50, 50) == said(10_000, 10_000) < 1
    assert said(0, 50) == said(0, 10_000) > 0
    least = min(fitness.successes for fitness in fitnesses)
    assert model.ranges[Criterion.MDR] == (
        math.log((least + 0.5) / (50 - least + 0.5)),
        math.log(50.5 / 0.5),
    )


def test_between_steps_it_is_linear(known, samples):
    score = samples.score(fitness={Criterion.MDR: Fitness(Criterion.MDR, 5, 10)})
    model = replace(
        known,
        coefficients={Criterion.MDR: 1.0},
        ranges={Criterion.MDR: (-4.0, 4.0)},
        intercept=0.0,
        robots={"franka": math.log(0.7 / 0.3)},
        steps=STEPS,
    )
    assert model.predict(score, "franka") == pytest.approx(0.45)


def test_what_it_says_is_what_calibration_says(many_rows, samples):
    found = calibrate(many_rows(200))
    for tally in found.tallies[:5]:
        score = samples.score(fitness=tally.fitness)
        assert 0 < found.model.predict(score, tally.last.robot) < 1


@pytest.mark.parametrize(
    ("robot", "changes", "reason"),
    [
        ("ur5", {}, "the model expects robot baxter or franka, got ur5"),
        (
            "franka",
            {"profile": "huber2023"},
            "the model expects scores of profile default, got huber2023",
        ),
        ("franka", {"profile": ""}, "the model expects scores of profile default, got none"),
        (
            "franka",
            {"fitness": {Criterion.MDR: Fitness(Criterion.MDR, 1, 2)}},
            "the model expects criteria jsdr, mdr, got none of jsdr",
        ),
        (
            "franka",
            {"engine": Engine.MUJOCO},
            "the model expects scores of engine bullet, got mujoco",
        ),
    ],
)
def test_what_it_cannot_say_is_uncalibrated(known, samples, robot, changes, reason):
    assert known.problem_with(samples.score(**changes), robot) == f"uncalibrated: {reason}"


def test_scoring_is_told_each_reason_once(known, samples, tmp_path):
    write_model(tmp_path / "model.json", known)
    told = []
    estimate = Estimator(tmp_path / "model.json", told.append)
    score = samples.score()
    assert estimate(score, "franka") == known.predict(score, "franka")
    assert [estimate(score, robot) for robot in ("ur5", "ur5", "sawyer")] == [None] * 3
    assert [reason.rpartition(", got ")[2] for reason in told] == ["ur5", "sawyer"]


def test_scores_made_with_another_robot_or_profile_are_calibrated_and_doubted(
    known, samples, tmp_path
):
    made_with = {"robot franka": ("b67413e90d76c9b8", "c0ffee"), "profile default": ("aaaa",)}
    model = replace(known, training=replace(known.training, made_with=made_with))
    write_model(tmp_path / "model.json", model)
    assert read_model(tmp_path / "model.json") == model
    told = []
    estimate = Estimator(tmp_path / "model.json", told.append)
    same = samples.score(models={"robot": "c0ffee", "profile": "aaaa"})
    unsaid = samples.score(models={})
    other = samples.score(models={"robot": "dddd", "profile": "eeee"})
    assert estimate(same, "franka") == estimate(unsaid, "franka") == model.predict(same, "franka")
    assert told == []
    for _ in range(2):
        assert estimate(other, "franka") == model.predict(other, "franka")
    assert told == [
        "robot franka: the transfer model is of scores made with b67413e90d76c9b8 or c0ffee, these "
        "are made with dddd: calibrate it with new attempts",
        "profile default: the transfer model is of scores made with aaaa, these are made with "
        "eeee: calibrate it with new attempts",
    ]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda d: d.update(kind="dr_grasp/scores"), "kind: expected 'dr_grasp/transfer_model'"),
        (lambda d: d.update(schema_version=2), "schema_version: expected 1, got 2"),
        (lambda d: d.update(color="red"), "color: expected no such key"),
        (lambda d: d.pop("robots"), "robots: expected a value, got nothing"),
        (lambda d: d.update(robots={}), "robots: expected"),
        (lambda d: d.update(coefficients={}), "coefficients: expected"),
        (
            lambda d: d.update(coefficients={"luck": 1.0}),
            "coefficients.luck.* expected 'osdr', 'jsdr'",
        ),
        (lambda d: d.update(intercept="high"), "intercept: expected"),
        (
            lambda d: d.update(ranges={"mdr": [0, 1]}),
            "ranges: expected those of jsdr, mdr, got mdr",
        ),
        (
            lambda d: d["ranges"].update(mdr=[1, 0]),
            "ranges: mdr: expected low <= high, got 1.0 > 0.0",
        ),
        (
            lambda d: d["training"]["model"].update(luck=1),
            "training.model.luck: expected no such key",
        ),
        (lambda d: d["training"].update(folds_by="luck"), "training.folds_by: expected"),
        (
            lambda d: d.update(steps={"given": [0.5, 0.1], "calibrated": [0.1, 0.2]}),
            "steps: expected knots in order",
        ),
        (
            lambda d: d.update(steps={"given": [0.1], "calibrated": [1.2]}),
            "steps: expected knots in order and probabilities",
        ),
        (lambda d: d.update(steps={"given": [], "calibrated": []}), "steps: expected as many"),
    ],
)
def test_a_file_that_is_no_model_is_refused(known, tmp_path, change, message):
    document = json.loads(json.dumps(model_document(known)))
    change(document)
    path = tmp_path / "model.json"
    path.write_text(json.dumps(document))
    with pytest.raises(FileFormatError, match=message) as caught:
        read_model(path)
    assert str(caught.value).startswith(f"{path}: ")


def test_nan_and_half_a_file_are_refused(known, tmp_path):
    path = tmp_path / "model.json"
    text = json.dumps(model_document(known))
    path.write_text(text.replace("0.5", "NaN", 1))
    with pytest.raises(FileFormatError, match="expected finite numbers, got NaN"):
        read_model(path)
    path.write_text(text[:100])
    with pytest.raises(FileFormatError, match="half-written"):
        read_model(path)
