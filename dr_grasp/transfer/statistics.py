"""How much a fitness says about what really happened: rho, AUC, and what choosing gains."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from dr_grasp.core.perturbation import Criterion
from dr_grasp.transfer import bootstrap
from dr_grasp.transfer.bootstrap import TOP_SHARE, Cells, Statistic
from dr_grasp.transfer.grasp_tally import GraspTally, Ratio, total

RESAMPLES: Final = 2000

FEWEST_ATTEMPTS: Final = 10
"""With fewer, any interval would be as wide as the whole range."""

FEWEST_GRASPS: Final = 3
"""With fewer there is no order that could be right or wrong."""


STATISTICS: Final = (bootstrap.rho, bootstrap.auc, bootstrap.top_eta, bootstrap.gain)


@dataclass(frozen=True, slots=True)
class Estimate:
    """A number with its 95 % interval, or why it cannot be said.

    Attributes:
        value: The number, or None.
        low: Low end of its interval, or None.
        high: High end, or None.
        reason: Why there is no number or no interval, in words; empty if both are there.
    """

    value: float | None
    low: float | None = None
    high: float | None = None
    reason: str = ""

    @classmethod
    def unsaid(cls, reason: str) -> Estimate:
        """It cannot be said."""
        return cls(None, reason=reason)


@dataclass(frozen=True, slots=True)
class CriterionStatistics:
    """What one criterion says about the attempts whose grasps it labels.

    Attributes:
        criterion: Which.
        attempts: How many attempts those are.
        grasps: Of how many grasps.
        overall: Eta of them all; None if there are none.
        rho: Spearman's rank correlation of a grasp's fitness with its eta, in [-1, 1].
        auc: Area under the ROC curve of fitness against held, attempt by attempt, in [0, 1].
        top_grasps: How many grasps the fittest fifth are.
        top_eta: Eta of the fittest fifth of grasps, in [0, 1].
        gain: By how much that is more than eta overall, in [-1, 1].
    """

    criterion: Criterion
    attempts: int
    grasps: int
    overall: Ratio | None
    rho: Estimate
    auc: Estimate
    top_grasps: int
    top_eta: Estimate
    gain: Estimate


def statistics_of(
    tallies: Sequence[GraspTally],
    criterion: Criterion,
    seed: int = 0,
    resamples: int = RESAMPLES,
) -> CriterionStatistics:
    """Hold a criterion against what really happened.

    Args:
        tallies: Grasps; those without that criterion are left out.
        criterion: Which.
        seed: Of the bootstrap.
        resamples: Of the bootstrap.
    """
    labelled = [one for one in tallies if criterion in one.fitness]
    cells = Cells.of(
        [one.fitness[criterion].value for one in labelled],
        [one.held for one in labelled],
        [one.attempts for one in labelled],
    )
    overall = total(labelled)
    problem = problem_of(len(labelled), overall)
    equal = len(set(cells.fitness.tolist())) < 2
    if not problem and equal:
        problem = f"it is the same for all {len(labelled)} grasps"

    found = [Estimate.unsaid(problem)] * len(STATISTICS)
    if not problem:
        ends = bootstrap.intervals(cells, STATISTICS, resamples, seed)
        found = [_estimate(cells, one, end) for one, end in zip(STATISTICS, ends, strict=True)]
    rho, auc, top_eta, gain = found
    return CriterionStatistics(
        criterion=criterion,
        attempts=overall.attempts if overall else 0,
        grasps=len(labelled),
        overall=overall,
        rho=rho,
        auc=auc,
        top_grasps=math.ceil(TOP_SHARE * len(labelled) - 1e-9),
        top_eta=top_eta,
        gain=gain,
    )


def _estimate(cells: Cells, statistic: Statistic, ends: tuple[float, float] | None) -> Estimate:
    (value,) = statistic(cells, cells.observed).tolist()
    if not math.isfinite(value):
        return Estimate.unsaid("eta is the same for all grasps")
    if ends is None:
        return Estimate(value, reason="too few grasps differ for an interval")
    return Estimate(value, *ends)


def problem_of(grasps: int, overall: Ratio | None) -> str:
    """Why nothing can be said of a fitness; empty if something can.

    Args:
        grasps: How many have it.
        overall: Eta of their attempts; None if there are none.
    """
    attempts = overall.attempts if overall else 0
    if attempts < FEWEST_ATTEMPTS:
        return too_few(attempts, "attempt", FEWEST_ATTEMPTS)
    if grasps < FEWEST_GRASPS:
        return too_few(grasps, "grasp", FEWEST_GRASPS)
    if overall and overall.held in (0, attempts):
        return f"{'all' if overall.held else 'none of the'} {attempts} attempts held"
    return ""


def too_few(number: int, noun: str, needed: int) -> str:
    """That so few have the fitness in question, e.g. "1 attempt has it; at least 10 are needed"."""
    have = f"{noun} has" if number in (0, 1) else f"{noun}s have"
    return f"{number or 'no'} {have} it; at least {needed} are needed"
