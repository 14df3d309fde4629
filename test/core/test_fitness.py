import pytest
from scipy.stats import binomtest

from dr_grasp.core.fitness import Fitness, GraspScore, wilson_interval
from dr_grasp.core.outcome import Outcome
from dr_grasp.core.perturbation import Criterion

COUNTS = [(k, n) for n in (1, 2, 5, 50, 200) for k in {0, 1, n // 3, n // 2, n - 1, n} if k <= n]


@pytest.mark.parametrize(("successes", "trials"), COUNTS)
def test_fitness_lies_in_its_interval_within_the_unit_interval(successes, trials):
    fitness = Fitness(Criterion.OSDR, successes, trials)
    low, high = fitness.interval
    assert 0 <= low <= fitness.value <= high <= 1
    assert low < high


@pytest.mark.parametrize(("successes", "trials"), COUNTS)
@pytest.mark.parametrize("confidence", [0.5, 0.95, 0.99])
def test_interval_is_that_of_scipy(successes, trials, confidence):
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


def test_interval_narrows_with_more_trials():
    widths = [high - low for low, high in (wilson_interval(n // 2, n) for n in (2, 10, 50, 1000))]
    assert widths == sorted(widths, reverse=True) and len(set(widths)) == 4


@pytest.mark.parametrize("trials", [1, 3, 7, 49, 200])
def test_ends_are_exact(trials):
    assert wilson_interval(0, trials)[0] == 0.0
    assert wilson_interval(trials, trials)[1] == 1.0


@pytest.mark.parametrize(("successes", "trials"), [(-1, 5), (6, 5), (0, 0), (1, -1)])
def test_counts_out_of_bounds_are_refused(successes, trials):
    message = f"expected 0 <= successes <= trials >= 1, got {successes} of {trials}"
    with pytest.raises(ValueError, match=message):
        Fitness(Criterion.MDR, successes, trials)


def test_nominal_success_is_the_nominal_outcome():
    assert GraspScore("g", Outcome.SUCCESS, {}).nominal_success
    assert not GraspScore("g", Outcome.MISSED, {}).nominal_success
