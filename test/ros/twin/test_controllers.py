"""The twin as an arm behind controllers: real processes and messages."""

from __future__ import annotations

import importlib.util
import itertools
import os
import threading
import time
from contextlib import contextmanager

import numpy as np
import pytest
import rclpy
from action_msgs.msg import GoalStatus
from rcl_interfaces.srv import DescribeParameters, SetParameters
from rclpy.executors import MultiThreadedExecutor
from rclpy.parameter import Parameter
from sensor_msgs.msg import JointState
from trajectory_msgs.msg import JointTrajectory, JointTrajectoryPoint

from dr_grasp.bringup.processes import NodeProcesses
from dr_grasp.core.geometry import Pose
from dr_grasp.errors import BackendError, GoalRefusedError
from dr_grasp.messages.decoding import decode_pose
from dr_grasp.messages.encoding import encode_pose
from dr_grasp.robots.robot_spec import load_robot
from dr_grasp.ros.controller_messages import duration
from dr_grasp.ros.conversions import to_msg
from dr_grasp.ros.goals import RetryingActionClient, run_goal
from dr_grasp.ros.requests import call_service
from dr_grasp_interfaces.srv import PlaceObject

LIMIT_S = 60.0
NUMBERS = itertools.count()

needs_control_msgs = pytest.mark.skipif(
    importlib.util.find_spec("control_msgs") is None, reason="control_msgs is not installed"
)

FAR = np.array([0.5, 0.2, -0.3, 0.4, 0.5, -0.4, 0.6])


class Client:
    """Somebody who drives the twin."""

    def __init__(self, space):
        self._context = rclpy.Context()
        rclpy.init(context=self._context)
        self.node = rclpy.create_node("driver", namespace=space, context=self._context)
        self._executor = MultiThreadedExecutor(4, context=self._context)
        self._executor.add_node(self.node)
        self.states = []
        self.node.create_subscription(JointState, "joint_states", self._hear, 100)
        self._thread = threading.Thread(target=self._executor.spin, daemon=True)
        self._thread.start()
        self._actions = {}
        self._services = {}

    def _hear(self, message):
        self.states.append((time.monotonic(), message))

    def close(self):
        self._executor.shutdown(timeout_sec=2.0)
        self._thread.join(5.0)
        self.node.destroy_node()
        self._context.try_shutdown()

    def state(self):
        """The next joint state."""
        count = len(self.states)
        wait_until(lambda: len(self.states) > count + 1)
        return self.states[-1][1]

    def position(self, joint):
        state = self.state()
        return state.position[list(state.name).index(joint)]

    def run(self, kind, name, goal, is_cancelled=lambda: False, on_feedback=None):
        if name not in self._actions:
            self._actions[name] = RetryingActionClient(self.node, kind, name)
        return run_goal(
            self._actions[name],
            name,
            goal,
            connect_s=LIMIT_S,
            timeout_s=LIMIT_S,
            is_cancelled=is_cancelled,
            on_feedback=on_feedback,
        )

    def call(self, kind, name, request):
        if name not in self._services:
            self._services[name] = self.node.create_client(kind, name)
        return call_service(self._services[name], request, LIMIT_S)

    def place(self, name, pose, seed=0):
        fields = {"object": name, "object_in_base": encode_pose(pose), "seed": seed}
        return self.call(PlaceObject, "place_object", to_msg(PlaceObject.Request, fields))

    def set(self, **values):
        parameters = [Parameter(name, value=value) for name, value in values.items()]
        request = SetParameters.Request(parameters=[one.to_parameter_msg() for one in parameters])
        return self.call(SetParameters, "twin/set_parameters", request).results


def wait_until(condition):
    deadline = time.monotonic() + LIMIT_S
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


