"""The tables of a report, and its small print, ready for its template."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Any, Final

from markupsafe import Markup

from dr_grasp.report.figures import bars, track
from dr_grasp.report.findings import Findings, Group
from dr_grasp.report.wording import (
    count,
    estimate_text,
    eta_text,
    percent,
    points_text,
)
from dr_grasp.transfer.calibration import Calibration
from dr_grasp.transfer.grasp_tally import GraspTally, Ratio, total
from dr_grasp.transfer.statistics import CriterionStatistics, Estimate

MOST_GROUPS: Final = 20
"""Lines of a table of objects; what is beyond is summed up in one."""


@dataclass(frozen=True, slots=True)
class Line:
    """A line of a table: a name, a figure, a number in words and what stands below that.

    Attributes:
        name: At its beginning.
        svg: The figure; empty if there is none.
        text: The number in words, or why there is none.
        small: Beside it, less important.
    """

    name: str
    svg: Markup
    text: str
    small: str = ""


def loss_table(findings: Findings) -> tuple[tuple[str, str, str], ...]:
    """Brier score and log loss of each way to say a probability; none without a model."""
    found = findings.calibration
    if not isinstance(found, Calibration):
        return ()
    training = found.model.training
    ways = (
        ("calibrated model", training.model),
        ("MDR itself", training.mdr),
        ("the same for all", training.constant),
    )
    return tuple(
        (name, f"{loss.brier:.3f}", f"{loss.log_loss:.3f}")
        for name, loss in ways
        if loss is not None
    )


def rank_lines(criteria: Sequence[CriterionStatistics], which: str) -> tuple[Line, ...]:
    """Spearman's rho ("rho") or the AUC ("auc") of each criterion."""
    low, mark = (-1.0, 0.0) if which == "rho" else (0.0, 0.5)
    lines = []
    for one in criteria:
        estimate: Estimate = getattr(one, which)
        svg = Markup("")
        if estimate.value is not None:
            svg = track(estimate.value, _ends(estimate), low=low, mark=mark)
        small = (
            f"{count(one.grasps, 'grasp')}" if which == "rho" else count(one.attempts, "attempt")
        )
        lines.append(Line(one.criterion.name, svg, estimate_text(estimate), small))
    return tuple(lines)


def robot_table(findings: Findings) -> tuple[tuple[str, tuple[tuple[str, str], ...]], ...]:
    """For each robot, rho and AUC of each criterion in words."""
    return tuple(
        (robot, tuple((estimate_text(one.rho), estimate_text(one.auc)) for one in criteria))
        for robot, criteria in findings.by_robot.items()
    )


def gain_lines(criteria: Sequence[CriterionStatistics]) -> tuple[Line, ...]:
    """Eta of the fittest fifth by each criterion, beside that of all."""
    lines = []
    for one in criteria:
        svg, text, small = Markup(""), points_text(one.gain), ""
        if one.top_eta.value is not None and one.overall is not None:
            svg = track(one.top_eta.value, _ends(one.top_eta), other=one.overall.value)
            small = (
                f"eta {one.overall.value:.2f} of all, {estimate_text(one.top_eta)} of the fittest "
                f"{count(one.top_grasps, 'grasp')} of {one.grasps:,}"
            )
        lines.append(Line(one.criterion.name, svg, text, small))
    return tuple(lines)


def group_tables(findings: Findings) -> tuple[tuple[tuple[str, tuple[Line, ...]], ...], ...]:
    """Eta by robot, method and, where there are several, backend; and, longer, by object."""
    names = [("robot", "By robot"), ("method", "By method")]
    if len(findings.groups["backend"]) > 1:
        names.append(("backend", "By what executed it"))
    short = tuple((title, _group_lines(findings.groups[key])) for key, title in names)
    return short, (("By object", _group_lines(findings.groups["object"])),)


