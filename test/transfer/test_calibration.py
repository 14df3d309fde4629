"""The model finds what is there, says how good it is, and refuses what it cannot learn from."""

import random
import re
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import brier_score_loss, log_loss

from dr_grasp.core.engine import Engine
from dr_grasp.core.fitness import Fitness
from dr_grasp.core.metric import Metric
from dr_grasp.core.outcome import Outcome
from dr_grasp.core.perturbation import Criterion
from dr_grasp.errors import DrGraspError
from dr_grasp.transfer.calibration import calibrate
from dr_grasp.transfer.regression import Sample, fit_regression, folds_of, loss_of
from dr_grasp.transfer.transfer_model import Loss, smoothed_logit

MDR = Criterion.MDR


def only(rows, *criteria):
    return [replace(one, fitness={c: one.fitness[c] for c in criteria}) for one in rows]


def test_it_finds_the_regression_that_made_the_attempts(many_rows):
    """Many attempts of P = sigmoid(-1 + 2 logit): with little regularisation, that is the model."""
    model = calibrate(only(many_rows(9000, per_grasp=3), MDR)).model
    assert model.coefficients[MDR] == pytest.approx(2.0, abs=0.15)
    assert model.intercept == pytest.approx(-1.0, abs=0.15)
    assert sum(model.robots.values()) == pytest.approx(0, abs=0.1)
    assert model.training.model.log_loss < model.training.mdr.log_loss
    assert model.training.model.log_loss < model.training.constant.log_loss
    assert model.training.model.brier < model.training.constant.brier


def with_tug(rows, seed=0):
    """Attempts that hold by the tug of their grasp, whatever its fitness."""
    rng = np.random.default_rng(seed)
    tugs = {}
    for one in rows:
        tug = tugs.setdefault(one.grasp_id, float(rng.uniform(0, 10)))
        held = rng.uniform() < 1 / (1 + np.exp(5 - tug))
        outcome = Outcome.SUCCESS if held else Outcome.MISSED
        yield replace(one, metrics={Metric.TUG: tug}, outcome=outcome)


def test_a_metric_that_is_asked_for_is_learned_from(many_rows, samples):
    rows = list(with_tug(many_rows(1500, per_grasp=3)))
    without, found = calibrate(rows), calibrate(rows, [Metric.TUG])
    assert without.model.metrics == {}
    term = found.model.metrics[Metric.TUG]
    # The attempts were made with a slope of 1 for each unit of tug.
    assert term.coefficient / term.deviation == pytest.approx(1.0, abs=0.15)
    assert 0 <= term.low < term.mean < term.high <= 10
    assert found.model.training.model.brier < without.model.training.model.brier - 0.05
    score = samples.score(fitness=found.tallies[0].fitness, metrics={Metric.TUG: term.high})
    most = found.model.predict(score, "franka")
    assert most == found.model.predict(replace(score, metrics={Metric.TUG: 1e3}), "franka") > 0.9
    assert found.model.predict(replace(score, metrics={Metric.TUG: 0.0}), "franka") < 0.1


def test_of_metrics_too_nothing_is_known_of_the_objects_that_are_tested(many_rows):
    rows = list(with_tug(many_rows(150)))
    turned = [
        replace(one, outcome=Outcome.MISSED if one.held else Outcome.SUCCESS)
        if one.object == "object_000"
        else one
        for one in rows
    ]
    before, after = (calibrate(these, [Metric.TUG]) for these in (rows, turned))
    same = [tally.last.object == "object_000" for tally in before.tallies]
    assert np.array_equal(before.predicted[same], after.predicted[same])


def test_grasps_without_a_metric_are_left_out_unless_they_are_many(many_rows):
    rows = list(with_tug(many_rows(150)))
    few = [replace(one, metrics={}) if one.grasp_id == rows[0].grasp_id else one for one in rows]
    found = calibrate(few, [Metric.TUG])
    assert found.model.training.grasps == 29
    assert found.notes == ("1 of 30 grasps are left out: they lack tug",)
    with pytest.raises(DrGraspError) as caught:
        calibrate(rows, [Metric.TUG, Metric.EPSILON])
    assert str(caught.value) == (
        "metrics: expected epsilon in the scores of 90% of 30 grasps, got it in 0: "
        "`dr-grasp score --metrics` measures it"
    )


