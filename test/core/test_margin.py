"""Margins: what contradicts is refused, and what they say in words."""

import math

import pytest

from dr_grasp.core.adr import Boundary
from dr_grasp.core.doubt import Doubt
from dr_grasp.core.margin import Count, GraspMargins, JointRanges, Margin
from dr_grasp.core.outcome import Outcome
from dr_grasp.errors import InvalidGraspError

FIVE = Count(5, 5)


def margin(doubt, bears, loses=None, upper=True):
    lost = None if loses is None else Count(0, 3)
    return Margin(Boundary(doubt, upper), bears, FIVE, loses, lost)


def grasp(*margins, **changes):
    return GraspMargins(
        **{"grasp_id": "g1", "trajectory": "t1", "outcome": Outcome.SUCCESS, "background": FIVE,
           "margins": margins} | changes
    )  # fmt: skip


def test_a_share_is_of_the_farthest_value_and_of_logarithms_for_factors():
    assert margin(Doubt.Y, 0.015, 0.03).share == pytest.approx(0.25)
    assert margin(Doubt.Y, 0.015, 0.03).lost_share == pytest.approx(0.5)
    assert margin(Doubt.Y, -0.06, upper=False).share == margin(Doubt.Y, 0.06).lost_share == 1.0
    assert margin(Doubt.MASS, math.sqrt(10.0), 9.0).share == pytest.approx(0.5)
    assert margin(Doubt.MASS, 1.0, 0.5, upper=False).share == 0.0


@pytest.mark.parametrize("doubt", Doubt)
def test_the_farthest_value_is_in_bounds_however_it_is_rounded(doubt):
    for upper in (True, False) if doubt.kind.two_sided else (True,):
        limit = doubt.amount(Boundary(doubt, upper).limit)
        assert margin(doubt, limit, upper=upper).share == pytest.approx(1.0)
        assert margin(doubt, doubt.amount(0.0), limit, upper=upper).share == 0.0


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ((Doubt.Y, 0.07), "bears: expected from 0 to 0.06, got 0.07"),
        ((Doubt.Y, -0.01), "bears: expected from 0 to 0.06, got -0.01"),
        ((Doubt.Y, 0.02, 0.01), "loses: expected from 0.02 to 0.06, got 0.01"),
        ((Doubt.Y, 0.02, 0.02), "loses: expected from 0.02 to 0.06, got 0.02"),
        ((Doubt.Y, 0.01, -0.02, False), "bears: expected from 0 to -0.06, got 0.01"),
        ((Doubt.MASS, 0.0, None, False), "bears: expected from 1 to 0.1, got 0"),
        ((Doubt.Y, math.nan), "bears: expected from 0 to 0.06, got nan"),
    ],
)
def test_values_in_the_wrong_place_are_refused(values, message):
    with pytest.raises(ValueError) as caught:
        margin(*values)
    assert message in str(caught.value)


def test_trials_and_lost_values_come_together():
    with pytest.raises(ValueError, match="lost: expected trials if, and only if"):
        Margin(Boundary(Doubt.Y, True), 0.01, FIVE, 0.02)
    with pytest.raises(ValueError, match="expected 0 <= successes <= trials >= 1, got 4 of 3"):
        Count(4, 3)


def test_an_interval_holds_whenever_the_trials_ended():
    low, high = FIVE.interval
    assert 0.3 < low < 0.6 and high == 1.0  # wider than Wilson's, which begins at 0.57


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"outcome": Outcome.MISSED}, "background: expected none after missed"),
        ({"background": None}, "margins: expected none without trials"),
        ({"margins": (margin(Doubt.Y, 0.01),) * 2}, "expected each once, got y upper, y upper"),
        ({"margins": (), "joint": JointRanges({Doubt.Y: (0, 0)})}, "joint: expected none without"),
    ],
)
def test_contradictions_are_refused(changes, message):
    with pytest.raises(ValueError) as caught:
        grasp(**{"margins": (margin(Doubt.Y, 0.01),)} | changes)
    assert message in str(caught.value)


def test_an_id_that_cannot_be_printed_is_refused():
    with pytest.raises(InvalidGraspError, match="grasp_id: expected printable"):
        grasp(grasp_id="a\nb")


def test_the_entropy_of_ranges_is_that_of_their_coordinates():
    joint = JointRanges({Doubt.Y: (-0.002, 0.004), Doubt.MASS: (math.exp(-0.3), 1.0)})
    assert joint.entropy == pytest.approx((math.log(4) + math.log(4)) / 2)
    for bounds, message in (
        ({}, "ranges: expected at least one"),
        ({Doubt.Y: (0.001, 0.002)}, "range of y: expected around 0, got 0.001 to 0.002"),
        ({Doubt.MASS: (0.0, 2.0)}, "range of mass: expected around 1, got 0 to 2"),
        ({Doubt.Y: (0.0, math.inf)}, "range of y"),
    ):
        with pytest.raises(ValueError) as caught:
            JointRanges(bounds)
        assert message in str(caught.value)


def test_a_sentence_says_the_weakest_error_and_the_factors_that_are_hard():
    found = grasp(
        margin(Doubt.X, 0.05),
        margin(Doubt.Y, -0.004, -0.008, upper=False),
        margin(Doubt.YAW, math.radians(30), math.radians(40)),
        margin(Doubt.FRICTION, 0.5, 0.4, upper=False),
        margin(Doubt.FRICTION, 3.0, 3.5),
        margin(Doubt.MASS, 2.0, 3.0),
    )
    assert (
        found.sentence == "loses it at -8 mm in y; bears 50 % of the friction and 200 % of the mass"
    )
    assert found.margins[1].text == "bears -4 mm, loses -8 mm"
    assert found.margins[0].text == "bears 50 mm, the farthest tried"


def test_a_sentence_of_what_has_no_margin_says_why():
    failed = grasp(outcome=Outcome.MISSED, background=None)
    assert failed.sentence == "fails undisturbed: missed"
    shaky = grasp(background=Count(3, 8))
    assert shaky.sentence == "holds with the background alone in 3 of 8 only"
    assert grasp(margin(Doubt.Y, 0.06)).sentence == "bears every error that was tried"
    assert grasp(margin(Doubt.JOINTS, 0.01, 0.02)).sentence == "loses it at 1.1 deg in the joints"
    assert grasp(margin(Doubt.MASS, 2.0, 3.0)).sentence == "bears 200 % of the mass"


def test_grasps_are_compared_by_entropy_then_by_shares():
    narrow, wide = grasp(margin(Doubt.Y, 0.01, 0.02)), grasp(margin(Doubt.Y, 0.02, 0.03))
    grown = grasp(margin(Doubt.Y, 0.01, 0.02), joint=JointRanges({Doubt.Y: (0.0, 0.01)}))
    failed = grasp(outcome=Outcome.MISSED, background=None)
    assert failed.width < narrow.width < wide.width < grown.width


def test_rows_have_both_sides_of_each_parameter():
    down, up = margin(Doubt.Y, -0.01, upper=False), margin(Doubt.Y, 0.02)
    joints = margin(Doubt.JOINTS, 0.01)
    assert grasp(joints, down, up).rows == ((Doubt.Y, down, up), (Doubt.JOINTS, None, joints))
