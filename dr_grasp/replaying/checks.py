"""Results of repeating a bag: what is the same, what differs, what could not be checked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum

from dr_grasp.provenance.fingerprint import ENGINE, GPU, OTHER_ENGINE, PROCESSOR, TWIN_ENGINE


class Verdict(Enum):
    """Result of a check."""

    SAME = "same"
    DIFFERS = "differs"
    SKIPPED = "skipped"


@dataclass(frozen=True, slots=True)
class Check:
    """One comparison of a recorded value with its repetition.

    Attributes:
        subject: What was repeated: "grasp <id>" or "attempt <id>".
        aspect: What was compared: a criterion, a metric, "nominal outcome", "failures", "outcome",
            "motion", or "score" if the grasp can no longer be scored.
        verdict: Whether both are the same, they differ, or the check was skipped.
        recorded: The value in the bag, in words.
        replayed: The value of the repetition, in words.
        reason: The likely reason of a difference, or the reason why the check was skipped.
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
        """Compare a recorded value with its repetition; `reason` is kept only if they differ."""
        same = recorded == replayed
        return cls(
            subject,
            aspect,
            Verdict.SAME if same else Verdict.DIFFERS,
            str(recorded),
            str(replayed),
            "" if same else reason,
        )


_CHANGES = {
    PROCESSOR: "another processor",
    GPU: "another GPU",
    ENGINE: "settings of the engine changed",
    OTHER_ENGINE: "the other engine changed",
    TWIN_ENGINE: "settings of the twin's engine changed",
}
"""How a change is called, where that is not "KIND changed"."""


def likely_reason(
    recorded: Mapping[str, str], recorded_version: str, now: Mapping[str, str], version: str
) -> str:
    """List in one line which versions and models have changed since a recording.

    Args:
        recorded: Fingerprints in the bag, by kind; see `dr_grasp.provenance.fingerprint`.
        recorded_version: Versions of dr_grasp and the engine, in the bag.
        now: Present fingerprints, by kind.
        version: Present versions of dr_grasp and the engine.
    """
    reasons = []
    if recorded_version and recorded_version != version:
        reasons.append(f"another version: {recorded_version}, now {version}")
    for kind, was in sorted(recorded.items()):
        present = now.get(kind, was)
        if was != present:
            reasons.append(f"{_CHANGES.get(kind, f'{kind} changed')}: {was}, now {present}")
    if not recorded:
        reasons.append("recorded before bags said what things were made of")
    return "; ".join(reasons) or "nothing that the bag tells of has changed"