def test_a_metric_that_is_the_same_for_all_says_nothing(many_rows):
    rows = [replace(one, metrics={Metric.TUG: 3.0}) for one in many_rows(100)]
    with_it, without = calibrate(rows, [Metric.TUG]), calibrate(rows)
    assert with_it.model.metrics[Metric.TUG].coefficient == 0
    assert with_it.predicted == pytest.approx(without.predicted, abs=1e-6)


def test_it_learns_what_robots_differ_in(many_rows):
    rows = many_rows(1500, robots=("franka",), offset=1.0)
    rows += [
        replace(one, attempt_id=f"b{one.attempt_id}")
        for one in many_rows(1500, robots=("baxter",), offset=-2.0, seed=1)
    ]
    model = calibrate(rows).model
    assert model.robots["franka"] - model.robots["baxter"] == pytest.approx(3.0, abs=0.5)


def test_losses_are_those_of_scikit_learn():
    sample = Sample(np.zeros((3, 1)), np.array([2.0, 0, 1]), np.array([3.0, 1, 1]), np.zeros(3))
    predicted = np.array([0.7, 0.2, 0.9])
    labels, said = [1, 1, 0, 0, 1], [0.7, 0.7, 0.7, 0.2, 0.9]
    found = loss_of(sample, predicted)
    assert found.brier == pytest.approx(brier_score_loss(labels, said))
    assert found.log_loss == pytest.approx(log_loss(labels, said))
    assert np.isfinite(loss_of(sample, np.array([1.0, 0.0, 0.0])).log_loss)


def test_no_object_is_in_two_parts():
    for objects, parts in ((2, 2), (7, 7), (25, 10)):
        numbers = np.arange(50) % objects
        sample = Sample(np.zeros((50, 1)), np.zeros(50), np.ones(50), numbers)
        folds = folds_of(sample)
        assert len(folds) == parts
        for inside, outside in folds:
            assert not set(numbers[inside]) & set(numbers[outside])
        assert sorted(np.concatenate([outside for _, outside in folds])) == list(range(50))


def test_what_is_said_of_an_object_does_not_know_what_became_of_it(many_rows):
    rows = many_rows(150)
    turned = [
        replace(one, outcome=Outcome.MISSED if one.held else Outcome.SUCCESS)
        if one.object == "object_000"
        else one
        for one in rows
    ]
    before, after = calibrate(rows), calibrate(turned)
    same = [tally.last.object == "object_000" for tally in before.tallies]
    assert np.array_equal(before.predicted[same], after.predicted[same])
    assert not np.array_equal(before.predicted, after.predicted)


def test_the_losses_are_of_what_it_says_of_the_unseen(many_rows):
    found = calibrate(many_rows(200))
    assert found.model.training.folds_by == "object" and found.model.training.folds == 3
    said, labels = [], []
    for one, value in zip(found.tallies, found.predicted, strict=True):
        said += [value] * one.eta.attempts
        labels += [1] * one.eta.held + [0] * (one.eta.attempts - one.eta.held)
    assert found.model.training.model.log_loss == pytest.approx(log_loss(labels, said))
    assert found.notes == ()


def test_one_object_is_validated_by_grasp_and_says_so(many_rows):
    found = calibrate(many_rows(100, objects=1))
    assert (found.model.training.folds, found.model.training.folds_by) == (10, "grasp")
    assert found.notes[0].startswith("one object only (object_000), so it is cross-validated by")


def test_a_model_that_is_no_use_says_so(row):
    """Of grasps of each fitness and object, one held and one did not."""
    rows = [
        row(
            f"a{n}",
            n // 4 / 20,
            Outcome.MISSED if n % 2 else Outcome.SUCCESS,
            grasp_id=f"g{n}",
            object="mug" if n % 4 < 2 else "box",
        )
        for n in range(80)
    ]
    (note,) = calibrate(rows).notes
    assert note.startswith("the model is no better than saying the same of every grasp")


def test_the_order_of_rows_is_of_no_account(many_rows):
    rows = many_rows(100)
    shuffled = random.Random(0).sample(rows, len(rows))
    assert calibrate(shuffled).model == calibrate(rows).model


