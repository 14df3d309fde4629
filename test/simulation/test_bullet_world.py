"""The world against textbook mechanics, mostly with a box of known mass and inertia."""

from dataclasses import replace
from xml.etree import ElementTree

import numpy as np
import pybullet as p
import pytest
import trimesh

from dr_grasp.core.arrays import frozen
from dr_grasp.core.geometry import Pose
from dr_grasp.core.perturbation import Perturbation
from dr_grasp.simulation.bullet.camera import take_picture
from dr_grasp.simulation.bullet.world import BulletWorld
from dr_grasp.simulation.rollout import settled_pose
from dr_grasp.simulation.scene import GRAVITY

from .made import object_of

SIZE = np.array([0.10, 0.12, 0.04])
MASS = 0.5
FRICTION = 0.6
STEP_S = 1 / 240


@pytest.fixture(scope="module")
def world(franka, tmp_path_factory):
    path = tmp_path_factory.mktemp("box") / "box.stl"
    trimesh.creation.box(SIZE).export(path)
    box = object_of(path, MASS, lateral=FRICTION, rolling=0.0, spinning=0.0)
    with BulletWorld(franka, box) as world:
        yield world


IN_THE_AIR = Pose([0.7, 0.4, 1.5], [0, 0, 0, 1]).perturbed([0, 0, 0], [0.4, -0.2, 1.0])
FLAT = Pose([0.7, 0.3, SIZE[2] / 2], [0, 0, 0, 1])


def begin(world, pose=FLAT, **changes):
    perturbation = replace(Perturbation.none(), **changes)
    world.start(pose, perturbation, world.robot.home, world.robot.hand_open)


def advance(world, seconds):
    for _ in range(round(seconds / STEP_S)):
        world.advance()


def turned_rad(first, second):
    return float((second.rotation * first.rotation.inv()).magnitude())


def test_free_fall(world):
    begin(world, IN_THE_AIR)
    for seconds in (0.1, 0.3):
        begin(world, IN_THE_AIR)
        before = world.object_pose()
        advance(world, seconds)
        after = world.object_pose()
        fallen = before.position - after.position
        # An integrator of first order is behind by at most one step's way at the final speed.
        assert fallen[2] == pytest.approx(GRAVITY * seconds**2 / 2, abs=GRAVITY * seconds * STEP_S)
        np.testing.assert_allclose(fallen[:2], 0, atol=1e-9)
        assert turned_rad(before, after) < 1e-6
        assert world.observe().object_speed == pytest.approx(GRAVITY * seconds, rel=1e-6)


def test_an_object_at_rest_stays_where_it_is(world, mug_world):
    for any_world in (world, mug_world):
        before = settled_pose(any_world)
        for _ in range(240):
            any_world.advance()
        after = any_world.object_pose()
        assert np.abs(after.position - before.position).max() < 1e-4
        assert turned_rad(before, after) < 1e-3
        seen = any_world.observe()
        assert seen.object_supported and not seen.hand_touches and seen.object_speed < 1e-3
        assert not seen.robot_hits_support and not seen.self_collision


def test_settled_objects_stand_on_the_table(world, mug_world):
    for any_world in (world, mug_world):
        pose = settled_pose(any_world)
        lowest = any_world.object.lowest_point(pose.rotation.as_matrix()) + pose.position[2]
        assert lowest == pytest.approx(any_world.robot.table.top_z, abs=1.5e-3)
        np.testing.assert_allclose(pose.position[:2], any_world.robot.object_xy, atol=2e-3)


def test_the_object_starts_where_it_is_believed_to_be_plus_the_perturbation(world):
    turn = [0.02, -0.03, 0.5]
    begin(world, IN_THE_AIR, translation_m=frozen([0.1, -0.2, 0]), rotation_rpy_rad=frozen(turn))
    expected = IN_THE_AIR.perturbed([0.1, -0.2, 0], turn)
    np.testing.assert_allclose(world.object_pose().matrix, expected.matrix, atol=1e-9)


def test_the_object_never_starts_inside_the_table(world):
    begin(world, FLAT, rotation_rpy_rad=frozen([0.2, 0, 0]))
    pose = world.object_pose()
    assert pose.apply(world.object.points)[:, 2].min() > 0
    np.testing.assert_allclose(pose.position[:2], FLAT.position[:2], atol=1e-9)


