"""Somebody who drives the twin through the actions of an arm's controllers."""

from __future__ import annotations

import itertools
import os
import threading
import time
from contextlib import contextmanager

import pytest
import rclpy
from rcl_interfaces.srv import SetParameters
from rclpy.executors import MultiThreadedExecutor
from rclpy.parameter import Parameter
from sensor_msgs.msg import JointState
from trajectory_msgs.msg import JointTrajectory, JointTrajectoryPoint

from dr_grasp.bringup.processes import NodeProcesses
from dr_grasp.messages.encoding import encode_pose
from dr_grasp.robots.robot_spec import load_robot
from dr_grasp.ros.controller_messages import duration
from dr_grasp.ros.conversions import to_msg
from dr_grasp.ros.goals import RetryingActionClient, run_goal
from dr_grasp.ros.requests import call_service
from dr_grasp_interfaces.srv import PlaceObject

actions = pytest.importorskip("control_msgs.action", reason="control_msgs is not installed")

LIMIT_S = 60.0
NUMBERS = itertools.count()


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
        """A joint state of after this call: those that wait to be heard may be older."""
        asked = self.node.get_clock().now().to_msg()
        wait_until(lambda: self.states and self._stamp() > (asked.sec, asked.nanosec))
        return self.states[-1][1]

    def _stamp(self):
        stamp = self.states[-1][1].header.stamp
        return stamp.sec, stamp.nanosec

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


def trajectory(robot, points, joints=None):
    """A goal; points are (time, positions), or (time, positions, velocities)."""
    names = [robot.names.get(joint, joint) for joint in joints or robot.arm_joints]
    return actions.FollowJointTrajectory.Goal(
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
    return client.run(
        actions.FollowJointTrajectory, robot.hardware.controllers.arm, goal, **options
    )


def grip(client, position, effort=20.0, **options):
    goal = actions.GripperCommand.Goal()
    goal.command.position, goal.command.max_effort = position, effort
    name = load_robot("franka").hardware.controllers.hand.action
    return client.run(actions.GripperCommand, name, goal, **options)
