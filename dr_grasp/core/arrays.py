"""Arrays inside frozen dataclasses: copied, made read-only, checked and compared by value."""

from __future__ import annotations

from collections.abc import Iterable, Sized
from dataclasses import fields
from typing import Any

import numpy as np
import numpy.typing as npt

from dr_grasp.errors import InvalidGraspError, quoted

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]
BoolArray = npt.NDArray[np.bool_]


class ComparedByValue:
    """Base class of dataclasses with arrays; objects are equal if all their fields are equal."""

    __slots__ = ()
    __hash__ = None  # type: ignore[assignment]

    def __eq__(self, other: object) -> bool:
        """Whether both are of the same class and all fields are equal."""
        return type(other) is type(self) and all(
            np.array_equal(getattr(self, field.name), getattr(other, field.name))
            for field in fields(self)  # type: ignore[arg-type]
        )


def frozen(values: Any) -> FloatArray:
    """Copy values into a read-only float64 array."""
    array = np.array(values, dtype=np.float64)
    array.setflags(write=False)
    return array


def as_floats(values: Any) -> list[float]:
    """Flatten an array into plain floats, for files and messages."""
    return [float(value) for value in np.asarray(values, dtype=np.float64).ravel()]


def to_floats(name: str, values: Any) -> FloatArray:
    """Copy numbers of a grasp's field called `name` into a read-only array.

    Raises:
        InvalidGraspError: The values are not numbers.
    """
    try:
        return frozen(values)
    except (TypeError, ValueError):
        raise InvalidGraspError(
            f"{name}: expected an array of numbers, got {quoted(values)}"
        ) from None


def check_widths(name: str, rows: Iterable[Sized], width: int) -> None:
    """Refuse rows of waypoints that do not have a number for each joint.

    Args:
        name: Name of the rows in the message.
        rows: A row of numbers for each waypoint.
        width: Number of joints.

    Raises:
        InvalidGraspError: A row is longer or shorter; the message says which.
    """
    for index, row in enumerate(rows):
        if len(row) != width:
            raise InvalidGraspError(
                f"{name}: expected {width} numbers at waypoint {index}, got {len(row)}"
            )


def check_finite(name: str, values: FloatArray) -> None:
    """Refuse NaN and infinity in a grasp's field called `name`.

    Raises:
        InvalidGraspError: A number is not finite; the message gives its index.
    """
    if not np.isfinite(values).all():
        index = tuple(int(i) for i in np.argwhere(~np.isfinite(values))[0])
        raise InvalidGraspError(
            f"{name}: expected finite numbers, got {values[index]} at {list(index)}"
        )


def check_scalar(name: str, value: float, low: float, high: float, unit: str) -> None:
    """Refuse a number outside of (low, high] in a grasp's field called `name`.

    Raises:
        InvalidGraspError: The number is out of bounds, or NaN.
    """
    if not low < value <= high:
        raise InvalidGraspError(
            f"{name}: expected more than {low:g} and at most {high:g} {unit}, got {value!r}"
        )
