"""A posterior from linear measurements, against least squares and against what it claims."""

import numpy as np
import pytest

from dr_grasp.identification.linear_posterior import Measurements, posterior

USUAL = np.full(4, 3e-3)


def measured(rng, numbers, count, error_m, wrong=0.0):
    slopes = rng.uniform(-1.0, 1.0, (count, len(numbers)))
    values = slopes @ numbers + rng.normal(0.0, error_m, count)
    values += (rng.random(count) < wrong) * rng.normal(0.0, 20e-3, count)
    return Measurements(slopes, values, np.full(count, 1e-8))


def test_exact_measurements_leave_nothing_open():
    rng = np.random.default_rng(0)
    numbers = rng.normal(0.0, USUAL)
    mean, covariance = posterior(measured(rng, numbers, 30, 0.0), USUAL)
    np.testing.assert_allclose(mean, numbers, atol=5e-5)
    assert np.sqrt(np.diag(covariance)).max() < 1e-4


def test_what_no_measurement_shows_stays_as_it_was():
    rng = np.random.default_rng(1)
    numbers = rng.normal(0.0, USUAL)
    found = measured(rng, numbers, 30, 0.1e-3)
    unseen = found.slopes * [1, 1, 1, 0]
    mean, covariance = posterior(Measurements(unseen, found.values, found.variances), USUAL)
    assert mean[3] == pytest.approx(0.0, abs=1e-12)
    # At least what is usual; more if the others turn out larger than usual.
    assert np.sqrt(covariance[3, 3]) >= USUAL[3]


@pytest.mark.parametrize("scale", [1.0, 4.0])
def test_the_posterior_errs_as_much_as_it_says(scale):
    rng, distances, inside = np.random.default_rng(2), [], []
    for _ in range(60):
        numbers = rng.normal(0.0, scale * USUAL)
        mean, covariance = posterior(measured(rng, numbers, 15, 0.4e-3, wrong=0.1), USUAL)
        off = numbers - mean
        distances.append(off @ np.linalg.solve(covariance, off))
        inside.append(np.abs(off) < 1.645 * np.sqrt(np.diag(covariance)))
    # Chi-square of 4 has a mean of 4; of 60, it is known to 0.4. Of 240, 0.9 is known to 0.02.
    assert 2.5 < np.mean(distances) < 5.5
    assert 0.84 < np.mean(inside) < 0.97


def test_a_few_wrong_measurements_change_little():
    rng = np.random.default_rng(3)
    numbers = rng.normal(0.0, USUAL)
    found = measured(rng, numbers, 20, 0.1e-3)
    wrong = found.values.copy()
    wrong[[3, 11]] += 30e-3
    mean, _ = posterior(Measurements(found.slopes, wrong, found.variances), USUAL)
    np.testing.assert_allclose(mean, numbers, atol=3e-4)
