"""Intervals of a proportion: for a number of trials fixed beforehand, and for one that was not."""

from __future__ import annotations

import math
from functools import lru_cache

from scipy.optimize import brentq
from scipy.special import betaln, ndtri

TINY = 1e-300
"""Stands for 0 where a logarithm is taken: bounds of up to a million trials are far above it."""


def wilson_interval(successes: int, trials: int, confidence: float = 0.95) -> tuple[float, float]:
    """Wilson score interval of a proportion, for a number of trials fixed beforehand.

    E. B. Wilson, "Probable inference, the law of succession, and statistical inference", 1927.

    Args:
        successes: From 0 to trials.
        trials: At least 1.
        confidence: Coverage, between 0 and 1.

    Returns:
        Low and high end, in [0, 1].

    Raises:
        ValueError: Counts out of bounds.
    """
    check_counts(successes, trials)
    z = float(ndtri(0.5 + confidence / 2))
    share = successes / trials
    denominator = 1 + z * z / trials
    center = (share + z * z / (2 * trials)) / denominator
    spread = z / denominator * (share * (1 - share) / trials + z * z / (4 * trials**2)) ** 0.5
    # At the ends the bound is exactly 0 or 1; rounding must not say otherwise.
    low = 0.0 if successes == 0 else max(0.0, center - spread)
    high = 1.0 if successes == trials else min(1.0, center + spread)
    return low, high


@lru_cache(maxsize=65536)
def confidence_sequence(
    successes: int, trials: int, confidence: float = 0.95
) -> tuple[float, float]:
    """Interval of a proportion that holds at all numbers of trials at once.

    So sampling may stop whenever the interval looks good enough, which would make a Wilson interval
    lie. With probability `confidence` no interval of the whole sequence ever misses.

    By the method of mixtures (H. Robbins, "Statistical methods related to the law of the iterated
    logarithm", 1970; S. R. Howard et al., "Time-uniform, nonparametric, nonasymptotic confidence
    sequences", 2021): were p the truth, the likelihood ratio of a mixture of all proportions to p,

        B(s + a, n - s + b) / B(a, b) / (p^s (1 - p)^(n - s)),

    would be a martingale that begins at 1, and would so by Ville's inequality reach 1 / alpha with
    a probability of at most alpha; the interval is of those p where it has not. The mixture is
    Beta(1/2, 1/2), whose likelihood is within 1/2 log n + log 2 of the best p's, whatever that is
    (R. Krichevsky and V. Trofimov 1981): good for steady grasps and for shaky ones.

    Args:
        successes: From 0 to trials.
        trials: At least 1; sound to beyond a million.
        confidence: Coverage, between 0 and 1.

    Returns:
        Low and high end, in [0, 1].

    Raises:
        ValueError: Counts out of bounds.
    """
    check_counts(successes, trials)
    # The mixture is symmetric: the high end is the low end of the failures.
    low = _low_end(successes, trials, 1 - confidence)
    return low, 1.0 - _low_end(trials - successes, trials, 1 - confidence)


def _low_end(successes: int, trials: int, alpha: float) -> float:
    if successes == 0:
        return 0.0
    failures = trials - successes
    mixture = float(betaln(successes + 0.5, failures + 0.5)) - math.log(math.pi)

    def excess(p: float) -> float:
        likelihood = successes * math.log(p)
        if failures:
            likelihood += failures * math.log1p(-p)
        return mixture - likelihood + math.log(alpha)

    # It falls all the way up to the observed share, where a mixture is never better than the best.
    return float(brentq(excess, TINY, successes / trials, xtol=1e-15, rtol=1e-14))


def check_counts(successes: int, trials: int) -> None:
    """Refuse counts that no experiment can have.

    Raises:
        ValueError: No trial, or more successes than trials, or fewer than none.
    """
    if trials < 1 or not 0 <= successes <= trials:
        raise ValueError(f"expected 0 <= successes <= trials >= 1, got {successes} of {trials}")
