"""Statistics of grasps, and bootstrap intervals that resample grasps.

Attempts of the same grasp resemble each other, so grasps are resampled, not attempts (a cluster
bootstrap: A. Davison and D. Hinkley, "Bootstrap methods and their application", 1997, section 3.8).
For these statistics only a grasp's fitness (or a metric in its place), its attempts and how many of
them held matter; grasps with equal numbers form a cell. Drawing n grasps with replacement is then a
multinomial draw over the cells, which are few for fitnesses: 100,000 grasps cost little more than
1,000. SciPy and scikit-learn have these statistics, but without such weights: they would have to
sort all grasps for each resample.

Each statistic takes `Cells` and weights of shape (b, c): how many grasps of each of c cells there
are in b samples. It returns b numbers, NaN where it is not defined.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from scipy.special import ndtr, stdtrit

from dr_grasp.core.arrays import FloatArray, IntArray
from dr_grasp.transfer.clustered import COVERAGE

TOP_SHARE: Final = 0.2
"""Share of the grasps, the fittest ones, that `top_eta` looks at."""

NUMBERS_AT_ONCE: Final = 2_000_000
"""Numbers of resamples that are in memory at once: 16 MB."""

Statistic = Callable[["Cells", FloatArray], FloatArray]


@dataclass(frozen=True, slots=True, eq=False)
class Cells:
    """Grasps with equal numbers, gathered into c cells by ascending fitness.

    Attributes:
        fitness: Shape (c,), fitness of each grasp in a cell, or any other finite number that is
            larger for better grasps.
        held: Shape (c,), attempts in which each grasp in a cell held.
        attempts: Shape (c,), attempts of each grasp in a cell.
        count: Shape (c,), number of grasps in a cell.
    """

    fitness: FloatArray
    held: FloatArray
    attempts: FloatArray
    count: IntArray

    @classmethod
    def of(cls, fitness: Any, held: Any, attempts: Any) -> Cells:
        """Sort grasps into cells.

        Args:
            fitness: Shape (n,), fitness of each grasp, or another such number.
            held: Shape (n,), number of attempts in which each grasp held.
            attempts: Shape (n,), number of attempts of each grasp.
        """
        table = np.stack([np.asarray(column, np.float64) for column in (fitness, held, attempts)])
        kinds, count = np.unique(table, axis=1, return_counts=True)
        return cls(kinds[0], kinds[1], kinds[2], count.astype(np.int64))

    @property
    def observed(self) -> FloatArray:
        """Weights of the sample itself, not resampled, shape (1, c)."""
        return self.count[None, :].astype(np.float64)

    def resamples(self, number: int, rng: np.random.Generator) -> Iterator[FloatArray]:
        """Draw `number` samples of as many grasps as there are, with replacement.

        Yields:
            Shape (b, c), how often each cell is drawn in b of the samples.
        """
        total = int(self.count.sum())
        at_once = max(1, NUMBERS_AT_ONCE // len(self.count))
        for start in range(0, number, at_once):
            size = min(at_once, number - start)
            yield rng.multinomial(total, self.count / total, size).astype(np.float64)


def rho(cells: Cells, weights: FloatArray) -> FloatArray:
    """Spearman's rank correlation of fitness with eta, ties at their mean rank, in [-1, 1].

    NaN where all fitnesses or all etas are equal.
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

    This is the probability that, of an attempt that held and an attempt that did not, the first is
    of the fitter grasp; ties count half. NaN where all attempts held or none did.
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
    """Share of attempts that held among attempts of the fittest fifth of grasps, in [0, 1].

    If several grasps are equally fit at the border of the fifth, each counts in part, as expected
    if some of them are drawn at random.
    """
    return eta(cells, weights * parts_in_top(cells, weights))


def parts_in_top(cells: Cells, weights: FloatArray) -> FloatArray:
    """Which part of each grasp is in the fittest fifth, shape (b, c), in [0, 1]."""
    starts = _starts(cells.fitness)
    grasps = np.add.reduceat(weights, starts, axis=1)
    wanted = np.ceil(TOP_SHARE * grasps.sum(axis=1, keepdims=True) - 1e-9)
    fitter = grasps[:, ::-1].cumsum(axis=1)[:, ::-1] - grasps
    part = np.clip((wanted - fitter) / np.maximum(grasps, 1), 0, 1)
    return np.repeat(part, np.diff(starts, append=len(cells.fitness)), axis=1)


def gain(cells: Cells, weights: FloatArray) -> FloatArray:
    """How much higher eta is for the fittest fifth of grasps than for all, in [-1, 1]."""
    return top_eta(cells, weights) - eta(cells, weights)


def intervals(
    cells: Cells,
    statistics: Sequence[Statistic],
    resamples: int,
    seed: int,
) -> list[tuple[float, float] | None]:
    """Compute 95 % percentile intervals of statistics, all from the same resamples.

    The percentiles lie farther out for few grasps, as the quantiles of Student's distribution do:
    resamples differ by sqrt(1 - 1 / g) less than samples of g grasps, and how much these differ is
    known from g grasps only (T. Hesterberg, "What teachers should know about the bootstrap", 2015).

    Args:
        cells: The grasps of the sample.
        statistics: The statistics to compute.
        resamples: Number of samples that are drawn.
        seed: Seed of the draws: the same seed gives the same intervals.

    Returns:
        Low and high end of the interval of each statistic; None for a statistic that is undefined
        in more than a tenth of the resamples, or the same in nearly all: that is no certainty.
    """
    rng = np.random.default_rng(seed)
    values = np.hstack(
        [
            [statistic(cells, drawn) for statistic in statistics]
            for drawn in cells.resamples(resamples, rng)
        ]
    )
    grasps = int(cells.count.sum())
    return [percentiles(of_statistic, grasps) for of_statistic in values]


def percentiles(values: FloatArray, grasps: int) -> tuple[float, float] | None:
    """Compute the 95 % percentile interval of a statistic; see `intervals`.

    Args:
        values: Shape (b,), the statistic of each resample.
        grasps: Number of grasps of the sample.
    """
    beyond = 0.0
    if grasps > 1:
        far = stdtrit(grasps - 1, (1 - COVERAGE) / 2) * np.sqrt(grasps / (grasps - 1))
        beyond = float(ndtr(far))
    defined = values[np.isfinite(values)]
    if len(defined) < 0.9 * len(values):
        return None
    low, high = np.quantile(defined, [beyond, 1 - beyond]).tolist()
    return (low, high) if high > low else None


def _starts(values: FloatArray) -> IntArray:
    """Indices at which sorted values change, the first index included, shape (g,)."""
    return np.flatnonzero(np.diff(values, prepend=-np.inf))


def _ranks(values: FloatArray, weights: FloatArray) -> FloatArray:
    """Mean ranks of values, each of which counts as often as its weight, shape (b, c)."""
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
