"""Starts of rollouts in batches: of worlds that have had no rollout yet."""

import mujoco
import numpy as np
import pytest

from dr_grasp.objects.object_spec import load_object
from dr_grasp.robots.robot_spec import load_robot
from dr_grasp.simulation.warp.starts import StartingWorld


@pytest.mark.parametrize("robot", ["franka", "baxter", "ur5_schunk_sih"])
def test_worlds_without_a_rollout_rest_at_home_and_touch_nothing(robot):
    spec = load_robot(robot)
    with StartingWorld(spec, load_object("procedural_000")) as world:
        places = [int(world.model.joint(name).qposadr[0]) for name in spec.arm_joints]
        np.testing.assert_allclose(world.resting_qpos[places], spec.home, atol=1e-6)
        data = mujoco.MjData(world.model)
        data.qpos[:] = world.resting_qpos
        mujoco.mj_forward(world.model, data)
        assert data.ncon == 0