def failure_lines(findings: Findings) -> tuple[Line, ...]:
    """Shares of the reasons of failures, predicted and real."""
    predicted, real = findings.failures.predicted, findings.failures.real
    sums = sum(predicted.values()), sum(real.values())
    shares = {
        reason: (
            predicted.get(reason, 0) / max(sums[0], 1),
            real.get(reason, 0) / max(sums[1], 1),
        )
        for reason in {**real, **predicted}
    }
    most = max((max(pair) for pair in shares.values()), default=0.0)
    return tuple(
        Line(
            reason.label.replace("_", " "),
            bars(first, second, most),
            f"{percent(first)} predicted, {percent(second)} real",
            count(predicted.get(reason, 0), "rollout")
            + f", {count(real.get(reason, 0), 'attempt')}",
        )
        for reason, (first, second) in sorted(
            shares.items(), key=lambda item: (-sum(item[1]), item[0])
        )
    )


def cause_lines(
    findings: Findings, causes: Mapping[str, Sequence[str]]
) -> tuple[tuple[Line, GraspTally | None], ...]:
    """For each cause, how many grasps have it, their eta, and an example; the commonest first."""
    of_cause: dict[str, list[GraspTally]] = {}
    for tally in findings.tallies:
        for cause in causes.get(tally.last.trajectory, ["not diagnosed"]) or ["none of them"]:
            of_cause.setdefault(cause, []).append(tally)
    last = ("none of them", "not diagnosed")
    examples: dict[str, GraspTally] = {}
    # The rarest choose first, and none shows what another does if it has another to show.
    for cause, tallies in sorted(of_cause.items(), key=lambda item: (len(item[1]), item[0])):
        if cause not in last:
            shown = list(examples.values())
            examples[cause] = min(
                tallies, key=lambda one: (one in shown, one.eta, -one.attempts, one.grasp_id)
            )
    return tuple(
        (_line(cause, len(tallies), total(tallies)), examples.get(cause))
        for cause, tallies in sorted(
            of_cause.items(), key=lambda item: (item[0] in last, -len(item[1]), item[0])
        )
    )


def day(stamp_ns: int) -> str:
    """A date in UTC."""
    return f"{datetime.fromtimestamp(stamp_ns // 10**9, timezone.utc):%Y-%m-%d}"


def said_by(findings: Findings) -> tuple[tuple[str, int, int], ...]:
    """Whose word counts, for how many attempts, and how often it differs from the backend's."""
    number = Counter(row.said_by for row in findings.rows)
    differs = Counter(row.said_by for row in findings.rows if row.outcome != row.backend_outcome)
    return tuple((name, amount, differs[name]) for name, amount in number.most_common(MOST_GROUPS))


def sources(findings: Findings) -> dict[str, str]:
    """What the scores were made with."""
    scored = [row for row in findings.rows if row.fitness]

    def several(values: Any) -> str:
        return ", ".join(sorted({value for value in values if value})) or "none"

    return {
        "profiles of the scores": several(row.profile for row in scored),
        "scored by": several(row.scored_by for row in scored),
        "executed by": several(row.backend for row in findings.rows),
    }


def _group_lines(groups: Sequence[Group]) -> tuple[Line, ...]:
    lines = [_line(one.name or "not said", one.grasps, one.eta) for one in groups[:MOST_GROUPS]]
    rest = groups[MOST_GROUPS:]
    if rest:
        eta = Ratio(sum(one.eta.held for one in rest), sum(one.eta.attempts for one in rest))
        grasps = sum(one.grasps for one in rest)
        lines.append(_line(f"{len(rest):,} more, with fewer attempts", grasps, eta))
    return tuple(lines)


def _line(name: str, grasps: int, eta: Ratio | None) -> Line:
    if eta is None:
        return Line(name, Markup(""), "-")
    small = f"{eta.held:,} of {count(eta.attempts, 'attempt')}, {count(grasps, 'grasp')}"
    return Line(name, track(eta.value, eta.interval), eta_text(eta), small)


def _ends(estimate: Estimate) -> tuple[float, float] | None:
    if estimate.low is None or estimate.high is None:
        return None
    return estimate.low, estimate.high
