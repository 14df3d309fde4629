"""Real nodes in real processes."""

import threading

import pytest

pytest.importorskip("rclpy", reason="needs ROS, which `make test-noble` does without")

import rclpy
from rclpy.executors import MultiThreadedExecutor

from dr_grasp.bringup.processes import NodeProcesses
from dr_grasp.ros.client import DrGraspClient


@pytest.fixture(scope="session")
def system(tmp_path_factory, new_namespace):
    """All four nodes and a planner, for tests that leave them as they were."""
    folder = tmp_path_factory.mktemp("system")
    space = new_namespace()
    commands = {
        "scorer": {"jobs": 2},
        "executor": {"connect_s": 60},
        "recorder": {"bag": str(folder / "bag")},
        "twin": {"recorder_s": 60},
    }
    with NodeProcesses(commands, space, folder / "logs") as nodes, DrGraspClient(space) as planner:
        yield System(nodes, planner, folder / "bag", space)
        nodes.check()


class System:
    """What tests need of running nodes."""

    def __init__(self, nodes, planner, bag, namespace):
        self.nodes = nodes
        self.planner = planner
        self.bag = bag
        self.namespace = namespace


@pytest.fixture
def node(namespace):
    """A node of this process whose callbacks run in other threads."""
    rclpy.init()
    node = rclpy.create_node("tester", namespace=namespace)
    executor = MultiThreadedExecutor(6)
    executor.add_node(node)
    thread = threading.Thread(target=executor.spin, daemon=True)
    thread.start()
    yield node
    executor.shutdown(timeout_sec=5.0)
    thread.join(5.0)
    node.destroy_node()
    rclpy.shutdown()
