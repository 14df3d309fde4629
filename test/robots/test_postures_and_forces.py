"""What a drive may press with: the model's effort, shared where one drive moves many joints."""

import numpy as np
import pytest

from dr_grasp.core.geometry import Pose
from dr_grasp.errors import SettingsError
from dr_grasp.objects.object_spec import load_object
from dr_grasp.robots.robot_spec import load_robot, robot_names
from dr_grasp.simulation.mujoco.dynamics import ObjectDynamics
from dr_grasp.twin.mujoco_world import MujocoTwinWorld


def test_without_a_force_it_is_the_effort_of_the_urdf():
    assert load_robot("baxter").hand_force == load_robot("baxter").hand_limits[0].effort == 20.0


def test_more_than_the_effort_is_refused(configuration):
    path = configuration / "robots" / "strong_franka.yaml"
    path.write_text("extends: franka\nhand: {force: 101}\n")
    with pytest.raises(
        SettingsError, match=r"hand.force: expected at most the URDF's effort 100, got 101"
    ):
        load_robot("strong_franka")


@pytest.mark.parametrize("name", robot_names())
def test_the_joints_of_a_shared_drive_have_its_torque_together(name):
    robot = load_robot(name)
    followers = [mimic.follows for mimic in robot.model.mimics]
    whole = np.zeros(len(robot.hand_joints))
    joints = [*robot.hand_joints, *followers]
    for joint, share in zip(joints, robot.hand_force_shares, strict=True):
        whole[robot.hand_joints.index(joint)] += share
    if name == "ur5_schunk_sih":
        np.testing.assert_allclose(whole, 1.0)
    else:
        np.testing.assert_array_equal(robot.hand_force_shares, 1.0)


def test_the_twin_limits_each_joint_to_its_share():
    robot, box = load_robot("ur5_schunk_sih"), load_object("box")
    world = MujocoTwinWorld(robot, box, ObjectDynamics())
    world.reset(robot.home, robot.hand_open, Pose.identity(), hand_force=0.8)
    ranges = world._model.actuator_forcerange[len(robot.arm_joints) :]
    np.testing.assert_allclose(ranges[:, 1], 0.8 * robot.hand_force_shares)
    np.testing.assert_allclose(ranges[:, 0], -ranges[:, 1])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            "hand: {synergies: {pinch: {open: [0.05]}}}",
            r"hand.synergies.pinch.open: expected panda_finger_joint1 within the URDF's limits "
            r"\[0, 0.04\], got 0.05",
        ),
        (
            "arm: {home: [0.0, -0.785398, 0.0, 0.5, 0.0, 1.570796, 0.785398]}",
            r"arm.home: expected panda_joint4 within the URDF's limits",
        ),
        (
            "object_xy: [0.95, 0.0]",
            r"object_xy: expected on the table, x from 0.2 to 0.9, got",
        ),
    ],
)
def test_what_no_arm_could_do_is_refused(change, message, configuration):
    path = configuration / "robots" / "impossible.yaml"
    path.write_text(f"extends: franka\n{change}\n")
    with pytest.raises(SettingsError, match=message):
        load_robot("impossible")
