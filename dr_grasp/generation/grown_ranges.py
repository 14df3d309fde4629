"""The ranges that a search with growing ranges has reached, as its users see them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from dr_grasp.core.adr import Ranges
from dr_grasp.core.doubt import Doubt


@dataclass(frozen=True, slots=True)
class GrownRanges:
    """Ranges at one moment.

    Attributes:
        bounds: Lowest and highest amount of each doubt, in the doubt's unit.
        entropy: Their entropy [nats]; see `Ranges.entropy`.
    """

    bounds: Mapping[Doubt, tuple[float, float]]
    entropy: float

    @classmethod
    def of(cls, ranges: Ranges) -> GrownRanges:
        """The ranges as they are now."""
        bounds = {}
        for doubt in Doubt:
            low, high = ranges.bounds(doubt)
            bounds[doubt] = doubt.amount(low), doubt.amount(high)
        return cls(bounds, ranges.entropy)

    def lines(self) -> list[str]:
        """The range of each doubt in words, in SI units."""
        return [
            f"{doubt.kind.label} {low:.3g} to {high:.3g} {doubt.kind.unit}".rstrip()
            for doubt, (low, high) in self.bounds.items()
        ]

    def __str__(self) -> str:
        """All ranges in one line."""
        return ", ".join(self.lines())
