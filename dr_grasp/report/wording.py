"""Texts of numbers and findings, for reports."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from dr_grasp.core.perturbation import Criterion
from dr_grasp.transfer.clustered import Eta
from dr_grasp.transfer.grasp_tally import Predictor
from dr_grasp.transfer.statistics import Estimate, PredictorStatistics

DOUBTS: Final = {
    Criterion.OSDR: "perception",
    Criterion.JSDR: "control",
    Criterion.FDR: "dynamics",
    Criterion.MDR: "all at once",
}
"""The part of the simulated world that each criterion doubts, in words."""


def number(value: float) -> str:
    """A number with two decimals, and a minus sign that is as wide as a digit."""
    return f"{value:.2f}".replace("-", "\N{MINUS SIGN}")


def with_interval(value: float, interval: tuple[float, float]) -> str:
    """A number and its interval, e.g. "0.79 [0.66, 0.88]", without line break in the interval."""
    return f"{number(value)} [{number(interval[0])},\N{NO-BREAK SPACE}{number(interval[1])}]"


def percent(share: float) -> str:
    """A share in per cent, e.g. "76 %"."""
    return f"{100 * share:.0f}\N{NO-BREAK SPACE}%"


def estimate_text(estimate: Estimate) -> str:
    """An estimate and its interval, or the reason why there is none."""
    if estimate.value is None:
        return estimate.reason
    if estimate.low is None or estimate.high is None:
        return f"{number(estimate.value)} ({estimate.reason})"
    return with_interval(estimate.value, (estimate.low, estimate.high))


def points_text(estimate: Estimate) -> str:
    """An estimate of a difference of shares in points, e.g. "+16 [+4, +27] points"."""
    if estimate.value is None:
        return estimate.reason
    text = _points(estimate.value)
    if estimate.low is None or estimate.high is None:
        return f"{text} points ({estimate.reason})"
    ends = f"{_points(estimate.low)},\N{NO-BREAK SPACE}{_points(estimate.high)}"
    return f"{text} [{ends}] points"


def count(amount: int, noun: str) -> str:
    """An amount of something, e.g. "1 grasp", "12,000 grasps"."""
    return f"{amount:,} {noun}{'' if amount == 1 else 's'}"


def over(eta: Eta) -> str:
    """What an interval of eta is over, e.g. "over 27 grasps, 270 attempts"."""
    return f"over {count(eta.grasps, 'grasp')}, {count(eta.attempts, 'attempt')}"


def predictor_name(predictor: Predictor) -> str:
    """Name of a criterion or a metric, e.g. "MDR", "tug", "engine gap (less is better)"."""
    if isinstance(predictor, Criterion):
        return predictor.name
    name = predictor.value.replace("_", " ")
    return name if predictor.more_is_better else f"{name} (less is better)"


def summary(criteria: Sequence[PredictorStatistics]) -> tuple[str, ...]:
    """Say in a few sentences how well MDR predicts; without MDR, the last criterion with scores."""
    labelled = [found for found in criteria if found.attempts]
    if not labelled:
        return ("No attempt has a score: nothing can be said of any fitness.",)
    lead = labelled[-1]  # MDR is the last of all criteria
    name, auc = predictor_name(lead.predictor), lead.auc
    if auc.value is None or auc.low is None or auc.high is None:
        reason = auc.reason
        return (f"Whether grasps of a higher {name} hold more often cannot be said yet: {reason}.",)
    pair = (
        f"of two attempts, one that held and one that did not, {name} picks the right one in "
        f"{percent(auc.value)} of cases [{percent(auc.low)}, {percent(auc.high)}], where chance "
        f"would in {percent(0.5)}."
    )
    if auc.low > 0.5:
        first = f"Grasps with a higher {name} held more often: {pair}"
    elif auc.high < 0.5:
        first = f"Grasps with a higher {name} held less often: {pair} Something is wrong."
    else:
        first = f"It is not shown yet that a higher {name} holds more often: {pair}"
    if lead.overall is None or lead.top_eta.value is None:
        return (first,)
    second = (
        f"Choosing only the fittest fifth by {name} changes eta from {number(lead.overall.value)} "
        f"to {number(lead.top_eta.value)}: {points_text(lead.gain)}."
    )
    return (first, second)


def _points(share: float) -> str:
    rounded = round(100 * share)
    return f"{rounded:+d}".replace("-", "\N{MINUS SIGN}") if rounded else "0"
