from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from dr_grasp.core.attempt import GraspAttempt
from dr_grasp.core.geometry import Pose
from dr_grasp.core.outcome import Outcome
from dr_grasp.core.trajectory import GraspTrajectory
from dr_grasp.objects.object_spec import load_object
from dr_grasp.robots.forward_kinematics import link_in_base
from dr_grasp.robots.robot_spec import RobotSpec
from dr_grasp.twin.engine import TwinEngine
from dr_grasp.twin.mujoco_world import MujocoTwinWorld
from dr_grasp.twin.twin_backend import TwinBackend
from dr_grasp.twin.twin_profile import TwinProfile, real_pose, robot_truth
from dr_grasp.twin.world import TwinWorld

MakeGrasp = Callable[..., GraspTrajectory]
MakeProfile = Callable[..., TwinProfile]
Run = Callable[..., GraspAttempt]


pytestmark = pytest.mark.parametrize(
    "engine", TwinEngine, ids=lambda engine: engine.value, indirect=True
)


def world_of(engine: TwinEngine) -> type[TwinWorld]:
    if engine is TwinEngine.MUJOCO:
        return MujocoTwinWorld
    from dr_grasp.twin.sapien.world import SapienTwinWorld

    return SapienTwinWorld


def with_force(grasp: GraspTrajectory, force: float) -> GraspTrajectory:
    return replace(grasp, close=replace(grasp.close, force=force))


def test_a_good_grasp_is_held(run: Run, profile: MakeProfile, top_down: MakeGrasp) -> None:
    grasp = top_down()
    attempt = run(profile(), grasp)
    assert attempt.outcome is Outcome.SUCCESS, attempt.reason
    assert attempt.reason == "held to the end of the hold"
    assert attempt.backend == "twin"
    assert attempt.grasp is grasp
    assert attempt.gripper_opening == pytest.approx(0.016, abs=1e-3)  # half of the bar's width
    rise = attempt.object_after.position - attempt.object_before.position
    assert rise == pytest.approx([0, 0, 0.15], abs=3e-3)


def test_the_rim_of_a_hollow_mug_is_held(
    run: Run, profile: MakeProfile, top_down: MakeGrasp
) -> None:
    attempt = run(profile(), held_mug(top_down))
    assert attempt.outcome is Outcome.SUCCESS, attempt.reason
    assert 0.001 < attempt.gripper_opening < 0.01


def test_a_held_object_does_not_creep(run: Run, profile: MakeProfile, top_down: MakeGrasp) -> None:
    after = [run(profile(), top_down(hold_s=s)).object_after for s in (0.5, 5.5)]
    assert np.abs(after[1].position - after[0].position).max() < 2e-4


def held_mug(top_down: MakeGrasp, hold_s: float = 1.0) -> GraspTrajectory:
    return top_down(load_object("mug"), tcp_offset=(-0.039, 0.0), tcp_height=0.085, hold_s=hold_s)


def test_a_held_mug_creeps_less_than_a_millimetre_in_10_s(
    run: Run, profile: MakeProfile, top_down: MakeGrasp
) -> None:
    after = [run(profile(), held_mug(top_down, s)).object_after for s in (0.5, 10.5)]
    assert np.abs(after[1].position - after[0].position).max() < 1e-3


def test_a_light_touch_does_not_hold_a_mug(
    run: Run, profile: MakeProfile, top_down: MakeGrasp
) -> None:
    mug = load_object("mug")
    light = 0.8 * mug.mass * 9.81 / (2.0 * mug.lateral_friction)
    attempt = run(profile(), with_force(held_mug(top_down), light))
    assert attempt.outcome is Outcome.DROPPED_LIFTING


def test_beside_the_object_is_missed(run: Run, profile: MakeProfile, top_down: MakeGrasp) -> None:
    attempt = run(profile(), top_down(tcp_offset=(0.0, -0.2)))
    assert attempt.outcome is Outcome.MISSED
    assert attempt.gripper_opening == pytest.approx(0.0, abs=1e-4)
    assert np.abs(attempt.object_after.position - attempt.object_before.position).max() < 1e-4