def test_a_large_object_waits_where_it_does_not_touch_the_robot(franka, tmp_path):
    trimesh.creation.box([0.9, 0.02, 0.9]).export(
        tmp_path / "door.stl"
    )  # at home, the hand is in it
    door = object_of(tmp_path / "door.stl", 1.0, lateral=FRICTION, rolling=0.0, spinning=0.0)
    beside = Pose([0.55, 0.5, 0.45], [0, 0, 0, 1])
    ends = []
    with BulletWorld(franka, door) as world:
        for _ in range(3):
            begin(world, beside)
            assert not p.getContactPoints(bodyA=world._object, **world.in_client)
            world.follow((franka.home + 0.1)[None], np.zeros((1, 7)))
            world.drive(0)
            advance(world, 0.5)
            ends.append((*world.object_pose().position, *world.arm_positions()))
    assert ends[0] == ends[1] == ends[2]


@pytest.fixture
def ball(world):
    """Makes a ball of Bullet's own on the table, since meshes have corners; and lets time pass."""
    radius, mass, bodies = 0.03, 0.2, []

    def make(**friction):
        begin(world, IN_THE_AIR)
        shape = p.createCollisionShape(p.GEOM_SPHERE, radius=radius, **world.in_client)
        body = p.createMultiBody(mass, shape, basePosition=[0.7, 0.3, radius], **world.in_client)
        bodies.append(body)
        p.changeDynamics(
            body, -1, lateralFriction=FRICTION, linearDamping=0, angularDamping=0, **friction,
            **world.in_client,
        )  # fmt: skip
        return body

    def advance_ball(body, seconds):
        for _ in range(round(seconds / STEP_S)):
            place, _ = p.getBasePositionAndOrientation(body, **world.in_client)
            weight = [0, 0, -mass * GRAVITY]
            p.applyExternalForce(body, -1, weight, place, p.WORLD_FRAME, **world.in_client)
            p.stepSimulation(**world.in_client)

    yield make, advance_ball, radius
    for body in bodies:
        p.removeBody(body, **world.in_client)


def test_spinning_friction_is_a_lever_in_metres(world, ball):
    make, advance_ball, radius = ball
    lever, speed, seconds = 0.0005, 10.0, 0.3
    body = make(spinningFriction=lever)
    advance_ball(body, 0.25)
    p.resetBaseVelocity(body, [0, 0, 0], [0, 0, speed], **world.in_client)
    advance_ball(body, seconds)
    _, spin = p.getBaseVelocity(body, **world.in_client)
    # A torque of lever x weight against 2/5 m r^2.
    assert spin[2] == pytest.approx(speed - lever * GRAVITY / (0.4 * radius**2) * seconds, rel=0.01)


def test_rolling_friction_is_a_lever_in_metres(world, ball):
    make, advance_ball, radius = ball
    lever, speed, seconds = 0.002, 0.3, 0.5
    body = make(rollingFriction=lever)
    advance_ball(body, 0.25)
    p.resetBaseVelocity(body, [speed, 0, 0], [0, speed / radius, 0], **world.in_client)
    advance_ball(body, seconds)
    velocity, _ = p.getBaseVelocity(body, **world.in_client)
    # A torque of lever x weight against 7/5 m r^2 about the contact.
    lost = lever * GRAVITY / (1.4 * radius) * seconds
    assert speed - velocity[0] == pytest.approx(lost, rel=0.03)


@pytest.mark.parametrize("scale", [1.0, 0.5, 2.0])
def test_mass_scale_scales_mass_and_inertia(world, scale):
    impulse, torque_impulse = 0.1, 1e-3
    begin(world, IN_THE_AIR.perturbed([0, 0, 0], [0, 0, 0]), mass_scale=scale)
    start = world.object_pose()
    place = start.position.tolist()
    p.applyExternalForce(
        world._object, -1, [impulse / STEP_S, 0, 0], place, p.WORLD_FRAME, **world.in_client
    )
    p.applyExternalTorque(
        world._object, -1, [0, 0, torque_impulse / STEP_S], p.WORLD_FRAME, **world.in_client
    )
    world.advance()
    velocity, spin = p.getBaseVelocity(world._object, **world.in_client)
    assert velocity[0] == pytest.approx(impulse / (MASS * scale), rel=1e-3)
    rotation = start.rotation.as_matrix()
    inertia = rotation @ world.object.inertia @ rotation.T * scale
    expected = np.linalg.solve(inertia, [0, 0, torque_impulse])
    np.testing.assert_allclose(spin, expected, rtol=1e-2, atol=1e-3 * np.abs(expected).max())


