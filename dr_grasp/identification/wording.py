"""Texts of findings, for tables and pages."""

from __future__ import annotations

import math
from typing import Final

from dr_grasp.identification.findings import Finding

SHOWN_IN: Final = {"m": ("mm", 1000.0), "s": ("ms", 1000.0), "rad": ("deg", 180 / math.pi)}
"""Units in which people read values, and the factor to them; files have SI units."""

DECIMALS = 3
"""Most decimal places that are shown: less than a micrometre or a thousandth of a degree is 0."""

Bounds = tuple[float, float] | None


def label_text(finding: Finding) -> str:
    """Name of a parameter with the unit in which it is shown."""
    return f"{finding.label} ({_shown_in(finding)[0]})"


def range_text(finding: Finding, bounds: Bounds) -> str:
    """A range of a finding, or the number that stands for one, in the unit that is shown."""
    if bounds is None:
        return "none"
    factor = _shown_in(finding)[1]
    low, high = (_shown(factor * value) for value in bounds)
    return low if bounds[0] == bounds[1] else f"{low} to {high}"


def change_text(finding: Finding) -> str:
    """What became of a range, in a word or two."""
    old, new = finding.old, finding.new
    if not finding.fitted or new is None:
        return "kept"
    if old is None:
        return "added"
    if old == new:
        return "the same"
    if old[0] == old[1] and new[0] == new[1]:
        return "larger" if abs(new[0]) > abs(old[0]) else "smaller"
    if new[0] >= old[0] and new[1] <= old[1]:
        return "narrower"
    if new[0] <= old[0] and new[1] >= old[1]:
        return "wider"
    return "moved"


def _shown(value: float) -> str:
    digits = float(f"{value:.3g}")
    return f"{round(digits, DECIMALS) + 0.0:g}"  # never -0


def _shown_in(finding: Finding) -> tuple[str, float]:
    """The unit in which a finding is shown, and the factor to it."""
    if finding.half_range_rad is not None:
        unit, factor = SHOWN_IN["rad"]
        return unit, factor * finding.half_range_rad
    return SHOWN_IN.get(finding.unit, (finding.unit or "factor", 1.0))
