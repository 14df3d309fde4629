"""Starts of rollouts in batches: of worlds that have had no rollout yet."""

from dataclasses import replace

import mujoco
import numpy as np
import pytest

from dr_grasp.core.perturbation import Perturbation
from dr_grasp.objects.object_spec import load_object
from dr_grasp.robots.robot_spec import load_robot
from dr_grasp.simulation.motors import RATE_HZ
from dr_grasp.simulation.rollout import Commands
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


def test_a_late_hand_that_presses_less_begins_so(franka, mug_grasps):
    plan = mug_grasps[0].schedule(RATE_HZ)
    with StartingWorld(franka, load_object(mug_grasps[0].object)) as world:
        starts = []
        for scale, delay in ((1.0, 0.0), (0.4, 0.05)):
            changed = replace(Perturbation.none(), gripper_force_scale=scale, delay_s=delay)
            commands = Commands.under(changed, mug_grasps[0], plan, franka)
            starts.append(world.rollout(commands, changed))
        prompt, late = starts
        assert late.closing == prompt.closing + 12
        np.testing.assert_array_equal(late.hand_forces[0], prompt.hand_forces[0])
        np.testing.assert_allclose(late.hand_forces[1], 0.4 * prompt.hand_forces[1], rtol=1e-6)
        assert late.arm.shape == prompt.arm.shape and np.abs(late.arm - prompt.arm).max() > 0
