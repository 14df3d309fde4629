"""The twin's node as it starts: what it refuses, and what it serves where packages are missing."""

from __future__ import annotations

import sys

import pytest

from dr_grasp.errors import DrGraspError
from dr_grasp.ros.twin_node import TwinNode

from ..in_process import running

FRANKA_HAND = (
    "extends: franka\n"
    "controllers:\n"
    "  hand: {interface: franka_grasp, action: panda_gripper/grasp, holding_margin: 0.001}\n"
)


def refusal(namespace, **parameters):
    """What a node says that cannot start; it has a name that no other node of the test has.

    Until Python collects it, the graph shows what there is of it.
    """
    alone = f"{namespace}/refused"
    with pytest.raises(DrGraspError) as caught, running(TwinNode, alone, **parameters):
        pass
    return str(caught.value)


def actions_of(node):
    """Types of the actions that a node serves, by their names in its namespace."""
    served = node.get_service_names_and_types_by_node("twin", node.get_namespace())
    goals = {name: types for name, types in served if name.endswith("/_action/send_goal")}
    return {
        name.removeprefix(f"{node.get_namespace()}/").removesuffix("/_action/send_goal"): kind
        for name, (kind,) in goals.items()
    }


BACKEND = {"attempt_grasp": "dr_grasp_interfaces/action/AttemptGrasp_SendGoal"}


@pytest.fixture
def no_control_msgs(monkeypatch):
    monkeypatch.setitem(sys.modules, "control_msgs.action", None)


@pytest.fixture
def no_franka_msgs(monkeypatch):
    monkeypatch.setitem(sys.modules, "franka_msgs.action", None)


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"controllers": "maybe"}, "controllers: expected true, false or auto, got maybe"),
        ({"lag_s": -1.0}, "parameter lag_s"),
        ({"speed": 0.0, "controllers": True}, "parameter speed"),
        ({"abort_after_s": 1.0}, "abort_after_s: faults are of a twin that serves controllers"),
    ],
)
def test_a_start_that_makes_no_sense_is_refused(namespace, parameters, message):
    assert message in refusal(namespace, **parameters)


def test_a_fault_that_cannot_be_is_refused(namespace):
    pytest.importorskip("control_msgs", reason="control_msgs is not installed")
    said = refusal(namespace, controllers=True, lagging_joint="elbow")
    assert "unknown lagging_joint 'elbow'; expected one of panda_fin" in said


def test_a_robot_without_controllers_is_refused_or_left_alone(own_robot, namespace):
    own_robot("simulated", "extends: franka\ncontrollers: null\nmoveit: null\n")
    said = refusal(namespace, controllers=True, robot="simulated")
    assert "robot simulated: expected the sections controllers and moveit in its file" in said
    with running(TwinNode, namespace, controllers="auto", robot="simulated") as node:
        assert actions_of(node) == BACKEND


def test_without_control_msgs_it_says_what_to_install_or_goes_without(namespace, no_control_msgs):
    assert refusal(namespace, controllers=True).startswith(
        "control_msgs: expected installed (ros-jazzy-control-msgs), got "
    )
    with running(TwinNode, namespace, controllers="auto") as node:
        assert actions_of(node) == BACKEND


def test_without_franka_msgs_its_gripper_takes_gripper_command(
    own_robot, namespace, no_franka_msgs, capfd
):
    pytest.importorskip("control_msgs", reason="control_msgs is not installed")
    own_robot("mine", FRANKA_HAND)
    with running(TwinNode, namespace, controllers="auto", robot="mine") as node:
        assert actions_of(node) == {
            "panda_arm_controller/follow_joint_trajectory": (
                "control_msgs/action/FollowJointTrajectory_SendGoal"
            ),
            "panda_gripper/grasp": "control_msgs/action/GripperCommand_SendGoal",
        }
    said = capfd.readouterr().err
    assert "franka_msgs: expected installed" in said
    assert "panda_gripper/grasp takes GripperCommand instead" in said
