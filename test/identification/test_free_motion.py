"""Joints that lag, against what their equation says."""

import numpy as np
import pytest

from dr_grasp.identification.free_motion import lagging


def test_a_lagging_joint_is_behind_a_steady_motion_by_the_lag():
    ramp = 0.5 * np.maximum(0.0, np.arange(0.0, 2.0, 0.002)[:, None] - 0.1)
    behind = lagging(ramp, 0.03, 0.002)
    assert behind[-1, 0] == pytest.approx(ramp[-1, 0] - 0.5 * 0.03, abs=1e-9)
    assert lagging(ramp, 0.0, 0.002) is ramp
    np.testing.assert_allclose(lagging(np.full((5, 2), 0.7), 0.03, 0.002), 0.7)


def test_a_lagging_joint_answers_a_step_as_the_equation_says():
    step = np.append([0.0], np.ones(200))[:, None]
    times = np.arange(200) * 1e-4
    # Between the first two values, the step is a ramp.
    found = lagging(step, 2.0 / 100.0, 1e-4)[1:, 0]
    exact = 1.0 - np.exp(-100.0 * times) * (1.0 + 100.0 * times)
    np.testing.assert_allclose(found, exact, atol=2e-3)
