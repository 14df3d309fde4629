"""Arrays inside frozen dataclasses: copied in, float64, read-only."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]


def frozen(values: Any) -> FloatArray:
    """Copy values into a read-only float64 array."""
    array = np.array(values, dtype=np.float64)
    array.setflags(write=False)
    return array


def as_floats(values: Any) -> list[float]:
    """Flatten an array into plain floats, for files and messages."""
    return [float(value) for value in np.asarray(values, dtype=np.float64).ravel()]
