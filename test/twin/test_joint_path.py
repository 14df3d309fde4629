from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.interpolate import BPoly, CubicHermiteSpline

from dr_grasp.core.arrays import frozen
from dr_grasp.errors import InvalidGraspError
from dr_grasp.twin.joint_path import JointPath, PathPoint

from .paths import path_of

JOINTS = ("a", "b")
TIMES = [0.5, 1.0, 2.5]
POSITIONS = [[0.1, -1.0], [0.7, 0.5], [0.2, 2.0]]
VELOCITIES = [[0.3, 0.0], [-0.4, 1.5], [0.0, 0.0]]
ACCELERATIONS = [[1.0, 0.0], [0.5, -2.0], [0.0, 0.3]]
REST = PathPoint(0.0, frozen([0.0, -1.5]))


def path(velocities=None):
    return path_of(JOINTS, TIMES, POSITIONS, velocities)


def sampled(trajectory, times, before=REST):
    points = [trajectory.at(t, before) for t in times]
    return np.array([[point.positions for point in points], [p.velocities for p in points]])


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
    trajectory = path_of(JOINTS, TIMES, POSITIONS, VELOCITIES, ACCELERATIONS)
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
    assert path().at(0.25, moving).velocities == pytest.approx([0.2, 1.0])
    assert path(VELOCITIES).at(0.0, moving).velocities == pytest.approx([0.4, 0.0])
    assert path(VELOCITIES).at(0.0, REST).velocities == pytest.approx([0.0, 0.0])
    entry = CubicHermiteSpline([0.0, 0.5], [[0.0, -1.5], POSITIONS[0]], [[0.4, 0.0], VELOCITIES[0]])
    assert path(VELOCITIES).at(0.2, moving).positions == pytest.approx(entry(0.2))


def test_one_point_is_a_trajectory():
    one = path_of(JOINTS, [2.0], [[1.0, 0.5]])
    assert one.at(1.0, REST).positions == pytest.approx([0.5, -0.5])
    assert one.at(9.0, REST).positions == pytest.approx([1.0, 0.5])


def test_joints_may_come_in_any_order():
    rows = [[row[::-1] for row in rows] for rows in (POSITIONS, VELOCITIES)]
    swapped = path_of(("b", "a"), TIMES, *rows).ordered(JOINTS)
    for time_s in (0.6, 1.9):
        expected = sampled(path(VELOCITIES), [time_s])
        assert sampled(swapped, [time_s]) == pytest.approx(expected)


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
        path_of(**fields | changes)


ROWS = st.tuples(*[st.floats(-3.0, 3.0)] * 2)
GAPS = st.lists(st.floats(0.01, 5.0), min_size=1, max_size=6)


@st.composite
def trajectories(draw):
    """Any trajectory, each of whose points has some of the derivatives or none."""
    times = np.cumsum(draw(GAPS))
    known = [draw(st.integers(0, 2)) for _ in times]
    points = []
    for time_s, derivatives in zip(times, known, strict=True):
        rows = [frozen(draw(ROWS)) for _ in range(1 + derivatives)]
        points.append(PathPoint(float(time_s), *rows))
    if points[-1].velocities is not None:
        points[-1] = replace(points[-1], velocities=frozen([0.0, 0.0]))
    return JointPath(JOINTS, tuple(points))


@given(trajectories())
def test_it_passes_its_points_and_ends_at_the_last(trajectory):
    for point in trajectory.points:
        assert trajectory.at(point.time_s, REST).positions == pytest.approx(point.positions)
    later = trajectory.at(trajectory.duration_s + 1.0, REST)
    assert np.array_equal(later.positions, trajectory.points[-1].positions)
    assert not later.velocities.any()


@given(trajectories())
def test_positions_never_jump(trajectory):
    assert trajectory.at(0.0, REST).positions == pytest.approx(REST.positions)
    for point in trajectory.points:
        short = 1e-7 * point.time_s
        before, after = (trajectory.at(point.time_s + dt, REST) for dt in (-short, short))
        assert before.positions == pytest.approx(after.positions, abs=1e-3)


@given(trajectories(), st.floats(0.0, 1.0))
def test_velocities_are_the_slope_of_positions(trajectory, share):
    times = np.array([0.0, *(point.time_s for point in trajectory.points)])
    index = min(int(share * (len(times) - 1)), len(times) - 2)
    middle, step = times[index : index + 2].mean(), 1e-4 * np.diff(times)[index]
    before, here, after = (trajectory.at(middle + dt, REST) for dt in (-step, 0.0, step))
    slope = (after.positions - before.positions) / (2 * step)
    assert here.velocities == pytest.approx(slope, rel=1e-3, abs=1e-2)
