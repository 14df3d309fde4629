from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace

import numpy as np
import pytest

from dr_grasp.core.geometry import Pose
from dr_grasp.core.trajectory import GraspTrajectory
from dr_grasp.errors import BackendError, InvalidGraspError, SettingsError, UnknownNameError
from dr_grasp.robots.robot_spec import RobotSpec, load_robot
from dr_grasp.twin.active_goal import Status
from dr_grasp.twin.engine import TwinEngine
from dr_grasp.twin.live_twin import LiveTwin
from dr_grasp.twin.live_world import Faults
from dr_grasp.twin.mujoco_world import MujocoTwinWorld
from dr_grasp.twin.trajectory_control import Tolerances
from dr_grasp.twin.twin_profile import TwinProfile, load_twin_profile

from .paths import path_of

MakeGrasp = Callable[..., GraspTrajectory]
MakeProfile = Callable[..., TwinProfile]

BOTH = pytest.mark.parametrize("engine", TwinEngine, ids=lambda engine: engine.value, indirect=True)
"""Of tests of what the engine does, and not of what is around it."""

FORCE = 20.0
FAR = np.array([0.5, 0.2, -0.3, 0.4, 0.5, -0.4, 0.6])
ASIDE = Pose([0.5, 0.3, 0.0], [0, 0, 0, 1])


@pytest.fixture
def twin(franka: RobotSpec, profile: MakeProfile) -> Iterator[LiveTwin]:
    with LiveTwin(franka, profile()) as twin:
        yield twin


@pytest.fixture
def honest(franka: RobotSpec) -> Iterator[LiveTwin]:
    """With all the errors of the default profile."""
    with LiveTwin(franka, load_twin_profile("default")) as twin:
        yield twin


def arm(twin: LiveTwin) -> np.ndarray:
    return twin.reading().positions[:7]


def finger(twin: LiveTwin) -> float:
    return float(twin.reading().positions[7])


def to(robot: RobotSpec, target: np.ndarray, duration_s: float = 1.0, **changes: object):
    """A trajectory from where the arm stands to a posture."""
    return path_of(robot.arm_joints, [duration_s], [robot.home + target], **changes)


def error(twin: LiveTwin, target: np.ndarray) -> float:
    return float(np.abs(arm(twin) - target).max())


# Following


def test_it_stands_at_home_with_the_hand_open(honest: LiveTwin, franka: RobotSpec) -> None:
    honest.advance(1.0)
    reading = honest.reading()
    assert reading.joints == (*franka.arm_joints, "panda_finger_joint1", "panda_finger_joint2")
    assert reading.stamp_s == pytest.approx(1.0)
    assert reading.positions == pytest.approx([*franka.home, 0.04, 0.04], abs=1e-4)
    assert reading.velocities == pytest.approx(np.zeros(9), abs=1e-4)
    assert honest.object_in_base() is None


@pytest.mark.parametrize("smooth", [False, True])
def test_a_trajectory_is_followed(honest: LiveTwin, franka: RobotSpec, smooth: bool) -> None:
    times = np.linspace(0.1, 2.0, 20)
    share = (1 - np.cos(np.pi * times / 2)) / 2
    positions = franka.home + share[:, None] * FAR
    velocities = None
    if smooth:
        velocities = np.pi / 4 * np.sin(np.pi * times / 2)[:, None] * FAR
        velocities[-1] = 0.0
    motion = honest.follow(path_of(franka.arm_joints, times, positions, velocities))
    assert motion.feedback is None
    worst = 0.0
    for _ in range(25):
        honest.advance(0.08)
        desired, actual = motion.feedback
        worst = max(worst, np.abs(desired.positions - actual.positions).max())
    # 10 to 30 ms of delay and 20 ms of the servo, at up to 0.5 rad/s.
    assert 0.005 < worst < 0.03
    end = motion.wait(0.0)
    assert (end.status, end.code, end.text) == (Status.SUCCEEDED, 0, "Goal successfully reached!")
    assert motion.feedback.actual.time_s == pytest.approx(2.0, abs=0.005)
    honest.advance(0.5)
    assert error(honest, franka.home + FAR) < 1e-3


