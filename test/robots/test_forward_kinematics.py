"""The model's own kinematics against PyBullet's, and laws that any of them keeps."""

import numpy as np
import pytest

from dr_grasp.errors import UnknownNameError
from dr_grasp.objects.object_spec import load_object
from dr_grasp.robots.forward_kinematics import chain_to, joint_positions, link_in_base
from dr_grasp.robots.robot_spec import load_robot, robot_names
from dr_grasp.simulation.bullet.world import BulletWorld


def between(limits, rng):
    return np.array([rng.uniform(one.lower, one.upper) for one in limits])


@pytest.fixture(params=robot_names(), scope="module")
def robot(request):
    return load_robot(request.param)


def test_the_tool_is_where_pybullet_has_it(robot):
    rng = np.random.default_rng(3)
    with BulletWorld(robot, load_object("box")) as world:
        for _ in range(20):
            arm = between(robot.arm_limits, rng)
            ours = link_in_base(robot, robot.tcp_link, arm)
            theirs = world.forward_kinematics(arm)
            np.testing.assert_allclose(ours.matrix, theirs.matrix, atol=1e-6)


def test_every_link_of_the_hand_is_where_pybullet_has_it(robot):
    rng = np.random.default_rng(4)
    with BulletWorld(robot, load_object("box")) as world:
        places = world._link_index
        for _ in range(5):
            arm, hand = between(robot.arm_limits, rng), between(robot.hand_limits, rng)
            world.reset_robot(arm, hand)
            for link in (*robot.hand_links, robot.tcp_link):
                world._tcp = places[link]
                ours = link_in_base(robot, link, arm, hand)
                np.testing.assert_allclose(ours.matrix, world.tcp_pose().matrix, atol=1e-6)


def test_the_base_stays_where_it_is(robot):
    at_home = link_in_base(robot, robot.base_link, robot.home)
    np.testing.assert_array_equal(at_home.matrix, np.eye(4))
    assert link_in_base(robot, robot.base_link, robot.home + 0.1) == at_home
    assert chain_to(robot, robot.base_link) == ()


def test_a_chain_passes_all_arm_joints_in_order(robot):
    names = [joint.name for joint in chain_to(robot, robot.tcp_link)]
    assert [name for name in names if name in robot.arm_joints] == list(robot.arm_joints)


def test_mimics_follow():
    sih = load_robot("ur5_schunk_sih")
    positions = joint_positions(sih, sih.home, sih.hand_closed)
    assert len(positions) == 6 + 11
    for mimic in sih.model.mimics:
        expected = mimic.multiplier * positions[mimic.follows] + mimic.offset
        assert positions[mimic.joint] == expected


def test_an_unknown_link_is_named(franka):
    with pytest.raises(
        UnknownNameError, match=r"unknown link 'tail'; expected one of .*panda_hand"
    ):
        link_in_base(franka, "tail", franka.home)
