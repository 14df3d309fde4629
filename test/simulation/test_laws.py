"""What holds in every engine that has single worlds: mechanics computed by hand, and repetition."""

from dataclasses import replace

import numpy as np
import pytest
import trimesh

from dr_grasp.core.arrays import frozen
from dr_grasp.core.engine import Engine
from dr_grasp.core.geometry import Pose
from dr_grasp.core.perturbation import Criterion, Perturbation, sample_perturbation
from dr_grasp.generation.sampler import generate
from dr_grasp.objects.object_spec import load_object
from dr_grasp.robots.robot_spec import load_robot, robot_names
from dr_grasp.scoring.profiles import load_profile
from dr_grasp.simulation.engine import open_world
from dr_grasp.simulation.motors import RATE_HZ
from dr_grasp.simulation.rollout_runner import RolloutRunner
from dr_grasp.simulation.scene import GRAVITY

from .made import object_of

ENGINES = [Engine.BULLET, Engine.MUJOCO]
SIZE = np.array([0.10, 0.12, 0.04])
FRICTION = 0.6
FLAT = Pose([0.7, 0.3, SIZE[2] / 2], [0, 0, 0, 1])
IN_THE_AIR = Pose([0.7, 0.4, 1.5], [0, 0, 0, 1]).perturbed([0, 0, 0], [0.4, -0.2, 1.0])


@pytest.fixture(scope="module", params=ENGINES, ids=lambda engine: engine.value)
def world(request, franka, tmp_path_factory):
    path = tmp_path_factory.mktemp("box") / "box.stl"
    trimesh.creation.box(SIZE).export(path)
    box = object_of(path, 0.5, lateral=FRICTION, rolling=0.0, spinning=0.0)
    world = open_world(request.param, franka, box)
    yield world
    world.close()


def begin(world, pose=FLAT, **changes):
    perturbation = replace(Perturbation.none(), **changes)
    world.start(pose, perturbation, world.robot.home, world.robot.hand_open)


def advance(world, seconds):
    for _ in range(round(seconds * RATE_HZ)):
        world.advance()


def throw(world, velocity):
    state = world.object_state
    world.object_state = replace(state, velocity=tuple(np.add(state.velocity, velocity).tolist()))


@pytest.mark.parametrize("mass_scale", [1.0, 0.7])
def test_free_fall(world, mass_scale):
    seconds = 0.3
    begin(world, IN_THE_AIR, mass_scale=mass_scale)
    throw(world, [0.2, 0.0, 0.0])
    before = world.object_state
    advance(world, seconds)
    after = world.object_state
    moved = np.subtract(after.position, before.position)
    # Euler's semi-implicit method falls g t dt / 2 farther.
    fallen = GRAVITY * seconds**2 / 2
    np.testing.assert_allclose(moved, [0.2 * seconds, 0, -fallen], atol=0.02 * fallen)
    np.testing.assert_allclose(after.velocity, [0.2, 0, -GRAVITY * seconds], atol=1e-2)
    np.testing.assert_allclose(after.turning, 0.0, atol=1e-6)


@pytest.mark.parametrize("mass_scale", [1.0, 0.7])
def test_a_push_accelerates_beside_the_weight(world, mass_scale):
    """And does not turn the object, as it acts on the centre of mass."""
    seconds, force = 0.2, np.array([1.0, -2.0, 3.0])
    begin(world, IN_THE_AIR, mass_scale=mass_scale)
    world.push(frozen([9.0, 9.0, 9.0]))
    world.push(frozen(force))
    advance(world, seconds)
    state = world.object_state
    expected = (force / (0.5 * mass_scale) - [0, 0, GRAVITY]) * seconds
    np.testing.assert_allclose(state.velocity, expected, atol=1e-2)
    np.testing.assert_allclose(state.turning, 0.0, atol=1e-6)
    begin(world, IN_THE_AIR, mass_scale=mass_scale)
    advance(world, seconds)
    np.testing.assert_allclose(world.object_state.velocity, [0, 0, -GRAVITY * seconds], atol=1e-2)


@pytest.mark.parametrize(("friction", "mass"), [(1.0, 1.0), (0.5, 1.0), (1.3, 0.7)])
def test_a_sliding_block_is_slowed_down_as_coulomb_says(world, friction, mass):
    begin(world, lateral_friction_scale=friction, mass_scale=mass)
    advance(world, 0.5)
    throw(world, [0.0, 0.8, 0.0])
    before = world.object_state
    assert before.velocity[1] == pytest.approx(0.8, abs=1e-3)
    seconds = 0.1
    advance(world, seconds)
    lost = before.velocity[1] - world.object_state.velocity[1]
    assert lost == pytest.approx(FRICTION * friction * GRAVITY * seconds, rel=0.1)
    advance(world, 0.7)
    slid = world.object_state.position[1] - before.position[1]
    assert slid == pytest.approx(0.8**2 / (2 * FRICTION * friction * GRAVITY), rel=0.06)
    np.testing.assert_allclose(world.object_state.velocity, 0.0, atol=1e-3)


@pytest.mark.parametrize("axis", [0, 1])
@pytest.mark.parametrize(("share", "tips"), [(0.85, False), (1.15, True)])
def test_a_box_tips_once_its_centre_of_mass_is_beyond_its_edge(world, axis, share, tips):
    shift = np.zeros(3)
    shift[axis] = share * SIZE[axis] / 2
    begin(world, center_of_mass_m=frozen(shift))
    before = world.object_pose()
    advance(world, 0.3)
    after = world.object_pose()
    turned = (after.rotation * before.rotation.inv()).magnitude()
    assert (turned > 0.2) is tips
    if tips:
        up = after.rotate([0, 0, 1])
        assert up[axis] > 0.1 and abs(up[1 - axis]) < 0.05


def test_a_state_is_what_was_set(world):
    begin(world, IN_THE_AIR, center_of_mass_m=frozen([0.01, 0.02, -0.01]))
    state = replace(world.object_state, velocity=(0.1, -0.2, 0.3), turning=(1.0, 2.0, -3.0))
    world.object_state = state
    for name in ("position", "quaternion_xyzw", "velocity", "turning"):
        got, expected = getattr(world.object_state, name), getattr(state, name)
        np.testing.assert_allclose(got, expected, atol=1e-12, err_msg=name)


@pytest.fixture(scope="module", params=robot_names())
def grasp(request):
    return generate(request.param, "procedural_000", 1, 0)[0]


def test_a_result_does_not_depend_on_what_ran_before(grasp):
    """Also in another world; of Bullet, `test_rollout_runner` has the same."""
    robot, item = load_robot(grasp.robot), load_object(grasp.object)
    profile, joints = load_profile("default"), len(robot.arm_joints)
    noises = [
        *(sample_perturbation(profile, criterion, 0, 3, joints) for criterion in Criterion),
        Perturbation.none(),
    ]
    with RolloutRunner(open_world(Engine.MUJOCO, robot, item)) as runner:
        forward = [(runner.run(grasp, noise), runner.world.object_state) for noise in noises]
        again = [(runner.run(grasp, noise), runner.world.object_state) for noise in noises[::-1]]
    assert again[::-1] == forward
    with RolloutRunner(open_world(Engine.MUJOCO, robot, item)) as fresh:
        last = fresh.run(grasp, noises[-1]), fresh.world.object_state
    assert last == forward[-1]
