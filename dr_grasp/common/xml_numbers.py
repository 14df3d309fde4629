"""Reads the numbers of URDFs' attributes; what is no number or out of bounds is refused."""

from __future__ import annotations

from collections.abc import Mapping
from xml.etree import ElementTree

import numpy as np
import numpy.typing as npt

from dr_grasp.errors import ModelError, quoted

LARGEST_MASS_KG = 1e5
"""Largest mass of a link [kg]; the largest industrial robots weigh 1e4."""

LARGEST_INERTIA = 1e8
"""Largest component of a link's inertia [kg m^2]: that of the largest mass 30 m long."""

LARGEST_LENGTH_M = 1e4
"""Largest length or coordinate [m], angle [rad] and factor on a mesh; meshes may be in 0.1 mm."""

LARGEST_LIMIT = 1e9
"""Largest limit of a joint [rad or m, their rates, N or N m]; some files say "none" by a billion.
The squares of all these numbers are finite, and their sums and products, too."""

_LARGEST: Mapping[str, float] = {
    "mass": LARGEST_MASS_KG,
    "inertia": LARGEST_INERTIA,
    "limit": LARGEST_LIMIT,
}


def numbers(
    where: str, element: ElementTree.Element, key: str, count: int, default: str = ""
) -> npt.NDArray[np.float64]:
    """The numbers of an attribute, shape (count,).

    Args:
        where: The file, and perhaps the link or joint that the element belongs to, for the message.
        element: The element.
        key: Name of the attribute.
        count: How many numbers it holds.
        default: The attribute's text if the element lacks it.

    Raises:
        ModelError: The attribute holds something else, or a number is out of bounds.
    """
    text = element.get(key, default)
    try:
        values = np.array([float(word) for word in text.split()])
    except ValueError:
        values = np.array([])
    if len(values) != count or not np.isfinite(values).all():
        plural = "s" * (count > 1)
        raise ModelError(
            f"{where}: <{element.tag}> {key}: expected {count} finite number{plural}, "
            f"got {quoted(text)}"
        )
    largest = _LARGEST.get(element.tag, LARGEST_LENGTH_M)
    if np.abs(values).max() > largest:
        raise ModelError(
            f"{where}: <{element.tag}> {key}: expected at most {largest:g}, got {quoted(text)}"
        )
    return values
