"""Estimates which of many grasps are the fittest, from their counts of successes.

The posterior of a grasp's fitness after s successes of n trials is Beta(s + a, n - s + b). The
prior Beta(a, b) is fitted to the batch itself (empirical Bayes, by maximum likelihood). With an
uninformative prior, such as Beta(1/2, 1/2), five successes of five, which many fair grasps have by
luck, would count for much more than four of five of an excellent grasp.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.optimize import minimize
from scipy.special import betaln

from dr_grasp.core.confidence import confidence_sequence

DRAWS = 2000
"""Joint draws from the posterior: enough, since grasps with equal counts share their results."""

NUMBERS_AT_ONCE = 2_000_000
"""Numbers that are drawn at once: 16 MB."""

Array = npt.NDArray[Any]


def fitted_prior(successes: Array, trials: Array) -> tuple[float, float]:
    """Fit the prior Beta(a, b) of fitness under which the counts of a batch are most likely.

    The successes of a grasp are then beta-binomial. Two grasps with one trial each, a success and a
    failure, are added to the batch, so that a few grasps that all succeed make no certain prior.

    Args:
        successes: Shape (n,), number of successes of each grasp.
        trials: Shape (n,), number of trials of each grasp.

    Returns:
        a and b, from 0.05 to 50.
    """
    pairs, times = np.unique(np.stack([successes, trials], axis=1), axis=0, return_counts=True)
    won, lost = pairs[:, 0], pairs[:, 1] - pairs[:, 0]

    def unlikely(logs: Array) -> float:
        a, b = np.exp(logs)
        added = math.log(a) + math.log(b) - 2 * math.log(a + b)
        return -float(times @ (betaln(won + a, lost + b) - betaln(a, b)) + added)

    bounds = [(math.log(0.05), math.log(50.0))] * 2
    found = minimize(unlikely, np.log([0.5, 0.5]), method="L-BFGS-B", bounds=bounds)
    a, b = np.exp(found.x)
    return float(a), float(b)


def inclusion(successes: Array, trials: Array, places: int, rng: np.random.Generator) -> Array:
    """Estimate the probability of each grasp to be among the best.

    Args:
        successes: Shape (n,), number of successes of each grasp.
        trials: Shape (n,), number of trials of each grasp.
        places: How many grasps are the best, at least 1.
        rng: Makes the draws from the posterior.

    Returns:
        Shape (n,), probabilities that add up to `places`, or to n if that is less.
    """
    number = len(trials)
    if number <= places:
        return np.ones(number)
    hits = np.zeros(number)
    for drawn in _draws(successes, trials, rng):
        best = np.argpartition(drawn, number - places, axis=1)[:, number - places :]
        hits += np.bincount(best.ravel(), minlength=number)
    # Grasps with equal counts are equally probable. Counted alone, most of very many grasps would
    # never be drawn among the best, and seem to cost nothing.
    pairs = np.stack([successes, trials], axis=1)
    _, group, size_of = np.unique(pairs, axis=0, return_inverse=True, return_counts=True)
    group = group.ravel()
    mean = np.bincount(group, weights=hits) / size_of / DRAWS
    return np.asarray(mean[group])


def shortfall(successes: Array, trials: Array, chosen: Array, rng: np.random.Generator) -> float:
    """Estimate how far the mean fitness of chosen grasps is below that of as many true best.

    Args:
        successes: Shape (n,), number of successes of each grasp.
        trials: Shape (n,), number of trials of each grasp.
        chosen: Shape (n,), whether each grasp is chosen.
        rng: Makes the draws from the posterior.

    Returns:
        Difference of two fitnesses, in [0, 1].
    """
    places, number = int(chosen.sum()), len(trials)
    if not 0 < places < number:
        return 0.0
    total = 0.0
    for drawn in _draws(successes, trials, rng):
        best = np.partition(drawn, number - places, axis=1)[:, number - places :]
        total += float((best.mean(axis=1) - drawn[:, chosen].mean(axis=1)).sum())
    return total / DRAWS


def _draws(successes: Array, trials: Array, rng: np.random.Generator) -> Iterator[Array]:
    """Joint draws of all fitnesses, a few rows of shape (n,) at a time, `DRAWS` rows in all."""
    a, b = fitted_prior(successes, trials)
    rows = max(1, NUMBERS_AT_ONCE // len(trials))
    for begin in range(0, DRAWS, rows):
        size = (min(rows, DRAWS - begin), len(trials))
        yield rng.beta(successes + a, trials - successes + b, size)


def most_missed(successes: Array, trials: Array, chosen: Array) -> float:
    """Bound how much fitter any grasp left out is than the least fit chosen grasp, at 95 %.

    Uses confidence sequences, which hold at whatever number of trials a grasp dropped out, at a
    confidence at which those of all grasps hold at once (Bonferroni).

    Args:
        successes: Shape (n,), number of successes of each grasp.
        trials: Shape (n,), number of trials of each grasp.
        chosen: Shape (n,), whether each grasp is chosen; the other grasps are left out.

    Returns:
        Difference of two fitnesses, in [0, 1].
    """
    if chosen.all() or not chosen.any():
        return 0.0
    level = 1 - (1 - 0.95) / len(trials)

    def ends(group: Array) -> list[tuple[float, float]]:
        pairs = np.unique(np.stack([successes[group], trials[group]], axis=1), axis=0)
        return [
            (0.0, 1.0) if n == 0 else confidence_sequence(int(s), int(n), level) for s, n in pairs
        ]

    best_left_out = max(high for _, high in ends(~chosen))
    worst_chosen = min(low for low, _ in ends(chosen))
    return max(0.0, best_left_out - worst_chosen)
