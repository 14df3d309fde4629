"""Makes the tables and the small print of a report for its HTML template."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Final

from dr_grasp.core.margin import GraspMargins
from dr_grasp.core.outcome import Outcome
from dr_grasp.report.findings import Findings, Group, groups_of
from dr_grasp.transfer.grasp_tally import GraspTally

MOST_GROUPS: Final = 20
"""Most groups in a table; the groups beyond are added up in a last line."""

MOST_MARGINS: Final = 12
"""Most grasps whose margins are drawn."""

WITHOUT_CAUSE: Final = ("none of them", "not diagnosed")
"""Names in place of a cause for grasps without any; they come last in the table."""


@dataclass(frozen=True, slots=True)
class FailureShare:
    """The share of a reason among all failures, of rollouts and of attempts.

    Attributes:
        reason: The outcome that is the reason.
        rollouts: Number of rollouts that failed for this reason.
        attempts: Number of attempts that failed for this reason.
        predicted: Share of this reason among failed rollouts, in [0, 1].
        real: Share of this reason among failed attempts, in [0, 1].
        links: Which links touched most often in the rollouts, in words; empty for other reasons.
    """

    reason: Outcome
    rollouts: int
    attempts: int
    predicted: float
    real: float
    links: str


def shortened(groups: Sequence[Group]) -> list[Group]:
    """Keep the first `MOST_GROUPS` groups of a table; all others become one group."""
    shown, rest = list(groups[:MOST_GROUPS]), groups[MOST_GROUPS:]
    if rest:
        name = f"{len(rest):,} more, with fewer attempts"
        shown += groups_of({name: [tally for group in rest for tally in group.tallies]})
    return shown


def failure_shares(findings: Findings) -> list[FailureShare]:
    """Compute the shares of all reasons of failures; the most frequent come first."""
    predicted, real = Counter(findings.predicted_failures), Counter(findings.real_failures)
    all_predicted, all_real = max(predicted.total(), 1), max(real.total(), 1)
    shares = [
        FailureShare(
            reason,
            predicted[reason],
            real[reason],
            predicted[reason] / all_predicted,
            real[reason] / all_real,
            findings.collisions.get(reason, ""),
        )
        for reason in sorted(predicted | real)
    ]
    return sorted(shares, key=lambda share: -share.predicted - share.real)


def causes_of(
    findings: Findings, causes: Mapping[str, Sequence[str]]
) -> list[tuple[Group, GraspTally | None]]:
    """Group grasps by cause, with an example of each cause; the most frequent cause comes first.

    Args:
        findings: The numbers of the report.
        causes: Names of the causes that a diagnosis found, by fingerprint of the trajectory.
    """
    of_cause: dict[str, list[GraspTally]] = defaultdict(list)
    for tally in findings.tallies:
        for cause in causes.get(tally.last.trajectory, ["not diagnosed"]) or ["none of them"]:
            of_cause[cause].append(tally)
    groups = sorted(groups_of(of_cause), key=lambda group: (group.grasps, group.name))
    examples: dict[str, GraspTally] = {}
    # The rarest causes choose first; a cause repeats an example only if it has no other grasp.
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


def margins_of(
    findings: Findings, margins: Mapping[str, GraspMargins]
) -> tuple[list[tuple[GraspTally, GraspMargins]], int]:
    """The attempted grasps of which margins are known, the widest first.

    Of more than `MOST_MARGINS`, those with the widest and those with the narrowest.

    Args:
        findings: The numbers of the report.
        margins: Margins by fingerprint of the trajectory.

    Returns:
        Grasps with their margins, and how many there are of which margins are known.
    """
    known = [
        (tally, margins[tally.last.trajectory])
        for tally in findings.tallies
        if tally.last.trajectory in margins
    ]
    known.sort(key=lambda pair: (pair[1].width, pair[0].last.grasp_id), reverse=True)
    half = MOST_MARGINS // 2
    shown = known if len(known) <= MOST_MARGINS else known[:half] + known[-half:]
    return shown, len(known)


def sources(findings: Findings) -> dict[str, str]:
    """List what scores and attempts were made with: profiles, engines, software and backends."""

    def listed(names: Iterable[str]) -> str:
        return ", ".join(sorted({*names} - {""})) or "none"

    scored = [row for row in findings.rows if row.fitness]
    return {
        "profiles of the scores": listed(row.profile for row in scored),
        "engines of the scores": listed(row.engine.value for row in scored if row.engine),
        "scored by": listed(row.scored_by for row in scored),
        "executed by": listed(row.backend for row in findings.rows),
        "engines of the twin": listed(row.backend_engine for row in findings.rows),
    }


def judged_by_itself(findings: Findings) -> Counter[str]:
    """Count the attempts on a twin in the physics in which their score was made, by its name."""
    return Counter(
        row.backend_engine
        for row in findings.rows
        if row.engine is not None and row.engine.physics == row.backend_engine
    )


def said_by(findings: Findings) -> list[tuple[str, int, int]]:
    """Count, by operator or backend, the outcomes given and those unlike the backend's."""
    number = Counter(row.said_by for row in findings.rows)
    differs = Counter(row.said_by for row in findings.rows if row.outcome != row.backend_outcome)
    return [(name, amount, differs[name]) for name, amount in number.most_common(MOST_GROUPS)]


def day(stamp_ns: int) -> str:
    """The date of a time in UTC, e.g. "2026-08-22"."""
    return f"{datetime.fromtimestamp(stamp_ns // 10**9, timezone.utc):%Y-%m-%d}"
