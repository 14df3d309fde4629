"""Grasps gathered into bins, for figures that stay readable with 100,000 of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from dr_grasp.core.arrays import FloatArray
from dr_grasp.transfer.grasp_tally import Ratio

GRID: Final = (50, 20)
"""Cells of a figure, along x and y, within which grasps are drawn as one bubble."""


@dataclass(frozen=True, slots=True)
class Bin:
    """Attempts of grasps whose expectation lies in one range.

    Attributes:
        low: Low end of the range.
        high: High end.
        mean: Mean expectation of the attempts.
        grasps: How many grasps there are.
        eta: What became of their attempts.
    """

    low: float
    high: float
    mean: float
    grasps: int
    eta: Ratio


@dataclass(frozen=True, slots=True)
class Bubble:
    """Grasps of nearly the same expectation and eta.

    Attributes:
        expected: Mean expectation.
        eta: Mean eta.
        grasps: How many there are.
    """

    expected: float
    eta: float
    grasps: int


def bins_of(expected: FloatArray, held: FloatArray, attempts: FloatArray) -> tuple[Bin, ...]:
    """Gather grasps into ranges of equal width, more of them the more attempts there are.

    Args:
        expected: Shape (g,), in [0, 1].
        held: Shape (g,), attempts in which each held.
        attempts: Shape (g,), attempts of each.

    Returns:
        The bins that have any, ascending.
    """
    total = float(np.sum(attempts))
    number = 10 if total >= 300 else 5 if total >= 60 else 4
    index = _cell(expected, number)
    grasps, held_in, attempts_in, sum_ = (
        np.bincount(index, weights, number)
        for weights in (np.ones_like(attempts), held, attempts, attempts * expected)
    )
    return tuple(
        Bin(
            low=one / number,
            high=(one + 1) / number,
            mean=float(sum_[one] / attempts_in[one]),
            grasps=int(grasps[one]),
            eta=Ratio(int(held_in[one]), int(attempts_in[one])),
        )
        for one in np.flatnonzero(attempts_in)
    )


def bubbles_of(expected: FloatArray, eta: FloatArray) -> tuple[Bubble, ...]:
    """Gather grasps that would be drawn at about the same place.

    Args:
        expected: Shape (g,), in [0, 1].
        eta: Shape (g,), in [0, 1].
    """
    columns, rows = GRID
    index = _cell(expected, columns) * rows + _cell(eta, rows)
    places, which = np.unique(index, return_inverse=True)
    number = np.bincount(which, minlength=len(places))
    x, y = (
        np.bincount(which, values, len(places)) / np.maximum(number, 1)
        for values in (expected, eta)
    )
    return tuple(Bubble(float(a), float(b), int(n)) for a, b, n in zip(x, y, number, strict=True))


def _cell(values: FloatArray, number: int) -> np.ndarray:
    # The last one is closed: a fitness of 1 belongs to it. And 0.3 belongs to what begins at 0.3,
    # though 0.3 * 10 is a little less than 3.
    return np.clip((values * number + 1e-9).astype(int), 0, number - 1)
