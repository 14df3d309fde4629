import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest

from dr_grasp.core.confidence import confidence_sequence, wilson_interval

INTERVALS = pytest.mark.parametrize("interval", [wilson_interval, confidence_sequence])
CONFIDENCES = st.floats(0.5, 0.999)
COUNTS = st.integers(1, 500).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n)))


@INTERVALS
@given(counts=COUNTS, confidence=CONFIDENCES)
def test_an_interval_holds_the_share_and_ends_at_0_or_1_with_it(interval, counts, confidence):
    successes, trials = counts
    low, high = interval(successes, trials, confidence)
    assert 0 <= low <= successes / trials <= high <= 1 and low < high
    assert (low == 0.0) == (successes == 0) and (high == 1.0) == (successes == trials)


@INTERVALS
@given(counts=COUNTS, confidence=CONFIDENCES)
def test_failures_have_the_mirrored_interval(interval, counts, confidence):
    successes, trials = counts
    low, high = interval(successes, trials, confidence)
    mirrored = interval(trials - successes, trials, confidence)
    assert mirrored == pytest.approx((1 - high, 1 - low), abs=1e-12)


@INTERVALS
@given(counts=COUNTS)
def test_both_ends_rise_with_every_success(interval, counts):
    successes, trials = counts
    less, more = interval(successes, trials + 1), interval(successes + 1, trials + 1)
    assert less[0] < more[0] and less[1] < more[1]


@INTERVALS
@given(counts=COUNTS, factor=st.integers(2, 5), confidences=st.tuples(CONFIDENCES, CONFIDENCES))
def test_more_trials_narrow_an_interval_and_more_confidence_widens_it(
    interval, counts, factor, confidences
):
    successes, trials = counts
    lower, higher = sorted(confidences)
    low, high = interval(successes, trials, lower)
    closer = interval(factor * successes, factor * trials, lower)
    assert closer[1] - closer[0] < high - low
    wider = interval(successes, trials, higher)
    assert wider[0] <= low and high <= wider[1]


@given(counts=COUNTS, confidence=CONFIDENCES)
def test_wilsons_interval_is_that_of_scipy(counts, confidence):
    successes, trials = counts
    known = binomtest(successes, trials).proportion_ci(confidence, method="wilson")
    interval = wilson_interval(successes, trials, confidence)
    assert interval == pytest.approx((known.low, known.high), abs=1e-12)


def test_published_values():
    # Newcombe 1998, "Two-sided confidence intervals for the single proportion", table I, method 3.
    for (successes, trials), bounds in {
        (81, 263): (0.2553, 0.3662),
        (15, 148): (0.0624, 0.1605),
        (0, 20): (0.0, 0.1611),
        (1, 29): (0.0061, 0.1718),
    }.items():
        assert wilson_interval(successes, trials) == pytest.approx(bounds, abs=5e-5)


@INTERVALS
@pytest.mark.parametrize(("successes", "trials"), [(-1, 5), (6, 5), (0, 0), (1, -1)])
def test_counts_out_of_bounds_are_refused(interval, successes, trials):
    message = f"expected 0 <= successes <= trials >= 1, got {successes} of {trials}"
    with pytest.raises(ValueError, match=message):
        interval(successes, trials)


def log_mixture_ratio(successes, trials, p, steps=200_000):
    """The martingale of the sequence by brute force: the mixture integrated over its angle."""
    # Beta(1/2, 1/2) is uniform in the angle t, where the proportion is sin(t)**2.
    angles = (np.arange(steps) + 0.5) / steps * math.pi / 2
    shares = np.sin(angles) ** 2
    logs = successes * np.log(shares / p) + (trials - successes) * np.log((1 - shares) / (1 - p))
    top = logs.max()
    return top + math.log(np.exp(logs - top).mean())


@pytest.mark.parametrize(("successes", "trials"), [(1, 1), (0, 7), (3, 7), (81, 263), (990, 1000)])
@pytest.mark.parametrize("confidence", [0.5, 0.95, 0.999])
def test_at_the_ends_of_the_sequence_the_mixture_ratio_is_one_over_alpha(
    successes, trials, confidence
):
    low, high = confidence_sequence(successes, trials, confidence)
    for end in {low, high} - {0.0, 1.0}:
        ratio = log_mixture_ratio(successes, trials, end)
        assert ratio == pytest.approx(-math.log(1 - confidence), abs=1e-3)


@given(counts=COUNTS)
def test_the_sequence_is_wider_than_wilson(counts):
    low, high = confidence_sequence(*counts)
    fixed = wilson_interval(*counts)
    assert high - low > fixed[1] - fixed[0]


@pytest.mark.parametrize("successes", [0, 1, 17, 500_000, 999_999, 1_000_000])
def test_the_sequence_is_sound_for_a_million_trials(successes):
    trials = 1_000_000
    low, high = confidence_sequence(successes, trials)
    share = successes / trials
    assert low <= share <= high
    # Howard et al. 2021: like a boundary of sqrt(p (1 - p) log(n / alpha**2) / n), some 5 sigma.
    sigma = math.sqrt(max(share * (1 - share), 1 / trials) / trials)
    assert 2 * sigma < high - low < 25 * sigma


def miscoverage(interval, p, width=0.12, most=600, runs=300):
    """How often an interval misses the truth if sampling may stop whenever it looks good.

    It stops once the interval is narrow enough, or misses.
    """
    rng = np.random.default_rng(7)
    missed = 0
    for _ in range(runs):
        successes = np.cumsum(rng.random(most) < p)
        for trials in range(1, most + 1):
            low, high = interval(int(successes[trials - 1]), trials)
            if not low <= p <= high:
                missed += 1
                break
            if high - low <= width:
                break
    return missed / runs


@pytest.mark.parametrize("p", [0.02, 0.3, 0.5, 0.9, 0.99])
def test_the_sequence_holds_under_optional_stopping_and_wilson_does_not(p):
    assert miscoverage(confidence_sequence, p) <= 0.05
    assert miscoverage(wilson_interval, p) > 0.1
