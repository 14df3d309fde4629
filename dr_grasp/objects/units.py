"""Guesses and checks the unit of a mesh, since most mesh formats do not name it."""

from __future__ import annotations

from dr_grasp.core.arrays import FloatArray
from dr_grasp.errors import ModelError

METRES = {"m": 1.0, "cm": 0.01, "mm": 0.001, "in": 0.0254}
"""The length of each unit in metres."""

NAMES = {"m": "metres", "cm": "centimetres", "mm": "millimetres", "in": "inches"}

SMALLEST_M = 0.003
LARGEST_M = 1.0
"""The longest side of an object to grasp must lie between these two lengths."""

ROUNDING = 1e-6


def fits(extent_m: float) -> bool:
    """Whether an object with this longest side [m] is neither too small nor too large to grasp."""
    return SMALLEST_M * (1 - ROUNDING) <= extent_m <= LARGEST_M * (1 + ROUNDING)


def guess_unit(extent: float) -> str | None:
    """Guess the unit of a mesh: metres up to an extent of 1, else millimetres.

    Args:
        extent: The longest side of the mesh's bounding box, in the file's unit.

    Returns:
        A key of `METRES`; None if the mesh would be too large or too small in the guessed unit.
    """
    unit = "m" if extent <= LARGEST_M * (1 + ROUNDING) else "mm"
    return unit if fits(extent * METRES[unit]) else None


def check_extent(
    label: str, extent: FloatArray, scale: float | FloatArray, advice: str, otherwise: str = ""
) -> None:
    """Refuse a mesh that is too large or too small to be grasped.

    Args:
        label: What the error message calls the mesh.
        extent: Sides of the mesh's bounding box, shape (3,), in the file's unit.
        scale: Factor from that unit to metres, or three of them, shape (3,).
        advice: End of the error message. {unit}, {unit_name} and {scale} in it are filled in for a
            unit in which the mesh has a good size.
        otherwise: The end of the message if there is no such unit.

    Raises:
        ModelError: The mesh is too large or too small.
    """
    if fits(float((extent * scale).max())):
        return
    problem = (
        f"{label}: {sides(extent * scale)} m: expected {SMALLEST_M:g} to {LARGEST_M:g} m "
        "along its longest side"
    )
    for unit, factor in sorted(METRES.items(), key=lambda item: item[0] != "mm"):
        if fits(float(extent.max()) * factor):
            otherwise = advice.format(unit=unit, unit_name=NAMES[unit], scale=factor)
            break
    if otherwise:
        problem += f"; {otherwise}"
    raise ModelError(problem)


def sides(extent: FloatArray) -> str:
    """Write three lengths as text, such as "0.1 x 0.2 x 0.05"."""
    return " x ".join(f"{side:.3g}" for side in extent)