@contextmanager
def running(folder, **parameters):
    space = f"/test_controllers_{os.getpid()}_{next(NUMBERS)}"
    commands = {"twin": {"controllers": True, **parameters}}
    with NodeProcesses(commands, space, folder / "logs") as nodes:
        client = Client(space)
        try:
            yield client
            nodes.check()
        finally:
            client.close()
    log = (folder / "logs" / "twin.log").read_text()
    assert "Traceback" not in log, log


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


def trajectory(robot, points, joints=None):
    """A goal; points are (time, positions), or (time, positions, velocities)."""
    from control_msgs.action import FollowJointTrajectory

    names = [robot.names.get(joint, joint) for joint in joints or robot.arm_joints]
    return FollowJointTrajectory.Goal(
        trajectory=JointTrajectory(
            joint_names=names,
            points=[
                JointTrajectoryPoint(
                    time_from_start=duration(time_s),
                    positions=[float(value) for value in positions],
                    velocities=[float(value) for value in velocities[0]] if velocities else [],
                )
                for time_s, positions, *velocities in points
            ],
        )
    )


def follow(client, robot, goal, **options):
    from control_msgs.action import FollowJointTrajectory

    return client.run(FollowJointTrajectory, robot.hardware.controllers.arm, goal, **options)


def home(client):
    robot = load_robot("franka")
    response = follow(client, robot, trajectory(robot, [(1.0, robot.home)]))
    assert response.status == GoalStatus.STATUS_SUCCEEDED
    assert grip(client, 0.04).result.reached_goal


def grip(client, position, effort=20.0, **options):
    from control_msgs.action import GripperCommand

    goal = GripperCommand.Goal()
    goal.command.position, goal.command.max_effort = position, effort
    name = load_robot("franka").hardware.controllers.hand.action
    return client.run(GripperCommand, name, goal, **options)


@needs_control_msgs
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


@needs_control_msgs
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


@needs_control_msgs
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


@needs_control_msgs
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


@needs_control_msgs
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


@needs_control_msgs
def test_the_gripper_closes_on_nothing_and_says_what_ros2_controllers_say(client):
    news = []
    response = grip(client, 0.0, on_feedback=news.append)
    assert response.status == GoalStatus.STATUS_SUCCEEDED
    assert (response.result.reached_goal, response.result.stalled) == (True, False)
    assert response.result.position < 0.01
    time.sleep(0.5)
    assert client.position("panda_finger_joint1") == pytest.approx(0.0, abs=1e-3)
    assert client.position("panda_finger_joint2") == pytest.approx(0.0, abs=1e-3)


@needs_control_msgs
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


@needs_control_msgs
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


@needs_control_msgs
def test_a_pose_that_is_none_is_answered(client):
    request = PlaceObject.Request(object="mug")
    request.object_in_base.orientation.w = 0.0
    answer = client.call(PlaceObject, "place_object", request)
    assert not answer.success
    assert "object_in_base" in answer.message


# Faults


@needs_control_msgs
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


@needs_control_msgs
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


@needs_control_msgs
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


@needs_control_msgs
def test_parameters_are_described(client):
    names = ["controllers", "speed", "lagging_joint", "lag_s", "joint_states_stop_after_s"]
    request = DescribeParameters.Request(names=names)
    answer = client.call(DescribeParameters, "twin/describe_parameters", request)
    assert all(one.description for one in answer.descriptors)
    lag = answer.descriptors[3]
    (bounds,) = lag.floating_point_range
    assert (bounds.from_value, bounds.to_value, lag.read_only) == (0.0, 10.0, False)
    assert answer.descriptors[0].read_only


# Other robots, hands and starts


