"""How an arm follows its commands."""

import numpy as np
import pytest

from dr_grasp.simulation.motors import tracked_end, tracked_positions


@pytest.mark.parametrize("count", [2, 3, 500])
def test_the_end_of_a_way_is_that_of_the_whole_way(count):
    rng = np.random.default_rng(count)
    commands, velocities = rng.normal(size=(2, count, 7))
    start = rng.normal(size=7)
    whole = tracked_positions(commands, velocities, start)
    position, velocity = tracked_end(commands, velocities, start)
    np.testing.assert_allclose(position, whole[-1], atol=1e-13)
    np.testing.assert_allclose(velocity, (whole[-1] - whole[-2]) * 240.0, atol=1e-10)
