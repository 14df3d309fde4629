"""Draws eta against expected eta, as SVG with the colours and fonts of the page around it."""

from __future__ import annotations

import io
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
from markupsafe import Markup, escape
from matplotlib import style
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import EngFormatter

from dr_grasp.core.arrays import FloatArray, IntArray
from dr_grasp.transfer.clustered import Eta

GRID: Final = (50, 20)
"""Numbers of cells of a figure along x and y; the grasps in a cell are drawn as one bubble."""

LARGEST: Final = 9.0
"""Radius of the largest bubble, in units of `SIZE`."""

SIZE: Final = (270, 250)
"""Width and height of a figure, in units that the page scales."""

AXES: Final = (0.15, 0.17, 0.8, 0.73)
"""Left, bottom, width and height of the axes, as shares of the figure's size."""

TICKS: Final = (0.0, 0.25, 0.5, 0.75, 1.0)

COLOURS: Final = {
    name: f"#00000{number}"
    for number, name in enumerate(("accent", "bubble", "card", "ink", "muted", "line", "second"), 1)
}
"""Placeholders with which matplotlib draws, by the name of the colour in the page's style sheet."""

SETTINGS: Final = {
    "svg.fonttype": "none",
    "svg.hashsalt": "dr_grasp",
    "font.size": 11,
    "text.color": COLOURS["muted"],
    "axes.labelcolor": COLOURS["ink"],
    "axes.labelsize": 12,
    "axes.labelpad": 6,
    "grid.color": COLOURS["line"],
    "grid.linewidth": 1,
    "xtick.color": COLOURS["muted"],
    "ytick.color": COLOURS["muted"],
    "xtick.major.size": 0,
    "ytick.major.size": 0,
    "xtick.major.pad": 8,
    "ytick.major.pad": 6,
}

LEFT_OUT: Final = r"""(?x)
    \ id="[\w.]+_\d+"                   # of groups: these ids would repeat in each figure
    | \ transform="rotate\(-0\ [^"]*"
    | \ font-family:[^;"]*;               # the page sets the font
    | (?<=>)\s+(?=<)
    """
"""Pattern of the text in matplotlib's SVG that a page does not need."""


@dataclass(frozen=True, slots=True)
class Bin:
    """Attempts of all grasps whose expected eta is in a range.

    Attributes:
        low: Low end of the range.
        high: High end of the range.
        mean: Mean expected eta of the attempts.
        eta: How many of the attempts held, of how many grasps.
    """

    low: float
    high: float
    mean: float
    eta: Eta


def bins_of(
    expected: FloatArray, held: FloatArray, attempts: FloatArray, same: IntArray | None = None
) -> tuple[Bin, ...]:
    """Gather grasps into bins of equal width; the more attempts, the more bins.

    Args:
        expected: Shape (g,), expected eta of each grasp, in [0, 1].
        held: Shape (g,), number of attempts in which each grasp held.
        attempts: Shape (g,), number of attempts of each grasp.
        same: Shape (g,), equal numbers where entries are of the same grasp, which was expected to
            hold with several probabilities; None if all are of different grasps.

    Returns:
        Bins that are not empty, ascending.
    """
    total = float(np.sum(attempts))
    number = 10 if total >= 300 else 5 if total >= 60 else 4
    index = _cell(expected, number)
    bins = []
    for place in np.unique(index).tolist():
        inside = index == place
        won, tried = held[inside], attempts[inside]
        mean = float(np.average(expected[inside], weights=tried))
        if same is not None:
            _, grasp = np.unique(same[inside], return_inverse=True)
            won, tried = np.bincount(grasp, won), np.bincount(grasp, tried)
        bins.append(Bin(place / number, (place + 1) / number, mean, Eta.of(won, tried)))
    return tuple(bins)


