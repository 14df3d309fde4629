"""What goals of FollowJointTrajectory mean."""

from __future__ import annotations

import dataclasses
from unittest.mock import create_autospec

import numpy as np
import pytest
from builtin_interfaces.msg import Duration, Time
from rclpy.clock import Clock
from rclpy.impl.rcutils_logger import RcutilsLogger
from rclpy.node import Node
from rclpy.time import Time as ClockTime
from trajectory_msgs.msg import JointTrajectory, JointTrajectoryPoint

from dr_grasp.errors import InvalidGraspError
from dr_grasp.ros.controller_messages import duration
from dr_grasp.ros.twin.trajectory_adapter import TrajectoryAdapter
from dr_grasp.twin.active_goal import Status
from dr_grasp.twin.live_twin import LiveTwin
from dr_grasp.twin.twin_profile import load_twin_profile

action = pytest.importorskip(
    "control_msgs.action", reason="control_msgs is not installed"
).FollowJointTrajectory
JointTolerance = pytest.importorskip("control_msgs.msg").JointTolerance


@pytest.fixture
def renamed(franka):
    """A Franka whose joints are called otherwise outside."""
    names = {joint: joint.replace("panda", "fr3") for joint in franka.arm_joints}
    return dataclasses.replace(franka, names=names)


@pytest.fixture
def twin(renamed):
    with LiveTwin(renamed, load_twin_profile("default"), speed=2.0) as twin:
        yield twin


@pytest.fixture
def node():
    """A node with a clock and a log."""
    node = create_autospec(Node, instance=True)
    node.get_clock.return_value = Clock()
    node.get_logger.return_value = create_autospec(RcutilsLogger, instance=True)
    return node


def errors(node):
    return [call.args[0] for call in node.get_logger().error.call_args_list]


@pytest.fixture
def adapter(node, twin, renamed):
    return TrajectoryAdapter(twin, action, node, renamed, renamed.arm_joints)


def request(robot, target, time_s=1.0, **tolerances):
    point = JointTrajectoryPoint(positions=target.tolist(), time_from_start=duration(time_s))
    names = [robot.names[joint] for joint in robot.arm_joints]
    trajectory = JointTrajectory(joint_names=names, points=[point])
    return action.Goal(trajectory=trajectory, **tolerances)


def test_joints_have_their_outer_names(node, twin, adapter, renamed):
    target = renamed.home + 0.3
    asked = request(
        renamed, target, goal_tolerance=[JointTolerance(name="fr3_joint2", position=1e-9)]
    )
    asked.goal_time_tolerance = Duration(nanosec=100_000_000)
    adapter.check(asked)
    goal = adapter.start(asked)
    twin.advance(0.5)
    feedback = adapter.feedback(goal.feedback)
    assert feedback.joint_names[0] == "fr3_joint1"
    assert feedback.desired.positions[0] == pytest.approx(renamed.home[0] + 0.15, abs=0.01)
    assert feedback.error.positions[0] == pytest.approx(
        feedback.desired.positions[0] - feedback.actual.positions[0]
    )
    twin.advance(1.0)
    status, result = adapter.result(asked, goal.result)
    assert (status, result.error_code) == (Status.ABORTED, -5)
    assert ": fr3_joint2: position error " in result.error_string
    assert str(goal.result).startswith("Aborted due to goal_time_tolerance")
    assert not errors(node)


def test_names_may_come_in_any_order(twin, adapter, renamed):
    steps = np.arange(1, 8) / 10
    asked = request(renamed, renamed.home + steps)
    asked.trajectory.joint_names.reverse()
    asked.trajectory.points[0].positions.reverse()
    adapter.start(asked)
    twin.advance(1.5)
    moved = twin.reading().positions[:7] - renamed.home
    assert moved == pytest.approx(steps, abs=1e-3)


@pytest.mark.parametrize(
    ("tolerance", "word"),
    [
        (JointTolerance(name="panda_joint9", position=0.1), "got panda_joint9"),
        (JointTolerance(name="fr3_joint1", position=-0.5), "or -1, got -0.5"),
    ],
)
def test_tolerances_that_make_no_sense_leave_the_defaults(node, adapter, renamed, tolerance, word):
    adapter.start(request(renamed, renamed.home, path_tolerance=[tolerance]))
    (said,) = errors(node)
    assert word in said
    assert said.endswith("; using default tolerances")


def stamp(node, seconds):
    now = node.get_clock().now().nanoseconds + round(seconds * 1e9)
    return ClockTime(nanoseconds=now).to_msg()


def test_a_stamp_says_when_it_begins(node, twin, adapter, renamed):
    asked = request(renamed, renamed.home + 0.2)
    asked.trajectory.header.stamp = stamp(node, 0.5)
    goal = adapter.start(asked)
    twin.advance(1.9)  # at twice the speed 0.5 s are 1 s
    assert goal.result is None
    twin.advance(0.2)
    assert goal.result.status is Status.SUCCEEDED
    asked.trajectory.header.stamp = stamp(node, -0.3)
    adapter.check(asked)


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda t: t.joint_names.pop(), r"joint_names: expected fr3_joint1, .*, got fr3_joint1"),
        (lambda t: t.joint_names.__setitem__(0, "panda_joint1"), "joint_names: expected fr3_joi"),
        (lambda t: t.points.clear(), "points: expected at least one"),
        (lambda t: t.points[0].positions.pop(), "point 0: expected 7 positions, got shape"),
        (lambda t: setattr(t.points[0], "velocities", [1.0]), "point 0: expected 7 velocities"),
        (lambda t: setattr(t.points[0], "effort", [0.0]), "point 0: expected no effort, .*got 1"),
        (lambda t: setattr(t.header, "stamp", Time(sec=5)), "expected one that ends in the future"),
    ],
)
def test_what_a_controller_would_reject_is_refused(adapter, renamed, spoil, message):
    asked = request(renamed, renamed.home)
    spoil(asked.trajectory)
    with pytest.raises(InvalidGraspError, match=message):
        adapter.check(asked)


def test_a_failure_says_why(adapter):
    assert adapter.failure("why") == action.Result(error_code=-1, error_string="why")
