"""What is SAPIEN's alone; what holds in both engines stands in test_twin_physics.py."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from dr_grasp.core.geometry import Pose
from dr_grasp.errors import ModelError, SettingsError
from dr_grasp.objects.object_spec import ObjectSpec, load_object
from dr_grasp.robots.forward_kinematics import joint_positions, link_in_base
from dr_grasp.robots.joints import Mimic
from dr_grasp.robots.robot_spec import RobotSpec, load_robot, robot_names
from dr_grasp.simulation.mujoco.dynamics import ObjectDynamics
from dr_grasp.twin import engine as engines
from dr_grasp.twin.engine import TwinEngine
from dr_grasp.twin.mujoco_world import MujocoTwinWorld
from dr_grasp.twin.twin_backend import TwinBackend
from dr_grasp.twin.twin_profile import RobotTruth, load_twin_profile
from dr_grasp.twin.world import open_twin_world

pytest.importorskip("sapien")

from dr_grasp.twin.sapien.bodies import inertias_at, rigid_bodies
from dr_grasp.twin.sapien.couplings import couplings
from dr_grasp.twin.sapien.filters import collision_filters
from dr_grasp.twin.sapien.world import SapienTwinWorld

ASIDE = Pose([0.5, -0.5, 0.1], [0, 0, 0, 1])


@pytest.fixture(params=robot_names())
def robot(request: pytest.FixtureRequest) -> RobotSpec:
    return load_robot(request.param)


@pytest.fixture(scope="module")
def world(franka: RobotSpec, bar: ObjectSpec) -> SapienTwinWorld:
    return SapienTwinWorld(franka, bar, ObjectDynamics())


def test_its_drives_are_those_of_mujocos_twin(robot: RobotSpec) -> None:
    """Which knows the inertias that they move from MuJoCo's own arithmetic."""
    model = MujocoTwinWorld(robot, None, ObjectDynamics())._model
    ours = SapienTwinWorld(robot, None, ObjectDynamics())
    np.testing.assert_allclose(ours._stiffness, model.actuator_gainprm[:, 0], rtol=1e-6)
    np.testing.assert_allclose(ours._damping, -model.actuator_biasprm[:, 2], rtol=1e-6)
    armatures = [model.joint(name).armature[0] for name in ours.joints]
    np.testing.assert_allclose(ours._armatures, armatures, atol=1e-7)


def test_links_are_where_the_urdf_puts_them(robot: RobotSpec) -> None:
    world = SapienTwinWorld(robot, None, ObjectDynamics())
    arm, hand = robot.home + 0.1, (robot.hand_open + robot.hand_closed) / 2.0
    world.reset(arm, hand, None, robot.hand_force)
    expected = link_in_base(robot, robot.tcp_link, arm, hand)
    got = world.tcp_in_base()
    assert got.position == pytest.approx(expected.position, abs=1e-5)
    assert (got.rotation * expected.rotation.inv()).magnitude() < 1e-5


def test_bodies_have_all_the_mass(robot: RobotSpec) -> None:
    bodies = rigid_bodies(robot)
    assert [body.joint for body in bodies].count(None) == 1
    home = joint_positions(robot, robot.home, robot.hand_open)
    assert inertias_at(robot, bodies, home).keys() == home.keys()
    assert {shape.link for body in bodies for shape in body.shapes} <= {*robot.model.links}


def test_only_what_must_not_touch_is_told_apart(robot: RobotSpec) -> None:
    shaped = {shape.link for body in rigid_bodies(robot) for shape in body.shapes}
    filters = collision_filters(robot, shaped)
    for one in shaped:
        for other in shaped - {one}:
            meet = bool(filters[one][0] & filters[other][1])
            assert meet is (frozenset((one, other)) not in robot.model.allowed_collisions)
        on_table = bool(filters[one][1] & 1 << 31)
        assert on_table is (one not in robot.model.standing_links)


def test_a_robot_of_too_many_kinds_of_links_is_refused(franka: RobotSpec) -> None:
    links = tuple(f"link_{number}" for number in range(33))
    chain = frozenset(frozenset(pair) for pair in pairwise(links))
    model = replace(franka.model, links=links, allowed_collisions=chain)
    with pytest.raises(ModelError, match=r"expected links of at most 31 kinds .* got 33"):
        collision_filters(replace(franka, model=model), links)


def test_a_joint_that_mimics_a_distant_one_is_refused(franka: RobotSpec) -> None:
    far = Mimic("panda_finger_joint2", "panda_joint1", 1.0, 0.0)
    robot = replace(
        franka,
        hand_joints=("panda_joint1",),
        model=replace(franka.model, mimics=(far,)),
    )
    with pytest.raises(ModelError, match=r"expected joints that mimic a neighbour.* got panda_f"):
        couplings(robot, rigid_bodies(franka))


