"""Posterior of a few numbers from linear measurements, some of which are wrong.

The prior says how large the numbers usually are, but a laboratory may be worse than usual; and the
measurements have an error of their own that nobody knows. Both scales are unknown, and the
posterior is a mixture over a grid of them, weighted by how well each explains the measurements.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product

import numpy as np

from dr_grasp.core.arrays import FloatArray

PRIOR_SCALES = (1.0, 2.0, 4.0, 8.0)
"""How many times larger than usual the numbers may be; twice as large is half as likely."""

ERROR_SCALES_M = (0.05e-3, 0.1e-3, 0.2e-3, 0.4e-3, 0.8e-3, 1.6e-3, 3.2e-3)
"""Errors of measurements beside those that are known [m]: of the simulator's idea of a grasp."""

FREEDOM = 4
"""Degrees of freedom of Student's t by which measurements err: a few are far off."""

_ROUNDS = 10


@dataclass(frozen=True, slots=True, eq=False)
class Measurements:
    """Linear measurements of k numbers.

    Attributes:
        slopes: Shape (m, k), what a measurement changes by for each number.
        values: Shape (m,), the measurements [m].
        variances: Shape (m,), their variances as far as known [m^2].
    """

    slopes: FloatArray
    values: FloatArray
    variances: FloatArray


def posterior(found: Measurements, prior_std: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Mean, shape (k,), and covariance, shape (k, k), of the numbers.

    Args:
        found: The measurements.
        prior_std: Shape (k,), usual standard deviation of each number about 0.
    """
    weights = np.ones(len(found.values))
    for _ in range(_ROUNDS):
        mean, covariance, error = _mixture(found, prior_std, weights)
        left = found.values - found.slopes @ mean
        # What is unknown of the numbers is no fault of a measurement: so it counts as error, too.
        squares = left**2 + np.einsum("ij,jk,ik->i", found.slopes, covariance, found.slopes)
        weights = (FREEDOM + 1.0) / (FREEDOM + squares / (found.variances + error**2))
    return mean, covariance


def _mixture(
    found: Measurements, prior_std: FloatArray, weights: FloatArray
) -> tuple[FloatArray, FloatArray, float]:
    """Mean and covariance of the mixture, and the root mean square of the errors' scale [m]."""
    logs, means, covariances = [], [], []
    grid = list(product(PRIOR_SCALES, ERROR_SCALES_M))
    for scale, error in grid:
        prior = (scale * prior_std) ** 2
        noise = (found.variances + error**2) / weights
        weighted = found.slopes.T / noise
        covariance = np.linalg.inv(np.diag(1.0 / prior) + weighted @ found.slopes)
        expected = (found.slopes * prior) @ found.slopes.T + np.diag(noise)
        surprise = found.values @ np.linalg.solve(expected, found.values)
        size = np.linalg.slogdet(expected).logabsdet
        logs.append(-0.5 * (surprise + size) - np.log(scale))
        means.append(covariance @ (weighted @ found.values))
        covariances.append(covariance)
    shares = np.exp(np.array(logs) - max(logs))
    shares /= shares.sum()
    mean = np.einsum("g,gk->k", shares, means)
    apart = np.array(means) - mean
    covariance = np.einsum("g,gjk->jk", shares, covariances)
    covariance += np.einsum("g,gj,gk->jk", shares, apart, apart)
    return mean, covariance, float(np.sqrt(shares @ np.array([error for _, error in grid]) ** 2))
