"""Posterior of a few numbers from linear measurements, some of which are wrong.

The prior says how large the numbers usually are, but a laboratory may be worse than usual; and the
measurements have an error of their own that nobody knows. Both scales are unknown, and the
posterior is a mixture over a grid of them, weighted by how well each explains the measurements.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import stats

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
    logs, means, covariances = [], [], []
    for scale in PRIOR_SCALES:
        prior = (scale * prior_std) ** 2
        mean: FloatArray = np.zeros(len(prior))
        # From large errors to small ones: among small ones, wrong measurements are far off.
        for error in sorted(ERROR_SCALES_M, reverse=True):
            variances = found.variances + error**2
            for _ in range(_ROUNDS):
                squares = (found.values - found.slopes @ mean) ** 2 / variances
                weighted = found.slopes.T * (FREEDOM + 1.0) / (FREEDOM + squares) / variances
                precision = np.diag(1.0 / prior) + weighted @ found.slopes
                mean = np.asarray(np.linalg.solve(precision, weighted @ found.values), np.float64)
            left = found.values - found.slopes @ mean
            fits = stats.t.logpdf(left, FREEDOM, scale=np.sqrt(variances)).sum()
            usual = stats.norm.logpdf(mean, scale=np.sqrt(prior)).sum()
            # The evidence by Laplace's method.
            logs.append(fits + usual - np.linalg.slogdet(precision)[1] / 2.0 - np.log(scale))
            means.append(mean)
            covariances.append(_covariance(precision, 1.0 / prior, len(left)))
    shares = np.exp(np.array(logs) - max(logs))
    shares /= shares.sum()
    mean = shares @ np.array(means)
    apart = np.array(means) - mean
    covariance = np.einsum("g,gjk->jk", shares, covariances)
    covariance += np.einsum("g,gj,gk->jk", shares, apart, apart)
    return mean, covariance


def _covariance(precision: FloatArray, prior: FloatArray, count: int) -> FloatArray:
    """Covariance, shape (k, k), from a precision in which the prior's, shape (k,), is contained.

    Measurements that numbers were fitted to are nearer to them than they err. As in least squares,
    the remedy is to divide by the number of measurements less that of fitted numbers; a number that
    no measurement shows is not fitted.
    """
    shown = len(prior) - float(np.trace(np.linalg.inv(precision) * prior))
    told = precision - np.diag(prior)
    return np.asarray(np.linalg.inv(np.diag(prior) + told * max(0.0, 1.0 - shown / count)))