@BOTH
def test_joints_may_come_in_any_order(twin: LiveTwin, franka: RobotSpec) -> None:
    path = path_of(franka.arm_joints[::-1], [0.5], [(franka.home + 0.2 * FAR)[::-1]])
    twin.follow(path)
    twin.advance(1.0)
    assert error(twin, franka.home + 0.2 * FAR) < 1e-3


def test_a_trajectory_may_begin_later_or_have_begun(twin: LiveTwin, franka: RobotSpec) -> None:
    later = twin.follow(to(franka, FAR), start_in_s=0.5)
    twin.advance(0.3)
    # The way to the first point begins now, and ends when that is due.
    assert 0.15 < np.abs(arm(twin) - franka.home).max() / 0.6 < 0.25
    twin.advance(1.1)
    assert later.result is None
    twin.advance(0.2)
    assert later.result.status is Status.SUCCEEDED
    begun = twin.follow(to(franka, 0.9 * FAR), start_in_s=-0.5)
    twin.advance(0.6)
    assert begun.result.status is Status.SUCCEEDED


def test_cancel_holds(twin: LiveTwin, franka: RobotSpec) -> None:
    motion = twin.follow(to(franka, FAR))
    twin.advance(0.5)
    assert motion.result is None
    here = arm(twin)
    twin.cancel(motion)
    assert motion.result.status is Status.CANCELED
    twin.advance(1.0)
    assert error(twin, here) < 0.05
    assert error(twin, franka.home + FAR) > 0.2
    there = arm(twin)
    twin.cancel(motion)
    twin.advance(1.0)
    assert error(twin, there) < 1e-4


def test_a_new_goal_takes_the_place_of_the_old(twin: LiveTwin, franka: RobotSpec) -> None:
    first = twin.follow(to(franka, FAR))
    twin.advance(0.5)
    second = twin.follow(to(franka, -0.2 * FAR))
    assert first.result.status is Status.ABORTED
    assert (first.result.code, first.result.text) == (
        -1,
        "Current goal preempted by new incoming action.",
    )
    twin.cancel(first)
    twin.advance(1.5)
    assert second.result.status is Status.SUCCEEDED
    assert error(twin, franka.home - 0.2 * FAR) < 1e-3


def test_what_cannot_be_followed_is_refused(twin: LiveTwin, franka: RobotSpec) -> None:
    with pytest.raises(
        InvalidGraspError, match=r"joints: expected panda_joint1, .*; or panda_finger.*; got elbow"
    ):
        twin.follow(path_of(("elbow",), [1.0], [[0.0]]))


# Tolerances and faults


def test_a_lagging_joint_violates_the_path_and_is_named(twin: LiveTwin, franka: RobotSpec) -> None:
    twin.faults = Faults(lagging_joint="panda_joint3", lag_s=0.5)
    tolerances = twin.tolerances(franka.arm_joints).changed({"panda_joint3": 0.05}, {}, 0.0)
    motion = twin.follow(to(franka, FAR), tolerances)
    twin.advance(1.0)
    assert (motion.result.status, motion.result.code) == (Status.ABORTED, -4)
    assert re.fullmatch(
        r"Aborted due to path tolerance violation: panda_joint3: position error -0\.050\d+, "
        r"tolerance 0\.05",
        motion.result.text,
    )
    stopped = arm(twin)
    twin.advance(1.0)
    assert error(twin, stopped) < 0.1
    assert error(twin, franka.home + FAR) > 0.2


def test_a_lagging_joint_arrives_late(twin: LiveTwin, franka: RobotSpec) -> None:
    twin.faults = Faults(lagging_joint="panda_joint7", lag_s=0.2)
    tolerances = Tolerances.of(franka.arm_joints, goal=0.01)
    motion = twin.follow(to(franka, FAR), tolerances)
    twin.advance(0.9)
    behind = (franka.home + 0.9 * FAR - arm(twin))[6]
    assert behind == pytest.approx(0.6 * 0.22, abs=0.01)
    twin.advance(0.3)
    assert motion.result is None
    twin.advance(1.0)
    assert motion.result.status is Status.SUCCEEDED


def test_not_there_in_time_is_said_with_the_joint(twin: LiveTwin, franka: RobotSpec) -> None:
    twin.faults = Faults(lagging_joint="panda_joint7", lag_s=1.0)
    tolerances = Tolerances.of(franka.arm_joints, goal=0.01, goal_time_s=0.2)
    motion = twin.follow(to(franka, FAR), tolerances)
    twin.advance(1.5)
    assert (motion.result.status, motion.result.code) == (Status.ABORTED, -5)
    assert motion.result.text.startswith("Aborted due to goal_time_tolerance exceeding by 0.2")
    assert ": panda_joint7: position error 0.3" in motion.result.text


