"""Arrays inside frozen dataclasses: copied in, float64, read-only, compared by their numbers."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]


class ComparedByValue:
    """Base of dataclasses that hold arrays: equal if their fields are, arrays to the bit."""

    __slots__ = ()
    __hash__ = None  # type: ignore[assignment]

    def __eq__(self, other: object) -> bool:
        """Whether both are of one class and all fields are equal."""
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
