"""Policies of SROS 2: valid, made for a robot and a namespace, and no wider than is meant."""

from __future__ import annotations

import os
from pathlib import Path
from xml.etree import ElementTree

import pytest
import yaml

from dr_grasp.bringup.security import FILES, check_keystore, enclave, environment, policies
from dr_grasp.common.settings import read_yaml
from dr_grasp.errors import SettingsError
from dr_grasp.robots.robot_spec import load_robot, robot_names

from .policy_rights import enclaves

FOLDER = Path(__file__).resolve().parents[2] / "config" / "security"
SOURCES = {file.name.removesuffix(".policy.xml"): file for file in FOLDER.glob("*")}

# sros2 0.13.0, sros2/policy/schemas/policy.xsd: for each element its children, the attributes that
# it must have, and those that it may have.
RULES = {
    "policy": ({"enclaves"}, {"version"}, set()),
    "enclaves": ({"enclave"}, set(), set()),
    "enclave": ({"profiles"}, {"path"}, set()),
    "profiles": ({"profile", "metadata"}, set(), {"type"}),
    "profile": ({"topics", "services", "actions"}, {"ns", "node"}, set()),
    "topics": ({"topic"}, set(), {"publish", "subscribe"}),
    "services": ({"service"}, set(), {"reply", "request"}),
    "actions": ({"action"}, set(), {"call", "execute"}),
    "topic": (set(), set(), set()),
    "service": (set(), set(), set()),
    "action": (set(), set(), set()),
}
MAY_BE_EMPTY = {"profile", "topic", "service", "action"}
QUALIFIERS = {"publish", "subscribe", "reply", "request", "call", "execute"}
ACTIONS = {
    "baxter": (
        "robot/limb/right/follow_joint_trajectory",
        "robot/end_effector/right_gripper/gripper_action",
    ),
    "franka": ("panda_arm_controller/follow_joint_trajectory", "franka_gripper/gripper_action"),
    "ur5_schunk_sih": (
        "scaled_joint_trajectory_controller/follow_joint_trajectory",
        "sih_controller/follow_joint_trajectory",
    ),
}


def check_schema(text):
    root = ElementTree.fromstring(text)
    assert root.tag == "policy" and root.get("version") == "0.2.0"
    for element in root.iter():
        children, needed, optional = RULES[element.tag]
        assert {child.tag for child in element} <= children
        assert len(element) > 0 or element.tag in MAY_BE_EMPTY
        assert needed <= element.attrib.keys() <= needed | optional
        for name in QUALIFIERS & element.attrib.keys():
            assert element.get(name) in ("ALLOW", "DENY")
        if not children:
            assert element.text and element.text == element.text.strip()


@pytest.mark.parametrize("name", SOURCES)
def test_each_file_is_valid_and_for_one_enclave(name):
    text = SOURCES[name].read_text()
    check_schema(text)
    assert list(enclaves(text)) == [f"/{name}"]


@pytest.mark.parametrize("name", robot_names())
@pytest.mark.parametrize("space", ["", "lab", "lab/left"])
def test_what_is_made_for_a_robot_is_valid(name, space):
    text = policies(space, load_robot(name))
    check_schema(text)
    assert "{" not in text
    assert list(enclaves(text)) == sorted(enclave(space, node) for node in SOURCES)


def test_sros2_takes_what_is_made(tmp_path):
    policy = pytest.importorskip("sros2.policy", reason="sros2 is not installed")
    for name in robot_names():
        file = tmp_path / f"{name}.xml"
        file.write_text(policies("lab", load_robot(name)))
        policy.load_policy(file)


def who_may(rights, kind, name):
    return {path for path, given in rights.items() if given.may(kind, name)}


@pytest.mark.parametrize("name", robot_names())
def test_few_may_move_an_arm_or_write_the_record(name):
    rights = enclaves(policies("lab", load_robot(name)))

    def clients(service):
        return who_may(rights, "request", f"/lab/{service}")

    assert clients("execute_grasps/_action/send_goal") == {"/lab/planner"}
    assert clients("attempt_grasp/_action/send_goal") == {"/lab/executor"}
    for action in ACTIONS[name]:
        assert clients(f"{action}/_action/send_goal") == {"/lab/moveit", "/lab/driver"}
        # The executor stops an arm whose backend has died.
        assert clients(f"{action}/_action/cancel_goal") >= {"/lab/executor"}
    for service in ("begin_attempt", "record_attempt"):
        assert clients(service) == {"/lab/twin", "/lab/moveit"}
    assert clients("record_outcome") == {"/lab/planner"}
    assert clients("twin/set_parameters") == {"/lab/driver"}
    for topic, writers in {
        "attempt_grasp/heartbeat": {"/lab/executor"},
        "execute_grasps/heartbeat": {"/lab/planner"},
        "recorder/alive": {"/lab/recorder"},
        "attempts": {"/lab/twin", "/lab/moveit"},
        "scores": {"/lab/scorer"},
        # These change what MoveIt believes to be in the way.
        "planning_scene": {"/lab/driver"},
        "collision_object": {"/lab/driver"},
    }.items():
        assert who_may(rights, "publish", f"/lab/{topic}") == writers
    assert who_may(rights, "reply", "/lab/record_attempt") == {"/lab/recorder"}


