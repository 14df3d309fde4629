"""The twin as an arm behind controllers: real processes and messages."""

from __future__ import annotations

import threading
import time

import numpy as np
import pytest
from action_msgs.msg import GoalStatus
from rcl_interfaces.srv import DescribeParameters

from dr_grasp.core.geometry import Pose
from dr_grasp.errors import GoalRefusedError
from dr_grasp.messages.decoding import decode_pose
from dr_grasp.robots.robot_spec import load_robot
from dr_grasp_interfaces.srv import PlaceObject

from .driving import LIMIT_S, follow, grip, running, trajectory, wait_until

FAR = np.array([0.5, 0.2, -0.3, 0.4, 0.5, -0.4, 0.6])


@pytest.fixture(scope="module")
def franka_twin(tmp_path_factory):
    with running(tmp_path_factory.mktemp("franka")) as client:
        yield client


@pytest.fixture
def client(franka_twin):
    """A Franka at home, without faults."""
    yield franka_twin
    franka_twin.set(
        lagging_joint="", gripper_stuck=False, abort_after_s=0.0, joint_states_stop_after_s=0.0
    )
    home(franka_twin)


def home(client):
    robot = load_robot("franka")
    response = follow(client, robot, trajectory(robot, [(1.0, robot.home)]))
    assert response.status == GoalStatus.STATUS_SUCCEEDED
    assert grip(client, 0.04).result.reached_goal


def test_joint_states_come_all_the_time(client, franka):
    wait_until(lambda: client.states)
    client.states.clear()
    time.sleep(2.0)
    states = list(client.states)
    # The rest allows for other processes on the machine.
    assert 50 <= len(states) <= 110
    gaps = np.diff([time_s for time_s, _ in states])
    assert np.median(gaps) == pytest.approx(0.02, abs=0.01)
    message = states[-1][1]
    assert message.name[:7] == list(franka.arm_joints)
    assert message.name[7:] == ["panda_finger_joint1", "panda_finger_joint2"]
    assert message.position[:7] == pytest.approx(franka.home.tolist(), abs=0.02)
    assert len(message.velocity) == len(message.effort) == 9
    stamps = [one.header.stamp.sec + one.header.stamp.nanosec / 1e9 for _, one in states]
    assert (np.diff(stamps) > 0).all()
    assert abs(stamps[-1] - time.time()) < 5.0


def test_a_trajectory_is_followed_and_told_of(client, franka):
    news = []
    goal = trajectory(franka, [(0.8, franka.home + FAR, 0 * FAR)])
    response = follow(client, franka, goal, on_feedback=news.append)
    assert response.status == GoalStatus.STATUS_SUCCEEDED
    assert response.result.error_code == 0
    assert response.result.error_string == "Goal successfully reached!"
    assert len(news) > 10
    assert news[-1].joint_names == list(franka.arm_joints)
    actual = np.array([one.actual.positions for one in news])
    desired = np.array([one.desired.positions for one in news])
    assert np.array([one.error.positions for one in news]) == pytest.approx(desired - actual)
    assert (np.diff(actual[:, 0]) > -0.01).all()
    time.sleep(0.2)
    assert client.state().position[:7] == pytest.approx((franka.home + FAR).tolist(), abs=2e-3)


def test_cancel_stops_the_arm(client, franka):
    started = time.monotonic()
    response = follow(
        client,
        franka,
        trajectory(franka, [(10.0, franka.home + FAR)]),
        is_cancelled=lambda: time.monotonic() - started > 1.0,
    )
    assert response.status == GoalStatus.STATUS_CANCELED
    time.sleep(0.3)
    there = client.state().position[0] - franka.home[0]
    assert 0.01 < there < 0.4
    time.sleep(0.3)
    assert client.state().position[0] - franka.home[0] == pytest.approx(there, abs=1e-3)


