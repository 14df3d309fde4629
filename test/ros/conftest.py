"""Real nodes in real processes, on loopback and in a namespace that nobody else uses."""

import itertools
import os

import pytest

from dr_grasp.ros.planner import Planner
from dr_grasp.ros.processes import NodeCommand, NodeProcesses

NUMBERS = itertools.count()


@pytest.fixture(scope="session", autouse=True)
def loopback_only():
    before = os.environ.get("ROS_AUTOMATIC_DISCOVERY_RANGE")
    os.environ["ROS_AUTOMATIC_DISCOVERY_RANGE"] = "LOCALHOST"
    yield
    if before is None:
        del os.environ["ROS_AUTOMATIC_DISCOVERY_RANGE"]
    else:
        os.environ["ROS_AUTOMATIC_DISCOVERY_RANGE"] = before


@pytest.fixture
def namespace():
    return f"/test_{os.getpid()}_{next(NUMBERS)}"


@pytest.fixture(scope="module")
def system(tmp_path_factory):
    """All four nodes and a planner, for tests that leave them as they were."""
    folder = tmp_path_factory.mktemp("system")
    space = f"/test_{os.getpid()}_{next(NUMBERS)}"
    commands = [
        NodeCommand("scorer", {"jobs": 2}),
        NodeCommand("executor", {"connect_s": 60}),
        NodeCommand("recorder", {"bag": str(folder / "bag")}),
        NodeCommand("twin", {}),
    ]
    with NodeProcesses(commands, space, folder / "logs") as nodes, Planner(space) as planner:
        yield System(nodes, planner, folder / "bag", space)
        nodes.check()


class System:
    """What tests need of running nodes."""

    def __init__(self, nodes, planner, bag, namespace):
        self.nodes = nodes
        self.planner = planner
        self.bag = bag
        self.namespace = namespace
