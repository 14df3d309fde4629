from __future__ import annotations

import numpy as np
import pytest
from scipy.interpolate import BPoly, CubicHermiteSpline

from dr_grasp.core.arrays import frozen
from dr_grasp.errors import InvalidGraspError
from dr_grasp.twin.joint_path import JointPath, PathPoint

JOINTS = ("a", "b")
TIMES = [0.5, 1.0, 2.5]
POSITIONS = [[0.1, -1.0], [0.7, 0.5], [0.2, 2.0]]
VELOCITIES = [[0.3, 0.0], [-0.4, 1.5], [0.0, 0.0]]
ACCELERATIONS = [[1.0, 0.0], [0.5, -2.0], [0.0, 0.3]]
REST = PathPoint(0.0, frozen([0.0, -1.5]))


def path(velocities=None):
    return JointPath.of(JOINTS, TIMES, POSITIONS, velocities)


def sampled(trajectory, times, before=REST):
    return np.moveaxis([trajectory.at(t, before) for t in times], 0, 1)


def test_without_velocities_joints_go_straight():
    times = np.linspace(0.0, 3.0, 61)
    positions, velocities = sampled(path(), times)
    knots = [0.0, *TIMES]
    for joint, values in enumerate(np.array([REST.positions, *POSITIONS]).T):
        assert positions[:, joint] == pytest.approx(np.interp(times, knots, values))
    assert velocities[0] == pytest.approx([0.2, 1.0])
    assert velocities[-1] == pytest.approx([0.0, 0.0])


def test_with_velocities_they_go_along_cubics():
    times = np.linspace(0.5, 2.5, 41)
    spline = CubicHermiteSpline(TIMES, POSITIONS, VELOCITIES)
    positions, velocities = sampled(path(VELOCITIES), times)
    assert positions == pytest.approx(spline(times))
    assert velocities == pytest.approx(spline(times, 1))


def test_with_accelerations_they_go_along_quintics():
    points = zip(TIMES, POSITIONS, VELOCITIES, ACCELERATIONS, strict=True)
    trajectory = JointPath(
        JOINTS, tuple(PathPoint(t, frozen(p), frozen(v), frozen(a)) for t, p, v, a in points)
    )
    times = np.linspace(0.5, 2.5, 41)
    positions, velocities = sampled(trajectory, times)
    for joint in range(2):
        ends = [
            [values[i][joint] for values in (POSITIONS, VELOCITIES, ACCELERATIONS)]
            for i in range(3)
        ]
        spline = BPoly.from_derivatives(TIMES, ends)
        assert positions[:, joint] == pytest.approx(spline(times))
        assert velocities[:, joint] == pytest.approx(spline.derivative()(times))


def test_it_is_entered_as_smoothly_as_its_first_point_asks():
    moving = PathPoint(0.0, frozen([0.0, -1.5]), frozen([0.4, 0.0]))
    assert path().at(0.25, moving)[1] == pytest.approx([0.2, 1.0])
    assert path(VELOCITIES).at(0.0, moving)[1] == pytest.approx([0.4, 0.0])
    assert path(VELOCITIES).at(0.0, REST)[1] == pytest.approx([0.0, 0.0])
    entry = CubicHermiteSpline([0.0, 0.5], [[0.0, -1.5], POSITIONS[0]], [[0.4, 0.0], VELOCITIES[0]])
    assert path(VELOCITIES).at(0.2, moving)[0] == pytest.approx(entry(0.2))


def test_one_point_is_a_trajectory():
    one = JointPath.of(JOINTS, [2.0], [[1.0, 0.5]])
    assert one.at(1.0, REST)[0] == pytest.approx([0.5, -0.5])
    assert one.at(9.0, REST)[0] == pytest.approx([1.0, 0.5])


def test_joints_may_come_in_any_order():
    swapped = JointPath.of(
        ("b", "a"), TIMES, np.array(POSITIONS)[:, ::-1], np.array(VELOCITIES)[:, ::-1]
    ).ordered(JOINTS)
    for time_s in (0.6, 1.9):
        expected = np.array(path(VELOCITIES).at(time_s, REST))
        assert np.array(swapped.at(time_s, REST)) == pytest.approx(expected)
    with pytest.raises(InvalidGraspError, match=r"^joints: expected a, c, got a, b$"):
        path().ordered(("a", "c"))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"times_s": [], "positions": []}, "points: expected at least one, got none"),
        ({"times_s": [0.5, 0.5, 1.0]}, "point 1: expected a time .* after 0.5 s, got 0.5 s"),
        ({"times_s": [-0.1, 0.5, 1.0]}, "point 0: expected a time from 0 s on .*, got -0.1 s"),
        ({"times_s": [0.5, np.nan, 1.0]}, "point 1: time: expected finite"),
        ({"positions": [[1, 2], [1, 2, 3], [1, 2]]}, "point 1: expected 2 positions, got shape"),
        ({"positions": [[1, 2], [1, np.inf], [1, 2]]}, "point 1: positions: expected finite"),
        (
            {"velocities": [[1, 2], [1], [0, 0]]},
            "point 1: expected 2 velocities, got shape",
        ),
        (
            {"velocities": [[0, 0], [0, 0], [0, 0.1]]},
            "last point: expected velocity 0 of b, got",
        ),
        ({"joints": ("a", "a")}, "joints: expected unique names, got a twice"),
    ],
)
def test_what_the_controller_would_reject_is_refused(changes, message):
    fields = {"joints": JOINTS, "times_s": TIMES, "positions": POSITIONS, "velocities": None}
    with pytest.raises(InvalidGraspError, match=message):
        JointPath.of(**fields | changes)
