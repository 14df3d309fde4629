"""The posterior is that of textbooks where there is one, and that of a grid elsewhere."""

import numpy as np
import pytest
from scipy.special import expit

from dr_grasp.identification.likelihood import Terms
from dr_grasp.identification.posterior import posterior_of


def normal_terms(design, error_std, observed):
    """Observations that are linear in z, with a normal error."""
    return Terms(
        precision=design.T @ design / error_std**2,
        shift=design.T @ observed / error_std**2,
        constant=float(observed @ observed) / error_std**2,
        count=len(observed),
        rows=np.zeros((0, design.shape[1])),
        offsets=np.zeros(0),
        held=np.zeros(0, dtype=bool),
        weights=np.zeros(0),
    )


def test_normal_observations_give_the_conjugate_posterior():
    rng = np.random.default_rng(0)
    design, truth = rng.normal(size=(400, 3)), np.array([1.0, -0.5, 0.2])
    observed = design @ truth + 0.3 * rng.normal(size=400)

    found = posterior_of(normal_terms(design, 0.3, observed), np.zeros(3), np.eye(3))

    covariance = np.linalg.inv(design.T @ design / 0.09 + np.eye(3))
    mean = covariance @ design.T @ observed / 0.09
    np.testing.assert_allclose(found.mean, mean, atol=1e-6)
    np.testing.assert_allclose(found.covariance, covariance, rtol=1e-3)
    assert found.scale == pytest.approx(1.0, abs=1e-3)


def test_errors_larger_than_expected_widen_the_posterior_by_as_much():
    rng = np.random.default_rng(1)
    design = rng.normal(size=(200, 2))
    observed = design @ [0.5, 0.5] + 2.0 * rng.normal(size=200)

    found = posterior_of(normal_terms(design, 1.0, observed), np.zeros(2), np.eye(2))

    assert found.scale == pytest.approx(4.0, rel=0.1)
    wide = np.linalg.inv(design.T @ design / 4 + np.eye(2))
    np.testing.assert_allclose(found.covariance, wide, rtol=0.1)


def test_what_held_gives_the_posterior_of_a_grid():
    rows = np.array([[1.0], [1.0], [1.0], [2.0]])
    offsets, held = np.array([0.0, 0.5, -1.0, 0.3]), np.array([True, True, False, True])
    weights = np.array([1.0, 0.5, 1.0, 1.0])
    terms = Terms(np.zeros((1, 1)), np.zeros(1), 0.0, 0, rows, offsets, held, weights)

    found = posterior_of(terms, np.zeros(1), np.eye(1))

    grid = np.linspace(-6, 6, 4001)
    chances = expit(rows @ grid[None] + offsets[:, None])
    density = np.exp(-(grid**2) / 2) * np.prod(
        np.where(held[:, None], chances, 1 - chances) ** weights[:, None], axis=0
    )
    density /= density.sum()
    mean = density @ grid
    std = np.sqrt(density @ (grid - mean) ** 2)
    assert found.mean[0] == pytest.approx(mean, abs=0.1 * std)
    assert np.sqrt(found.covariance[0, 0]) == pytest.approx(std, rel=0.05)
    middle = grid[np.searchsorted(np.cumsum(density), 0.3)]
    assert found.cumulative(np.array([middle]))[0] == pytest.approx(0.3, abs=0.04)


def test_a_likelihood_of_power_0_leaves_the_prior():
    rng = np.random.default_rng(2)
    design = rng.normal(size=(20, 2))
    terms = normal_terms(design, 0.1, design @ [3.0, -3.0])

    found = posterior_of(terms, np.array([0.2, 0.1]), np.diag([1.0, 4.0]), power=0.0)

    np.testing.assert_allclose(found.mean, [0.2, 0.1], atol=1e-9)
    np.testing.assert_allclose(found.covariance, np.diag([1.0, 4.0]))


def test_the_density_is_that_of_what_is_drawn():
    design = np.array([[1.0, 0.0], [0.5, 1.0]])
    found = posterior_of(normal_terms(design, 0.5, np.array([1.0, 0.0])), np.zeros(2), np.eye(2))

    drawn = found.draw(20000, np.random.default_rng(3))

    np.testing.assert_allclose(drawn.mean(axis=0), found.mean, atol=0.02)
    np.testing.assert_allclose(np.cov(drawn.T), found.covariance, atol=0.02)
    below = (drawn < found.mean).mean(axis=0)
    np.testing.assert_allclose(below, found.cumulative(found.mean), atol=0.015)
