"""Draws real motion of a joint against simulated motion, as SVG for a page."""

from __future__ import annotations

import io
import math

import numpy as np
from markupsafe import Markup
from matplotlib import style
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from dr_grasp.core.arrays import FloatArray
from dr_grasp.identification.findings import Trace
from dr_grasp.report.figures import COLOURS, SETTINGS, embedded

SIZE = (420, 220)
"""Width and height of a figure, in units that the page scales."""

AXES = (0.13, 0.2, 0.84, 0.74)
"""Left, bottom, width and height of the axes, as shares of the figure's size."""

WINDOW_S = 0.6
"""Length of the part of a motion that is drawn large [s]: delays take some hundredths of it."""

MOST_POINTS = 300
"""Most points of a line: a figure has fewer pixels across."""


def motion_figure(trace: Trace) -> Markup:
    """Draw the fastest part of a motion: commanded, measured, and simulated before and after."""
    times, commanded = np.array(trace.times_s), np.array(trace.commanded)
    shown = _fastest(times, commanded)
    with style.context(("default", SETTINGS)):
        figure, axes = _empty("time (s)", "position (rad)")
        for values, colour, dashes in (
            (commanded, "muted", (2, 3)),
            (np.array(trace.before), "second", (5, 3)),
            (np.array(trace.after), "accent", ()),
        ):
            line = axes.plot(times[shown], values[shown], color=COLOURS[colour], linewidth=1.8)[0]
            line.set_dashes(dashes) if dashes else None
        measured = np.array(trace.measured)[shown]
        axes.plot(times[shown], measured, "o", ms=3.2, mew=0, color=COLOURS["ink"])
        return _drawn(figure, f"Motion of {trace.joint}")


def error_figure(trace: Trace) -> Markup:
    """Draw how far measured and simulated positions are apart over the whole motion."""
    times, measured = np.array(trace.times_s), np.array(trace.measured)
    chosen = np.linspace(0, len(times) - 1, min(len(times), MOST_POINTS)).round().astype(int)
    with style.context(("default", SETTINGS)):
        figure, axes = _empty("time (s)", "error (mrad)")
        for simulated, colour in ((trace.before, "second"), (trace.after, "accent")):
            apart = 1000 * (measured - np.array(simulated))
            axes.plot(times[chosen], apart[chosen], color=COLOURS[colour], linewidth=1.6)
        return _drawn(figure, f"Error of {trace.joint}")


def errors_mrad(trace: Trace) -> tuple[float, float]:
    """Root mean square of measured less simulated, before and after [mrad or mm]."""
    measured = np.array(trace.measured)
    before, after = (
        1000 * math.sqrt(float(np.mean((measured - np.array(simulated)) ** 2)))
        for simulated in (trace.before, trace.after)
    )
    return before, after


def _fastest(times: FloatArray, commanded: FloatArray) -> slice:
    """The samples about the fastest moment."""
    middle = times[int(np.argmax(np.abs(np.gradient(commanded, times))))]
    begin = min(max(middle - WINDOW_S / 2, times[0]), max(times[-1] - WINDOW_S, times[0]))
    first, last = np.searchsorted(times, (begin, begin + WINDOW_S))
    return slice(int(first), int(last) + 1)


def _empty(x_label: str, y_label: str) -> tuple[Figure, Axes]:
    width, height = SIZE
    figure = Figure(figsize=(width / 72, height / 72), dpi=72, frameon=False)
    axes = figure.add_axes(AXES, frame_on=False)
    axes.set(xlabel=x_label, ylabel=y_label)
    axes.locator_params(nbins=5)
    axes.grid()
    return figure, axes


def _drawn(figure: Figure, name: str) -> Markup:
    file = io.StringIO()
    unnamed = dict.fromkeys(("Date", "Creator", "Format", "Type"))
    figure.savefig(file, format="svg", metadata=unnamed)
    return Markup(embedded(file.getvalue(), name, (), SIZE))
