import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import beta, binom, binomtest

from dr_grasp.core.confidence import confidence_sequence, narrowed_interval, wilson_interval
from dr_grasp.scoring.tally import BLOCK_TRIALS

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


@given(counts=COUNTS)
def test_the_narrowed_interval_is_a_little_wider_than_clopper_and_pearsons(counts):
    successes, trials = counts
    exact = binomtest(successes, trials).proportion_ci(0.95, method="exact")
    low, high = narrowed_interval(successes, trials)
    assert low <= exact.low + 1e-12 and exact.high - 1e-12 <= high
    assert (low == 0.0) == (successes == 0) and (high == 1.0) == (successes == trials)
    assert narrowed_interval(trials - successes, trials) == pytest.approx((1 - high, 1 - low))


def test_values_of_the_narrowed_interval():
    expected = (beta.ppf(0.025, 3, 8.75), beta.ppf(0.975, 4.75, 7))
    assert narrowed_interval(3, 10) == pytest.approx(expected, abs=1e-9)
    # With only added trials against it: P(X > high) = 0.025 for Beta(1.75, 1), whose CDF is x^1.75.
    assert narrowed_interval(0, 1) == pytest.approx((0.0, 0.975 ** (1 / 1.75)))


@pytest.mark.parametrize("trials", [5, 40, 355])
def test_the_narrowed_interval_is_widest_in_the_middle(trials):
    """So what goes on is always a range of successes, and the exact count below counts all."""
    widths = [np.diff(narrowed_interval(k, trials))[0] for k in range(trials // 2 + 1)]
    assert (np.diff(widths) > 0).all()


def ends_of_sampling(interval, width, most):
    """Trials, successes, interval and number of orders (times 2**-trials), of each end.

    Path by path: an order of outcomes that comes to s of n comes from s or s - 1 of n - 1.
    """
    going, ends = {0: 1.0}, []
    for trials in range(1, most + 1):
        orders = {}
        for successes, number in going.items():
            for more in (0, 1):
                orders[successes + more] = orders.get(successes + more, 0.0) + number / 2
        going = orders
        if trials % BLOCK_TRIALS == 0 or trials == most:
            for successes in list(going):
                low, high = interval(successes, trials)
                if high - low <= width or trials == most:
                    ends.append((trials, successes, low, high, going.pop(successes)))
        if not going:
            break
    return np.array(ends).T


def coverage(interval, width, most, shares):
    trials, successes, low, high, orders = ends_of_sampling(interval, width, most)
    never_before = orders / binom.pmf(successes, trials, 0.5)
    shares = np.asarray(shares)[:, None]
    probability = never_before * binom.pmf(successes, trials, shares)
    assert probability.sum(axis=1) == pytest.approx(1.0, abs=1e-9)
    return (probability * ((low <= shares) & (shares <= high))).sum(axis=1)


# With as many trials as it takes, and with fewer: as many as --trials allows.
RULES = [(width, 10**6) for width in (0.9, 0.5, 0.3467, 0.2743, 0.2, 0.1585, 0.1, 0.0985)]
RULES += [(width, most) for width in (0.3, 0.15) for most in (1, 2, 7, 23, 40, 58, 110)]


@pytest.mark.parametrize(("width", "most"), RULES)
def test_the_narrowed_interval_holds_in_95_percent_when_sampling_stops_by_its_width(width, most):
    *_, low, high, _ = ends_of_sampling(narrowed_interval, width, most)
    # The coverage jumps at the ends of the intervals; a fine grid shows what is between them.
    ends = np.unique([low, high])
    shares = np.concatenate([ends - 1e-12, ends + 1e-12, np.linspace(0, 1, 1001)])
    shares = shares[(shares >= 0) & (shares <= 1)]
    assert coverage(narrowed_interval, width, most, shares).min() >= 0.95


def test_wilsons_interval_misses_too_often_under_that_rule():
    shares = np.linspace(0.001, 0.5, 1000)
    missed = 1 - coverage(wilson_interval, 0.1, 10**6, shares)
    usual = missed[shares >= 0.02]
    assert 0.045 < usual.mean() < 0.05 and 0.01 < usual.min() < 0.02 and 0.07 < usual.max() < 0.08
    assert missed.max() > 0.09