def test_a_hand_into_the_table_is_told(run: Run, profile: MakeProfile, top_down: MakeGrasp) -> None:
    attempt = run(profile(), top_down(tcp_offset=(0.0, -0.2), tcp_height=-0.02))
    assert attempt.outcome is Outcome.ROBOT_HIT_TABLE
    assert attempt.reason == "the robot hit the table: panda_leftfinger with table"


@pytest.mark.parametrize(
    ("force", "section", "held"),
    [
        # A bar of 0.1 kg between two contacts of coefficient 0.6 needs m g / (2 mu) = 0.82 N.
        (1.2, {}, True),
        (0.7, {}, False),
        (1.2, {"object": {"friction_factor": [0.5, 0.5]}}, False),
        (1.2, {"object": {"mass_factor": [2.0, 2.0]}}, False),
        (1.2, {"robot": {"gripper_force_factor": [0.5, 0.5]}}, False),
        (30.0, {"object": {"friction_factor": [0.01, 0.01]}}, False),
        (30.0, {"object": {"mass_factor": [10.0, 10.0]}}, True),
    ],
)
def test_coulomb_decides_what_is_held(
    run: Run,
    profile: MakeProfile,
    top_down: MakeGrasp,
    force: float,
    section: dict[str, dict[str, object]],
    held: bool,
) -> None:
    attempt = run(profile(**section), with_force(top_down(), force))
    assert (attempt.outcome is Outcome.SUCCESS) == held, attempt.reason
    if not held:
        assert attempt.outcome in (Outcome.DROPPED_LIFTING, Outcome.SLIPPED_CLOSING)


def test_the_friction_of_the_hand_multiplies_the_objects(
    run: Run, franka: RobotSpec, profile: MakeProfile, top_down: MakeGrasp
) -> None:
    greasy = replace(franka, hand_friction=0.5)
    assert run(profile(), with_force(top_down(), 1.2)).outcome is Outcome.SUCCESS
    assert run(profile(), with_force(top_down(), 1.2), greasy).outcome is Outcome.DROPPED_LIFTING
    assert run(profile(), with_force(top_down(), 2.4), greasy).outcome is Outcome.SUCCESS


def test_the_hand_closes_no_faster_than_it_can(
    run: Run, franka: RobotSpec, profile: MakeProfile, top_down: MakeGrasp
) -> None:
    measured = run(profile(), top_down()).measured
    speed = np.abs(np.diff(measured.positions[:, 7]) / np.diff(measured.times_s)).max()
    assert speed == pytest.approx(franka.hand_limits[0].velocity, rel=0.1)


def test_the_perception_error_is_as_the_profile_says(profile: MakeProfile) -> None:
    noisy = profile(perception={"position_std_m": 0.004, "yaw_std_deg": 1.5})
    believed = Pose([0.5, 0.1, 0.02], [0, 0, 0.6, 0.8])
    real = [real_pose(noisy, believed, 5, index) for index in range(1000)]
    shift = np.array([pose.position - believed.position for pose in real])
    turn = np.array([(p.rotation * believed.rotation.inv()).as_rotvec() for p in real])
    assert shift.std(axis=0) == pytest.approx([0.004, 0.004, 0.0], rel=0.1)
    assert np.rad2deg(turn.std(axis=0)) == pytest.approx([0, 0, 1.5], rel=0.1, abs=1e-9)
    assert np.abs(shift.mean(axis=0)).max() < 0.0005
    assert real_pose(noisy, believed, 5, 9) == real[9]


