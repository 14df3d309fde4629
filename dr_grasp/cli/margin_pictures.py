"""Pictures of margins for a terminal: a bar for each parameter and side."""

from __future__ import annotations

from collections.abc import Iterator

from dr_grasp.core.adr import Boundary
from dr_grasp.core.doubt import Doubt
from dr_grasp.core.margin import GraspMargins, Margin, value_text

WIDTH = 20
"""Characters of a bar that reaches to the farthest value that is tried."""


def picture(found: GraspMargins) -> Iterator[str]:
    """Draw the margins of a grasp, in lines of at most 78 characters.

    A bar is as long as the part that the grasp bears of the farthest value that is tried, of a
    factor in logarithms. A value after "to" is where it is lost; without one, the grasp bears the
    farthest value.
    """
    together = "" if found.joint is None else f"entropy {found.joint.entropy:.2f}, "
    yield f"{found.grasp_id}: {together}{found.sentence}"
    margin_of = {margin.boundary: margin for margin in found.margins}
    for doubt in Doubt:
        lower, upper = (margin_of.get(Boundary(doubt, side)) for side in (False, True))
        if upper is not None:
            left, right = _bar(lower)[::-1], _bar(upper)
            yield (
                f"  {doubt.kind.label:<15} {_text(lower):>8} {left:>{WIDTH}}|{right:<{WIDTH}} "
                f"{_text(upper)}"
            ).rstrip()


def _bar(margin: Margin | None) -> str:
    return "" if margin is None else "#" * round(WIDTH * margin.share) or "."


def _text(margin: Margin | None) -> str:
    if margin is None:
        return ""
    return value_text(margin.boundary.doubt, margin.bears)
