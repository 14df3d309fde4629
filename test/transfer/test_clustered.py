"""Intervals of eta over grasps: values by hand, laws, and how often they hold."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import betaincinv
from scipy.stats import binomtest

from dr_grasp.transfer.clustered import Eta, interval_over_grasps


@st.composite
def counts_of_grasps(draw):
    """Held and attempts of up to 30 grasps."""
    attempts = draw(st.lists(st.integers(1, 12), min_size=1, max_size=30))
    return [draw(st.integers(0, most)) for most in attempts], attempts


def width(held, attempts):
    low, high = interval_over_grasps(held, attempts)
    return high - low


def exact(held, attempts):
    found = binomtest(held, attempts).proportion_ci(0.95, method="exact")
    return pytest.approx((found.low, found.high), abs=1e-9)


@given(counts_of_grasps())
def test_it_holds_the_share_and_is_never_without_width(counts):
    held, attempts = counts
    low, high = interval_over_grasps(held, attempts)
    share = sum(held) / sum(attempts)
    assert 0 <= low <= share + 1e-9 and share - 1e-9 <= high <= 1
    assert high - low > 1 / (1 + sum(attempts))
    lost = [tried - won for won, tried in zip(held, attempts, strict=True)]
    assert interval_over_grasps(lost, attempts) == pytest.approx((1 - high, 1 - low), abs=1e-9)


@given(counts_of_grasps())
def test_it_is_never_wider_than_of_one_attempt_a_grasp_nor_narrower_than_of_independent(counts):
    held, attempts = counts
    low, high = interval_over_grasps(held, attempts)
    independent = binomtest(sum(held), sum(attempts)).proportion_ci(0.95, method="exact")
    assert low <= independent.low + 1e-9 and independent.high - 1e-9 <= high
    # What they would be worth if attempts of a grasp always ended alike (Kish's effective number).
    worth = sum(attempts) ** 2 / np.square(attempts).sum()
    won, lost = worth * sum(held) / sum(attempts), worth * (1 - sum(held) / sum(attempts))
    if held != attempts and sum(held):
        assert betaincinv(won, lost + 1, 0.025) <= low + 1e-9
        assert high - 1e-9 <= betaincinv(won + 1, lost, 0.975)


def test_attempts_of_one_grasp_are_worth_one():
    assert interval_over_grasps([18], [20])[0] < 0.05
    assert interval_over_grasps([20], [20]) == exact(1, 1)


def test_one_attempt_of_each_grasp_is_clopper_and_pearsons_interval():
    assert interval_over_grasps([1] * 19 + [0] * 8, [1] * 27) == exact(19, 27)


@pytest.mark.parametrize("each", [1, 10, 200])
def test_grasps_that_all_held_are_worth_their_number(each):
    """A bootstrap of them would have a width of 0."""
    low, high = interval_over_grasps([each] * 27, [each] * 27)
    assert (low, high) == exact(27, 27) and low == pytest.approx(0.025 ** (1 / 27))


def test_grasps_that_always_or_never_held_are_worth_their_number():
    assert interval_over_grasps([10] * 20 + [0] * 7, [10] * 27) == exact(20, 27)


def test_a_failure_among_many_attempts_makes_no_certainty():
    """One failure does not show how much grasps differ: no great step from none at all."""
    none, one = (interval_over_grasps([10] * 26 + [last], [10] * 27) for last in (10, 9))
    assert none[0] < one[0] < none[0] + 0.05


def test_270_attempts_of_27_grasps():
    """Twice as wide as if attempts were independent, as a bootstrap over grasps says."""
    rng = np.random.default_rng(0)
    holds = rng.beta(1.1, 0.2, 27)
    held = rng.binomial(10, holds)
    independent = binomtest(int(held.sum()), 270).proportion_ci(0.95, method="wilson")
    resampled = held[rng.integers(27, size=(4000, 27))].sum(axis=1) / 270
    low, high = np.quantile(resampled, [0.025, 0.975])
    assert high - low > 1.9 * (independent.high - independent.low)
    assert high - low < width(held, [10] * 27) < 1.35 * (high - low)


def test_eta_adds_up():
    eta = Eta.of([3, 0, 5], [4, 2, 5])
    assert (eta.held, eta.attempts, eta.grasps, eta.value) == (8, 11, 3, 8 / 11)
    assert eta.interval == interval_over_grasps([3, 0, 5], [4, 2, 5])


def simulated(mean, alike, attempts, rng):
    """Held of grasps whose fitness is Beta distributed, with this correlation of attempts."""
    shape = attempts.shape
    if alike == 0:
        holds = np.full(shape, mean)
    elif alike == 1:
        holds = (rng.uniform(size=shape) < mean).astype(float)
    else:
        scale = 1 / alike - 1
        holds = rng.beta(mean * scale, (1 - mean) * scale, shape)
    return rng.binomial(attempts, holds)


@pytest.mark.parametrize("grasps", [5, 10, 27, 100])
def test_it_holds_in_95_percent_of_beta_binomial_attempts(grasps):
    rng = np.random.default_rng(grasps)
    covered = []
    for mean in (0.5, 0.84, 0.97):
        for alike in (0.0, 0.1, 0.4, 1.0):
            for most in (1, 10):
                attempts = rng.integers((most + 1) // 2, most + 1, (250, grasps))
                held = simulated(mean, alike, attempts, rng)
                ends = [interval_over_grasps(*one) for one in zip(held, attempts, strict=True)]
                covered.append(np.mean([low <= mean <= high for low, high in ends]))
    # 250 data sets do not tell 0.95 from 0.92; all 6,000 together do.
    assert min(covered) >= 0.92 and 0.96 < np.mean(covered) < 0.999