def test_the_object_stands_elsewhere_than_believed(
    run: Run, profile: MakeProfile, top_down: MakeGrasp
) -> None:
    grasp = top_down()
    noisy = profile(perception={"position_std_m": 0.004, "yaw_std_deg": 1.5})
    attempt = run(noisy, grasp, seed=2, attempt_index=5, dry_run=True)
    expected = real_pose(noisy, grasp.object_in_base, 2, 5)
    assert attempt.object_before.position[:2] == pytest.approx(expected.position[:2], abs=2e-4)
    assert np.linalg.norm(attempt.object_before.position - grasp.object_in_base.position) > 1e-3


def test_encoders_do_not_show_their_zero_errors(
    run: Run, profile: MakeProfile, top_down: MakeGrasp
) -> None:
    grasp = top_down(tcp_offset=(0.0, -0.2), tcp_height=0.05)
    exact = run(profile(), grasp)
    offset = run(profile(robot={"joint_offset_std_deg": 0.2}), grasp)
    for attempt in (exact, offset):
        error = attempt.measured.positions[-1] - attempt.commanded.positions[-1]
        assert np.abs(error).max() < 5e-4
    lost = run(profile(robot={"joint_offset_std_deg": 5.0}), top_down())
    assert lost.outcome is not Outcome.SUCCESS


@pytest.mark.parametrize("std", [0.0, 0.5])
def test_the_joints_stand_off_by_their_zero_errors(
    run: Run,
    franka: RobotSpec,
    engine: TwinEngine,
    profile: MakeProfile,
    top_down: MakeGrasp,
    monkeypatch: pytest.MonkeyPatch,
    std: float,
) -> None:
    seen: list[Pose] = []
    kind = world_of(engine)
    observe = kind.observe

    def spy(world: TwinWorld) -> object:
        seen.append(world.tcp_in_base())
        return observe(world)

    monkeypatch.setattr(kind, "observe", spy)
    grasp = top_down(tcp_offset=(0.0, -0.2), tcp_height=0.08)
    chosen = profile(robot={"joint_offset_std_deg": std})
    encoders = run(chosen, grasp).measured.positions[-1, :7]
    offset = robot_truth(chosen, "franka", 7).joint_offset
    assert np.rad2deg(offset.std()) == pytest.approx(std, rel=0.8)
    expected = link_in_base(franka, franka.tcp_link, encoders + offset)
    assert seen[-1].position == pytest.approx(expected.position, abs=1e-6)


def test_the_control_delay_delays_the_motion(
    run: Run, profile: MakeProfile, top_down: MakeGrasp
) -> None:
    grasp = top_down(tcp_offset=(0.0, -0.2))
    prompt = run(profile(), grasp).measured
    late = run(profile(robot={"control_delay_ms": [100.0, 100.0]}), grasp).measured
    assert late.at([0.1])[0] == pytest.approx(grasp_start(grasp), abs=1e-6)
    assert np.abs(prompt.at([0.1])[0] - grasp_start(grasp)).max() > 1e-3
    times = np.arange(0.2, 1.4, 0.1)
    assert late.at(times + 0.1)[:, :7] == pytest.approx(prompt.at(times)[:, :7], abs=2e-4)


def grasp_start(grasp: GraspTrajectory) -> list[float]:
    return [*grasp.approach.positions[0], *grasp.close.preshape]


def test_a_blow_up_is_an_outcome(
    franka: RobotSpec,
    engine: TwinEngine,
    profile: MakeProfile,
    top_down: MakeGrasp,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with TwinBackend(franka, profile()) as twin, monkeypatch.context() as patch:

        def explode(phase: str) -> None:
            if phase == "close":
                patch.setattr(world_of(engine), "diverged", True)

        attempt = twin.attempt(top_down(), None, seed=0, attempt_index=0, on_phase=explode)
        assert attempt.outcome is Outcome.DIVERGED
        assert attempt.object_after is None
        patch.undo()
        again = twin.attempt(top_down(), None, seed=0, attempt_index=0)
    assert again.outcome is Outcome.SUCCESS
