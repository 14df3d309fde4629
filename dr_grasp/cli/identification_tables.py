"""Tables and sentences of `dr-grasp identify`, for a terminal."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from dr_grasp.cli.console import print_line, print_table
from dr_grasp.core.texts import first_names
from dr_grasp.identification.findings import Agreement, Identification
from dr_grasp.identification.wording import label_text, range_text

if TYPE_CHECKING:
    from dr_grasp.identification.suggestion import Suggestion


def show_findings(found: Identification, out: Path | None, html: Path | None) -> None:
    """Print what was found, why, and what to do next.

    Args:
        found: What was found.
        out: The profile that was written; None for none.
        html: The page that was written; None for none.
    """
    print_table(
        ["parameter", "before", "after", "the attempts show"],
        [
            [
                label_text(finding),
                range_text(finding, finding.old),
                range_text(finding, finding.new) if finding.fitted else "as before",
                "-" if finding.interval is None else range_text(finding, finding.interval),
            ]
            for finding in found.findings
        ],
    )
    reasons: dict[str, list[str]] = {}
    for finding in found.findings:
        reasons.setdefault(finding.reason, []).append(finding.label)
    for reason, labels in reasons.items():
        print_line(f"{first_names(labels)}: {reason}")
    for check in found.checks:
        print_line(check)
    if found.before is not None and found.after is not None:
        print_line(_agreement_text(found.before, found.after))
    if html is not None:
        print_line(f"{html}: the same as a page")
    if out is not None:
        print_line(
            f"{out}: {found.fitted} of {len(found.findings)} parameters fitted to "
            f"{found.attempts} attempts, by {found.rollouts:,} rollouts"
        )
        print_line(f"score with it: dr-grasp score GRASPS --profile {out} --out SCORES")


def _agreement_text(before: Agreement, after: Agreement) -> str:
    return (
        "Brier score of the simulated chance that these same attempts hold, less is better: "
        f"{before.brier:.3f} before, {after.brier:.3f} after"
    )


def show_suggestions(told: Sequence[Suggestion]) -> None:
    """Print the grasps that would tell most, and what to do with them.

    A grasp's information [nats] is by how much the logarithm of the volume of what is possible
    shrinks; people are told which part of that volume is left.
    """
    print_table(
        ["grasp", "still possible after it", "tells about"],
        [
            [each.grasp_id, f"{100 * math.exp(-each.information):.0f} %", ", ".join(each.about)]
            for each in told
        ],
        title="grasps that would tell most, each executed once and after those above it",
    )
    print_line(
        "execute them, and record a bag; then identify again, with that bag among the sessions"
    )
