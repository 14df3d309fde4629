"""How an arm follows its commands."""

import numpy as np
import pytest

from dr_grasp.simulation.motors import RATE_HZ, late, tracked_end, tracked_positions


@pytest.mark.parametrize("count", [2, 3, 500])
def test_the_end_of_a_way_is_that_of_the_whole_way(count):
    rng = np.random.default_rng(count)
    commands, velocities = rng.normal(size=(2, count, 7))
    start = rng.normal(size=7)
    whole = tracked_positions(commands, velocities, start)
    position, velocity = tracked_end(commands, velocities, start)
    np.testing.assert_allclose(position, whole[-1], atol=1e-13)
    np.testing.assert_allclose(velocity, (whole[-1] - whole[-2]) * 240.0, atol=1e-10)


TIMES = np.arange(1, 481) / RATE_HZ
SPEEDS = np.array([0.3, -1.0])


@pytest.mark.parametrize("delay_s", [0.0, 0.021])
@pytest.mark.parametrize("lag_s", [0.0, 0.04])
def test_a_late_arm_is_behind_a_steady_motion_by_delay_and_lag(delay_s, lag_s):
    start = np.array([0.2, 0.4])
    followed = late(start + TIMES[:, None] * SPEEDS, start, delay_s, lag_s)
    expected = start + (TIMES[-1] - delay_s - lag_s) * SPEEDS
    np.testing.assert_allclose(followed[-1], expected, atol=1e-9)
    if not delay_s + lag_s:
        np.testing.assert_allclose(followed, start + TIMES[:, None] * SPEEDS)


def test_a_late_arm_follows_a_step_as_a_critically_damped_system():
    lag_s = 0.2
    step = late(np.ones((480, 1)), np.zeros(1), 0.0, lag_s)[:, 0]
    assert (np.diff(step) > 0).all() and step[-1] < 1
    frequency = 2 / lag_s
    exact = 1 - (1 + frequency * TIMES) * np.exp(-frequency * TIMES)
    np.testing.assert_allclose(step, exact, atol=0.02)  # Euler's method at 240 Hz


def test_a_late_arm_does_not_move_before_the_delay_is_over():
    followed = late(np.ones((48, 1)), np.zeros(1), 0.1, 0.0)[:, 0]
    assert (followed[:23] == 0).all() and (followed[24:] == 1).all()