def test_who_only_listens_hears_everything_and_asks_for_nothing():
    rights = enclaves(policies("lab", load_robot("franka")))
    for path in ("/lab/monitor", "/lab/rviz2"):
        assert rights[path].may("subscribe", "/lab/attempt_grasp/_action/feedback")
        assert rights[path].allow["request"] == set()


def test_another_namespace_is_out_of_reach():
    rights = enclaves(policies("lab", load_robot("franka")))
    for kind in ("reply", "request"):
        assert who_may(rights, kind, "/other/attempt_grasp/_action/send_goal") == {"/lab/driver"}
    assert who_may(rights, "publish", "/other/attempt_grasp/heartbeat") == {"/lab/driver"}


def test_a_gripper_with_two_actions_and_an_arm_without_any(configuration):
    robots = configuration / "robots"
    content = read_yaml(robots / "franka.yaml")
    hand = {"interface": "franka_grasp", "action": "gripper/grasp", "holding_margin": 0.001}
    content["controllers"]["hand"] = hand
    (robots / "two.yaml").write_text(yaml.safe_dump(content))
    for section in ("controllers", "moveit", "driver"):
        del content[section]
    (robots / "none.yaml").write_text(yaml.safe_dump(content))
    rights = enclaves(policies("", load_robot("two")))
    for action in ("/gripper/grasp", "/gripper/move"):
        assert who_may(rights, "request", f"{action}/_action/send_goal") == {"/moveit", "/driver"}
        assert who_may(rights, "request", f"{action}/_action/cancel_goal") >= {"/executor"}
    text = policies("", load_robot("none"))
    check_schema(text)
    assert enclaves(text)["/executor"].allow["request"] == {
        f"/attempt_grasp/_action/{part}" for part in ("cancel_goal", "get_result", "send_goal")
    }


@pytest.fixture
def keystore(tmp_path, monkeypatch):
    """A keystore with the enclave /lab/scorer for domain 7, as far as it is looked at."""
    monkeypatch.setenv("ROS_DOMAIN_ID", "7")
    folder = tmp_path / "keys" / "enclaves" / "lab" / "scorer"
    folder.mkdir(parents=True)
    for file in FILES:
        (folder / file).write_text("x")
    (folder / "permissions.xml").write_text("<dds><domains><id>7</id></domains></dds>")
    return tmp_path / "keys"


def refusal(keystore, *names):
    with pytest.raises(SettingsError) as raised:
        check_keystore(keystore, names, "make it so")
    assert "\n" not in str(raised.value)
    return str(raised.value)


def test_a_whole_keystore_is_taken(keystore):
    check_keystore(keystore, ["/lab/scorer"], "")
    # DDS itself does not read this one.
    (keystore / "enclaves/lab/scorer/permissions.xml").unlink()
    check_keystore(keystore, ["/lab/scorer"], "")


@pytest.mark.parametrize("file", FILES)
def test_a_missing_file_is_named_with_what_makes_it(keystore, file):
    (keystore / "enclaves/lab/scorer" / file).unlink()
    assert refusal(keystore, "/lab/scorer") == (
        f"security: expected {file} of the enclave /lab/scorer in "
        f"{keystore}/enclaves/lab/scorer, got no such file; make it: make it so"
    )


def test_a_missing_enclave_and_a_missing_keystore_are_named(keystore, tmp_path):
    for folder, names in (
        (keystore, ["/lab/scorer", "/lab/twin"]),
        (tmp_path / "nowhere", ["/lab/twin", "/lab/scorer"]),
    ):
        assert refusal(folder, *names) == (
            f"security: expected the enclave /lab/twin in {folder}/enclaves/lab/twin, got no such "
            "folder; make it: make it so"
        )


def test_permissions_for_another_domain_are_refused(keystore, monkeypatch):
    monkeypatch.delenv("ROS_DOMAIN_ID")
    assert refusal(keystore, "/lab/scorer") == (
        "security: expected permissions of the enclave /lab/scorer for ROS_DOMAIN_ID 0, got 7; "
        "make a new keystore: make it so"
    )
    (keystore / "enclaves/lab/scorer/permissions.xml").write_text("<dds>")
    assert "permissions.xml" in refusal(keystore, "/lab/scorer")


def test_a_process_is_secured_or_does_not_start():
    assert environment(Path("/keys"), "/lab/scorer") == {
        "ROS_SECURITY_ENABLE": "true",
        "ROS_SECURITY_STRATEGY": "Enforce",
        "ROS_SECURITY_KEYSTORE": "/keys",
        "ROS_SECURITY_ENCLAVE_OVERRIDE": "/lab/scorer",
    }
    assert "ROS_SECURITY_KEYSTORE" not in os.environ