@needs_control_msgs
def test_a_hand_of_many_joints_and_a_faster_clock(tmp_path):
    robot = load_robot("ur5_schunk_sih")
    with running(tmp_path, robot="ur5_schunk_sih", speed=4.0) as client:
        began = time.monotonic()
        response = follow(client, robot, trajectory(robot, [(4.0, robot.home + 0.1)]))
        assert response.result.error_code == 0
        assert time.monotonic() - began < 3.9 + LIMIT_S / 4
        from control_msgs.action import FollowJointTrajectory

        goal = trajectory(robot, [(0.6, robot.hand_closed)], robot.hand_joints)
        response = client.run(FollowJointTrajectory, robot.hardware.controllers.hand.action, goal)
        assert response.result.error_code == 0
        time.sleep(0.3)
        state = client.state()
        assert len(state.name) == 6 + 11
        found = dict(zip(state.name, state.position, strict=True))
        hand = [found[joint] for joint in robot.hand_joints]
        assert hand == pytest.approx(robot.hand_closed.tolist(), abs=0.03)


@pytest.fixture
def own_robot(own_configuration, monkeypatch, tmp_path):
    """Writes a robot's file of the user's that extends ours."""
    folder = tmp_path / "own" / "robots"
    folder.mkdir(parents=True)
    monkeypatch.setenv("DR_GRASP_CONFIG", str(folder.parent))

    def write(name, text):
        (folder / f"{name}.yaml").write_text(text)

    return write


@needs_control_msgs
def test_a_parallel_gripper_with_names_and_a_scale_of_its_own(own_robot, tmp_path):
    own_robot(
        "mine",
        "extends: franka\n"
        "controllers:\n"
        "  hand: {interface: parallel_gripper_command, action: hand/gripper_cmd,"
        " position_scale: 2.0, holding_margin: 0.001}\n",
    )
    from control_msgs.action import ParallelGripperCommand

    with running(tmp_path, robot="mine", allow_stalling=True, gripper_tolerance=0.001) as client:
        goal = ParallelGripperCommand.Goal(
            command=JointState(position=[0.03], velocity=[0.02], effort=[10.0])
        )
        began = time.monotonic()
        response = client.run(ParallelGripperCommand, "hand/gripper_cmd", goal)
        # 50 mm at 20 mm/s.
        assert time.monotonic() - began > 2.0
        assert response.status == GoalStatus.STATUS_SUCCEEDED
        assert response.result.reached_goal
        assert response.result.state.name == ["panda_finger_joint1"]
        assert response.result.state.position[0] == pytest.approx(0.03, abs=0.003)
        assert client.position("panda_finger_joint1") == pytest.approx(0.015, abs=0.002)
        goal.command.position = [0.01, 0.01]
        with pytest.raises(GoalRefusedError):
            client.run(ParallelGripperCommand, "hand/gripper_cmd", goal)
        client.set(gripper_stuck=True)
        goal.command.position = [0.08]
        response = client.run(ParallelGripperCommand, "hand/gripper_cmd", goal)
        assert response.status == GoalStatus.STATUS_SUCCEEDED  # allow_stalling
        assert response.result.stalled


FRANKA_HAND = (
    "extends: franka\n"
    "controllers:\n"
    "  hand: {interface: franka_grasp, action: panda_gripper/grasp, holding_margin: 0.001}\n"
)


@needs_control_msgs
@pytest.mark.skipif(
    importlib.util.find_spec("franka_msgs") is not None, reason="franka_msgs is installed"
)
def test_without_franka_msgs_its_gripper_takes_gripper_command(own_robot, tmp_path):
    own_robot("mine", FRANKA_HAND)
    from control_msgs.action import GripperCommand

    with running(tmp_path, robot="mine") as client:
        response = client.run(GripperCommand, "panda_gripper/grasp", GripperCommand.Goal())
        assert response.result.reached_goal
    log = (tmp_path / "logs" / "twin.log").read_text()
    assert "franka_msgs: expected installed" in log
    assert "panda_gripper/grasp takes GripperCommand instead" in log