def test_a_wrong_start_violates_the_path_at_once(twin: LiveTwin, franka: RobotSpec) -> None:
    path = path_of(franka.arm_joints, [0.0, 1.0], [franka.home + FAR, franka.home + FAR])
    motion = twin.follow(path)
    twin.advance(0.01)
    assert motion.result.code == -4
    assert "panda_joint7: position error 0.6, tolerance 0.2" in motion.result.text


def test_an_action_aborts_when_the_fault_says(twin: LiveTwin, franka: RobotSpec) -> None:
    twin.faults = Faults(abort_after_s=0.3)
    for _ in range(2):
        motion = twin.follow(to(franka, FAR))
        twin.advance(0.28)
        assert motion.result is None
        twin.advance(0.04)
        assert (motion.result.status, motion.result.code) == (Status.ABORTED, -1)
        assert motion.result.text == "Aborted by a fault, 0.3 s after it began"
    twin.faults = Faults()
    motion = twin.follow(to(franka, FAR))
    twin.advance(1.1)
    assert motion.result.status is Status.SUCCEEDED


def test_joint_states_stop_after_the_first_motion(twin: LiveTwin, franka: RobotSpec) -> None:
    twin.advance(1.0)
    twin.faults = Faults(joint_states_stop_after_s=0.5)
    twin.advance(1.0)
    assert not twin.silent
    twin.follow(to(franka, FAR))
    twin.advance(0.48)
    twin.faults = replace(twin.faults, lag_s=0.1)
    assert not twin.silent
    twin.advance(0.04)
    assert twin.silent
    twin.faults = Faults()
    assert not twin.silent


def test_a_fault_of_another_robot_is_refused(twin: LiveTwin) -> None:
    faults = Faults(lagging_joint="elbow_joint")
    message = "unknown lagging_joint 'elbow_joint'; expected one of panda_finger_joint1, panda_j"
    with pytest.raises(UnknownNameError, match=message):
        twin.check(faults)
    with pytest.raises(UnknownNameError, match=message):
        twin.faults = faults
    assert twin.faults == Faults()


# The hand


@BOTH
def test_the_gripper_closes_fully_on_nothing(twin: LiveTwin, franka: RobotSpec) -> None:
    motion = twin.grip(0.0, FORCE)
    twin.advance(0.02)
    assert motion.result is None
    # As ros2_controllers have it: done within 10 mm of the target, and still moving.
    twin.advance(0.17)
    assert motion.result.status is Status.SUCCEEDED
    assert (motion.result.reached_goal, motion.result.stalled) == (True, False)
    assert 0.008 < motion.result.position < 0.01
    twin.advance(0.5)
    assert finger(twin) == pytest.approx(0.0, abs=1e-4)
    assert twin.reading().positions[8] == pytest.approx(0.0, abs=2e-4)


def test_the_gripper_goes_no_faster_than_told(twin: LiveTwin, franka: RobotSpec) -> None:
    fastest = franka.hand_velocities[0]
    for velocity, expected in ((None, fastest), (0.02, 0.02), (9.0, fastest)):
        twin.grip(0.0, FORCE, velocity)
        twin.advance(0.06)
        before = finger(twin)
        twin.advance(0.06)
        assert (before - finger(twin)) / 0.06 == pytest.approx(expected, rel=0.02)
        twin.grip(0.04)
        twin.advance(1.0)


def test_velocities_of_the_hand_are_told_over_a_while(twin: LiveTwin) -> None:
    twin.grip(0.0, FORCE, 0.02)
    twin.advance(0.2)
    assert twin.reading().velocities[7:] == pytest.approx([-0.02, -0.02], rel=0.02)
    twin.grip(0.04, FORCE, 0.02)
    twin.advance(0.06)
    assert abs(twin.reading().velocities[7]) < 0.01