def test_isotonic_only_from_a_thousand_attempts_and_if_it_is_better(many_rows):
    """Fitness 1 holds, all others by a toss: a sigmoid cannot say that, steps can."""
    rng = np.random.default_rng(0)

    def toss(one):
        good = one.fitness[MDR].successes > 40
        held = rng.uniform() < (0.97 if good else 0.2)
        return replace(one, outcome=Outcome.SUCCESS if held else Outcome.MISSED)

    rows = [toss(one) for one in many_rows(1500, per_grasp=3)]
    few, many = calibrate(rows[:900]).model, calibrate(rows).model
    assert few.steps is None
    assert many.steps is not None
    assert calibrate(many_rows(1500, per_grasp=3)).model.steps is None


@settings(max_examples=15)
@given(st.lists(st.tuples(st.integers(0, 50), st.booleans()), min_size=2, max_size=60))
def test_steps_never_decrease_and_are_never_certain(attempts):
    """Whatever is learned from: what is more probable before the steps is not less so after."""
    logits = [[smoothed_logit(Fitness(MDR, successes, 50))] for successes, _ in attempts]
    held = np.array([float(good) for _, good in attempts])
    number = len(attempts)
    sample = Sample(np.array(logits), held, np.ones(number), np.arange(number) % 3)
    fit = fit_regression(sample, steps=True)
    tried = np.linspace(-8, 8, 200)[:, None]
    order = np.argsort(fit.sigmoid(tried), kind="stable")
    said = fit.predict(tried)[order]
    assert (np.diff(said) >= 0).all()
    assert said.min() > 0 and said.max() < 1


def test_criteria_that_some_lack_are_left_out_by_name(many_rows):
    rows = many_rows(100)
    rows = only(rows[:50], Criterion.OSDR, MDR) + only(rows[50:], MDR)
    found = calibrate(rows)
    assert tuple(found.model.coefficients) == (MDR,)
    assert "osdr is left out: 10 of 20 grasps lack it" in found.notes


def test_few_grasps_without_a_criterion_are_left_out_themselves(many_rows):
    rows = many_rows(105)
    found = calibrate(only(rows[:5], MDR) + only(rows[5:], Criterion.OSDR, MDR))
    assert tuple(found.model.coefficients) == (Criterion.OSDR, MDR)
    assert (found.model.training.grasps, found.model.training.attempts) == (20, 100)
    assert len(found.tallies) == len(found.predicted) == 20
    assert "1 of 21 grasps are left out: they lack osdr" in found.notes
    assert not any("have no score" in note for note in found.notes)


def test_without_mdr_it_is_not_compared_to_it(many_rows):
    found = calibrate(only(many_rows(100), Criterion.FDR))
    assert tuple(found.model.coefficients) == (Criterion.FDR,)
    assert found.model.training.mdr is None


def test_what_is_mixed_is_said(many_rows):
    rows = many_rows(100)
    rows = [*rows[:40], *(replace(one, backend="ros", profile="huber2023") for one in rows[40:80])]
    found = calibrate(rows)
    assert found.model.training.backends == {"ros": 40, "twin": 40}
    assert found.notes[-2:] == (
        "backends are mixed: ros, twin",
        "profiles are mixed: default, huber2023",
    )


def test_attempts_without_a_score_are_left_out(many_rows):
    rows = many_rows(100)
    found = calibrate([*rows[:60], *(replace(one, fitness={}) for one in rows[60:])])
    assert found.model.training.attempts == 60
    assert "40 of 100 attempts have no score: left out" in found.notes


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda rows: rows[:29], "expected at least 30 attempts .* got 29: try more grasps first"),
        (lambda rows: [], "expected at least 30 attempts .* got 0"),
        (
            lambda rows: [replace(one, outcome=Outcome.REFUSED) for one in rows],
            "expected at least 30 attempts .* got 0",
        ),
        (
            lambda rows: [replace(one, fitness={}) for one in rows],
            r"got 0 \(60 more have no score\)",
        ),
        (
            lambda rows: [replace(one, outcome=Outcome.SUCCESS) for one in rows],
            "got 60 that all held: nothing tells good grasps from bad ones yet",
        ),
        (
            lambda rows: [replace(one, outcome=Outcome.FAILED) for one in rows],
            "got 60 that all failed",
        ),
        (
            lambda rows: [replace(one, grasp_id="g", robot="franka", object="mug") for one in rows],
            "expected at least 2 grasps, got 60 attempts of g",
        ),
        (
            lambda rows: only(rows[:30], MDR) + only(rows[30:], Criterion.FDR),
            "expected a criterion that all 12 grasps are scored by, got osdr in 0, .* mdr in 6",
        ),
    ],
)
def test_too_little_is_refused_in_words(many_rows, change, message):
    with pytest.raises(DrGraspError, match=message):
        calibrate(change(many_rows(60)))


