"""From what is known of some objects to the range that others of the laboratory come from."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from scipy.stats import norm
from scipy.stats import t as student

from dr_grasp.core.arrays import FloatArray, frozen

OLD_COUNTS_FOR_MEAN = 0.5
"""Number of objects that the old range counts as where the mean is estimated. Three objects of one
laboratory tell more about where its values are than a range that was typed for any laboratory."""

OLD_COUNTS_FOR_SPREAD = 4.0
"""The same where the spread is estimated: three objects tell little about a spread (the 90 %
interval of a standard deviation from three values spans a factor of 8)."""

NINETY = 1.6449
"""Half of a 90 % interval of a normal distribution, in standard deviations."""

GRID = 81
"""Number of values of the mean and of the standard deviation that are weighed."""

WIDEST = 4.0
"""The grid reaches this many old standard deviations about the old mean and the items."""


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
        std: Standard deviation of a normal distribution whose 90 % interval is as wide as `others`.
        others: 90 % interval of the value of an object that was not tried.
        found: 90 % interval of the population's mean; or of its spread, if the mean is known.
    """

    mean: float
    std: float
    others: tuple[float, float]
    found: tuple[float, float]


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
        np.linspace(min(reach) - WIDEST * old_std, max(reach) + WIDEST * old_std, 2 * GRID)
    )
    weights, stds = _weights(known, means, old_mean, old_std)
    over_means = weights.sum(axis=1)
    mean = float(over_means @ means)
    others = _interval_of_others(means, stds, weights)
    return Population(
        mean,
        (others[1] - others[0]) / (2 * NINETY),
        others,
        _interval(means, np.cumsum(over_means)),
    )


def spread_of(items: list[Item], old_std: float) -> Population:
    """Estimate the spread of values whose mean is 0; the interval is that of the spread."""
    known = [item for item in items if math.isfinite(item.std)]
    weights, stds = _weights(known, frozen([0.0]), 0.0, old_std)
    others = _interval_of_others(frozen([0.0]), stds, weights)
    # The square root of the mean variance would hang on how long the prior's tail is.
    return Population(0.0, others[1] / NINETY, others, _interval(stds, np.cumsum(weights[0])))


def _weights(
    items: list[Item], means: FloatArray, old_mean: float, old_std: float
) -> tuple[FloatArray, FloatArray]:
    """Probability of each mean and standard deviation, shape (means, stds); and these stds.

    Of one mean alone, it is known.

    Standard deviations are equally spaced in their logarithm, and so is their prior.
    """
    stds = frozen(old_std * np.geomspace(0.1, 10.0, GRID))
    m, s = means[:, None], stds[None, :]
    # Scaled inverse chi-square, such that about a known mean, and without items, the 90 % interval
    # of others is that of the old range.
    degrees = OLD_COUNTS_FOR_SPREAD
    scale = old_std * NINETY / student.ppf(0.95, degrees)
    logs = -degrees * (np.log(s) + scale**2 / (2 * s**2))
    if len(means) > 1:
        logs = logs + norm.logpdf(m, old_mean, s / math.sqrt(OLD_COUNTS_FOR_MEAN))
    for item in items:
        logs = logs + norm.logpdf(item.value, m, np.sqrt(s**2 + item.std**2))
    weights = np.exp(logs - logs.max())
    return weights / weights.sum(), stds


def _interval_of_others(
    means: FloatArray, stds: FloatArray, weights: FloatArray
) -> tuple[float, float]:
    """The 90 % interval of values of which each mean and standard deviation has a weight."""
    reach = 2 * float(weights.sum(axis=0) @ stds)
    values = frozen(np.linspace(means.min() - reach, means.max() + reach, GRID))
    below = [float((weights * norm.cdf((value - means[:, None]) / stds)).sum()) for value in values]
    return _interval(values, frozen(below))


def _interval(values: FloatArray, below: FloatArray) -> tuple[float, float]:
    """The values below which 5 % and 95 % lie."""
    low, high = np.interp([0.05, 0.95], below, values)
    return float(low), float(high)
