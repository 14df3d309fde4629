"""Confidence intervals of a proportion, for each way in which a number of trials can come about."""

from __future__ import annotations

import math
from functools import lru_cache

from scipy.optimize import brentq
from scipy.special import betaincinv, betaln, ndtri

TINY = 1e-300
"""Used for 0 in logarithms; the low ends of intervals of up to a million trials are far above."""

ADDED_TRIALS = 0.75
"""Trials that `narrowed_interval` adds against each of its ends. The coverage of sampling until a
width is computed exactly, path by path (`benchmarks/bench_until.py`). At worst, over hundreds of
widths from 0.9 down to 0.015 and of largest numbers of trials, it is 0.9506 with 0.75, 0.9503 with
0.6, and 0.946 with 0.5; without any, which is the interval of C. Clopper and E. Pearson, 0.936."""


def wilson_interval(successes: int, trials: int, confidence: float = 0.95) -> tuple[float, float]:
    """Wilson score interval of a proportion, for a number of trials fixed beforehand.

    E. B. Wilson, "Probable inference, the law of succession, and statistical inference", 1927.

    Args:
        successes: Number of successes, from 0 to `trials`.
        trials: Number of trials, at least 1.
        confidence: Probability that the interval holds the true proportion, between 0 and 1.

    Returns:
        Low and high end of the interval, in [0, 1].

    Raises:
        ValueError: The counts are out of bounds.
    """
    check_counts(successes, trials)
    z = float(ndtri(0.5 + confidence / 2))
    share = successes / trials
    denominator = 1 + z * z / trials
    center = (share + z * z / (2 * trials)) / denominator
    spread = z / denominator * (share * (1 - share) / trials + z * z / (4 * trials**2)) ** 0.5
    # Without successes the low end is exactly 0, without failures the high end exactly 1.
    low = 0.0 if successes == 0 else max(0.0, center - spread)
    high = 1.0 if successes == trials else min(1.0, center + spread)
    return low, high


@lru_cache(maxsize=65536)
def narrowed_interval(successes: int, trials: int) -> tuple[float, float]:
    """95 % interval of a proportion, for trials that went on until this interval was narrow enough.

    That is the rule of `--until`: after each `BLOCK_TRIALS` trials, sampling stops if the interval
    is no wider than asked for, or if there were as many trials as are allowed. Whatever width and
    number are asked for, the interval holds the true proportion with a probability of at least
    0.95. It is not for trials that stopped for any other reason: see `confidence_sequence`.

    It is the interval of Clopper and Pearson, with `ADDED_TRIALS` failures added for the low end
    and as many successes for the high end: quantiles 0.025 and 0.975 of Beta(s, n - s + 1.75) and
    Beta(s + 1.75, n - s) after s successes of n. The addition is what stopping at the right moment
    costs; it matters most for proportions near 0 and 1, where the observed share also decides most
    on when sampling stops. To widen the rule near the ends, and then to compute its true coverage,
    follows J. Frey, "Fixed-width sequential confidence intervals for a proportion", 2010.

    Args:
        successes: Number of successes, from 0 to `trials`.
        trials: Number of trials, at least 1.

    Returns:
        Low and high end of the interval, in [0, 1].

    Raises:
        ValueError: The counts are out of bounds.
    """
    check_counts(successes, trials)
    failures = trials - successes
    against = 1 + ADDED_TRIALS
    low = float(betaincinv(successes, failures + against, 0.025)) if successes else 0.0
    high = float(betaincinv(successes + against, failures, 0.975)) if failures else 1.0
    return low, high


@lru_cache(maxsize=65536)
def confidence_sequence(
    successes: int, trials: int, confidence: float = 0.95
) -> tuple[float, float]:
    """Interval of a proportion that holds at all numbers of trials at once.

    So sampling may stop whenever anybody likes, for example because a grasp does worse than others.
    With probability `confidence` all intervals of the sequence hold the true proportion.

    By the method of mixtures (H. Robbins, "Statistical methods related to the law of the iterated
    logarithm", 1970; S. R. Howard et al., "Time-uniform, nonparametric, nonasymptotic confidence
    sequences", 2021): if p is true, the likelihood ratio of a mixture to p after s successes of n,

        B(s + a, n - s + b) / B(a, b) / (p^s (1 - p)^(n - s)),

    is a martingale that begins at 1. By Ville's inequality it reaches 1 / alpha with a probability
    of at most alpha = 1 - confidence; the interval holds all p for which it has not. The mixture is
    Beta(a, b) with a = b = 1/2: its log likelihood is at most 1/2 log n + log 2 below the best p's
    (R. Krichevsky and V. Trofimov 1981), so intervals are narrow whatever the proportion is.

    Args:
        successes: Number of successes, from 0 to `trials`.
        trials: Number of trials, at least 1; computed well for more than a million.
        confidence: Probability that all intervals hold the true proportion, between 0 and 1.

    Returns:
        Low and high end of the interval, in [0, 1].

    Raises:
        ValueError: The counts are out of bounds.
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

    # `excess` falls up to the observed share, at which no mixture is more likely than p itself.
    return float(brentq(excess, TINY, successes / trials, xtol=1e-15, rtol=1e-14))


def check_counts(successes: int, trials: int) -> None:
    """Refuse counts that no experiment can have.

    Raises:
        ValueError: There is no trial, or the successes are not from 0 to the number of trials.
    """
    if trials < 1 or not 0 <= successes <= trials:
        raise ValueError(f"expected 0 <= successes <= trials >= 1, got {successes} of {trials}")
