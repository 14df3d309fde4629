"""The sequential test: how often it errs, and what it costs."""

import numpy as np
import pytest

from dr_grasp.core.adr import Thresholds
from dr_grasp.margins.sequential import is_borne

RATES = Thresholds()


def decide(outcomes, thresholds=RATES):
    return is_borne(lambda trial: outcomes[trial], thresholds)


def test_what_is_clear_is_decided_soon():
    assert decide([True] * 20) == (True, 5, 5)
    assert decide([False] * 20) == (False, 0, 3)
    assert decide([True, False] * 10)[0] is False


def test_a_success_more_never_makes_it_worse():
    rng = np.random.default_rng(0)
    for _ in range(200):
        outcomes = (rng.uniform(size=20) < rng.uniform()).tolist()
        better = [*outcomes]
        better[int(rng.integers(20))] = True
        assert decide(better)[0] >= decide(outcomes)[0]


def test_the_last_trial_decides_by_which_rate_is_likelier():
    few = Thresholds(0.8, 0.5, 3)
    assert decide([True, True, False], few) == (True, 2, 3)
    assert decide([True, False, False], few) == (False, 1, 3)


@pytest.mark.parametrize(
    ("rate", "expected"), [(0.3, 0.004), (0.5, 0.094), (0.8, 0.896), (0.9, 0.993)]
)
def test_the_error_rates_are_those_that_are_promised(rate, expected):
    rng = np.random.default_rng(1)
    found = [decide((rng.uniform(size=20) < rate).tolist()) for _ in range(4000)]
    error = 3 * np.sqrt(expected * (1 - expected) / 4000)
    assert np.mean([borne for borne, _, _ in found]) == pytest.approx(expected, abs=error + 5e-4)
    assert np.mean([trials for _, _, trials in found]) < 12
    assert max(trials for _, _, trials in found) <= RATES.trials