@pytest.mark.parametrize(("allowed", "status"), [(False, Status.ABORTED), (True, Status.SUCCEEDED)])
def test_the_gripper_stalls_on_an_object(
    franka: RobotSpec, profile: MakeProfile, top_down: MakeGrasp, allowed: bool, status: Status
) -> None:
    weaker = profile(robot={"gripper_force_factor": [0.8, 0.8]})
    with LiveTwin(franka, weaker, allow_stalling=allowed) as twin:
        grasp = top_down()
        reach(twin, grasp)
        motion = twin.grip(0.0, FORCE)
        twin.advance(1.0)
        assert motion.result is None
        twin.advance(0.5)
        end, efforts = motion.result, twin.reading().efforts
    assert end.status is status
    assert (end.reached_goal, end.stalled) == (False, True)
    assert end.position == pytest.approx(0.015, abs=1e-3)  # the bar is 3 cm wide
    assert end.effort == pytest.approx(0.8 * FORCE, rel=0.01)
    assert motion.feedback.effort == pytest.approx(end.effort, rel=0.01)
    assert np.abs(efforts[7:]) == pytest.approx([16.0, 16.0], rel=0.01)


def test_without_an_effort_the_gripper_uses_the_robots_and_never_more_than_its_drive_has(
    twin: LiveTwin, franka: RobotSpec, top_down: MakeGrasp
) -> None:
    reach(twin, top_down())
    for asked, expected in ((None, 30.0), (0.0, 30.0), (1000.0, franka.hand_limits[0].effort)):
        motion = twin.grip(0.0, asked)
        twin.advance(2.0)
        assert motion.result.effort == pytest.approx(min(expected, 1000.0), rel=0.01)


def test_a_stuck_gripper_does_not_move(twin: LiveTwin) -> None:
    twin.faults = Faults(gripper_stuck=True)
    motion = twin.grip(0.0, FORCE)
    twin.advance(1.1)
    assert motion.result.status is Status.ABORTED
    assert motion.result.stalled
    assert finger(twin) == pytest.approx(0.04, abs=1e-4)
    twin.faults = Faults()
    twin.advance(1.0)
    assert finger(twin) == pytest.approx(0.0, abs=1e-4)


def test_a_new_goal_of_the_gripper_and_cancel(twin: LiveTwin) -> None:
    first = twin.grip(0.0, FORCE)
    twin.advance(0.04)
    second = twin.grip(0.001, FORCE)
    assert first.result.status is Status.ABORTED
    assert not first.result.reached_goal
    twin.advance(0.04)
    twin.cancel(second)
    assert second.result.status is Status.CANCELED
    twin.advance(0.5)
    assert 0.02 < finger(twin) < 0.035


@pytest.mark.parametrize(
    ("position", "effort", "velocity", "message"),
    [
        (float("nan"), 1.0, 1.0, "panda_finger_joint1: expected a finite position, got nan"),
        (0.0, -1.0, None, "max_effort: expected 0 or more, got -1"),
        (0.0, None, float("inf"), "max_velocity: expected 0 or more, got inf"),
    ],
)
def test_numbers_that_no_gripper_takes_are_refused(
    twin: LiveTwin, position: float, effort: float, velocity: float, message: str
) -> None:
    with pytest.raises(InvalidGraspError, match=message):
        twin.grip(position, effort, velocity)


def test_a_target_beyond_the_limits_is_at_them(twin: LiveTwin) -> None:
    motion = twin.grip(-0.005, FORCE)
    twin.advance(1.0)
    assert motion.result.reached_goal
    assert finger(twin) == pytest.approx(0.0, abs=1e-4)


@BOTH
def test_a_hand_of_many_joints_follows_trajectories(profile: MakeProfile) -> None:
    robot = load_robot("ur5_schunk_sih")
    with LiveTwin(robot, profile()) as twin:
        closed, count = robot.hand_closed, len(robot.arm_joints)
        motion = twin.follow(path_of(robot.hand_joints, [0.6], [closed]))
        gripping = twin.follow(path_of(robot.arm_joints, [0.6], [robot.home + 0.1]))
        twin.advance(1.0)
        assert motion.result.status is gripping.result.status is Status.SUCCEEDED
        driven = twin.reading().positions[count : count + 5]
        assert driven == pytest.approx(closed, abs=0.02)
        # One number moves all drives, along the first synergy; the hand changes its controller.
        position = float((closed[1] + robot.hand_open[1]) / 2)
        follow = twin.follow(path_of(robot.hand_joints, [5.0], [robot.hand_open]))
        with pytest.raises(InvalidGraspError, match="sih_thumb_opposition: expected a joint that"):
            twin.grip(position)
        assert follow.result is None


