"""The tables of a report, and its small print, ready for its template."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Final

from dr_grasp.core.outcome import Outcome
from dr_grasp.report.findings import Findings, Group, groups_of
from dr_grasp.transfer.grasp_tally import GraspTally, Ratio

MOST_GROUPS: Final = 20
"""Lines of a table of objects; what is beyond is summed up in one."""

WITHOUT_CAUSE: Final = ("none of them", "not diagnosed")
"""What stands for a cause where a grasp has none; these come last."""


@dataclass(frozen=True, slots=True)
class FailureShare:
    """How often a failure is the reason of all failures, as predicted and as it happened.

    Attributes:
        reason: The failure.
        rollouts: Rollouts that failed so.
        attempts: Attempts that failed so.
        predicted: Share of these rollouts among all that failed.
        real: Share of these attempts among all that failed.
    """

    reason: Outcome
    rollouts: int
    attempts: int
    predicted: float
    real: float


def shortened(groups: Sequence[Group]) -> list[Group]:
    """Keep the first groups of a long table; the others become one."""
    shown, rest = list(groups[:MOST_GROUPS]), groups[MOST_GROUPS:]
    if rest:
        held = sum(group.eta.held for group in rest)
        attempts = sum(group.eta.attempts for group in rest)
        name = f"{len(rest):,} more, with fewer attempts"
        shown.append(Group(name, sum(group.grasps for group in rest), Ratio(held, attempts)))
    return shown


def failure_shares(findings: Findings) -> list[FailureShare]:
    """Shares of the reasons of failures, predicted and real; the most frequent first."""
    predicted, real = Counter(findings.predicted_failures), Counter(findings.real_failures)
    all_predicted, all_real = max(predicted.total(), 1), max(real.total(), 1)
    shares = [
        FailureShare(
            reason,
            predicted[reason],
            real[reason],
            predicted[reason] / all_predicted,
            real[reason] / all_real,
        )
        for reason in sorted(predicted | real)
    ]
    return sorted(shares, key=lambda share: -share.predicted - share.real)


def causes_of(
    findings: Findings, causes: Mapping[str, Sequence[str]]
) -> list[tuple[Group, GraspTally | None]]:
    """Group grasps by cause, with an example of each; the most frequent cause first.

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
    return [(group, examples.get(group.name)) for group in groups]


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
    """Who gave the outcomes that count, of how many attempts, and how often unlike the backend."""
    number = Counter(row.said_by for row in findings.rows)
    differs = Counter(row.said_by for row in findings.rows if row.outcome != row.backend_outcome)
    return [(name, amount, differs[name]) for name, amount in number.most_common(MOST_GROUPS)]


def day(stamp_ns: int) -> str:
    """A date in UTC."""
    return f"{datetime.fromtimestamp(stamp_ns // 10**9, timezone.utc):%Y-%m-%d}"
