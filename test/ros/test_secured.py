"""Our nodes with SROS 2 switched on, where sros2 and a DDS with security are installed."""

from __future__ import annotations

import os
import time
from contextlib import ExitStack, contextmanager
from unittest import mock

import pytest
import rclpy
from rclpy.action import ActionClient

from dr_grasp.bringup.processes import NodeProcesses
from dr_grasp.bringup.security import check_keystore, enclave, environment, policies
from dr_grasp.core.outcome import Outcome
from dr_grasp.recording.bag_reader import read_bag
from dr_grasp.robots.robot_spec import load_robot
from dr_grasp.ros.client import DrGraspClient
from dr_grasp.ros.qos import RESULTS
from dr_grasp_interfaces.action import AttemptGrasp, ExecuteGrasps
from dr_grasp_interfaces.msg import GraspScore

generation = pytest.importorskip(
    "sros2.api._artifact_generation", reason="sros2 is not installed; it comes with ROS 2"
)

NODES = {"scorer": {"jobs": 1}, "executor": {"connect_s": 60}, "recorder": {}, "twin": {}}
LIMIT_S = 60.0


@pytest.fixture(scope="module")
def space(new_namespace):
    return new_namespace()


@pytest.fixture(scope="module")
def keystore(space, tmp_path_factory):
    folder = tmp_path_factory.mktemp("keys")
    policy = folder / "policy.xml"
    policy.write_text(policies(space.strip("/"), load_robot("franka")))
    generation.generate_artifacts(folder / "keystore", [], [policy])
    names = [enclave(space.strip("/"), name) for name in (*NODES, "planner", "monitor")]
    check_keystore(folder / "keystore", names, "")
    return folder / "keystore"


@contextmanager
def secured(keystore, space, name):
    with mock.patch.dict(os.environ, environment(keystore, enclave(space.strip("/"), name))):
        yield


@contextmanager
def node_of(name, space):
    context = rclpy.Context()
    rclpy.init(context=context)
    try:
        node = rclpy.create_node(name, namespace=space, context=context)
    except RuntimeError as error:
        context.shutdown()
        if "security libraries" in str(error):
            pytest.skip("this DDS was built without security")
        raise
    try:
        yield node
    finally:
        node.destroy_node()
        context.shutdown()


@pytest.fixture(scope="module")
def bag(space, keystore, tmp_path_factory):
    """The nodes run, each in its enclave; the bag that they record."""
    with secured(keystore, space, "monitor"), node_of("monitor", space):
        pass  # skips if there is no security
    folder = tmp_path_factory.mktemp("secured")
    with ExitStack() as running:
        for name, parameters in NODES.items():
            given = parameters | ({"bag": str(folder / "bag")} if name == "recorder" else {})
            with secured(keystore, space, name):
                nodes = NodeProcesses({name: given}, space, folder / "logs")
                running.enter_context(nodes)
            running.callback(nodes.check)
        yield folder / "bag"


def wait_until(condition):
    deadline = time.monotonic() + LIMIT_S
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.1)


def test_grasps_are_scored_executed_and_recorded(space, keystore, bag, block_grasps):
    with secured(keystore, space, "planner"), DrGraspClient(space, LIMIT_S) as planner:
        scores = planner.score(block_grasps[:1], trials=1, criteria=["mdr"]).scores
        (attempt,) = planner.execute(block_grasps[:1], scores, top=1).attempts
        planner.record_outcome(attempt.attempt_id, Outcome.FAILED, "it wobbled", "Ada")
    content = read_bag(bag)
    assert [kept.attempt_id for kept in content.attempts] == [attempt.attempt_id]
    assert [report.attempt_id for report in content.reports] == [attempt.attempt_id]


def test_who_only_listens_sees_all_and_cannot_ask(space, keystore, bag):
    with secured(keystore, space, "monitor"), node_of("monitor", space) as node:
        wait_until(lambda: set(NODES) <= set(node.get_node_names()))
        node.create_subscription(GraspScore, "scores", print, RESULTS)
        with pytest.raises(RuntimeError, match="publisher"):
            node.create_publisher(GraspScore, "scores", RESULTS)
        for kind, name in ((ExecuteGrasps, "execute_grasps"), (AttemptGrasp, "attempt_grasp")):
            with pytest.raises(ValueError, match="action client"):
                ActionClient(node, kind, name)


def test_a_planner_cannot_go_past_the_executor(space, keystore, bag):
    with secured(keystore, space, "planner"), node_of("planner", space) as node:
        assert ActionClient(node, ExecuteGrasps, "execute_grasps").wait_for_server(LIMIT_S)
        with pytest.raises(ValueError, match="action client"):
            ActionClient(node, AttemptGrasp, "attempt_grasp")


def test_a_stranger_without_keys_sees_nobody(space, keystore, bag):
    with node_of("stranger", space) as node:
        client = ActionClient(node, AttemptGrasp, "attempt_grasp")
        assert not client.wait_for_server(5.0)
        seen = [name for name, where in node.get_node_names_and_namespaces() if where == space]
        assert seen == ["stranger"]