# Objects


def reach(twin: LiveTwin, grasp: GraspTrajectory) -> None:
    """Place the object and bring the open hand around it."""
    twin.place(grasp.object, grasp.object_in_base, 0, 0)
    way = grasp.approach
    points = [way.positions[0], *way.positions]
    twin.follow(path_of(way.joints, [1.0, *(1.5 + way.times_s)], points))
    twin.advance(1.6 + way.duration_s)


@BOTH
def test_an_object_is_gripped_lifted_and_dropped(twin: LiveTwin, top_down: MakeGrasp) -> None:
    grasp = top_down()
    reach(twin, grasp)
    stood = twin.object_in_base()
    assert stood.position == pytest.approx(grasp.object_in_base.position, abs=2e-3)
    twin.grip(0.0, FORCE)
    twin.advance(0.5)
    lift = grasp.lift_from_grasp
    twin.follow(path_of(lift.joints, lift.times_s[1:], lift.positions[1:]))
    twin.advance(lift.duration_s + 1.0)
    held = twin.object_in_base()
    assert held.position - stood.position == pytest.approx([0, 0, 0.15], abs=0.01)
    twin.advance(2.0)
    assert np.abs(twin.object_in_base().position - held.position).max() < 1e-3
    twin.grip(0.04)
    twin.advance(1.0)
    assert twin.object_in_base().position[2] == pytest.approx(stood.position[2], abs=0.02)


def test_the_same_seed_gives_the_same_place_whatever_was_before(
    honest: LiveTwin, franka: RobotSpec
) -> None:
    first = honest.place("procedural_009", ASIDE, 7, 3)
    assert first == honest.object_in_base()
    assert 1e-4 < np.linalg.norm(first.position[:2] - ASIDE.position[:2]) < 0.02
    honest.follow(to(franka, 0.3 * FAR, 0.5))
    honest.advance(1.0)
    other = honest.place("procedural_009", ASIDE, 7, 4)
    assert honest.place("procedural_009", ASIDE, 7, 3) == first != other
    honest.advance(0.5)
    assert np.abs(honest.object_in_base().position - first.position).max() < 1e-4


def test_it_stands_where_the_backends_twin_has_it(
    honest: LiveTwin, run: Callable, top_down: MakeGrasp
) -> None:
    grasp = top_down()
    attempt = run(load_twin_profile("default"), grasp, seed=5, attempt_index=2, dry_run=True)
    standing = honest.place(grasp.object, grasp.object_in_base, 5, 2)
    assert standing.position == pytest.approx(attempt.object_before.position, abs=1e-6)


@BOTH
def test_another_object_comes_and_the_arm_stays(twin: LiveTwin, franka: RobotSpec) -> None:
    twin.place("procedural_009", ASIDE, 0, 0)
    twin.follow(to(franka, FAR))
    twin.grip(0.01)
    twin.advance(1.5)
    before, now = twin.reading(), twin.reading().stamp_s
    mug = twin.place("mug", ASIDE, 0, 0)
    assert twin.reading().stamp_s == now
    twin.advance(0.2)
    assert twin.reading().positions == pytest.approx(before.positions, abs=1e-4)
    assert twin.object_in_base().position == pytest.approx(mug.position, abs=1e-3)
    twin.follow(to(franka, 0 * FAR))
    twin.advance(1.5)
    assert error(twin, franka.home) < 1e-3


def test_nothing_is_placed_while_something_moves(twin: LiveTwin, franka: RobotSpec) -> None:
    for motion in (lambda: twin.follow(to(franka, FAR)), lambda: twin.grip(0.0)):
        moving = motion()
        twin.advance(0.02)
        with pytest.raises(BackendError, match="expected an arm that stands still, got one that m"):
            twin.place("mug", ASIDE, 0, 0)
        twin.cancel(moving)
        twin.place("mug", ASIDE, 0, 0)