def test_a_new_goal_takes_the_place_of_the_old(client, franka):
    moving = threading.Event()
    answers = []

    def go():
        goal = trajectory(franka, [(20.0, franka.home + FAR)])
        answers.append(follow(client, franka, goal, on_feedback=lambda _: moving.set()))

    thread = threading.Thread(target=go)
    thread.start()
    assert moving.wait(LIMIT_S)
    second = follow(client, franka, trajectory(franka, [(0.5, franka.home)]))
    thread.join(LIMIT_S)
    assert second.status == GoalStatus.STATUS_SUCCEEDED
    assert answers[0].status == GoalStatus.STATUS_ABORTED
    assert answers[0].result.error_code == -1
    assert answers[0].result.error_string == "Current goal preempted by new incoming action."


@pytest.mark.parametrize(
    "spoil",
    [
        lambda goal: goal.trajectory.joint_names.pop(),
        lambda goal: goal.trajectory.points.clear(),
        lambda goal: goal.trajectory.points[0].positions.pop(),
        lambda goal: setattr(goal.trajectory.points[0], "effort", [0.0] * 7),
        lambda goal: setattr(goal.trajectory.points[0], "velocities", [0.1] * 7),
        lambda goal: setattr(goal.trajectory.header.stamp, "sec", 1),
    ],
)
def test_a_goal_that_a_controller_would_reject_is_refused(client, franka, spoil):
    goal = trajectory(franka, [(1.0, franka.home)])
    spoil(goal)
    with pytest.raises(GoalRefusedError):
        follow(client, franka, goal)


def test_the_gripper_closes_on_nothing_and_says_what_ros2_controllers_say(client):
    news = []
    response = grip(client, 0.0, on_feedback=news.append)
    assert response.status == GoalStatus.STATUS_SUCCEEDED
    assert (response.result.reached_goal, response.result.stalled) == (True, False)
    assert response.result.position < 0.01
    time.sleep(0.5)
    assert client.position("panda_finger_joint1") == pytest.approx(0.0, abs=1e-3)
    assert client.position("panda_finger_joint2") == pytest.approx(0.0, abs=1e-3)


def test_an_object_is_placed_gripped_and_lifted(client, franka, block_grasps):
    grasp = block_grasps[0]
    answer = client.place(grasp.object, grasp.object_in_base)
    assert answer.success, answer.message
    standing = decode_pose("standing", answer.standing)
    off = np.linalg.norm(standing.position[:2] - grasp.object_in_base.position[:2])
    assert 1e-5 < off < 0.03
    approach, lift = grasp.approach, grasp.lift_from_grasp
    way = [(1.0, approach.positions[0])]
    way += zip(1.5 + approach.times_s, approach.positions, strict=True)
    assert follow(client, franka, trajectory(franka, way)).result.error_code == 0

    response = grip(client, 0.0, effort=20.0)
    assert response.status == GoalStatus.STATUS_ABORTED  # allow_stalling is false by default
    assert (response.result.reached_goal, response.result.stalled) == (False, True)
    assert response.result.position > 0.01
    assert 10.0 < response.result.effort < 25.0
    state = client.state()
    assert abs(state.effort[7]) == pytest.approx(response.result.effort, rel=0.05)

    up = list(zip(lift.times_s[1:], lift.positions[1:], strict=True))
    moving = threading.Event()
    answers = []

    def go():
        goal = trajectory(franka, up)
        answers.append(follow(client, franka, goal, on_feedback=lambda _: moving.set()))

    thread = threading.Thread(target=go)
    thread.start()
    assert moving.wait(LIMIT_S)
    refused = client.place(grasp.object, grasp.object_in_base)
    thread.join(LIMIT_S)
    assert not refused.success
    assert refused.message == "expected an arm that stands still, got one that moves"
    assert answers[0].result.error_code == 0
    # Still between the fingers, which an empty hand would have closed.
    assert client.position("panda_finger_joint1") == pytest.approx(
        response.result.position, abs=2e-3
    )
    again = client.place(grasp.object, grasp.object_in_base)
    assert again.standing == answer.standing


