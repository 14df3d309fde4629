"""What must hold for every robot that we ship, in both engines alike."""

import numpy as np
import pytest

from dr_grasp.core.arrays import frozen
from dr_grasp.core.geometry import Pose
from dr_grasp.core.perturbation import Perturbation
from dr_grasp.objects.object_spec import load_object
from dr_grasp.robots.robot_spec import load_robot, robot_names
from dr_grasp.simulation.bullet.world import BulletWorld
from dr_grasp.simulation.motors import RATE_HZ
from dr_grasp.simulation.mujoco.dynamics import ObjectDynamics
from dr_grasp.simulation.rollout import settled_pose
from dr_grasp.twin.mujoco_world import TIMESTEP_S, MujocoTwinWorld

OBJECT = "procedural_000"


@pytest.fixture(scope="module", params=robot_names())
def bullet(request):
    with BulletWorld(load_robot(request.param), load_object(OBJECT)) as world:
        yield world


@pytest.fixture(scope="module")
def twin(bullet):
    return MujocoTwinWorld(bullet.robot, bullet.object, ObjectDynamics())


def aside(robot):
    """A pose for the object on the table, out of the hand's way."""
    return Pose([*robot.object_xy, robot.table.top_z + 0.02], [0, 0, 0, 1])


def test_at_home_nothing_touches(bullet, twin):
    robot = bullet.robot
    assert not bullet.hits_support(robot.home, robot.hand_open)
    bullet.start(aside(robot), Perturbation.none(), robot.home, robot.hand_open)
    for _ in range(120):
        bullet.advance()
    twin.reset(robot.home, robot.hand_open, aside(robot), robot.hand_force)
    twin.step(round(0.5 / TIMESTEP_S))
    for seen in (bullet.observe(), twin.observe()):
        assert not seen.self_collision
        assert not seen.robot_hits_support
        assert not seen.hand_touches
        assert seen.object_supported
    # And the arm stays where it is told to be.
    np.testing.assert_allclose(bullet.arm_positions(), robot.home, atol=2e-3)
    np.testing.assert_allclose(twin.joint_positions[: len(robot.home)], robot.home, atol=2e-3)


def test_both_engines_have_the_same_kinematics(bullet, twin):
    robot, rng = bullet.robot, np.random.default_rng(0)
    for _ in range(5):
        arm = frozen(robot.home + rng.normal(0.0, 0.3, len(robot.home)))
        one = bullet.forward_kinematics(arm)
        twin.reset(arm, robot.hand_open, aside(robot), robot.hand_force)
        other = twin.tcp_in_base()
        np.testing.assert_allclose(one.position, other.position, atol=1e-5)
        assert (one.rotation.inv() * other.rotation).magnitude() < 1e-5


def test_every_synergy_closes_in_both_engines_and_mimics_follow(bullet, twin):
    robot = bullet.robot
    seconds = robot.close_duration_s + 0.3
    for synergy in robot.synergies:
        bullet.start(aside(robot), Perturbation.none(), robot.home, synergy.open)
        bullet.command_hand(synergy.closed, robot.hand_force)
        for _ in range(round(seconds * RATE_HZ)):
            bullet.advance()
        assert not bullet.observe().self_collision
        twin.reset(robot.home, synergy.open, aside(robot), robot.hand_force)
        twin.command(robot.home, synergy.closed)
        twin.step(round(seconds / TIMESTEP_S))
        positions = dict(zip(twin.joints, twin.joint_positions, strict=True))
        tolerance = 0.05 * np.abs(synergy.closed - synergy.open).max()
        np.testing.assert_allclose(bullet.hand_positions(), synergy.closed, atol=tolerance)
        np.testing.assert_allclose(
            [positions[name] for name in robot.hand_joints], synergy.closed, atol=tolerance
        )
        for mimic in robot.model.mimics:
            expected = mimic.multiplier * positions[mimic.follows] + mimic.offset
            assert positions[mimic.joint] == pytest.approx(expected, abs=tolerance)


def test_the_object_rests_where_the_robot_can_see_it(bullet):
    pose = settled_pose(bullet)
    np.testing.assert_allclose(pose.position[:2], bullet.robot.object_xy, atol=0.02)
    tcp = bullet.forward_kinematics(bullet.robot.home)
    assert np.linalg.norm(tcp.position[:2] - pose.position[:2]) < 0.25
    assert tcp.position[2] > pose.position[2] + 0.1


@pytest.mark.parametrize(
    ("arm", "hits", "collides"),
    [
        # The elbow is folded as far as it goes, with the flange behind it on the upper arm.
        ([0.0, -0.5, 0.0, -3.07, 0.0, 0.0, 0.78], None, "panda_link2 with panda_link7"),
        # The hand comes down rolled by 0.5 rad, so that one finger is 38 mm lower than the other.
        ([0.14, 0.54, -0.23, -2.22, 1.05, 2.41, -0.2], "panda_leftfinger with table", None),
        (
            [-0.14, 0.54, 0.23, -2.22, -1.05, 2.41, 1.77],
            "panda_rightfinger with table",
            None,
        ),
    ],
)
def test_both_engines_name_the_same_links(franka, arm, hits, collides):
    item = load_object(OBJECT)
    twin = MujocoTwinWorld(franka, item, ObjectDynamics())
    away = Pose([0.3, 0.5, 0.2], [0, 0, 0, 1])
    twin.reset(frozen(arm), franka.hand_open, away, franka.hand_force)
    with BulletWorld(franka, item) as bullet:
        bullet.start(away, Perturbation.none(), frozen(arm), franka.hand_open)
        bullet.advance()
        for seen in (bullet.observe(), twin.observe()):
            found = [seen.robot_hits_support, seen.self_collision]
            assert [pair and str(pair) for pair in found] == [hits, collides]
