"""An object whose mass and centre of mass were changed still obeys Newton and Euler."""

from dataclasses import replace

import mujoco
import numpy as np
import pytest

from dr_grasp.core.arrays import frozen
from dr_grasp.core.geometry import Pose
from dr_grasp.core.perturbation import Perturbation
from dr_grasp.objects.object_spec import load_object
from dr_grasp.simulation.motors import RATE_HZ
from dr_grasp.simulation.mujoco.world import MujocoWorld
from dr_grasp.simulation.scene import GRAVITY, ObjectState

SHIFT = frozen([0.002, -0.007, 0.003])


@pytest.mark.parametrize("mass_scale", [0.7, 1.0, 1.3])
@pytest.mark.parametrize("shift", [frozen([0, 0, 0]), SHIFT])
def test_a_spinning_object_keeps_its_spin_as_it_falls(franka, mass_scale, shift):
    """About its centre of mass, in the time of a fall by a third of a metre."""
    nothing = Perturbation.none()
    changed = replace(nothing, mass_scale=mass_scale, center_of_mass_m=shift)
    spin, steps = np.array([4.0, 10.0, -10.5]), 60
    with MujocoWorld(franka, load_object("procedural_000")) as world:
        aside = Pose(frozen([0.5, 1.5, 1.5]), frozen([0, 0, 0, 1]))
        world.start(aside, changed, franka.home, franka.hand_open)
        begun = world.object_state
        thrown = ObjectState(begun.position, begun.quaternion_xyzw, (0.1, 0.0, 0.0), tuple(spin))
        world.object_state = thrown
        before = momentum(world)
        for _ in range(steps):
            world.advance()
        fallen = begun.position[2] - world.object_state.position[2]
        assert fallen == pytest.approx(GRAVITY * (steps / RATE_HZ) ** 2 / 2, rel=0.02)
        assert np.linalg.norm(momentum(world) - before) < 0.04 * np.linalg.norm(before)


def momentum(world):
    """Angular momentum of the object about its centre of mass, from state and inertia alone."""
    model, data, body = world._model, world._data, world._free.body
    mujoco.mj_kinematics(model, data)
    axes = data.ximat[body].reshape(3, 3)
    inertia = axes @ np.diag(model.body_inertia[body]) @ axes.T
    return inertia @ np.array(world.object_state.turning)