def test_thirty_attempts_are_enough(many_rows):
    assert calibrate(many_rows(30)).model.training.attempts == 30


def test_a_part_without_failures_is_no_problem(row):
    """All failures are of one object: without it, there is nothing to learn from."""
    rows = [
        row(
            f"a{n}",
            n / 40,
            Outcome.MISSED if n % 2 else Outcome.SUCCESS,
            grasp_id=f"g{n}",
            object="mug" if n % 2 else "box",
        )
        for n in range(40)
    ]
    training = calibrate(rows).model.training
    assert all(np.isfinite([training.model.log_loss, training.constant.log_loss]))


def test_the_smoothed_logit_is_finite_and_antisymmetric():
    assert smoothed_logit(Fitness(MDR, 50, 50)) == -smoothed_logit(Fitness(MDR, 0, 50))
    assert smoothed_logit(Fitness(MDR, 25, 50)) == 0
    assert smoothed_logit(Fitness(MDR, 50, 50)) == pytest.approx(np.log(50.5 / 0.5))


def test_mdr_is_judged_as_it_is_and_by_its_logs_as_half_a_rollout_smooths_it(many_rows):
    rows = many_rows(100)
    sure = replace(rows[0], fitness={c: Fitness(c, 50, 50) for c in Criterion})
    rows = [replace(sure, outcome=Outcome.MISSED), *rows[1:]]  # a wrong certainty
    training = calibrate([replace(one, grasp_id=one.attempt_id) for one in rows]).model.training
    said = [one.fitness[MDR].value for one in rows]
    smoothed = [(one.fitness[MDR].successes + 0.5) / 51 for one in rows]
    labels = [one.held for one in rows]
    assert 1.0 in said
    assert training.mdr == Loss(
        pytest.approx(brier_score_loss(labels, said)), pytest.approx(log_loss(labels, smoothed))
    )


def test_whether_steps_follow_is_chosen_without_looking_at_what_is_tested(many_rows):
    """Turned outcomes of an object make steps worse on the whole; what is said of it stays."""
    rng = np.random.default_rng(0)

    def toss(one):
        good = one.fitness[MDR].successes > 40
        held = rng.uniform() < (0.97 if good else 0.2)
        return replace(one, outcome=Outcome.SUCCESS if held else Outcome.MISSED)

    def turned(one):
        there = one.object == "object_000"
        return (
            replace(one, outcome=Outcome.MISSED if one.held else Outcome.SUCCESS) if there else one
        )

    rows = [toss(one) for one in only(many_rows(1500, per_grasp=3), MDR)]
    before, after = calibrate(rows), calibrate([turned(one) for one in rows])
    assert before.model.steps is not None and after.model.steps is None
    same = [tally.last.object == "object_000" for tally in before.tallies]
    assert np.array_equal(before.predicted[same], after.predicted[same])


def test_it_is_of_one_engine_and_says_which(many_rows):
    rows = [replace(row, engine=Engine.MUJOCO) for row in many_rows(100)]
    assert calibrate(rows).model.training.engine is Engine.MUJOCO
    mixed = [*rows[:60], *(replace(row, engine=Engine.BULLET) for row in rows[60:])]
    message = (
        "expected scores of one engine, got bullet (40 attempts), mujoco (60 attempts): --engine "
        "chooses one"
    )
    with pytest.raises(DrGraspError, match=re.escape(message)):
        calibrate(mixed)


def test_it_knows_what_its_scores_were_made_with(many_rows):
    rows = [
        replace(row, models={"robot": f"r{index % 2}", "profile": "p0", "object": "o"})
        for index, row in enumerate(many_rows(100))
    ]
    assert calibrate(rows).model.training.made_with == {
        "profile default": ("p0",),
        "robot baxter": ("r0", "r1"),
        "robot franka": ("r0", "r1"),
    }
