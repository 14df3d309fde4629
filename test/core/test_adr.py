"""Ranges grow where success is frequent, shrink where it is rare, as ADR's algorithm says."""

import math

import numpy as np
import pytest

from dr_grasp.core.adr import BOUNDARIES, Boundary, Ranges, Thresholds, entropy
from dr_grasp.core.doubt import Doubt

Y_UP, Y_DOWN = Boundary(Doubt.Y, True), Boundary(Doubt.Y, False)
JOINTS, MASS_DOWN = Boundary(Doubt.JOINTS, True), Boundary(Doubt.MASS, False)


@pytest.fixture
def ranges():
    return Ranges(Thresholds(high=0.8, low=0.5, trials=10))


def tell(ranges, boundary, successes, trials=10):
    for trial in range(trials):
        ranges.tell(boundary, trial < successes)


def test_one_sided_doubts_have_one_boundary():
    assert len(BOUNDARIES) == 2 * len(Doubt) - 2
    assert Boundary(Doubt.JOINTS, False) not in BOUNDARIES


@pytest.mark.parametrize(
    ("successes", "expected"),
    [(10, 0.006), (8, 0.006), (7, 0.004), (6, 0.004), (5, 0.002), (0, 0.002)],
)
def test_a_boundary_moves_by_one_step_at_the_thresholds(ranges, successes, expected):
    for _ in range(2):
        tell(ranges, Y_UP, 10)
    tell(ranges, Y_UP, successes)
    assert ranges.end(Y_UP) == pytest.approx(expected)
    assert ranges.bounds(Doubt.Y) == pytest.approx((0.0, expected))
    assert all(ranges.end(each) == 0.0 for each in BOUNDARIES if each != Y_UP)


def test_nothing_moves_before_all_trials_are_told(ranges):
    tell(ranges, Y_UP, 9, trials=9)
    assert ranges.end(Y_UP) == 0.0
    ranges.tell(Y_UP, True)
    assert ranges.end(Y_UP) == 0.002
    tell(ranges, Y_UP, 9, trials=9)  # the first ten are forgotten
    assert ranges.end(Y_UP) == 0.002


def test_lower_ends_grow_downwards_and_no_end_leaves_its_limits(ranges):
    tell(ranges, Y_DOWN, 10)
    assert ranges.bounds(Doubt.Y) == (-0.002, 0.0)
    for boundary in (Y_DOWN, JOINTS, MASS_DOWN):
        for _ in range(100):
            tell(ranges, boundary, 10)
        assert ranges.end(boundary) == boundary.limit
        for _ in range(100):
            tell(ranges, boundary, 0)
        assert ranges.end(boundary) == 0.0


def test_steps_of_ones_own():
    ranges = Ranges(Thresholds(trials=1), {Y_UP: 0.01, MASS_DOWN: -1.0})
    for _ in range(3):
        ranges.tell(Y_UP, True)
        ranges.tell(MASS_DOWN, True)
    assert ranges.end(Y_UP) == pytest.approx(0.03)
    assert ranges.end(MASS_DOWN) == pytest.approx(math.log(0.1))


def test_a_draw_takes_the_same_numbers_whatever_the_ranges_are(ranges):
    narrow = ranges.draw(np.random.default_rng(4))
    assert narrow == dict.fromkeys(Doubt, 0.0)
    tell(ranges, Y_UP, 10)
    one = ranges.draw(np.random.default_rng(4))
    tell(ranges, Y_UP, 10)
    tell(ranges, MASS_DOWN, 10)
    two = ranges.draw(np.random.default_rng(4))
    assert two[Doubt.Y] == pytest.approx(2 * one[Doubt.Y]) and 0 < one[Doubt.Y] < 0.002
    assert -0.1 < two[Doubt.MASS] < 0 == one[Doubt.MASS]


def test_a_draw_at_a_boundary_puts_that_doubt_there_and_no_other(ranges):
    for boundary in (Y_UP, MASS_DOWN):
        tell(ranges, boundary, 10)
    free = ranges.draw(np.random.default_rng(4))
    at = ranges.draw(np.random.default_rng(4), Y_UP)
    assert at.pop(Doubt.Y) == 0.002 and free.pop(Doubt.Y) < 0.002
    assert at == free


def test_draws_are_uniform_over_the_range(ranges):
    for boundary in (Y_UP, Y_DOWN):
        tell(ranges, boundary, 10)
    tell(ranges, Y_UP, 10)
    rng = np.random.default_rng(0)
    drawn = np.array([ranges.draw(rng)[Doubt.Y] for _ in range(2000)])
    assert drawn.min() > -0.002 and drawn.max() < 0.004
    assert drawn.mean() == pytest.approx(0.001, abs=0.0002)
    assert drawn.std() == pytest.approx(0.006 / math.sqrt(12), rel=0.05)


def test_the_entropy_counts_widths_in_steps(ranges):
    assert ranges.entropy == 0.0
    tell(ranges, Y_UP, 10)
    assert ranges.entropy == pytest.approx(math.log(2) / len(Doubt))
    tell(ranges, Y_DOWN, 10)
    tell(ranges, JOINTS, 10)
    assert ranges.entropy == pytest.approx((math.log(3) + math.log(2)) / len(Doubt))
    assert entropy({Doubt.Y: (-0.002, 0.002), Doubt.MASS: (0.0, 0.0)}) == (
        pytest.approx(math.log(3) / 2)
    )
