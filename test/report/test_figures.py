"""Bins, bubbles and labels of figures."""

from xml.etree import ElementTree

import numpy as np
import pytest

from dr_grasp.core.confidence import wilson_interval
from dr_grasp.report import figures
from dr_grasp.report.bins import GRID, bins_of, bubbles_of
from dr_grasp.report.figures import bars, panel, short, track


@pytest.mark.parametrize(("grasps", "number"), [(20, 4), (60, 5), (400, 10)])
def test_every_attempt_is_in_one_bin(grasps, number):
    rng = np.random.default_rng(0)
    expected, attempts = np.round(rng.uniform(size=grasps), 2), np.ones(grasps)
    held = rng.integers(0, 2, grasps).astype(float)
    bins = bins_of(expected, held, attempts)
    assert len(bins) <= number
    assert sum(one.eta.attempts for one in bins) == grasps
    assert sum(one.eta.held for one in bins) == held.sum()
    for one in bins:
        inside = (expected >= one.low - 1e-12) & (expected < one.high - 1e-12)
        inside |= (one.high == 1) & (expected == 1)
        assert one.grasps == inside.sum()
        assert one.mean == pytest.approx(expected[inside].mean())


def test_a_bin_weighs_attempts():
    (one,) = bins_of(np.array([0.9, 1.0]), np.array([3.0, 0]), np.array([3.0, 1]))
    assert (one.grasps, one.eta.held, one.eta.attempts) == (2, 3, 4)
    assert one.mean == pytest.approx((3 * 0.9 + 1.0) / 4)


def test_any_number_of_grasps_is_a_limited_number_of_bubbles():
    rng = np.random.default_rng(0)
    bubbles = bubbles_of(rng.uniform(size=200_000), rng.uniform(size=200_000))
    assert sum(one.grasps for one in bubbles) == 200_000
    assert len(bubbles) <= GRID[0] * GRID[1]


def draw(expected, held, attempts):
    bins = bins_of(expected, held, attempts)
    svg = panel(bins, bubbles_of(expected, held / attempts), "x", "eta", "<name>")
    return bins, ElementTree.fromstring(svg)


def test_a_panel_is_where_its_numbers_are():
    expected = np.array([0.1, 0.6, 1.0])
    bins, svg = draw(expected, np.array([2.0, 5, 9]), np.full(3, 10.0))
    dots = svg.findall("g/circle")
    x = [float(dot.get("cx")) for dot in dots]
    y = [float(dot.get("cy")) for dot in dots]
    width = figures.WIDTH - figures.LEFT - figures.RIGHT
    height = figures.HEIGHT - figures.TOP - figures.BOTTOM
    assert x == pytest.approx([figures.LEFT + one * width for one in expected], abs=0.06)
    bottom = figures.HEIGHT - figures.BOTTOM
    assert y == pytest.approx([bottom - one.eta.value * height for one in bins], abs=0.06)
    whisker = svg.find("g/line")
    low, high = wilson_interval(2, 10)
    assert float(whisker.get("y1")) == pytest.approx(bottom - low * height, abs=0.06)
    assert float(whisker.get("y2")) == pytest.approx(bottom - high * height, abs=0.06)
    assert svg.find("g/title").text.startswith("0.00 to 0.25: 2 of 10 attempts held, 0.20 [0.06, ")
    assert svg.get("aria-label") == "<name>"


def test_counts_stand_beside_each_other():
    """Ten bins crowded by their means: their labels neither overlap nor leave the panel."""
    expected = np.repeat(np.arange(10) / 10 + 0.0999, 2000)
    expected[:2000] = 0.09999
    _, svg = draw(np.minimum(expected, 1.0), np.ones(20_000), np.ones(20_000))
    labels = [one for one in svg.findall("text") if one.get("class") == "count"]
    places = [float(one.get("x")) for one in labels]
    assert [one.text for one in labels] == ["2k"] * 10
    assert min(np.diff(places)) > 8 and max(places) < figures.WIDTH


def test_tracks_stay_on_the_line():
    svg = ElementTree.fromstring(track(0.5, (-0.5, 1.0), low=-1.0, mark=0.0, other=2.0))
    places = {one.get("class"): one for one in svg}
    assert places["dot"].get("cx") == "74.00%"
    assert places["mark"].get("x1") == "50.00%"
    assert (places["whisker"].get("x1"), places["whisker"].get("x2")) == ("26.00%", "98.00%")
    assert places["other"].get("cx") == "98.00%"


def test_bars_are_as_long_as_their_shares():
    predicted, real = ElementTree.fromstring(bars(0.1, 0.4, 0.4))
    assert (predicted.get("width"), real.get("width")) == ("25.00%", "100.00%")
    assert {one.get("width") for one in ElementTree.fromstring(bars(0, 0, 0))} == {"0.00%"}


@pytest.mark.parametrize(
    ("number", "text"),
    [(0, "0"), (999, "999"), (1000, "1k"), (31_400, "31k"), (999_600, "1M"), (2_000_000, "2M")],
)
def test_short_counts(number, text):
    assert short(number) == text