@pytest.mark.parametrize(
    ("name", "pose", "message"),
    [
        ("teapot", Pose([0.5, 0, 0], [0, 0, 0, 1]), "unknown object 'teapot'; expected one of"),
        ("mug", Pose([5.0, 0, 0], [0, 0, 0, 1]), "object_in_base: expected on the table"),
    ],
)
def test_what_cannot_be_placed_is_answered(client, name, pose, message):
    answer = client.place(name, pose)
    assert not answer.success
    assert message in answer.message


def test_a_pose_that_is_none_is_answered(client):
    request = PlaceObject.Request(object="mug")
    request.object_in_base.orientation.w = 0.0
    answer = client.call(PlaceObject, "place_object", request)
    assert not answer.success
    assert "object_in_base" in answer.message


# Faults


def test_faults_are_set_while_it_runs(client, franka):
    assert all(one.successful for one in client.set(lagging_joint="panda_joint3", lag_s=0.5))
    goal = trajectory(franka, [(1.0, franka.home + FAR)])
    from control_msgs.msg import JointTolerance

    goal.path_tolerance = [JointTolerance(name="panda_joint3", position=0.05)]
    response = follow(client, franka, goal)
    assert response.status == GoalStatus.STATUS_ABORTED
    assert response.result.error_code == -4
    assert "panda_joint3: position error -0.05" in response.result.error_string
    assert response.result.error_string.endswith(", tolerance 0.05")

    client.set(lagging_joint="", abort_after_s=0.3)
    response = follow(client, franka, trajectory(franka, [(1.0, franka.home)]))
    assert (response.status, response.result.error_code) == (GoalStatus.STATUS_ABORTED, -1)
    assert response.result.error_string == "Aborted by a fault, 0.3 s after it began"

    client.set(abort_after_s=0.0, gripper_stuck=True)
    before = client.position("panda_finger_joint1")
    response = grip(client, 0.0)
    assert response.result.stalled
    assert client.position("panda_finger_joint1") == pytest.approx(before, abs=1e-4)


def test_joint_states_stop_and_come_back(client, franka):
    client.set(joint_states_stop_after_s=0.3)
    client.state()
    follow(client, franka, trajectory(franka, [(0.6, franka.home + 0.2 * FAR)]))
    time.sleep(0.3)
    count = len(client.states)
    time.sleep(0.5)
    assert len(client.states) == count
    client.set(joint_states_stop_after_s=0.0)
    client.state()


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        (
            {"lagging_joint": "elbow"},
            "unknown lagging_joint 'elbow'; expected one of panda_finger_joint1, panda_joint1, "
            "panda_joint2, panda_joint3, panda_joint4, panda_joint5, panda_joint6, panda_joint7",
        ),
        ({"lag_s": -1.0}, "out of range"),
        ({"abort_after_s": True}, "type"),
        ({"robot": "baxter"}, "read-only"),
    ],
)
def test_a_fault_that_cannot_be_is_refused(client, values, reason):
    (result,) = client.set(**values)
    assert not result.successful
    assert reason in result.reason.lower() or reason in result.reason


def test_parameters_are_described(client):
    names = ["controllers", "speed", "lagging_joint", "lag_s", "joint_states_stop_after_s"]
    request = DescribeParameters.Request(names=names)
    answer = client.call(DescribeParameters, "twin/describe_parameters", request)
    assert all(one.description for one in answer.descriptors)
    lag = answer.descriptors[3]
    (bounds,) = lag.floating_point_range
    assert (bounds.from_value, bounds.to_value, lag.read_only) == (0.0, 10.0, False)
    assert answer.descriptors[0].read_only


def test_with_controllers_attempts_are_not_served(client):
    served = dict(client.node.get_service_names_and_types())
    space = client.node.get_namespace()
    assert f"{space}/place_object" in served
    assert f"{space}/panda_arm_controller/follow_joint_trajectory/_action/send_goal" in served
    assert f"{space}/attempt_grasp/_action/send_goal" not in served
