"""Eta with an interval over grasps: attempts of the same grasp are not independent.

Whoever asks how often grasps will hold asks about grasps that were not tried yet, or about more
attempts of many. A hundred attempts of one grasp say little about that. So a grasp is a cluster,
with all its attempts, on whatever day, in whatever bag and by whatever backend they were made. A
grasp is one of a robot, an object, an id and a trajectory: the same id on another robot or object
is another motion, and another cluster. Nothing is said about robots or objects that were not tried.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
from scipy.special import betaincinv, ndtri, stdtrit

from dr_grasp.transfer.grasp_tally import GraspTally

COVERAGE: Final = 0.95
"""Coverage of the intervals."""

CAUTION: Final = 3.0
"""Weight of the supposition that all attempts of a grasp end alike, against a weight of 1 for each
attempt whose outcome is the rarer one. With 3, intervals hold in at least 0.945 of simulated data
sets, and in 0.97 to 0.99 of most (`benchmarks/bench_clustered.py`); with 1, in at least 0.93."""

ROUNDING: Final = 1e-9
"""Largest number of attempts that counts as none: parts of grasps add up with rounding."""


@dataclass(frozen=True, slots=True)
class Eta:
    """The transfer ratio of several grasps: the share of their attempts that held.

    Attributes:
        held: Number of attempts whose grasp held.
        attempts: Number of all attempts that say something about their grasp, at least 1.
        grasps: Number of grasps of these attempts.
        interval: Low and high end of the 95 % interval, over grasps.
    """

    held: int
    attempts: int
    grasps: int
    interval: tuple[float, float]

    @classmethod
    def of(cls, held: npt.ArrayLike, attempts: npt.ArrayLike) -> Eta:
        """Add up the attempts of g grasps.

        Args:
            held: Shape (g,), number of attempts in which each grasp held.
            attempts: Shape (g,), number of attempts of each grasp, at least 1.
        """
        won, tried = np.asarray(held, np.float64), np.asarray(attempts, np.float64)
        interval = interval_over_grasps(won, tried)
        return cls(int(won.sum()), int(tried.sum()), len(tried), interval)

    @property
    def value(self) -> float:
        """Eta, in [0, 1]."""
        return self.held / self.attempts


def eta_of(tallies: Iterable[GraspTally]) -> Eta | None:
    """Eta of all attempts of some grasps; None without attempts."""
    counts = [(tally.eta.held, tally.eta.attempts) for tally in tallies]
    return Eta.of(*zip(*counts, strict=True)) if counts else None


def interval_over_grasps(held: npt.ArrayLike, attempts: npt.ArrayLike) -> tuple[float, float]:
    """Compute the 95 % interval of eta over grasps.

    By E. Korn and B. Graubard, "Confidence intervals for proportions with small expected number of
    positive counts estimated from survey data", 1998: the interval of Clopper and Pearson, for as
    many independent attempts as are worth what there is. The design effect is how many times the
    variance of eta is that of independent attempts, as seen in how much grasps differ (the variance
    of a ratio, from the residuals held - eta * attempts). It is multiplied by (t / z)^2, with t of
    Student's distribution with g - 1 degrees of freedom, since it is known from g grasps only.

    If all attempts of a grasp end alike, the design effect is the largest possible: the mean number
    of attempts of the grasp that an attempt is of. Nothing is ever taken for worse than that, so
    g equally tried grasps count as g attempts at least. If only few attempts end otherwise than
    most, grasps cannot show how much they differ, and not at all if none does (where a bootstrap
    would have a width of 0). So the largest possible design effect counts too, with `CAUTION`.

    Args:
        held: Shape (g,), number of attempts in which each grasp held.
        attempts: Shape (g,), number of attempts of each grasp, above 0; need not be whole, for a
            grasp that counts in part.

    Returns:
        Low and high end of the interval, in [0, 1].
    """
    won, tried = np.asarray(held, np.float64), np.asarray(attempts, np.float64)
    total, grasps = float(tried.sum()), len(tried)
    share = float(won.sum()) / total
    largest = float(np.square(tried).sum()) / total
    effect = largest
    rarer = min(share, 1 - share) * total
    if grasps > 1 and rarer > ROUNDING:
        residuals = np.square(won - share * tried).sum() * grasps / (grasps - 1)
        seen = max(1.0, float(residuals) / (total * share * (1 - share)))
        quantile = (1 + COVERAGE) / 2
        few = float(stdtrit(grasps - 1, quantile) / ndtri(quantile)) ** 2
        effect = few * (rarer * seen + CAUTION * largest) / (rarer + CAUTION)
    worth = total / min(effect, largest)
    return _clopper_pearson(share * worth, (1 - share) * worth)


def _clopper_pearson(successes: float, failures: float) -> tuple[float, float]:
    beyond = (1 - COVERAGE) / 2
    low, high = 0.0, 1.0
    if successes > ROUNDING:
        low = float(betaincinv(successes, failures + 1, beyond))
    if failures > ROUNDING:
        high = float(betaincinv(successes + 1, failures, 1 - beyond))
    return low, high
