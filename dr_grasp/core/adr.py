"""Automatic domain randomisation: ranges that grow while success is frequent at their boundaries.

Akkaya et al. 2019, "Solving Rubik's Cube with a Robot Hand" (arXiv 1910.07113), algorithm 1.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from dr_grasp.core.doubt import Doubt


@dataclass(frozen=True, slots=True)
class Thresholds:
    """When a range grows or shrinks.

    Attributes:
        high: Share of successes at a boundary at or above which the range grows (t_H).
        low: Share of successes at a boundary at or below which the range shrinks (t_L).
        trials: Number of trials at a boundary after which it is decided (m).
    """

    high: float = 0.8
    low: float = 0.5
    trials: int = 20


@dataclass(frozen=True, slots=True)
class Boundary:
    """One end of the range of one doubt.

    Attributes:
        doubt: The doubt.
        upper: Whether it is the upper end.
    """

    doubt: Doubt
    upper: bool

    @property
    def limit(self) -> float:
        """The farthest coordinate to which the end may grow."""
        return self.doubt.kind.high if self.upper else self.doubt.kind.low

    @property
    def step(self) -> float:
        """By how much the end grows at a time, with its sign."""
        return self.doubt.kind.step if self.upper else -self.doubt.kind.step


BOUNDARIES = tuple(
    Boundary(doubt, upper)
    for doubt in Doubt
    for upper in (False, True)
    if upper or doubt.kind.two_sided
)


class Ranges:
    """Ranges of all doubts, which begin at the nominal scene and grow together."""

    def __init__(
        self, thresholds: Thresholds, steps: Mapping[Boundary, float] | None = None
    ) -> None:
        """Begin with ranges of width 0.

        Args:
            thresholds: When a range grows or shrinks.
            steps: By how much each end grows at a time, with its sign; None for `Boundary.step`.
        """
        self._thresholds = thresholds
        self._steps = {each: each.step for each in BOUNDARIES} if steps is None else steps
        self._ends = dict.fromkeys(BOUNDARIES, 0.0)
        self._outcomes: dict[Boundary, list[bool]] = {each: [] for each in BOUNDARIES}

    def end(self, boundary: Boundary) -> float:
        """Coordinate of one end."""
        return self._ends[boundary]

    def bounds(self, doubt: Doubt) -> tuple[float, float]:
        """The range of a doubt, in coordinates."""
        low = self._ends.get(Boundary(doubt, False), 0.0)
        return low, self._ends[Boundary(doubt, True)]

    def draw(self, rng: np.random.Generator, at: Boundary | None = None) -> dict[Doubt, float]:
        """Draw coordinates uniformly from the ranges.

        Args:
            rng: The source of randomness; takes the same numbers whatever the ranges are.
            at: The boundary at which that one doubt is put, as ADR does to measure it; or None.
        """
        shares = rng.uniform(size=len(Doubt))
        drawn = {}
        for doubt, share in zip(Doubt, shares.tolist(), strict=True):
            low, high = self.bounds(doubt)
            drawn[doubt] = low + (high - low) * share
        if at is not None:
            drawn[at.doubt] = self._ends[at]
        return drawn

    def tell(self, boundary: Boundary, success: bool) -> None:
        """Take the outcome of a trial at a boundary; after `trials` of them, move the boundary."""
        outcomes = self._outcomes[boundary]
        outcomes.append(success)
        if len(outcomes) < self._thresholds.trials:
            return
        share = sum(outcomes) / len(outcomes)
        outcomes.clear()
        end, step = self._ends[boundary], self._steps[boundary]
        if share >= self._thresholds.high:
            end += step
        elif share <= self._thresholds.low:
            end -= step
        low, high = sorted((0.0, boundary.limit))
        self._ends[boundary] = min(max(end, low), high)

    @property
    def entropy(self) -> float:
        """Entropy of the ranges of all doubts; see `entropy` [nats]."""
        return entropy({doubt: self.bounds(doubt) for doubt in Doubt})


def entropy(bounds: Mapping[Doubt, tuple[float, float]]) -> float:
    """Mean over doubts of the logarithm of a range's width, in units of one step [nats].

    It is ADR's entropy, with a width counted in steps of `Kind.step`, since doubts have different
    units. Each width has one step added, so that ranges of width 0 count 0.

    Args:
        bounds: Low and high end of the range of each doubt that counts, in coordinates.
    """
    widths = [(high - low) / doubt.kind.step for doubt, (low, high) in bounds.items()]
    return sum(map(math.log1p, widths)) / len(widths)
