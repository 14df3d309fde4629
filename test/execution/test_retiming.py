import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.interpolate import CubicHermiteSpline

from dr_grasp.core.trajectory import Waypoints
from dr_grasp.execution.retiming import backwards, extremes, joint_rates, slowed

VELOCITIES, ACCELERATIONS = np.array([2.0, 1.0]), np.array([4.0, 4.0])


@pytest.fixture
def path():
    times = np.linspace(0.0, 2.0, 41)
    smooth = 0.5 - 0.5 * np.cos(np.pi * times / 2.0)
    return Waypoints(("a", "b"), times, np.stack([smooth, -0.5 * smooth], axis=1))


def test_a_slow_path_stays_as_it_is(path):
    assert slowed(path, VELOCITIES, ACCELERATIONS, 1.0) == path


@pytest.mark.parametrize("speed", [0.3, 0.1, 0.01])
def test_the_limits_are_kept_and_one_of_them_used(path, speed):
    slow = slowed(path, VELOCITIES, ACCELERATIONS, speed)
    assert np.array_equal(slow.positions, path.positions)
    stretch = slow.times_s[1:] / path.times_s[1:]
    assert np.allclose(stretch, stretch[0]) and stretch[0] > 1.0
    fastest, hardest = extremes(slow)
    used = max((fastest / VELOCITIES).max(), (hardest / ACCELERATIONS).max()) / speed
    assert used == pytest.approx(1.0)


def test_extremes_are_those_of_the_spline_through_the_waypoints(path):
    spline = CubicHermiteSpline(path.times_s, path.positions, joint_rates(path))
    times = np.linspace(0.0, 2.0, 400_001)
    fastest, hardest = extremes(path)
    assert np.allclose(fastest, np.abs(spline(times, 1)).max(axis=0), rtol=1e-6)
    assert np.allclose(hardest, np.abs(spline(times, 2)).max(axis=0), rtol=1e-3)


def test_a_single_step_starts_and_ends_at_rest():
    step = Waypoints(("a",), [0.0, 2.0], [[0.0], [1.0]])
    fastest, hardest = extremes(step)
    assert (fastest[0], hardest[0]) == pytest.approx((0.75, 1.5))


def test_rates_are_those_of_the_path_and_zero_at_its_ends(path):
    rates = joint_rates(path)
    assert (rates[[0, -1]] == 0.0).all()
    exact = 0.25 * np.pi * np.sin(np.pi * path.times_s / 2.0)
    assert np.abs(rates[1:-1, 0] - exact[1:-1]).max() < 1e-3


def test_one_waypoint_has_no_rate():
    still = Waypoints(("a",), [0.0], [[1.0]])
    assert slowed(still, np.array([1.0]), np.array([1.0]), 0.1) == still
    assert joint_rates(still).tolist() == [[0.0]]


@st.composite
def paths(draw):
    times = np.cumsum(draw(st.lists(st.floats(0.05, 1.0), min_size=1, max_size=8)))
    row = st.tuples(*[st.floats(-0.3, 0.3)] * 2)
    return Waypoints(("a", "b"), times, [draw(row) for _ in times])


@given(paths(), st.floats(0.05, 1.0))
def test_no_path_exceeds_the_limits_or_leaves_its_way(path, speed):
    slow = slowed(path, VELOCITIES, ACCELERATIONS, speed)
    assert np.array_equal(slow.positions, path.positions)
    stretch = slow.times_s / path.times_s
    assert np.allclose(stretch, stretch[0]) and stretch[0] >= 1.0
    if len(path.times_s) > 1:
        fastest, hardest = extremes(slow)
        assert (fastest <= VELOCITIES * speed * (1 + 1e-9)).all()
        assert (hardest <= ACCELERATIONS * speed * (1 + 1e-9)).all()


@given(paths())
def test_extremes_bound_what_the_controllers_spline_does(path):
    if len(path.times_s) < 2:
        return
    spline = CubicHermiteSpline(path.times_s, path.positions, joint_rates(path))
    times = np.linspace(path.times_s[0], path.times_s[-1], 200)
    fastest, hardest = extremes(path)
    assert (np.abs(spline(times, 1)) <= fastest + 1e-6 * (1 + fastest)).all()
    assert (np.abs(spline(times, 2)) <= hardest + 1e-6 * (1 + hardest)).all()


@given(paths())
def test_backwards_begins_at_the_end_and_twice_is_forwards(path):
    back = backwards(path)
    assert np.array_equal(back.positions[0], path.positions[-1]) and back.times_s[0] == 0.0
    again = backwards(back)
    assert np.array_equal(again.positions, path.positions)
    assert again.times_s == pytest.approx(path.times_s - path.times_s[0])
