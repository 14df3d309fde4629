from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from dr_grasp.core.geometry import Pose
from dr_grasp.core.outcome import Observation
from dr_grasp.errors import ModelError
from dr_grasp.objects.object_spec import ObjectSpec, load_object
from dr_grasp.robots.robot_spec import RobotSpec
from dr_grasp.simulation.mujoco.dynamics import ObjectDynamics
from dr_grasp.twin.mujoco_world import ARM_BANDWIDTH, TIMESTEP_S, MujocoTwinWorld

FORCE = 30.0
UPRIGHT = [0.0, 0.0, 0.0, 1.0]
ASIDE = Pose([0.5, -0.5, 0.1], UPRIGHT)


@pytest.fixture(scope="module")
def world(franka: RobotSpec, bar: ObjectSpec) -> MujocoTwinWorld:
    return MujocoTwinWorld(franka, bar, ObjectDynamics())


def standing(item: ObjectSpec, x: float = 0.5, y: float = 0.0) -> Pose:
    return Pose([x, y, -item.lowest_point(np.eye(3))], UPRIGHT)


def state(world: MujocoTwinWorld) -> tuple[list[float], Pose]:
    return world.joint_positions.tolist(), world.object_in_base()


def test_the_object_falls_freely(world: MujocoTwinWorld, franka: RobotSpec) -> None:
    start = Pose([0.5, 0.4, 0.8], UPRIGHT)
    world.reset(franka.home, franka.hand_open, start, FORCE)
    steps = 150
    world.step(steps)
    fallen = start.position - world.object_in_base().position
    # g t^2 / 2, and half a step more of the final speed for the semi-implicit integrator.
    time_s = steps * TIMESTEP_S
    expected = 9.81 * time_s * (time_s + TIMESTEP_S) / 2
    assert fallen == pytest.approx([0, 0, expected], abs=1e-6)
    assert world.observe().object_speed == pytest.approx(9.81 * time_s, rel=0.01)


@pytest.mark.parametrize("name", ["procedural_009", "procedural_000", "mug"])
def test_an_object_on_the_table_stays_put(franka: RobotSpec, name: str) -> None:
    item = load_object(name)
    world = MujocoTwinWorld(franka, item, ObjectDynamics())
    world.reset(franka.home, franka.hand_open, standing(item), FORCE)
    world.step(250)
    settled = world.object_in_base()
    world.step(1000)
    seen = world.observe()
    assert np.abs(world.object_in_base().position - settled.position).max() < 1e-4
    assert (world.object_in_base().rotation * settled.rotation.inv()).magnitude() < 1e-3
    assert abs(settled.position[2] - standing(item).position[2]) < 1.5e-3
    assert seen.object_supported
    assert seen.object_speed < 1e-3


def test_the_tool_centre_point_is_where_the_urdf_puts_it(
    world: MujocoTwinWorld, franka: RobotSpec
) -> None:
    world.reset(franka.home, franka.hand_open, ASIDE, FORCE)
    # Flange of the Panda's ready posture, 0.1034 m above the tool centre point.
    assert world.tcp_in_base().position == pytest.approx([0.3069, 0, 0.5903 - 0.1034], abs=1e-3)
    assert world.tcp_in_base().apply([[0, 0, 1]])[0, 2] < world.tcp_in_base().position[2] - 0.999


def test_the_arm_keeps_its_posture_against_gravity(
    world: MujocoTwinWorld, franka: RobotSpec
) -> None:
    world.reset(franka.home, franka.hand_open, ASIDE, FORCE)
    world.step(1000)
    assert np.abs(world.joint_positions[:7] - franka.home).max() < 1e-6


def test_the_arm_follows_a_trajectory_with_the_stated_lag(
    world: MujocoTwinWorld, franka: RobotSpec
) -> None:
    world.reset(franka.home, franka.hand_open, ASIDE, FORCE)
    speed = np.array([0.5, 0.3, -0.4, 0.3, 0.6, -0.3, 0.8])
    for step in range(1, 501):
        command = franka.home + speed * step * TIMESTEP_S
        world.command(command, franka.hand_open)
        world.step()
    lag = (command - world.joint_positions[:7]) / speed
    assert lag == pytest.approx(np.full(7, 2 / ARM_BANDWIDTH), rel=0.25)
    world.step(200)
    assert np.abs(command - world.joint_positions[:7]).max() < 2e-4


def test_the_mimicking_finger_follows(world: MujocoTwinWorld, franka: RobotSpec) -> None:
    assert world.joints[-2:] == ("panda_finger_joint1", "panda_finger_joint2")
    world.reset(franka.home, franka.hand_open, ASIDE, FORCE)
    for target in (0.03, 0.01, 0.025):
        world.command(franka.home, np.array([target]))
        world.step(100)
        assert world.joint_positions[-2:] == pytest.approx([target, target], abs=2e-4)


