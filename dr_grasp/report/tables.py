"""The tables of a report, and its small print, ready for its template."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Final

from dr_grasp.report.findings import Findings, Group, groups_of
from dr_grasp.report.wording import count, estimate_text, percent, points_text, with_interval
from dr_grasp.transfer.grasp_tally import GraspTally, Ratio
from dr_grasp.transfer.statistics import CriterionStatistics, Estimate

MOST_GROUPS: Final = 20
"""Lines of a table of objects; what is beyond is summed up in one."""

WITHOUT_CAUSE: Final = ("none of them", "not diagnosed")
"""What stands for a cause where a grasp has none; these come last."""


@dataclass(frozen=True, slots=True)
class Line:
    """A line of a table: a name, a number on a track, and the number in words.

    Attributes:
        name: Text at the beginning of the line.
        estimate: The number on the track; without a value there is no track.
        text: The number in words, or why there is none.
        small: Text below that, less important.
        low: Where the track begins; it ends at 1.
        mark: A value that is marked across the track, e.g. that of chance.
        other: A number to compare with, drawn hollow.
    """

    name: str
    estimate: Estimate
    text: str
    small: str
    low: float = 0.0
    mark: float | None = None
    other: float | None = None


@dataclass(frozen=True, slots=True)
class FailureLine:
    """How often a failure is the reason of all failures, as predicted and as it happened.

    Attributes:
        name: Name of the failure.
        predicted: Share of the rollouts that failed.
        real: Share of the attempts that failed.
        text: The shares in words.
        small: The counts in words.
    """

    name: str
    predicted: float
    real: float
    text: str
    small: str


def rank_lines(criteria: Sequence[CriterionStatistics]) -> dict[str, list[Line]]:
    """Spearman's rho and the area under the ROC curve of each criterion, by title."""
    rho, auc = [], []
    for found in criteria:
        name, grasps = found.criterion.name, count(found.grasps, "grasp")
        attempts = count(found.attempts, "attempt")
        rho.append(Line(name, found.rho, estimate_text(found.rho), grasps, low=-1.0, mark=0.0))
        auc.append(Line(name, found.auc, estimate_text(found.auc), attempts, mark=0.5))
    return {"Spearman's rho": rho, "Area under the ROC curve (AUC)": auc}


def gain_lines(criteria: Sequence[CriterionStatistics]) -> list[Line]:
    """Eta of the fittest fifth by each criterion, beside that of all."""
    lines = []
    for found in criteria:
        overall = found.overall.value if found.overall else 0.0
        small = (
            f"eta {overall:.2f} of all, {estimate_text(found.top_eta)} of the fittest "
            f"{count(found.top_grasps, 'grasp')} of {found.grasps:,}"
        )
        name, text = found.criterion.name, points_text(found.gain)
        lines.append(Line(name, found.top_eta, text, small, other=overall))
    return lines


def group_lines(groups: Sequence[Group]) -> list[Line]:
    """Eta of each group; of the last ones together, where there are many."""
    shown, rest = list(groups[:MOST_GROUPS]), groups[MOST_GROUPS:]
    if rest:
        held = sum(group.eta.held for group in rest)
        attempts = sum(group.eta.attempts for group in rest)
        name = f"{len(rest):,} more, with fewer attempts"
        shown.append(Group(name, sum(group.grasps for group in rest), Ratio(held, attempts)))
    return [_eta_line(group) for group in shown]


def failure_lines(findings: Findings) -> list[FailureLine]:
    """Shares of the reasons of failures, predicted and real; the most frequent first."""
    predicted, real = Counter(findings.predicted_failures), Counter(findings.real_failures)
    all_predicted, all_real = max(predicted.total(), 1), max(real.total(), 1)
    lines = []
    for reason in sorted(predicted | real):
        shares = predicted[reason] / all_predicted, real[reason] / all_real
        text = f"{percent(shares[0])} predicted, {percent(shares[1])} real"
        small = f"{count(predicted[reason], 'rollout')}, {count(real[reason], 'attempt')}"
        lines.append(FailureLine(reason.label.replace("_", " "), *shares, text, small))
    return sorted(lines, key=lambda line: -line.predicted - line.real)


def cause_lines(
    findings: Findings, causes: Mapping[str, Sequence[str]]
) -> list[tuple[Line, GraspTally | None]]:
    """Eta of the grasps with each cause, and an example of them; the most frequent cause first.

    Args:
        findings: What the report says.
        causes: Causes by trajectory, as a diagnosis found them.
    """
    of_cause: dict[str, list[GraspTally]] = defaultdict(list)
    for tally in findings.tallies:
        for cause in causes.get(tally.last.trajectory, ["not diagnosed"]) or ["none of them"]:
            of_cause[cause].append(tally)
    groups = sorted(groups_of(of_cause), key=lambda group: (group.grasps, group.name))
    examples: dict[str, GraspTally] = {}
    # The rarest choose first, and none shows what another does if it has another to show.
    for group in groups:
        if group.name not in WITHOUT_CAUSE:
            shown = list(examples.values())
            examples[group.name] = min(
                of_cause[group.name],
                key=lambda tally: (
                    tally in shown,
                    tally.eta.value,
                    -tally.eta.attempts,
                    tally.last.grasp_id,
                ),
            )
    groups.sort(key=lambda group: (group.name in WITHOUT_CAUSE, -group.grasps, group.name))
    return [(_eta_line(group), examples.get(group.name)) for group in groups]


def sources(findings: Findings) -> dict[str, str]:
    """What the scores and the attempts were made with."""

    def listed(names: Iterable[str]) -> str:
        return ", ".join(sorted({*names} - {""})) or "none"

    scored = [row for row in findings.rows if row.fitness]
    return {
        "profiles of the scores": listed(row.profile for row in scored),
        "scored by": listed(row.scored_by for row in scored),
        "executed by": listed(row.backend for row in findings.rows),
    }


def said_by(findings: Findings) -> list[tuple[str, int, int]]:
    """Whose word counts, for how many attempts, and how often it differs from the backend's."""
    number = Counter(row.said_by for row in findings.rows)
    differs = Counter(row.said_by for row in findings.rows if row.outcome != row.backend_outcome)
    return [(name, amount, differs[name]) for name, amount in number.most_common(MOST_GROUPS)]


def day(stamp_ns: int) -> str:
    """A date in UTC."""
    return f"{datetime.fromtimestamp(stamp_ns // 10**9, timezone.utc):%Y-%m-%d}"


def _eta_line(group: Group) -> Line:
    eta = group.eta
    grasps = count(group.grasps, "grasp")
    small = f"{eta.held:,} of {count(eta.attempts, 'attempt')}, {grasps}"
    name = group.name or "not said"
    return Line(
        name, Estimate(eta.value, *eta.interval), with_interval(eta.value, eta.interval), small
    )
