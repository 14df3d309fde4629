"""Which unit a mesh is in: files of most formats do not say."""

from __future__ import annotations

from typing import Literal

from dr_grasp.core.arrays import FloatArray
from dr_grasp.errors import ModelError

Unit = Literal["m", "cm", "mm", "in"]

METRES: dict[Unit, float] = {"m": 1.0, "cm": 0.01, "mm": 0.001, "in": 0.0254}
NAMES: dict[Unit, str] = {"m": "metres", "cm": "centimetres", "mm": "millimetres", "in": "inches"}

SMALLEST_M = 0.003
LARGEST_M = 1.0
"""Extents that a hand on an arm may be asked to grasp."""

ROUNDING = 1e-6


def fits(extent_m: float) -> bool:
    """Whether something of this extent may be grasped."""
    return SMALLEST_M * (1 - ROUNDING) <= extent_m <= LARGEST_M * (1 + ROUNDING)


def guess_unit(extent: float) -> Unit | None:
    """The unit of a mesh: metres up to 1, else millimetres; None if it would not fit either.

    Args:
        extent: Its longest side along an axis, in the file's unit.
    """
    unit: Unit = "m" if extent <= LARGEST_M * (1 + ROUNDING) else "mm"
    return unit if fits(extent * METRES[unit]) else None


def check_extent(label: str, extent: FloatArray, scale: float, advice: str) -> None:
    """Refuse what is too large or too small to be grasped.

    Args:
        label: What to call it.
        extent: Shape (3,), in the file's unit.
        scale: Factor to metres.
        advice: What to do about it; {unit} and {scale} are those that would do, if any would.

    Raises:
        ModelError: It is.
    """
    longest = float(extent.max())
    if fits(longest * scale):
        return
    problem = (
        f"{label}: {sides(extent * scale)} m: expected {SMALLEST_M:g} to {LARGEST_M:g} m "
        "along its longest side"
    )
    for unit, factor in sorted(METRES.items(), key=lambda one: one[0] != "mm"):
        if fits(longest * factor):
            problem += "; " + advice.format(unit=unit, unit_name=NAMES[unit], scale=factor)
            break
    raise ModelError(problem)


def sides(extent: FloatArray) -> str:
    """Three lengths as text."""
    return " x ".join(f"{side:.3g}" for side in extent)