@BOTH
def test_nothing_is_placed_into_the_hand(twin: LiveTwin, top_down: MakeGrasp) -> None:
    grasp = top_down()
    reach(twin, grasp)
    stood = twin.object_in_base()
    with pytest.raises(BackendError, match="the robot is where the object is to stand"):
        twin.place(grasp.object, Pose([0.5, 0.02, 0.0], [0, 0, 0.7071068, 0.7071068]), 0, 0)
    assert twin.object_in_base() == stood
    twin.advance(0.1)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("teapot", ASIDE, 0, 0), "unknown object 'teapot'"),
        (("mug", Pose([0.5, 3.0, 0.0], [0, 0, 0, 1]), 0, 0), "object_in_base: expected on the tab"),
        (("mug", ASIDE, -1, 0), "seed: expected 0 to"),
        (("mug", ASIDE, 0, -1), "attempt index: expected 0 to"),
    ],
)
def test_what_cannot_be_placed_is_refused(
    twin: LiveTwin, arguments: tuple[object, ...], message: str
) -> None:
    with pytest.raises((UnknownNameError, SettingsError), match=message):
        twin.place(*arguments)
    assert twin.object_in_base() is None


def test_a_blow_up_aborts_and_all_is_put_back(
    twin: LiveTwin, franka: RobotSpec, monkeypatch: pytest.MonkeyPatch
) -> None:
    standing = twin.place("procedural_009", ASIDE, 0, 0)
    motion = twin.follow(to(franka, FAR))
    twin.advance(0.2)
    with monkeypatch.context() as patch:
        patch.setattr(MujocoTwinWorld, "diverged", True)
        twin.advance(0.004)
    assert motion.result.status is Status.ABORTED
    assert motion.result.text == "the simulation became unstable"
    twin.advance(0.5)
    assert np.isfinite(twin.reading().positions).all()
    assert np.abs(arm(twin) - franka.home).max() < 0.3
    assert twin.object_in_base().position == pytest.approx(standing.position, abs=1e-3)


# Time


def test_time_passes_by_itself_and_goals_come_from_any_thread(
    franka: RobotSpec, profile: MakeProfile
) -> None:
    with LiveTwin(franka, profile(), speed=5.0) as twin:
        twin.start()
        began, before = time.monotonic(), twin.reading().stamp_s
        with pytest.raises(BackendError, match="expected a twin whose time stands still"):
            twin.advance(1.0)
        ends = []

        def go(make: Callable) -> None:
            ends.append(make().wait(20.0))

        threads = [
            threading.Thread(target=go, args=[make])
            for make in (lambda: twin.follow(to(franka, FAR, 2.0)), lambda: twin.grip(0.0, FORCE))
        ]
        for thread in threads:
            thread.start()
        while any(thread.is_alive() for thread in threads):
            assert twin.reading().stamp_s >= before
            time.sleep(0.005)
        took, passed = time.monotonic() - began, twin.reading().stamp_s - before
    assert [end.status for end in ends] == [Status.SUCCEEDED] * 2
    assert passed == pytest.approx(5.0 * (took - twin.lost_s), rel=0.2)


def test_closing_aborts_what_moves(franka: RobotSpec, profile: MakeProfile) -> None:
    twin = LiveTwin(franka, profile())
    twin.start()
    motion = twin.follow(to(franka, FAR, 30.0))
    twin.close()
    twin.close()
    assert (motion.result.status, motion.result.text) == (Status.ABORTED, "the twin is closed")
    for ask in (twin.reading, lambda: twin.grip(0.0), lambda: twin.place("mug", ASIDE, 0, 0)):
        with pytest.raises(BackendError, match="the twin is closed"):
            ask()


def test_a_twin_that_breaks_down_says_so(
    franka: RobotSpec, profile: MakeProfile, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(threading, "excepthook", lambda arguments: None)
    with LiveTwin(franka, profile()) as twin:
        motion = twin.follow(to(franka, FAR, 30.0))

        def broken(*arguments: object) -> bool:
            raise ValueError("no more")

        monkeypatch.setattr(MujocoTwinWorld, "step", broken)
        twin.start()
        assert motion.wait(5.0).text == "the twin broke down: no more"
        with pytest.raises(BackendError, match="the twin broke down: no more"):
            twin.reading()


@pytest.mark.parametrize("speed", [0.0, -1.0, float("nan"), float("inf")])
def test_a_speed_that_is_none_is_refused(
    franka: RobotSpec, profile: MakeProfile, speed: float
) -> None:
    with pytest.raises(SettingsError, match="speed: expected more than 0, got"):
        LiveTwin(franka, profile(), speed=speed)
