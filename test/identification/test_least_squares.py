"""Gauss-Newton by a library, and what clusters do to an interval."""

import numpy as np
import pytest

from dr_grasp.identification.least_squares import (
    Bounded,
    cauchy_weights,
    clustered_covariance,
    fit,
    half_width,
    slopes,
)


def test_a_curve_is_fitted_within_bounds_and_in_silence(capfd):
    times = np.linspace(0.0, 1.0, 50)
    seen = 2.0 * np.exp(-3.0 * times)

    def residual(values):
        return seen - values[0] * np.exp(-values[1] * times)

    free = {"size": Bounded(1.0, 0.0, 10.0, 1.0), "rate": Bounded(1.0, 0.0, 10.0, 1.0)}
    assert fit(free, residual) == pytest.approx([2.0, 3.0], abs=1e-6)
    assert fit(free | {"rate": Bounded(1.0, 0.0, 2.5, 1.0)}, residual)[1] == pytest.approx(2.5)
    assert capfd.readouterr() == ("", "")


def test_a_robust_loss_leaves_out_what_is_far_off():
    seen = np.append(np.full(20, 1.0), [50.0, 60.0, 70.0])

    def residual(values):
        return seen - values[0]

    number = {"level": Bounded(2.0, -100.0, 100.0, 1.0)}
    assert fit(number, residual)[0] == pytest.approx(seen.mean())
    robust = fit(number, residual, loss="cauchy", loss_scale=0.1)
    assert robust[0] == pytest.approx(1.0, abs=1e-2)
    np.testing.assert_allclose(cauchy_weights(np.array([0.0, 0.1, 1.0]), 0.1), [1, 1 / 2, 1 / 101])


def test_slopes_are_derivatives():
    found = slopes(np.array([2.0, 3.0]), (1.0, 1.0), lambda v: np.array([v[0] ** 2, v[0] * v[1]]))
    np.testing.assert_allclose(found, [[4, 0], [3, 2]], rtol=1e-9)


def test_what_is_repeated_is_known_no_better():
    # Of a mean, the clustered variance is that of the clusters' means.
    rng = np.random.default_rng(1)
    means = rng.normal(size=8)
    means -= means.mean()
    residuals = np.repeat(means, 5)
    ones = np.ones_like(residuals)
    found, count = clustered_covariance(
        -ones[:, None], residuals, ones, np.repeat(range(8), 5).tolist()
    )
    assert count == 8
    assert found[0, 0] == pytest.approx(means.var(ddof=1) / 8)
    each, _ = clustered_covariance(-ones[:, None], residuals, ones, range(40))
    assert each[0, 0] < found[0, 0] / 4


def test_half_of_an_interval_is_students():
    # t of 4 at 95 % is 2.1318; of 1, 6.3138.
    assert half_width(2.0, 5) == pytest.approx(2 * 2.1318, rel=1e-4)
    assert half_width(1.0, 1) == half_width(1.0, 2) == pytest.approx(6.3138, rel=1e-4)
