"""SimOpt's update, and the discrepancy by which it goes."""

import numpy as np
import pytest

from dr_grasp.identification.outcomes import Outcomes
from dr_grasp.identification.simopt import LARGEST_STEP, MISMATCH, discrepancy, updated


def divergence(mean, covariance, old_mean, old_covariance):
    """Kullback-Leibler divergence of two normal distributions, as in textbooks."""
    inverse, away = np.linalg.inv(old_covariance), mean - old_mean
    logs = np.linalg.slogdet(old_covariance)[1] - np.linalg.slogdet(covariance)[1]
    return (np.trace(inverse @ covariance) + away @ inverse @ away - len(mean) + logs) / 2


def test_discrepancy_is_the_sum_of_l1_and_l2_and_of_mismatches():
    held = np.array([[True], [True]])
    features = np.zeros((2, 1, 7))
    features[1] = np.nan
    simulated = np.zeros((2, 2, 7))
    simulated[0, 0, :2] = 0.5, -1.0
    simulated[0, 1] = np.nan

    cost = discrepancy(
        Outcomes(held, features), Outcomes(np.array([[True, False], [True, True]]), simulated)
    )

    assert cost[0] == pytest.approx([1.5 / 7 + 1.25 / 7, MISMATCH])
    assert cost[1] == pytest.approx([0.0, 0.0])  # what is unknown costs nothing


def test_the_distribution_moves_to_the_better_worlds_within_the_bound():
    rng = np.random.default_rng(0)
    mean, covariance = np.array([1.0, -1.0, 0.0]), np.diag([1.0, 0.25, 4.0])
    best = np.array([2.0, -2.0, 3.0])
    away = np.linalg.norm((best - mean) / np.sqrt(np.diag(covariance)))
    for _ in range(12):
        worlds = rng.multivariate_normal(mean, covariance, 14)
        costs = ((worlds - best) ** 2).sum(axis=1)
        old = mean, covariance
        mean, covariance = updated(mean, covariance, worlds, costs)
        assert divergence(mean, covariance, *old) <= LARGEST_STEP + 1e-9
        assert np.linalg.eigvalsh(covariance).min() > 0
    assert np.linalg.norm((mean - best) / [1.0, 0.5, 2.0]) < 0.3 * away


def test_the_update_depends_on_its_arguments_alone():
    worlds = np.random.default_rng(0).normal(size=(12, 3))
    costs = (worlds**2).sum(axis=1)

    np.random.seed(7)  # noqa: NPY002 - the global generator must neither matter nor change
    before = np.random.get_state()[1].tolist()  # noqa: NPY002
    first, second = (updated(np.zeros(3), np.eye(3), worlds, costs) for _ in range(2))
    assert np.random.get_state()[1].tolist() == before  # noqa: NPY002

    np.testing.assert_array_equal(first[0], second[0])
    np.testing.assert_array_equal(first[1], second[1])