def test_an_off_centre_object_is_met_by_both_fingers_alike(
    franka: RobotSpec, bar: ObjectSpec, top_down: Callable
) -> None:
    world = MujocoTwinWorld(franka, bar, ObjectDynamics())
    arm = top_down().approach.positions[-1]
    world.reset(arm, franka.hand_open, standing(bar, x=0.508), FORCE)
    world.command(arm, franka.hand_closed)
    world.step(250)
    first, second = world.joint_positions[-2:]
    assert first == pytest.approx(second, abs=1e-3)
    assert first == pytest.approx(0.016, abs=1e-3)
    assert world.object_in_base().position[0] == pytest.approx(0.5, abs=1e-3)
    assert world.observe().hand_touches


def test_reset_forgets_what_was_before(
    world: MujocoTwinWorld, franka: RobotSpec, bar: ObjectSpec
) -> None:
    def play() -> tuple[list[float], Pose]:
        world.reset(franka.home, franka.hand_open, standing(bar), FORCE)
        world.command(franka.home + 0.1, franka.hand_closed)
        world.step(100)
        return state(world)

    first = play()
    world.reset(franka.home + 0.2, franka.hand_closed, Pose([0.4, 0.1, 0.3], UPRIGHT), 1.0)
    world.step(333)
    assert state(world) != first
    assert play() == first


def test_the_robot_hitting_the_table_and_itself_is_seen(
    world: MujocoTwinWorld, franka: RobotSpec
) -> None:
    def seen(arm: list[float]) -> Observation:
        world.reset(np.array(arm), franka.hand_open, ASIDE, FORCE)
        return world.observe()

    at_home = seen(franka.home.tolist())
    assert not at_home.robot_hits_support
    assert not at_home.self_collision
    assert seen([0, 1.2, 0, -1.2, 0, 1.57, 0.78]).robot_hits_support
    assert seen([0, -0.5, 0, -3.07, 0, 0.0, 0.78]).self_collision


def test_the_truth_about_an_object_is_in_its_world(franka: RobotSpec, bar: ObjectSpec) -> None:
    shift = (0.01, -0.02, 0.005)
    world = MujocoTwinWorld(franka, bar, ObjectDynamics(center_of_mass_shift_m=shift))
    world.reset(franka.home, franka.hand_open, ASIDE, FORCE)
    expected = ASIDE.position + bar.center_of_mass + shift
    assert world.observe().object_position == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize(("factor", "slides"), [(1.0, False), (0.2, True)])
def test_friction_holds_an_object_on_a_slope(
    franka: RobotSpec, bar: ObjectSpec, factor: float, slides: bool
) -> None:
    # A push of m g / 3 for 0.1 s, as of a slope of 18 degrees: held by 0.6, not by 0.12.
    world = MujocoTwinWorld(franka, bar, ObjectDynamics(friction_factor=factor))
    world.reset(franka.home, franka.hand_open, standing(bar), FORCE)
    world.step(250)
    before = world.object_in_base().position
    world._data.xfrc_applied[world._object, 1] = bar.mass * 9.81 / 3
    world.step(50)
    moved = world.object_in_base().position[1] - before[1]
    if slides:
        assert moved == pytest.approx(9.81 * (1 / 3 - 0.12) * 0.1**2 / 2, rel=0.1)
    else:
        assert abs(moved) < 1e-4


def test_a_blow_up_is_told_and_undone_by_reset(
    world: MujocoTwinWorld, franka: RobotSpec, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    world.reset(franka.home, franka.hand_open, ASIDE, FORCE)
    assert not world.diverged
    world.reset(franka.home + 1e12, franka.hand_open, ASIDE, FORCE)
    world.step(5)
    assert world.diverged
    world.reset(franka.home, franka.hand_open, ASIDE, FORCE)
    world.step(5)
    assert not world.diverged
    assert not list(tmp_path.iterdir()), "MuJoCo left a log behind"


def test_a_mesh_that_mujoco_cannot_read_is_refused(
    franka: RobotSpec, bar: ObjectSpec, tmp_path: Path
) -> None:
    broken = tmp_path / "piece.obj"
    broken.write_text("v 0 0 0\n")
    with pytest.raises(
        ModelError, match=r"^franka with procedural_009: .+\.urdf: MuJoCo refuses: .+$"
    ):
        MujocoTwinWorld(franka, replace(bar, pieces=(broken,)), ObjectDynamics())


def test_a_robot_that_mujoco_reads_otherwise_is_refused(
    franka: RobotSpec, bar: ObjectSpec, tmp_path: Path
) -> None:
    text = franka.model.urdf.read_text()
    (tmp_path / "r.urdf").write_text(text.replace("panda_joint7", "panda_joint_7"))
    robot = replace(franka, model=replace(franka.model, urdf=tmp_path / "r.urdf"))
    with pytest.raises(ModelError) as caught:
        MujocoTwinWorld(robot, bar, ObjectDynamics())
    assert str(caught.value) == (
        f"franka with procedural_009: {robot.model.source}, prepared as {tmp_path}/r.urdf: "
        "MuJoCo refuses: it has not read panda_joint7"
    )
