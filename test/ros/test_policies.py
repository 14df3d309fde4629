"""What our nodes publish, hear, serve and ask for is just what config/security allows them."""

from __future__ import annotations

import importlib.util
import time

import pytest
import rclpy
from action_msgs.srv import CancelGoal

from dr_grasp.bringup.security import policies
from dr_grasp.robots.robot_spec import load_robot, robot_names
from dr_grasp.ros import moveit_node
from dr_grasp.ros.client import DrGraspClient
from dr_grasp.ros.executor_node import ExecutorNode
from dr_grasp.ros.moveit_node import MoveItNode
from dr_grasp.ros.recorder_node import RecorderNode
from dr_grasp.ros.scorer_node import ScorerNode
from dr_grasp.ros.twin_node import TwinNode

from ..bringup.policy_rights import KINDS, matches, profile
from ..execution.arm_double import PlannerDouble
from .in_process import running

LIMIT_S = 30.0

needs_control_msgs = pytest.mark.skipif(
    importlib.util.find_spec("control_msgs") is None, reason="control_msgs is not installed"
)


def interfaces(watcher, name, namespace):
    """Names by kind that a node has, as ROS tells another node."""
    asked = {
        "publish": watcher.get_publisher_names_and_types_by_node,
        "subscribe": watcher.get_subscriber_names_and_types_by_node,
        "reply": watcher.get_service_names_and_types_by_node,
        "request": watcher.get_client_names_and_types_by_node,
    }
    return {kind: {found for found, _ in asked[kind](name, namespace)} for kind in KINDS}


def difference(found, namespace, robot, node):
    """By kind: names that the policy does not allow, and patterns that nothing needs."""
    rights = profile(policies(namespace.strip("/"), load_robot(robot)), node)
    result = {}
    for kind in KINDS:
        allowed = rights.allow[kind]
        forbidden = {name for name in found[kind] if not matches(name, allowed)}
        idle = {want for want in allowed if not any(matches(n, {want}) for n in found[kind])}
        if forbidden or idle:
            result[kind] = {"forbidden": forbidden, "idle": idle}
    return result


def of_node(make, name, namespace, **parameters):
    with running(make, namespace, **parameters) as node:
        return interfaces(node, name, namespace)


def test_the_scorer(namespace):
    found = of_node(ScorerNode, "scorer", namespace, jobs=1)
    assert difference(found, namespace, "franka", "scorer") == {}


def test_the_recorder(namespace, tmp_path):
    found = of_node(RecorderNode, "recorder", namespace, bag=tmp_path / "bag")
    assert difference(found, namespace, "franka", "recorder") == {}


@pytest.mark.parametrize("robot", robot_names())
def test_the_executor(namespace, robot):
    found = of_node(ExecutorNode, "executor", namespace, robot=robot)
    assert difference(found, namespace, robot, "executor") == {}


@needs_control_msgs
@pytest.mark.parametrize("robot", robot_names())
def test_the_twin_as_a_backend_and_behind_controllers(namespace, robot):
    found = of_node(TwinNode, "twin", namespace, robot=robot)
    # In another namespace, since ROS shows a node of the same name for a while after its end.
    second = f"{namespace}_second"
    served = of_node(TwinNode, "twin", second, robot=robot, controllers=True)
    for kind, names in served.items():
        found[kind] |= {name.replace(second, namespace) for name in names}
    assert difference(found, namespace, robot, "twin") == {}


@needs_control_msgs
@pytest.mark.parametrize("robot", robot_names())
def test_moveit(namespace, robot, monkeypatch):
    # MoveIt's own nodes are in another profile of the same policy.
    monkeypatch.setattr(moveit_node, "start_planner", lambda *_: PlannerDouble(load_robot(robot)))
    found = of_node(MoveItNode, "moveit", namespace, robot=robot)
    assert difference(found, namespace, robot, "moveit") == {}


def test_the_planner(namespace):
    with DrGraspClient(namespace):
        context = rclpy.Context()
        rclpy.init(context=context)
        watcher = rclpy.create_node("watcher", context=context)
        try:
            deadline = time.monotonic() + LIMIT_S
            while True:
                found = {kind: set() for kind in KINDS}
                if ("planner", namespace) in watcher.get_node_names_and_namespaces():
                    found = interfaces(watcher, "planner", namespace)
                left = difference(found, namespace, "franka", "planner")
                if not left or time.monotonic() > deadline:
                    break
                time.sleep(0.1)
        finally:
            watcher.destroy_node()
            context.shutdown()
    assert left == {}


def test_a_client_without_a_right_and_a_right_without_use_are_found(namespace, tmp_path):
    class Curious(RecorderNode):
        def __init__(self):
            super().__init__()
            self.create_client(CancelGoal, "execute_grasps/_action/cancel_goal")

    found = of_node(Curious, "recorder", namespace, bag=tmp_path / "bag")
    assert difference(found, namespace, "franka", "recorder")["request"] == {
        "forbidden": {f"{namespace}/execute_grasps/_action/cancel_goal"},
        "idle": set(),
    }
    found["publish"].clear()
    idle = difference(found, namespace, "franka", "recorder")["publish"]["idle"]
    assert f"{namespace}/outcome_reports" in idle