def test_a_mimic_that_does_not_move_needs_no_coupling(franka: RobotSpec) -> None:
    (mimic,) = franka.model.mimics
    model = replace(franka.model, mimics=(replace(mimic, multiplier=0.0),))
    assert couplings(franka, rigid_bodies(franka))
    assert couplings(replace(franka, model=model), rigid_bodies(franka)) == ()


def test_a_chain_of_followers_hangs_together() -> None:
    """The little finger follows the ring finger, and its tip the finger itself."""
    hand = load_robot("ur5_schunk_sih")
    found = {coupling.follower: coupling for coupling in couplings(hand, rigid_bodies(hand))}
    assert found.keys() == {mimic.joint for mimic in hand.model.mimics}
    tip = found["sih_little_distal_flexion"]
    assert (tip.first, tip.second) == ("sih_little_proximal", "sih_little_distal")
    assert tip.scales == (-1.0, 1.0)


def test_a_mesh_that_sapien_cannot_read_is_refused(
    franka: RobotSpec, bar: ObjectSpec, tmp_path: Path
) -> None:
    broken = tmp_path / "broken.obj"
    broken.write_text("v 0 0 0\n")
    with pytest.raises(ModelError, match=r"franka with procedural_009: SAPIEN refuses: .+"):
        SapienTwinWorld(franka, replace(bar, pieces=(broken,)), ObjectDynamics())


def test_without_its_package_one_line_says_what_to_install(
    franka: RobotSpec, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engines, "find_spec", lambda name: None)
    message = "expected the package of dr_grasp's extra `twin`.* -r requirements/twin.txt"
    with pytest.raises(SettingsError, match=message):
        TwinBackend(franka, load_twin_profile("sapien"))
    with pytest.raises(SettingsError, match=message):
        open_twin_world(TwinEngine.SAPIEN, franka, None, ObjectDynamics())


def test_contacts_are_seen_without_a_step(world: SapienTwinWorld, franka: RobotSpec) -> None:
    world.reset(franka.home, franka.hand_open, world.tcp_in_base(), franka.hand_force)
    before = world.joint_positions
    assert world.robot_touches_object
    assert world.joint_positions.tolist() == before.tolist()
    world.reset(franka.home, franka.hand_open, ASIDE, franka.hand_force)
    assert not world.robot_touches_object


def test_a_robot_is_taken_over_with_what_is_on_its_way(franka: RobotSpec, bar: ObjectSpec) -> None:
    truth = RobotTruth(np.full(7, 0.01), 0.02, 1.0)
    worlds = [SapienTwinWorld(franka, item, ObjectDynamics(), truth) for item in (None, bar, None)]
    source, taken, alone = worlds
    for world in (source, alone):
        world.reset(franka.home, franka.hand_open, None, 20.0)
        world.command(franka.home + 0.05, franka.hand_closed)
        world.advance(3)
    taken.reset(franka.home, franka.hand_open, ASIDE, 30.0)
    taken.take_over_robot(source)
    for world in (taken, alone):
        for _ in range(60):
            world.command(franka.home + 0.05, franka.hand_closed)
            world.advance()
    np.testing.assert_allclose(taken.joint_positions, alone.joint_positions, atol=1e-5)
    assert taken.joint_positions[:7] == pytest.approx(franka.home + 0.05, abs=1e-3)
    np.testing.assert_allclose(taken.joint_efforts, alone.joint_efforts, atol=0.1)


def test_a_profile_of_another_engine_is_the_same_laboratory() -> None:
    default, sapien = load_twin_profile("default"), load_twin_profile("sapien")
    differs = {name for name, value in default if getattr(sapien, name) != value}
    assert differs == {"description", "engine"}
    assert "engine" not in default.content() and sapien.content()["engine"] is TwinEngine.SAPIEN


def test_an_object_turns_and_falls_as_gravity_says(franka: RobotSpec) -> None:
    mug = load_object("mug")
    shift = (0.01, 0.0, 0.0)
    world = SapienTwinWorld(franka, mug, ObjectDynamics(center_of_mass_shift_m=shift))
    world.reset(franka.home, franka.hand_open, Pose([0.5, -0.5, 1.0], [0, 0, 0, 1]), 1.0)
    center = world.observe().object_position
    assert center == pytest.approx(np.array([0.51, -0.5, 1.0]) + mug.center_of_mass, abs=1e-6)
    world.advance(50)
    fallen = center[2] - world.observe().object_position[2]
    assert fallen == pytest.approx(9.81 * 0.2**2 / 2.0, rel=0.01)
    assert world.observe().object_speed == pytest.approx(9.81 * 0.2, rel=1e-3)
