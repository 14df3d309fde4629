from __future__ import annotations

import numpy as np
import pytest

from dr_grasp.errors import InvalidGraspError
from dr_grasp.twin.tolerances import Tolerances

DEFAULTS = Tolerances.of(("a", "b"), path=0.2, goal=0.1, goal_time_s=1.5)


def test_a_goal_changes_what_it_names():
    changed = DEFAULTS.changed({"b": 0.05}, {"a": -1.0, "b": 0.0}, 0.0)
    assert changed.path.tolist() == [0.2, 0.05]
    assert changed.goal.tolist() == [0.0, 0.1]
    assert changed.goal_time_s == 1.5
    assert DEFAULTS.changed({}, {}, -1.0).goal_time_s == 0.0
    assert DEFAULTS.changed({}, {}, 0.3).goal_time_s == 0.3
    assert DEFAULTS.path.tolist() == [0.2, 0.2]


@pytest.mark.parametrize(
    ("path", "goal", "time_s", "message"),
    [
        ({"c": 0.1}, {}, 0.0, "path_tolerance: expected a, b, got c"),
        ({}, {"": 0.1}, 0.0, "goal_tolerance: expected a, b, got an empty name"),
        ({}, {"a": -0.1}, 0.0, "goal_tolerance of a: expected more than 0, 0 or -1, got -0.1"),
        ({}, {}, -2.0, "goal_time_tolerance: expected more than 0, 0 or -1, got -2"),
    ],
)
def test_what_makes_no_sense_is_refused(path, goal, time_s, message):
    with pytest.raises(InvalidGraspError, match=message):
        DEFAULTS.changed(path, goal, time_s)


def test_a_violation_names_the_worst_joint():
    assert DEFAULTS.path_violation(np.array([0.2, -0.2])) is None
    text = DEFAULTS.path_violation(np.array([0.21, -0.3]))
    assert text == "b: position error -0.3, tolerance 0.2"
    assert DEFAULTS.goal_violation(np.array([0.11, 0.0])).startswith("a: position error 0.11,")


def test_nothing_is_enforced_by_default():
    nothing = Tolerances.of(("a", "b"))
    assert nothing.path_violation(np.array([9.0, 9.0])) is None
    assert DEFAULTS.changed({"a": -1.0}, {}, 0.0).path_violation(np.array([9.0, 0.0])) is None
