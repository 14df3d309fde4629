"""From what is known of some objects to the range that others of the laboratory come from."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from scipy.stats import norm

from dr_grasp.core.arrays import FloatArray, frozen

OLD_COUNTS_FOR_MEAN = 0.5
"""Number of objects that the old range counts as where the mean is estimated. Three objects of one
laboratory tell more about where its values are than a range that was typed for any laboratory."""

OLD_COUNTS_FOR_SPREAD = 4.0
"""The same where the spread is estimated: three objects tell little about a spread (the 90 %
interval of a standard deviation from three values spans a factor of 8)."""

GRID = 81
"""Number of values of the mean and of the standard deviation that are weighed."""

WIDEST = 5.0
"""The grid reaches this many old standard deviations about the old mean, or about the items."""


@dataclass(frozen=True, slots=True)
class Item:
    """What the attempts with one object say about it, without what was believed before.

    Attributes:
        value: The value that explains the attempts best.
        std: Standard deviation of its error; infinite if they say nothing.
    """

    value: float
    std: float

    @classmethod
    def from_posterior(cls, mean: float, std: float, prior_mean: float, prior_std: float) -> Item:
        """Take the prior out of a normal posterior."""
        gained = 1 / std**2 - 1 / prior_std**2
        if gained <= 1e-6 / prior_std**2:
            return cls(prior_mean, math.inf)
        value = (mean / std**2 - prior_mean / prior_std**2) / gained
        return cls(value, 1 / math.sqrt(gained))


@dataclass(frozen=True, slots=True)
class Population:
    """What is known of the values of all objects of a laboratory.

    Attributes:
        mean: Mean of the value of an object that was not tried.
        std: Its standard deviation, with all that is not known about the population.
        low: Lower end of the 90 % interval of the population's mean (or of its spread, if the mean
            is known).
        high: Upper end of it.
    """

    mean: float
    std: float
    low: float
    high: float


def population_of(items: list[Item], old_mean: float, old_std: float) -> Population:
    """Estimate the population from some of its objects and from the old range.

    The value of an object is normal about the population's mean. The conjugate prior of mean and
    spread (normal, and scaled inverse chi-square) has the old range as a number of objects.

    Args:
        items: What is known of each object.
        old_mean: Mean of the old range.
        old_std: Its standard deviation, above 0.
    """
    known = [item for item in items if math.isfinite(item.std)]
    reach = [old_mean, *(item.value for item in known)]
    means = frozen(
        np.linspace(min(reach) - WIDEST * old_std, max(reach) + WIDEST * old_std, 4 * GRID)
    )
    weights, stds = _weights(known, means, old_mean, old_std)
    over_means = weights.sum(axis=1)
    mean = float(over_means @ means)
    variance = float((weights @ stds**2).sum() + over_means @ (means - mean) ** 2)
    low, high = _quantiles(means, over_means)
    return Population(mean, math.sqrt(variance), low, high)


def spread_of(items: list[Item], old_std: float) -> Population:
    """Estimate the spread of values whose mean is 0; the interval is that of the spread."""
    known = [item for item in items if math.isfinite(item.std)]
    weights, stds = _weights(known, frozen([0.0]), 0.0, old_std)
    low, high = _quantiles(stds, weights[0])
    return Population(0.0, math.sqrt(float(weights[0] @ stds**2)), low, high)


def _weights(
    items: list[Item], means: FloatArray, old_mean: float, old_std: float
) -> tuple[FloatArray, FloatArray]:
    """Probability of each mean and standard deviation, shape (means, stds); and these stds.

    Standard deviations are equally spaced in their logarithm, and so is their prior.
    """
    stds = frozen(old_std * np.geomspace(0.1, 10.0, GRID))
    m, s = means[:, None], stds[None, :]
    logs = -OLD_COUNTS_FOR_SPREAD * (np.log(s / old_std) + old_std**2 / (2 * s**2))
    logs = logs + norm.logpdf(m, old_mean, s / math.sqrt(OLD_COUNTS_FOR_MEAN))
    for item in items:
        logs = logs + norm.logpdf(item.value, m, np.sqrt(s**2 + item.std**2))
    weights = np.exp(logs - logs.max())
    return weights / weights.sum(), stds


def _quantiles(values: FloatArray, weights: FloatArray) -> tuple[float, float]:
    below = np.cumsum(weights)
    low, high = np.interp([0.05, 0.95], below, values)
    return float(low), float(high)
