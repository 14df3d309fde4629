from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dr_grasp.errors import InvalidGraspError
from dr_grasp.twin.trajectory_control import Tolerances

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
    assert DEFAULTS.violation(np.array([0.2, -0.2]), DEFAULTS.path) is None
    text = DEFAULTS.violation(np.array([0.21, -0.3]), DEFAULTS.path)
    assert text == "b: position error -0.3, tolerance 0.2"
    assert DEFAULTS.violation(np.array([0.11, 0.0]), DEFAULTS.goal).startswith("a: position")


def test_nothing_is_enforced_by_default():
    for tolerances in (Tolerances.of(("a", "b")), DEFAULTS.changed({"a": -1.0}, {}, 0.0)):
        assert tolerances.violation(np.array([9.0, 0.0]), tolerances.path) is None


LIMITS = st.floats(0.001, 10.0)
WANTED = st.sampled_from([0.0, -1.0]) | LIMITS
BY_JOINT = st.dictionaries(st.sampled_from("ab"), WANTED)


@given(BY_JOINT, BY_JOINT, WANTED)
def test_each_tolerance_is_the_default_the_goals_or_none(path, goal, time_s):
    changed = DEFAULTS.changed(path, goal, time_s)

    def expected(default, wanted):
        return {0.0: default, -1.0: 0.0}.get(wanted, wanted)

    assert changed.path.tolist() == [expected(0.2, path.get(joint, 0.0)) for joint in "ab"]
    assert changed.goal.tolist() == [expected(0.1, goal.get(joint, 0.0)) for joint in "ab"]
    assert changed.goal_time_s == expected(1.5, time_s)


@given(st.tuples(*[st.floats(-20.0, 20.0)] * 2), st.tuples(*[st.just(0.0) | LIMITS] * 2))
def test_a_violation_is_found_where_a_limit_is_exceeded_and_nowhere_else(error, limits):
    found = DEFAULTS.violation(np.array(error), np.array(limits))
    beyond = [abs(e) > limit > 0.0 for e, limit in zip(error, limits, strict=True)]
    assert (found is not None) == any(beyond)
    if found is not None:
        assert beyond["ab".index(found[0])]
