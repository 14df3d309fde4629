"""Bins and bubbles of figures, and what a figure is as a part of a page."""

import re
from xml.etree import ElementTree

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dr_grasp.report.figures import AXES, GRID, SIZE, bins_of, eta_figure
from dr_grasp.transfer.clustered import interval_over_grasps

GRASP = st.tuples(st.integers(0, 50), st.integers(1, 20), st.integers(0, 20))
"""Fitness in fiftieths, attempts, and attempts that held (at most all)."""


@given(st.lists(GRASP, min_size=1, max_size=80))
def test_every_grasp_and_every_attempt_is_in_one_bin(grasps):
    expected = np.array([fiftieths / 50 for fiftieths, _, _ in grasps])
    attempts = np.array([float(number) for _, number, _ in grasps])
    held = np.array([float(min(number, good)) for _, number, good in grasps])
    bins = bins_of(expected, held, attempts)
    assert sum(bin_.eta.attempts for bin_ in bins) == attempts.sum()
    assert sum(bin_.eta.held for bin_ in bins) == held.sum()
    for bin_ in bins:
        inside = (expected >= bin_.low - 1e-12) & (expected < bin_.high - 1e-12)
        inside |= (bin_.high == 1) & (expected == 1)
        assert bin_.eta.grasps == inside.sum()
        assert bin_.mean == pytest.approx(np.average(expected[inside], weights=attempts[inside]))
        assert bin_.low - 1e-12 <= bin_.mean <= bin_.high + 1e-12


@pytest.mark.parametrize(("grasps", "number"), [(20, 4), (60, 5), (400, 10)])
def test_more_attempts_make_more_bins(grasps, number):
    expected = np.linspace(0, 1, grasps)
    assert len(bins_of(expected, expected, np.ones(grasps))) == number


def test_what_was_said_of_a_grasp_several_times_is_of_one_grasp():
    expected, ones = np.array([0.8, 0.8, 0.85, 0.9]), np.ones(4)
    (apart,) = bins_of(expected, ones, ones)
    (alike,) = bins_of(expected, ones, ones, np.array([7, 7, 7, 3]))
    assert (apart.eta.grasps, alike.eta.grasps) == (4, 2)
    assert apart.eta.attempts == alike.eta.attempts == 4 and apart.mean == alike.mean
    assert alike.eta.interval == interval_over_grasps([3, 1], [3, 1])


def draw(expected, held, attempts, x_label="x"):
    """The bins, and the figure as text and as elements."""
    bins = bins_of(expected, held, attempts)
    svg = str(eta_figure(bins, expected, held / attempts, x_label))
    return bins, svg, ElementTree.fromstring(svg)


def dots_of(figure):
    return [use for use in figure.iter("use") if use.find("title") is not None]


def test_a_figure_is_where_its_numbers_are():
    expected = np.array([0.1, 0.6, 1.0])
    bins, svg, figure = draw(expected, np.array([2.0, 5, 9]), np.full(3, 10.0), "<name>")
    left, bottom, width, height = AXES
    x = [SIZE[0] * (left + width * value) for value in expected]
    y = [SIZE[1] * (1 - bottom - height * bin_.eta.value) for bin_ in bins]
    dots = dots_of(figure)
    assert [float(dot.get("x")) for dot in dots] == pytest.approx(x, abs=0.01)
    assert [float(dot.get("y")) for dot in dots] == pytest.approx(y, abs=0.01)
    low, high = (SIZE[1] * (1 - bottom - height * end) for end in interval_over_grasps([2], [10]))
    assert f"M {x[0]:.1f} {low:.2f} L {x[0]:.1f} {high:.2f}" in " ".join(svg.split())
    told = dots[0].find("title").text
    assert told.startswith("0.00 to 0.25: 2 of 10 attempts held, 0.20 [0.00, ")
    assert figure.get("aria-label") == "Eta by <name>"
    assert [text.text for text in figure.iter("text")][-3:] == ["10", "10", "10"]


def test_any_number_of_grasps_is_a_limited_number_of_bubbles():
    rng = np.random.default_rng(0)
    expected, held = rng.uniform(size=200_000), rng.integers(0, 1001, 200_000).astype(float)
    _, svg, figure = draw(expected, held, np.full(200_000, 1000.0))
    assert len(list(figure.iter("use"))) - len(dots_of(figure)) <= GRID[0] * GRID[1]
    assert len(svg) < 120_000


def test_counts_of_attempts_are_short():
    attempts = np.array([999.0, 1000, 31_400, 999_600])
    _, _, figure = draw(np.array([0.05, 0.15, 0.25, 0.35]), attempts / 2, attempts)
    assert [text.text for text in figure.iter("text")][-4:] == ["999", "1k", "31k", "1M"]


def test_colours_are_the_pages_and_nothing_else_of_it_changes():
    _, svg, figure = draw(np.array([0.2, 0.8]), np.ones(2), np.full(2, 5.0))
    colours = set(re.findall(r"(?:fill|stroke): ([^;\"]+)", svg))
    names = {"accent", "bubble", "card", "ink", "line", "muted"}
    assert colours == {"none", *(f"var(--{name})" for name in names)}
    assert figure.find(".//style") is None and "font-family" not in svg
    assert {element.get("id") for element in figure.iter() if element.get("id")} == {
        use.get("href")[1:] for use in figure.iter("use")
    }


def test_the_same_numbers_give_the_same_figure():
    numbers = np.array([0.2, 0.8]), np.ones(2), np.full(2, 5.0)
    assert draw(*numbers)[1] == draw(*numbers)[1]