def eta_figure(bins: Sequence[Bin], expected: FloatArray, eta: FloatArray, x_label: str) -> Markup:
    """Draw eta against expected eta: grasps as bubbles, bins with their intervals, the diagonal.

    Args:
        bins: Bins that are not empty, ascending.
        expected: Shape (g,), expected eta of each grasp, in [0, 1].
        eta: Shape (g,), share of the attempts of each grasp that held, in [0, 1].
        x_label: Name of the expected eta, e.g. "probability".
    """
    width, height = SIZE
    with style.context(("default", SETTINGS)):
        figure = Figure(figsize=(width / 72, height / 72), dpi=72, frameon=False)
        axes = figure.add_axes(AXES, frame_on=False)
        axes.set(xlim=(0, 1), ylim=(0, 1), xlabel=x_label, ylabel="eta")
        axes.set_xticks(TICKS, [f"{tick:g}" for tick in TICKS])
        axes.set_yticks(TICKS, [f"{tick:g}" for tick in TICKS])
        axes.yaxis.set_label_coords(-0.125, 0.5)
        axes.grid(clip_on=False)
        diagonal = axes.plot((0, 1), (0, 1), color=COLOURS["muted"], linewidth=1, clip_on=False)
        diagonal[0].set_dashes((4, 4))
        _draw_bubbles(axes, expected, eta)
        _draw_bins(axes, bins)
        file = io.StringIO()
        unnamed = dict.fromkeys(("Date", "Creator", "Format", "Type"))
        figure.savefig(file, format="svg", metadata=unnamed)
    titles = [_bin_title(bin_) for bin_ in bins]
    return Markup(embedded(file.getvalue(), f"Eta by {x_label}", titles, SIZE))


def _cell(values: FloatArray, number: int) -> npt.NDArray[np.int64]:
    # A value of 1 belongs to the last cell. The small addition is for rounding: 0.58 * 50 is a
    # little less than 29.
    return np.clip((values * number + 1e-9).astype(np.int64), 0, number - 1)


def _draw_bubbles(axes: Axes, expected: FloatArray, eta: FloatArray) -> None:
    """Draw the grasps of each cell as one bubble, so that 100,000 grasps make few bubbles."""
    columns, rows = GRID
    cells = _cell(expected, columns) * rows + _cell(eta, rows)
    _, index, number = np.unique(cells, return_inverse=True, return_counts=True)
    x, y = (np.bincount(index, values) / number for values in (expected, eta))
    # Areas are proportional to numbers of grasps; the bubble of a single grasp stays small.
    scale = min(LARGEST / np.sqrt(number.max()), 3.0)
    radii = np.maximum(np.round(2 * scale * np.sqrt(number)) / 2, 1.0)
    for radius in np.unique(radii)[::-1]:
        drawn = radii == radius
        axes.plot(
            x[drawn], y[drawn], "o", ms=2 * radius, mew=0, color=COLOURS["bubble"], clip_on=False
        )


def _draw_bins(axes: Axes, bins: Sequence[Bin]) -> None:
    """Draw bins as dots with whiskers, with their numbers of attempts above."""
    x, y = [bin_.mean for bin_ in bins], [bin_.eta.value for bin_ in bins]
    low, high = zip(*(bin_.eta.interval for bin_ in bins), strict=True)
    accent, card = COLOURS["accent"], COLOURS["card"]
    axes.vlines(x, low, high, accent, linewidth=2.5, capstyle="round", clip_on=False)
    axes.plot(x, y, "o", ms=9, mew=1.5, mec=card, color=accent, clip_on=False)
    short = EngFormatter(places=0, sep="")
    for bin_ in bins:
        middle = (bin_.low + bin_.high) / 2
        axes.text(middle, 1.05, short(bin_.eta.attempts), ha="center", fontsize=9.5)


def _bin_title(bin_: Bin) -> str:
    low, high = bin_.eta.interval
    return (
        f"{bin_.low:.2f} to {bin_.high:.2f}: {bin_.eta.held} of {bin_.eta.attempts} attempts held, "
        f"{bin_.eta.value:.2f} [{low:.2f}, {high:.2f}]; {bin_.eta.grasps} grasps"
    )


def embedded(svg: str, name: str, titles: Sequence[str], size: tuple[int, int]) -> str:
    """Turn matplotlib's SVG file into a part of a page, in the page's colours.

    Args:
        svg: The file.
        name: Name of the figure, for those who cannot see it.
        titles: A title for each dot that has an edge in the colour of cards, in order.
        size: Width and height of the figure.
    """
    # The file begins with a style that would apply to the whole page.
    body = svg.partition("</defs>")[2].replace("xlink:href", "href")
    body = re.sub(LEFT_OUT, "", body)
    body = re.sub(r"\d+\.\d{3,}", lambda number: f"{float(number[0]):.2f}", body)
    remaining = iter(titles)
    body = re.sub(
        f"(<use [^>]*{COLOURS['card']}[^>]*)/>",
        lambda dot: f"{dot[1]}><title>{next(remaining)}</title></use>",
        body,
    )
    for variable, colour in COLOURS.items():
        body = body.replace(colour, f"var(--{variable})")
    box = f'viewBox="0 0 {size[0]} {size[1]}"'
    return f'<svg class="panel" {box} role="img" aria-label="{escape(name)}">{body}'
