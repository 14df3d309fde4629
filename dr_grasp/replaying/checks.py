"""What repeating a bag found: what came out the same, what differs, what could not be checked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum

from dr_grasp.provenance.models import PROCESSOR


class Verdict(Enum):
    """How a check ended."""

    SAME = "same"
    DIFFERS = "differs"
    SKIPPED = "skipped"


@dataclass(frozen=True, slots=True)
class Check:
    """One comparison of what a bag records with what came out now.

    Attributes:
        subject: What was repeated: "grasp <id>" or "attempt <id>".
        aspect: What was compared: a criterion, "nominal outcome", "failures", "outcome", "motion",
            or "score" where there is none any more.
        verdict: Whether it came out the same.
        recorded: What the bag says, in words.
        replayed: What came out now, in words.
        reason: Why it differs, as far as one can tell; or why it was not checked.
    """

    subject: str
    aspect: str
    verdict: Verdict
    recorded: str = ""
    replayed: str = ""
    reason: str = ""

    @classmethod
    def of(
        cls, subject: str, aspect: str, recorded: object, replayed: object, reason: str
    ) -> Check:
        """Compare; `reason` is kept only where the two differ."""
        same = recorded == replayed
        return cls(
            subject,
            aspect,
            Verdict.SAME if same else Verdict.DIFFERS,
            str(recorded),
            str(replayed),
            "" if same else reason,
        )


def likely_reason(
    recorded: Mapping[str, str], recorded_version: str, now: Mapping[str, str], version: str
) -> str:
    """Say why a repetition may differ: what has changed of what it is made of.

    Args:
        recorded: Fingerprints in the bag, by kind; see `dr_grasp.provenance.models`.
        recorded_version: Versions of dr_grasp and the engine, in the bag.
        now: The present fingerprints.
        version: The present versions.
    """
    reasons = []
    if recorded_version and recorded_version != version:
        reasons.append(f"another version: {recorded_version}, now {version}")
    for kind, was in sorted(recorded.items()):
        present = now.get(kind, was)
        if was != present:
            what = "another processor" if kind == PROCESSOR else f"{kind} changed"
            reasons.append(f"{what}: {was}, now {present}")
    if not recorded:
        reasons.append("recorded before bags said what things were made of")
    return "; ".join(reasons) or "nothing that the bag tells of has changed"