@pytest.mark.parametrize("yaw", [0.0, 0.7, np.pi / 2])
def test_the_shifted_weight_turns_the_object_as_its_inertia_says(world, yaw):
    shift, scale = np.array([0.01, 0.004, -0.003]), 1.3
    pose = IN_THE_AIR.perturbed([0, 0, 0], [0, 0, yaw])
    begin(world, pose, center_of_mass_m=frozen(shift), mass_scale=scale)
    rotation = world.object_pose().rotation.as_matrix()
    world.advance()
    after = world.object_pose()
    spin = (after.rotation * pose.rotation.inv()).as_rotvec() / STEP_S
    torque = np.cross(rotation @ shift, [0, 0, -MASS * scale * GRAVITY])
    inertia = rotation @ world.object.inertia @ rotation.T * scale
    np.testing.assert_allclose(spin, np.linalg.solve(inertia, torque) * STEP_S, rtol=1e-3)


def test_the_hand_follows_its_command_and_the_mimic_finger_the_hand(world):
    begin(world, IN_THE_AIR)
    fingers = [
        p.getJointInfo(world._robot, joint, **world.in_client)[0]
        for joint in range(p.getNumJoints(world._robot, **world.in_client))
        if b"finger_joint" in p.getJointInfo(world._robot, joint, **world.in_client)[1]
    ]
    assert len(fingers) == 2
    for target in (0.0, 0.03, 0.01):
        world.command_hand(frozen([target]), 30.0)
        for _ in range(120):
            world.advance()
            first, second = (
                p.getJointState(world._robot, finger, **world.in_client)[0] for finger in fingers
            )
            assert abs(first - second) < 5e-4
        assert world.hand_positions()[0] == first == pytest.approx(target, abs=5e-4)


def test_inverse_kinematics_undoes_forward_kinematics(world):
    rng = np.random.default_rng(0)
    for _ in range(3):
        arm = frozen(world.robot.home + rng.normal(0, 0.2, 7))
        target = world.forward_kinematics(arm)
        solution = world.inverse_kinematics_step(target, world.robot.home)
        solution = world.inverse_kinematics_step(target, solution)
        reached = world.forward_kinematics(solution)
        np.testing.assert_allclose(reached.position, target.position, atol=1e-3)


@pytest.mark.parametrize("products", [{}, {"ixy": 3e-4}, {"ixy": -2e-4, "ixz": 1e-4, "iyz": 2e-4}])
def test_inverse_kinematics_does_not_depend_on_how_the_hand_weighs(
    franka, world, tmp_path, products
):
    urdf = ElementTree.parse(franka.model.urdf)
    (inertial,) = urdf.findall("link[@name='panda_hand']/inertial")
    tensor = {"ixx": 1e-3, "iyy": 2e-3, "izz": 2e-3, "ixy": 0.0, "ixz": 0.0, "iyz": 0.0, **products}
    inertial.find("inertia").attrib.update({key: str(value) for key, value in tensor.items()})
    urdf.write(tmp_path / "r.urdf")
    model = replace(franka.model, urdf=tmp_path / "r.urdf")
    robot = replace(franka, model=model, tcp_link="panda_hand")
    with BulletWorld(robot, world.object) as tilted:
        target = tilted.forward_kinematics(frozen(franka.home + 0.1))
        solution = franka.home
        for _ in range(4):
            solution = tilted.inverse_kinematics_step(target, solution)
        reached = tilted.forward_kinematics(solution)
    np.testing.assert_allclose(reached.position, target.position, atol=1e-5)
    assert (reached.rotation.inv() * target.rotation).magnitude() < 1e-4


def test_the_home_posture_is_free_and_a_low_one_hits_the_table(world):
    assert not world.hits_support(world.robot.home, world.robot.hand_open)
    low = np.array(world.robot.home)
    low[1] = 1.2
    assert world.hits_support(frozen(low), world.robot.hand_open)


def test_the_picture_shows_the_scene(world):
    begin(world)
    first = take_picture(world, 160, 120)
    assert first.shape == (120, 160, 3) and first.dtype == np.uint8 and first.std() > 10
    begin(world, FLAT.perturbed([0, -0.2, 0], [0, 0, 0]))
    assert (take_picture(world, 160, 120) != first).any()


def test_worlds_do_not_touch_each_other(franka, world, mug_world):
    begin(world)
    mug_world.start(
        Pose([0.5, 0, 0], [0, 0, 0, 1]), Perturbation.none(), franka.home, franka.hand_open
    )
    before = mug_world.object_pose()
    advance(world, 0.1)
    assert mug_world.object_pose() == before


def test_a_closed_world_may_be_closed_again(franka, world):
    other = BulletWorld(franka, world.object)
    other.close()
    other.close()
    advance(world, 0.1)
