"""Reasons why a range stays as it was, and words for what became of it."""

import pytest

from dr_grasp.identification.findings import Finding
from dr_grasp.identification.ranges import Learnt, new_ranges
from dr_grasp.identification.wording import change_text
from dr_grasp.identification.worlds import Space
from dr_grasp.scoring.profiles import load_profile

OLD = load_profile("default").dynamics


def test_what_is_not_calibrated_is_not_said_to_be_told_too_little():
    """The box is told well but not calibrated; the mug is told a fifth."""
    learnt = [
        Learnt(parameter, 0.0, 0.3 if parameter.item == "box" else 0.8**0.5,
               "it is not calibrated" if parameter.item == "box" else "")
        for parameter in Space.of(["box", "mug"], OLD).parameters
    ]  # fmt: skip
    mass = next(one for one in new_ranges(learnt, OLD)[1] if one.key == "dynamics.mass_scale")
    assert not mass.fitted and mass.new == mass.old
    assert (
        "They take away 20 % of the variance of what is possible, at best (of mug)" in mass.reason
    )
    assert "Of box: it is not calibrated." in mass.reason


@pytest.mark.parametrize(
    ("old", "new", "text"),
    [
        (None, (0.01, 0.02), "added"),
        ((0.02, 0.02), (0.015, 0.025), "wider"),
        ((0.02, 0.02), (0.03, 0.04), "moved"),
        ((0.02, 0.02), (-0.03, -0.03), "larger"),
        ((0.02, 0.02), (0.01, 0.01), "smaller"),
        ((0.02, 0.02), (0.02, 0.02), "the same"),
        ((0.5, 1.3), (0.6, 0.9), "narrower"),
    ],
)
def test_a_change_in_words(old, new, text):
    assert change_text(Finding("joints.delay_s", "delay", "s", old, new, None, True, "")) == text
