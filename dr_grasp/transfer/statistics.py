"""Statistics of how well a criterion or a metric predicts the outcomes of attempts.

These are rho, AUC, top eta and gain.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from dr_grasp.core.arrays import FloatArray
from dr_grasp.transfer import bootstrap
from dr_grasp.transfer.bootstrap import TOP_SHARE, Cells, Statistic
from dr_grasp.transfer.clustered import Eta, eta_of, interval_over_grasps
from dr_grasp.transfer.grasp_tally import GraspTally, Predictor

RESAMPLES: Final = 2000
"""Number of samples that the bootstrap draws."""

FEWEST_ATTEMPTS: Final = 10
"""Fewest attempts for statistics: with fewer, an interval would be as wide as the whole range."""

FEWEST_GRASPS: Final = 3
"""Fewest grasps for statistics: with fewer, their order says nothing."""


@dataclass(frozen=True, slots=True)
class Estimate:
    """An estimated number with its 95 % interval, or the reason why it cannot be estimated.

    Attributes:
        value: The number; None if it cannot be estimated.
        low: Low end of the interval; None without an interval.
        high: High end of the interval; None without an interval.
        reason: Why there is no number or no interval, in words; empty if there are both.
    """

    value: float | None
    low: float | None = None
    high: float | None = None
    reason: str = ""

    @classmethod
    def of_eta(cls, eta: Eta) -> Estimate:
        """Make an estimate of eta with its interval over grasps."""
        return cls(eta.value, *eta.interval)


@dataclass(frozen=True, slots=True)
class PredictorStatistics:
    """How well a criterion or a metric predicts the outcomes of attempts.

    The fittest grasps are those of which it expects most: with the highest fitness, or with the
    highest metric, or with the lowest where less is better.

    Attributes:
        predictor: The criterion or the metric.
        attempts: Number of attempts of grasps that have it in their score.
        grasps: Number of grasps that have it in their score.
        overall: Eta of all these attempts; None without attempts.
        rho: Spearman's rank correlation of `GraspTally.predicted_by` with eta, in [-1, 1].
        auc: Area under the ROC curve of it against held, attempt by attempt, in [0, 1].
        top_grasps: Number of grasps in the fittest fifth.
        top_eta: Eta of the fittest fifth of grasps, in [0, 1].
        gain: Eta of the fittest fifth minus eta of all grasps, in [-1, 1].
    """

    predictor: Predictor
    attempts: int
    grasps: int
    overall: Eta | None
    rho: Estimate
    auc: Estimate
    top_grasps: int
    top_eta: Estimate
    gain: Estimate


def statistics_of(
    tallies: Sequence[GraspTally], predictor: Predictor, seed: int = 0
) -> PredictorStatistics:
    """Compare what a criterion or a metric says of grasps with the outcomes of attempts.

    Args:
        tallies: Grasps with their outcomes; those whose score does not have it are left out.
        predictor: The criterion or the metric.
        seed: Seed of the bootstrap.
    """
    found = [(tally, tally.predicted_by(predictor)) for tally in tallies]
    labelled = [tally for tally, value in found if value is not None]
    values = [value for _, value in found if value is not None]
    overall = eta_of(labelled)
    cells = Cells.of(
        values,
        [tally.eta.held for tally in labelled],
        [tally.eta.attempts for tally in labelled],
    )
    statistics = (bootstrap.rho, bootstrap.auc, bootstrap.gain)
    if problem := _problem(cells, overall):
        rho = auc = top_eta = gain = Estimate(None, reason=problem)
    else:
        ends = bootstrap.intervals(cells, statistics, RESAMPLES, seed)
        rho, auc, gain = map(_estimate, [cells] * len(statistics), statistics, ends)
        top_eta, cautious_gain = _top(cells)
        if top_eta.value in (0.0, 1.0):  # no resample shows that the fittest may differ
            gain = cautious_gain
    return PredictorStatistics(
        predictor=predictor,
        attempts=overall.attempts if overall else 0,
        grasps=len(labelled),
        overall=overall,
        rho=rho,
        auc=auc,
        top_grasps=math.ceil(TOP_SHARE * len(labelled) - 1e-9),
        top_eta=top_eta,
        gain=gain,
    )


def too_few(number: int, noun: str, needed: int) -> str:
    """Text that too few have a fitness, e.g. "1 attempt has it; at least 10 are needed"."""
    have = f"{noun} has" if number in (0, 1) else f"{noun}s have"
    return f"{number or 'no'} {have} it; at least {needed} are needed"


def _problem(cells: Cells, overall: Eta | None) -> str:
    grasps, attempts = int(cells.count.sum()), overall.attempts if overall else 0
    if attempts < FEWEST_ATTEMPTS:
        return too_few(attempts, "attempt", FEWEST_ATTEMPTS)
    if grasps < FEWEST_GRASPS:
        return too_few(grasps, "grasp", FEWEST_GRASPS)
    if overall and overall.held in (0, attempts):
        return f"{'all' if overall.held else 'none of the'} {attempts} attempts held"
    if len(set(cells.fitness.tolist())) < 2:
        return f"it is the same for all {grasps} grasps"
    return ""


def _estimate(cells: Cells, statistic: Statistic, ends: tuple[float, float] | None) -> Estimate:
    (value,) = statistic(cells, cells.observed).tolist()
    if not math.isfinite(value):
        return Estimate(None, reason="eta is the same for all grasps")
    if ends is None:
        return Estimate(value, reason="too few grasps differ for an interval")
    return Estimate(value, *ends)


def _top(cells: Cells) -> tuple[Estimate, Estimate]:
    """Eta of the fittest fifth, and the gain, with intervals that suppose nothing of resamples.

    The gain is the share of attempts that are not of the fittest times the difference of two etas
    of different grasps. Its interval follows from theirs (G. Zou and A. Donner, "Construction of
    confidence limits about effect measures: a general approach", 2008).
    """
    held, attempts = (np.repeat(column, cells.count) for column in (cells.held, cells.attempts))
    part = np.repeat(bootstrap.parts_in_top(cells, cells.observed)[0], cells.count)
    top, top_low, top_high = _eta_of_parts(held, attempts, part)
    rest, rest_low, rest_high = _eta_of_parts(held, attempts, 1 - part)
    others = float(((1 - part) * attempts).sum() / attempts.sum())
    gain = Estimate(
        others * (top - rest),
        others * (top - rest - math.hypot(top - top_low, rest_high - rest)),
        others * (top - rest + math.hypot(top_high - top, rest - rest_low)),
    )
    return Estimate(top, top_low, top_high), gain


def _eta_of_parts(
    held: FloatArray, attempts: FloatArray, part: FloatArray
) -> tuple[float, float, float]:
    """Eta of grasps that count in part, with the ends of its interval."""
    some = part > 0
    won, tried = (part * held)[some], (part * attempts)[some]
    return (float(won.sum() / tried.sum()), *interval_over_grasps(won, tried))
