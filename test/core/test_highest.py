import numpy as np
import pytest

from dr_grasp.core import highest
from dr_grasp.core.confidence import confidence_sequence
from dr_grasp.core.highest import fitted_prior, inclusion, most_missed, shortfall


@pytest.mark.parametrize(("a", "b"), [(2.0, 2.0), (8.0, 1.5), (0.4, 0.6)])
def test_the_prior_of_a_batch_is_found(a, b):
    rng = np.random.default_rng(0)
    trials = rng.choice([5, 10, 20], 5000)
    successes = rng.binomial(trials, rng.beta(a, b, 5000))
    assert fitted_prior(successes, trials) == pytest.approx((a, b), rel=0.15)


def test_a_few_that_all_succeed_do_not_make_certain():
    a, b = fitted_prior(np.array([5, 5, 5]), np.array([5, 5, 5]))
    assert 0.6 < a / (a + b) < 0.97
    assert all(0.04 < one < 51 for one in fitted_prior(np.zeros(9000), np.full(9000, 100)))


def test_what_is_said_of_inclusion_is_so_on_average(monkeypatch):
    """Of grasps said to be among the best ten with a probability of x, a share of x is."""
    monkeypatch.setattr(highest, "DRAWS", 500)
    rng = np.random.default_rng(1)
    said, true = [], []
    for _ in range(30):
        shares = rng.beta(6.0, 1.5, 150)
        trials = rng.choice([5, 40, 100], 150)
        successes = rng.binomial(trials, shares)
        said.append(inclusion(successes, trials, 10, rng))
        best = np.zeros(150)
        best[np.argsort(shares)[-10:]] = 1
        true.append(best)
    said, true = np.concatenate(said), np.concatenate(true)
    for low, high in ((0.0, 0.02), (0.02, 0.1), (0.1, 0.3), (0.3, 0.6)):
        these = (said >= low) & (said < high)
        assert true[these].mean() == pytest.approx(said[these].mean(), abs=0.02 + 0.1 * high)


def test_inclusion_adds_up_and_is_the_same_for_the_same_counts():
    successes, trials = np.array([5, 5, 4, 0, 50]), np.array([5, 5, 5, 0, 100])
    found = inclusion(successes, trials, 2, np.random.default_rng(0))
    assert found.sum() == pytest.approx(2)
    assert found[0] == found[1] > found[2] > found[4]
    assert inclusion(successes[:2], trials[:2], 3, np.random.default_rng(0)).tolist() == [1, 1]


def test_many_equal_grasps_are_not_dropped_for_nothing(monkeypatch):
    """Each is drawn next to never, but one of them it must be."""
    monkeypatch.setattr(highest, "DRAWS", 200)
    found = inclusion(np.full(5000, 5), np.full(5000, 5), 10, np.random.default_rng(0))
    assert found == pytest.approx(np.full(5000, 10 / 5000))


def test_the_most_that_is_missed_is_between_the_ends_of_the_intervals():
    successes, trials = np.array([90, 80, 20]), np.array([100, 100, 40])
    chosen = np.array([True, True, False])
    each = 1 - 0.05 / 3
    low, high = confidence_sequence(80, 100, each)[0], confidence_sequence(20, 40, each)[1]
    assert most_missed(successes, trials, chosen) == pytest.approx(max(0, high - low))
    assert most_missed(np.array([500, 0]), np.array([500, 500]), np.array([True, False])) == 0.0


def test_the_shortfall_is_what_another_choice_would_gain():
    rng = np.random.default_rng(0)
    trials = np.full(6, 4000)
    successes = np.array([3600, 3200, 2400, 2400, 800, 400])
    best, worse = np.array([1, 1, 0, 0, 0, 0], bool), np.array([1, 0, 0, 0, 1, 0], bool)
    assert shortfall(successes, trials, best, rng) == pytest.approx(0.0, abs=1e-3)
    assert shortfall(successes, trials, worse, rng) == pytest.approx(0.3, abs=0.01)
    # All of them, or none, leave nothing to gain.
    assert shortfall(successes, trials, np.ones(6, bool), rng) == 0.0
    assert shortfall(successes, trials, np.zeros(6, bool), rng) == 0.0
