"""A scorer with a transfer model, and what RViz is shown of what it scores."""

import json
import time

import pytest
import rclpy
from rclpy.executors import SingleThreadedExecutor
from visualization_msgs.msg import Marker, MarkerArray

from dr_grasp.bringup.processes import NodeProcesses
from dr_grasp.core.ranking import rank
from dr_grasp.ros.client import DrGraspClient
from dr_grasp.ros.qos import RESULTS
from dr_grasp.transfer.transfer_model import write_model

LIMIT_S = 60.0


@pytest.fixture
def space(tmp_path, namespace, contrary_model):
    write_model(tmp_path / "model.json", contrary_model)
    commands = {"scorer": {"jobs": 1, "transfer_model": str(tmp_path / "model.json")}}
    commands["scorer"]["engine"] = "bullet"  # the model is of its scores
    with NodeProcesses(commands, namespace, tmp_path / "logs") as nodes:
        yield namespace
        nodes.check()


def test_scores_carry_probabilities_and_rviz_gets_markers(space, block_grasps, contrary_model):
    with DrGraspClient(space) as planner:
        answer = planner.score(block_grasps, criteria=["mdr"], trials=2, seed=5)
    for score in answer.scores:
        assert score.transfer_probability == contrary_model.predict(score, "franka")
    best = max(answer.scores, key=lambda score: score.transfer_probability)
    assert rank(answer.scores)[0].transfer_probability == best.transfer_probability
    shown = markers(space, len(block_grasps))
    assert {marker.ns for marker in shown} == {"goal_1/grasps", "goal_1/fitness"}
    assert {marker.id for marker in shown} == set(range(len(block_grasps)))


def markers(space, grasps):
    """What somebody sees who opens RViz afterwards."""
    context = rclpy.Context()
    rclpy.init(context=context)
    node = rclpy.create_node("viewer", namespace=space, context=context)
    executor = SingleThreadedExecutor(context=context)
    executor.add_node(node)
    heard = []

    def hear(array):
        heard.extend(marker for marker in array.markers if marker.action == Marker.ADD)

    try:
        node.create_subscription(MarkerArray, "grasp_markers", hear, RESULTS)
        deadline = time.monotonic() + LIMIT_S
        while len(heard) < 2 * grasps:
            assert time.monotonic() < deadline
            executor.spin_once(timeout_sec=0.1)
        return heard
    finally:
        node.destroy_node()
        rclpy.shutdown(context=context)


def test_a_file_that_is_no_model_is_named(tmp_path, namespace):
    path = tmp_path / "model.json"
    path.write_text(json.dumps({"kind": "other"}))
    commands = {"scorer": {"transfer_model": str(path)}}
    with NodeProcesses(commands, namespace, tmp_path / "logs") as nodes:
        deadline = time.monotonic() + LIMIT_S
        while time.monotonic() < deadline:
            try:
                nodes.check()
            except Exception as error:
                assert str(path) in str(error)
                return
            time.sleep(0.1)
    pytest.fail("it went on without its model")
