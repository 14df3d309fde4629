"""Pictures of margins for a terminal: a bar for each parameter and side."""

from __future__ import annotations

from collections.abc import Iterator

from dr_grasp.core.margin import GraspMargins, Margin, value_text

WIDTH = 18
"""Characters of a bar that reaches to the farthest value that is tried."""


def picture(found: GraspMargins) -> Iterator[str]:
    """Draw the margins of a grasp, in lines of at most 80 characters after the first.

    A bar is as long as the part that the grasp bears of the farthest value that is tried; of a
    factor, the part of its logarithm.
    """
    together = "" if found.joint is None else f"entropy {found.joint.entropy:.2f}; "
    yield f"{found.grasp_id}: {together}{found.sentence}"
    for doubt, lower, upper in found.rows:
        left, right = _bar(lower, "\N{LEFTWARDS ARROW}")[::-1], _bar(upper, "\N{RIGHTWARDS ARROW}")
        bars = f"{left:>{WIDTH}}\N{BOX DRAWINGS LIGHT VERTICAL}{right:<{WIDTH}}"
        yield f"  {doubt.kind.label:<15} {_text(lower):>8} {bars} {_text(upper)}".rstrip()


def _bar(margin: Margin | None, beyond: str) -> str:
    """A bar, with an arrow at its end if the grasp bears the farthest value."""
    if margin is None:
        return ""
    bar = "\N{BLACK SQUARE}" * round(WIDTH * margin.share)
    return bar if margin.loses is not None else bar[:-1] + beyond


def _text(margin: Margin | None) -> str:
    return "" if margin is None else value_text(margin.boundary.doubt, margin.bears)
