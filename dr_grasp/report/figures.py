"""The figures of a report as inline SVG: no scripts, no fonts, colours from the page's style.

Panels are drawn in units of their own and scaled as a whole; tracks are as wide as the page lets
them be, and so are given in percent.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from markupsafe import Markup, escape

from dr_grasp.report.bins import Bin, Bubble

WIDTH: Final = 270
HEIGHT: Final = 250
LEFT: Final = 40
RIGHT: Final = 14
TOP: Final = 26
BOTTOM: Final = 42
LARGEST: Final = 9.0
"""Radius of the largest bubble."""


def panel(
    bins: Sequence[Bin], bubbles: Iterable[Bubble], x_label: str, y_label: str, name: str
) -> Markup:
    """Eta against an expectation: grasps as bubbles, bins with their intervals, the diagonal.

    Args:
        bins: With attempts.
        bubbles: Grasps.
        x_label: What is expected.
        y_label: What happened.
        name: What those who cannot see it are told that it is.
    """
    parts = [*_frame(x_label, y_label), *_bubbles(list(bubbles)), *_bins(bins)]
    return Markup(
        f'<svg class="panel" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" '
        f'aria-label="{escape(name)}">{"".join(parts)}</svg>'
    )


def track(
    value: float | None,
    interval: tuple[float, float] | None,
    *,
    low: float = 0.0,
    high: float = 1.0,
    mark: float | None = None,
    other: float | None = None,
) -> Markup:
    """A number on a line, with its interval.

    Args:
        value: The number, or None for an empty line.
        interval: Low and high end, if there is one.
        low: Where the line begins.
        high: Where it ends.
        mark: A value that is marked across it, e.g. that of chance.
        other: A number to compare with, drawn hollow.
    """

    def at(number: float) -> str:
        return f"{2 + 96 * (min(max(number, low), high) - low) / (high - low):.2f}%"

    parts = [f'<line class="axis" x1="{at(low)}" x2="{at(high)}" y1="11" y2="11"/>']
    if mark is not None:
        parts.append(f'<line class="mark" x1="{at(mark)}" x2="{at(mark)}" y1="2" y2="20"/>')
    if interval is not None:
        ends = f'x1="{at(interval[0])}" x2="{at(interval[1])}"'
        parts.append(f'<line class="whisker" {ends} y1="11" y2="11"/>')
    if other is not None:
        parts.append(f'<circle class="other" cx="{at(other)}" cy="11" r="5"/>')
    if value is not None:
        parts.append(f'<circle class="dot" cx="{at(value)}" cy="11" r="5"/>')
    return Markup(f'<svg class="track" height="22" aria-hidden="true">{"".join(parts)}</svg>')


def bars(predicted: float, real: float, most: float) -> Markup:
    """Two shares, one above the other.

    Args:
        predicted: Share of the failures that were predicted.
        real: Share of those that happened.
        most: The largest share of the figure, which is as long as the line.
    """

    def bar(share: float, y: int, kind: str) -> str:
        width = 100 * share / most if most > 0 else 0.0
        return f'<rect class="{kind}" x="0" y="{y}" width="{width:.2f}%" height="8" rx="2"/>'

    parts = bar(predicted, 2, "predicted") + bar(real, 12, "real")
    return Markup(f'<svg class="track" height="22" aria-hidden="true">{parts}</svg>')


def short(number: int) -> str:
    """A count in at most four characters, e.g. "12k"."""
    for size, letter in ((1, ""), (1000, "k"), (1_000_000, "M")):
        if round(number / size) < 1000:
            return f"{round(number / size)}{letter}"
    return f"{number / 1e9:.1g}G"


def _x(value: float) -> float:
    return LEFT + value * (WIDTH - LEFT - RIGHT)


def _y(value: float) -> float:
    return HEIGHT - BOTTOM - value * (HEIGHT - TOP - BOTTOM)


def _frame(x_label: str, y_label: str) -> Iterator[str]:
    for tick in (0.0, 0.25, 0.5, 0.75, 1.0):
        x, y = _x(tick), _y(tick)
        yield f'<line class="grid" x1="{x:.1f}" x2="{x:.1f}" y1="{_y(0):.1f}" y2="{_y(1):.1f}"/>'
        yield f'<line class="grid" x1="{_x(0):.1f}" x2="{_x(1):.1f}" y1="{y:.1f}" y2="{y:.1f}"/>'
        yield f'<text class="tick" x="{x:.1f}" y="{_y(0) + 15:.1f}">{tick:g}</text>'
        yield f'<text class="tick end" x="{_x(0) - 6:.1f}" y="{y + 4:.1f}">{tick:g}</text>'
    ends = f'x1="{_x(0):.1f}" y1="{_y(0):.1f}" x2="{_x(1):.1f}" y2="{_y(1):.1f}"'
    yield f'<line class="diagonal" {ends}/>'
    yield f'<text class="label" x="{_x(0.5):.1f}" y="{HEIGHT - 7}">{escape(x_label)}</text>'
    middle = f"{_y(0.5):.1f}"
    yield (
        f'<text class="label" x="11" y="{middle}" transform="rotate(-90 11 {middle})">'
        f"{escape(y_label)}</text>"
    )


def _bubbles(bubbles: Sequence[Bubble]) -> Iterator[str]:
    most = max((one.grasps for one in bubbles), default=1)
    # By area; and one grasp alone is not drawn as large as the many of another figure.
    scale = min(LARGEST / math.sqrt(most), 3.0)
    for one in sorted(bubbles, key=lambda one: -one.grasps):
        radius = max(1.0, scale * math.sqrt(one.grasps))
        yield (
            f'<circle class="bubble" cx="{_x(one.expected):.1f}" cy="{_y(one.eta):.1f}" '
            f'r="{radius:.1f}"/>'
        )


def _bins(bins: Sequence[Bin]) -> Iterator[str]:
    for one in bins:
        x = _x(one.mean)
        low, high = one.eta.interval
        told = (
            f"{one.low:.2f} to {one.high:.2f}: {one.eta.held} of {one.eta.attempts} attempts held, "
            f"{one.eta.value:.2f} [{low:.2f}, {high:.2f}]; {one.grasps} grasps"
        )
        yield (
            f'<g class="bin"><title>{told}</title>'
            f'<line class="whisker" x1="{x:.1f}" x2="{x:.1f}" y1="{_y(low):.1f}" '
            f'y2="{_y(high):.1f}"/><circle class="dot" cx="{x:.1f}" cy="{_y(one.eta.value):.1f}" '
            f'r="4.5"/></g>'
        )
    for x, text in _labels(bins):
        yield f'<text class="count" x="{x:.1f}" y="{TOP - 9}">{text}</text>'


def _labels(bins: Sequence[Bin]) -> Iterator[tuple[float, str]]:
    """Counts of attempts above their bins, moved apart where they would overlap."""
    texts = [short(one.eta.attempts) for one in bins]
    halves = [3.0 + 2.8 * len(text) for text in texts]
    places = [_x(one.mean) for one in bins]
    for index in range(1, len(places)):
        least = places[index - 1] + halves[index - 1] + halves[index]
        places[index] = max(places[index], least)
    limit = float(WIDTH)
    for index in reversed(range(len(places))):
        places[index] = min(places[index], limit - halves[index])
        limit = places[index] - halves[index]
    yield from zip(places, texts, strict=True)