@needs_control_msgs
@pytest.mark.skipif(
    importlib.util.find_spec("franka_msgs") is None, reason="franka_msgs is not installed"
)
def test_with_franka_msgs_its_gripper_grasps_and_moves(own_robot, tmp_path):
    own_robot("mine", FRANKA_HAND)
    from franka_msgs.action import Grasp, Move

    with running(tmp_path, robot="mine") as client:
        goal = Grasp.Goal(width=0.02, speed=0.1, force=20.0)
        goal.epsilon.inner = goal.epsilon.outer = 0.0
        response = client.run(Grasp, "panda_gripper/grasp", goal)
        assert response.status == GoalStatus.STATUS_ABORTED
        assert "expected the fingers 0.02 m apart" in response.result.error
        goal.epsilon.inner = goal.epsilon.outer = 0.005
        assert client.run(Grasp, "panda_gripper/grasp", goal).result.success
        response = client.run(Move, "panda_gripper/move", Move.Goal(width=0.06, speed=0.1))
        assert response.status == GoalStatus.STATUS_SUCCEEDED
        assert client.position("panda_finger_joint1") == pytest.approx(0.03, abs=2e-3)


@needs_control_msgs
def test_with_controllers_attempts_are_not_served(client):
    served = dict(client.node.get_service_names_and_types())
    space = client.node.get_namespace()
    assert f"{space}/place_object" in served
    assert f"{space}/panda_arm_controller/follow_joint_trajectory/_action/send_goal" in served
    assert f"{space}/attempt_grasp/_action/send_goal" not in served


def last_line(tmp_path, **parameters):
    """What a twin that cannot start says."""
    space = f"/test_controllers_{os.getpid()}_{next(NUMBERS)}"
    with NodeProcesses({"twin": parameters}, space, tmp_path / "logs") as nodes:
        wait_until(lambda: ended(nodes))
    lines = (tmp_path / "logs" / "twin.log").read_text().strip().splitlines()
    assert len(lines) == 1, lines
    return lines[0]


def ended(nodes):
    try:
        nodes.check()
    except BackendError:
        return True
    return False


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        (
            {"controllers": "maybe"},
            "controllers: expected true, false or auto, got maybe",
        ),
        ({"lag_s": -1.0}, "parameter lag_s"),
        ({"speed": 0.0, "controllers": True}, "parameter speed"),
        ({"abort_after_s": 1.0}, "abort_after_s: faults are of a twin that serves controllers"),
    ],
)
def test_a_start_that_makes_no_sense_is_one_line(tmp_path, parameters, message):
    assert message in last_line(tmp_path, **parameters)


@needs_control_msgs
@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"lagging_joint": "elbow"}, "unknown lagging_joint 'elbow'; expected one of panda_fin"),
    ],
)
def test_a_fault_that_cannot_be_is_one_line(tmp_path, parameters, message):
    assert message in last_line(tmp_path, controllers=True, **parameters)


@needs_control_msgs
def test_a_robot_without_controllers_is_refused_or_left_alone(own_robot, tmp_path):
    own_robot("simulated", "extends: franka\ncontrollers: null\nmoveit: null\n")
    message = last_line(tmp_path, controllers=True, robot="simulated")
    assert "robot simulated: expected the sections controllers and moveit in its file" in message
    assert serves_attempts(tmp_path, controllers="auto", robot="simulated")


@pytest.mark.skipif(
    importlib.util.find_spec("control_msgs") is not None, reason="control_msgs is installed"
)
def test_without_control_msgs_it_says_what_to_install_or_goes_without(tmp_path):
    message = last_line(tmp_path, controllers=True)
    assert message.startswith(
        "control_msgs: expected installed (ros-jazzy-control-msgs), got No module named"
    )
    assert serves_attempts(tmp_path, controllers="auto")


def serves_attempts(tmp_path, **parameters):
    space = f"/test_controllers_{os.getpid()}_{next(NUMBERS)}"
    with NodeProcesses({"twin": parameters}, space, tmp_path / "logs") as nodes:
        client = Client(space)
        try:
            name = f"{space}/attempt_grasp/_action/send_goal"
            wait_until(lambda: name in dict(client.node.get_service_names_and_types()))
            nodes.check()
            return f"{space}/place_object" not in dict(client.node.get_service_names_and_types())
        finally:
            client.close()
