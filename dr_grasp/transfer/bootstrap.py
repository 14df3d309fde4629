"""Rank statistics of grasps, and bootstrap intervals that resample grasps.

Attempts of one grasp resemble each other, so grasps are what is drawn anew (a cluster bootstrap:
A. Davison and D. Hinkley, "Bootstrap methods and their application", 1997, section 3.8). For what
is computed here a grasp is no more than its fitness, its attempts and how many of them held; equal
grasps form a cell. Drawing n grasps with replacement is then one multinomial draw over the cells,
which are few: 100,000 grasps cost little more than 1,000. SciPy and scikit-learn have these
statistics, but without such weights: they would have to sort all grasps anew for each resample.

Each statistic takes `Cells` and weights of shape (b, c): how many grasps of each of c cells there
are in b samples. It returns b numbers, NaN where it is not defined.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from dr_grasp.core.arrays import FloatArray

TOP_SHARE: Final = 0.2
"""The top fifth of grasps."""

COVERAGE: Final = 0.95
"""Coverage of the intervals."""

BLOCK: Final = 2_000_000
"""Numbers of resamples that are in memory at a time."""

IntArray = npt.NDArray[np.int64]
Statistic = Callable[["Cells", FloatArray], FloatArray]


@dataclass(frozen=True, slots=True, eq=False)
class Cells:
    """Equal grasps and how many there are of each kind, by ascending fitness.

    Attributes:
        fitness: Shape (c,), fitness of each grasp of a cell, in [0, 1].
        held: Shape (c,), attempts in which each grasp of a cell held.
        attempts: Shape (c,), attempts of each grasp of a cell.
        count: Shape (c,), how many grasps are in a cell.
    """

    fitness: FloatArray
    held: FloatArray
    attempts: FloatArray
    count: IntArray

    @classmethod
    def of(cls, fitness: Any, held: Any, attempts: Any) -> Cells:
        """Sort grasps into cells.

        Args:
            fitness: Shape (n,), of each grasp.
            held: Shape (n,), attempts in which it held.
            attempts: Shape (n,), attempts of it.
        """
        table = np.stack([np.asarray(column, np.float64) for column in (fitness, held, attempts)])
        kinds, count = np.unique(table, axis=1, return_counts=True)
        return cls(kinds[0], kinds[1], kinds[2], count.astype(np.int64))

    @property
    def observed(self) -> FloatArray:
        """Shape (1, c), the sample itself as weights."""
        return self.count[None, :].astype(np.float64)

    def resamples(self, number: int, rng: np.random.Generator) -> Iterator[FloatArray]:
        """Draw as many grasps as there are, with replacement, a number of times.

        Yields:
            Shape (b, c), how often each cell was drawn, until there are `number` of them.
        """
        total = int(self.count.sum())
        at_once = max(1, BLOCK // len(self.count))
        for start in range(0, number, at_once):
            size = min(at_once, number - start)
            yield rng.multinomial(total, self.count / total, size).astype(np.float64)


def rho(cells: Cells, weights: FloatArray) -> FloatArray:
    """Spearman's rank correlation of fitness with eta, ties at their mean rank, in [-1, 1].

    It is not defined where all fitnesses or all etas are equal.
    """
    first = _ranks(cells.fitness, weights)
    second = _ranks(cells.held / cells.attempts, weights)
    total = weights.sum(axis=1, keepdims=True)
    first -= (weights * first).sum(axis=1, keepdims=True) / total
    second -= (weights * second).sum(axis=1, keepdims=True) / total
    covariance = (weights * first * second).sum(axis=1)
    spread = (weights * first**2).sum(axis=1) * (weights * second**2).sum(axis=1)
    return _ratio(covariance, np.sqrt(spread))


def auc(cells: Cells, weights: FloatArray) -> FloatArray:
    """Area under the ROC curve of fitness against held, attempt by attempt, in [0, 1].

    The probability that of two attempts, of which one held and one did not, the one that held was
    of the fitter grasp, ties counting half. It is not defined where all attempts held or none did.
    """
    starts = _starts(cells.fitness)
    good = np.add.reduceat(weights * cells.held, starts, axis=1)
    bad = np.add.reduceat(weights * (cells.attempts - cells.held), starts, axis=1)
    below = np.cumsum(bad, axis=1) - bad
    wins = (good * (below + bad / 2)).sum(axis=1)
    return _ratio(wins, good.sum(axis=1) * bad.sum(axis=1))


def eta(cells: Cells, weights: FloatArray) -> FloatArray:
    """Share of attempts that held, in [0, 1]."""
    return _ratio((weights * cells.held).sum(axis=1), (weights * cells.attempts).sum(axis=1))


def top_eta(cells: Cells, weights: FloatArray) -> FloatArray:
    """Share of attempts that held among those of the fittest fifth of grasps, in [0, 1].

    Where many grasps are equally fit at the border of the fifth, each counts in part: what is
    expected if some of them are drawn for it.
    """
    starts = _starts(cells.fitness)
    grasps, held, attempts = (
        np.add.reduceat(weights * column, starts, axis=1)[:, ::-1]
        for column in (np.ones_like(cells.held), cells.held, cells.attempts)
    )
    wanted = np.ceil(TOP_SHARE * grasps.sum(axis=1, keepdims=True) - 1e-9)
    above = np.cumsum(grasps, axis=1) - grasps
    part = np.clip((wanted - above) / np.maximum(grasps, 1), 0, 1)
    return _ratio((part * held).sum(axis=1), (part * attempts).sum(axis=1))


def gain(cells: Cells, weights: FloatArray) -> FloatArray:
    """What choosing only the fittest fifth adds to eta, in [-1, 1]."""
    return top_eta(cells, weights) - eta(cells, weights)


def intervals(
    cells: Cells,
    statistics: Sequence[Statistic],
    resamples: int,
    seed: int,
) -> list[tuple[float, float] | None]:
    """Compute 95 % percentile intervals of statistics, all from the same resamples.

    Args:
        cells: The sample.
        statistics: The statistics.
        resamples: How many samples are drawn.
        seed: Seed of the draws: the same seed gives the same intervals.

    Returns:
        Low and high end for each statistic; None where it is undefined in more than a tenth of the
        resamples, which then say little about it.
    """
    rng = np.random.default_rng(seed)
    values = np.hstack(
        [
            [statistic(cells, drawn) for statistic in statistics]
            for drawn in cells.resamples(resamples, rng)
        ]
    )
    return [_percentiles(of_statistic) for of_statistic in values]


def _percentiles(values: FloatArray) -> tuple[float, float] | None:
    defined = values[np.isfinite(values)]
    if len(defined) < 0.9 * len(values):
        return None
    low, high = np.quantile(defined, [(1 - COVERAGE) / 2, (1 + COVERAGE) / 2]).tolist()
    return low, high


def _starts(values: FloatArray) -> IntArray:
    """Where in sorted values a new one begins, shape (g,)."""
    return np.flatnonzero(np.diff(values, prepend=-np.inf))


def _ranks(values: FloatArray, weights: FloatArray) -> FloatArray:
    """Mean ranks of values that stand for as many grasps as their weights say, shape (b, c)."""
    order = np.argsort(values, kind="stable")
    starts = _starts(values[order])
    groups = np.add.reduceat(weights[:, order], starts, axis=1)
    middle = np.cumsum(groups, axis=1) - groups / 2
    sizes = np.diff(starts, append=len(values))
    ranks = np.empty_like(weights)
    ranks[:, order] = np.repeat(middle, sizes, axis=1)
    return ranks


def _ratio(above: FloatArray, below: FloatArray) -> FloatArray:
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(below > 0, above / below, np.nan)
