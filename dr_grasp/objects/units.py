"""Which unit a mesh is in: files of most formats do not say."""

from __future__ import annotations

from dr_grasp.core.arrays import FloatArray
from dr_grasp.errors import ModelError

METRES = {"m": 1.0, "cm": 0.01, "mm": 0.001, "in": 0.0254}
"""The length of each unit in metres."""

NAMES = {"m": "metres", "cm": "centimetres", "mm": "millimetres", "in": "inches"}

SMALLEST_M = 0.003
LARGEST_M = 1.0
"""Longest sides, between which a hand on an arm may be asked to grasp an object."""

ROUNDING = 1e-6


def fits(extent_m: float) -> bool:
    """Whether an object with this longest side may be grasped."""
    return SMALLEST_M * (1 - ROUNDING) <= extent_m <= LARGEST_M * (1 + ROUNDING)


def guess_unit(extent: float) -> str | None:
    """Guess the unit of a mesh: metres up to an extent of 1, else millimetres.

    Args:
        extent: The longest side of its bounding box, in the file's unit.

    Returns:
        The unit; None if the mesh would be too large or too small to be grasped in it.
    """
    unit = "m" if extent <= LARGEST_M * (1 + ROUNDING) else "mm"
    return unit if fits(extent * METRES[unit]) else None


def check_extent(label: str, extent: FloatArray, scale: float, advice: str) -> None:
    """Refuse a mesh that is too large or too small to be grasped.

    Args:
        label: What the error message calls the mesh.
        extent: Shape (3,), sides of its bounding box, in the file's unit.
        scale: Factor from that unit to metres.
        advice: How to choose another unit. In it, {unit}, {unit_name} and {scale} stand for a unit
            in which the mesh could be grasped; if there is none, the advice is left out.

    Raises:
        ModelError: The mesh is too large or too small.
    """
    longest = float(extent.max())
    if fits(longest * scale):
        return
    problem = (
        f"{label}: {sides(extent * scale)} m: expected {SMALLEST_M:g} to {LARGEST_M:g} m "
        "along its longest side"
    )
    for unit, factor in sorted(METRES.items(), key=lambda item: item[0] != "mm"):
        if fits(longest * factor):
            problem += "; " + advice.format(unit=unit, unit_name=NAMES[unit], scale=factor)
            break
    raise ModelError(problem)


def sides(extent: FloatArray) -> str:
    """Write three lengths as text."""
    return " x ".join(f"{side:.3g}" for side in extent)
