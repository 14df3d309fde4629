"""Predictors compared on the same grasps: right values, paired intervals that hold, refusals."""

import numpy as np
import pytest
from scipy.stats import spearmanr
from sklearn.metrics import roc_auc_score

from dr_grasp.errors import DrGraspError, UnknownNameError
from dr_grasp.transfer import bootstrap
from dr_grasp.transfer.comparison import TriedGrasps, estimate

ATTEMPTS = 6


def tried(seed, grasps=40, noise=(0.2, 0.2)):
    """Grasps whose true eta is known to predictors "a" and "b" up to some noise."""
    rng = np.random.default_rng(seed)
    truth = rng.beta(2.0, 1.0, grasps)
    predicted = {
        name: truth + rng.normal(0.0, std, grasps) for name, std in zip("ab", noise, strict=True)
    }
    held = rng.binomial(ATTEMPTS, truth).astype(float)
    return TriedGrasps(predicted, held, np.full(grasps, float(ATTEMPTS)))


def rho_of(group, name):
    return spearmanr(group.predicted[name], group.held / group.attempts).statistic


def auc_of(group, name):
    labels = [label for held in group.held for label in [1] * int(held) + [0] * int(6 - held)]
    return roc_auc_score(labels, np.repeat(group.predicted[name], ATTEMPTS))


@pytest.mark.parametrize(
    ("statistic", "expected"), [(bootstrap.rho, rho_of), (bootstrap.auc, auc_of)]
)
def test_values_and_differences_are_those_of_scipy_and_scikit_learn(statistic, expected):
    groups = [tried(1), tried(2, 25)]
    for names in ("a", "b", "ab"):
        values = [
            sum(sign * expected(group, name) for name, sign in zip(names, (1, -1), strict=False))
            for group in groups
        ]
        for some, wanted in ((groups[:1], values[0]), (groups, sum(values) / 2)):
            found = estimate(some, statistic, *names, resamples=200)
            assert found.value == pytest.approx(wanted, abs=1e-9)
            assert found.low < found.value < found.high
            assert found == estimate(some, statistic, *names, resamples=200)


def test_a_paired_difference_is_surer_than_the_two_alone():
    rng = np.random.default_rng(5)
    group = tried(3)
    # "b" errs as "a" does, and a little more.
    near = {**group.predicted, "b": group.predicted["a"] + rng.normal(0.0, 0.02, 40)}
    group = TriedGrasps(near, group.held, group.attempts)
    alone = estimate([group], bootstrap.rho, "a")
    difference = estimate([group], bootstrap.rho, "a", "b")
    assert difference.high - difference.low < 0.4 * (alone.high - alone.low)


def test_intervals_of_a_difference_hold_as_often_as_they_say():
    """Of two predictors that are equally good, neither is called better in 95 % of the studies."""
    missed = 0
    for seed in range(200):
        found = estimate([tried(seed)], bootstrap.auc, "a", "b", resamples=300)
        missed += not found.low <= 0.0 <= found.high
    assert missed <= 20  # with 5 %, more than 20 of 200 come once in 500 times


def test_a_better_predictor_is_found_out():
    groups = [tried(seed, 60, noise=(0.02, 0.6)) for seed in (1, 2, 3)]
    assert estimate(groups, bootstrap.auc, "a", "b").low > 0.0
    assert estimate(groups, bootstrap.rho, "b", "a").high < 0.0


def test_a_predictor_that_says_nothing_has_no_rho():
    group = tried(1)
    same = TriedGrasps({"a": np.ones(40)}, group.held, group.attempts)
    assert estimate([same], bootstrap.rho, "a").value is None
    assert estimate([same], bootstrap.auc, "a").value == 0.5
    with pytest.raises(UnknownNameError, match=r"predictor.*'?b'?.*\ba\b"):
        estimate([same], bootstrap.rho, "b")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"held": np.ones(3)}, r"^held: expected shape \(4,\), got \(3,\)"),
        ({"predicted": {"a": np.array([1, 2, np.nan, 3])}}, r"^a: expected finite numbers"),
        ({"attempts": np.array([1.0, 1.0, 0.0, 1.0])}, r"expected at least 1 of each grasp"),
        ({"attempts": np.ones(0)}, r"expected one number a grasp, got shape \(0,\)"),
    ],
)
def test_what_does_not_belong_together_is_refused(changes, message):
    whole = {"predicted": {"a": np.arange(4.0)}, "held": np.ones(4), "attempts": np.ones(4)}
    with pytest.raises(DrGraspError, match=message):
        TriedGrasps(**{**whole, **changes})
