"""URDF, SRDF and MoveIt's parameters, made from a robot's file under the names outside."""

import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from urllib.parse import unquote, urlparse
from xml.etree import ElementTree

import numpy as np
import pytest
import yaml

from dr_grasp.errors import SettingsError
from dr_grasp.robots.forward_kinematics import chain_to
from dr_grasp.robots.hardware_settings import (
    ControllerSettings,
    HandControllerSettings,
    HandInterface,
)
from dr_grasp.robots.moveit_config import moveit_config
from dr_grasp.robots.robot_spec import load_robot, robot_names
from dr_grasp.robots.ros_description import arm_tip, ros_urdf, srdf


@pytest.fixture(params=robot_names(), scope="module")
def robot(request):
    return load_robot(request.param)


@pytest.fixture(scope="module")
def sih():
    return load_robot("ur5_schunk_sih")


@pytest.fixture
def renamed(configuration, franka):
    """The Franka under the names of another maker's description, as a user's file has it."""
    path = configuration / "robots" / "other.urdf"
    path.write_text(franka.model.urdf.read_text().replace('"panda_', '"fr3_'))
    names = {name: name.replace("panda_", "fr3_") for name in franka.model.links}
    names |= {name: name.replace("panda_", "fr3_") for name in franka.model.limits}
    file = {"extends": "franka", "urdf": str(path), "srdf": None, "names": names}
    (configuration / "robots" / "other.yaml").write_text(yaml.safe_dump(file))
    return load_robot("other")


def xml(text):
    return ElementTree.fromstring(text)


def names(root, tag):
    return {element.get("name") for element in root.findall(tag)}


def with_package(robot, name):
    moveit = robot.hardware.moveit.model_copy(update={"package": name})
    return replace(robot, hardware=replace(robot.hardware, moveit=moveit))


def with_hand(robot, interface):
    hand = HandControllerSettings(interface=interface, action="grip", holding_margin=0.002)
    controllers = ControllerSettings(arm="/left/arm/follow", hand=hand)
    return replace(robot, hardware=replace(robot.hardware, controllers=controllers))


def test_the_urdf_says_of_the_robot_what_the_prepared_one_says(robot):
    ours = ElementTree.parse(robot.model.urdf).getroot()
    root = xml(ros_urdf(robot))
    assert {child.tag for child in root} <= {"link", "joint", "material"}
    for tag in ("link", "joint"):
        expected = {robot.names.get(name, name) for name in names(ours, tag)}
        assert names(root, tag) == expected
    assert (
        root.get("name") == xml(srdf(robot, robot.hardware.moveit.group)).get("name") == robot.name
    )
    for link in ours.findall(f"link[@name='{robot.base_link}']"):
        for inertial in link.findall("inertial"):
            link.remove(inertial)
    for tag in ("axis", "limit", "origin", "box", "mass", "inertia"):
        assert [e.attrib for e in root.iter(tag)] == [e.attrib for e in ours.iter(tag)]


def test_every_joint_is_between_links_that_are_there(robot):
    root = xml(ros_urdf(robot))
    links, joints = names(root, "link"), names(root, "joint")
    for joint in root.findall("joint"):
        assert {joint.find("parent").get("link"), joint.find("child").get("link")} <= links
    assert {mimic.get("joint") for mimic in root.iter("mimic")} <= joints


def test_meshes_are_where_the_urdf_says(robot):
    addresses = [mesh.get("filename") for mesh in xml(ros_urdf(robot)).iter("mesh")]
    assert addresses
    for address in addresses:
        assert address.startswith("file:///")
        assert Path(unquote(urlparse(address).path)).is_file()


def test_mimics_of_mimics_name_their_drive(sih):
    root = xml(ros_urdf(sih))
    drives = {joint.get("name"): joint.find("mimic") for joint in root.findall("joint")}
    for mimic in sih.model.mimics:
        element = drives[mimic.joint]
        assert element.get("joint") == mimic.follows and mimic.follows in sih.hand_joints
        assert float(element.get("multiplier")) == mimic.multiplier
        assert float(element.get("offset")) == mimic.offset


def test_the_srdf_fits_the_urdf(robot):
    urdf, root = xml(ros_urdf(robot)), xml(srdf(robot, robot.hardware.moveit.group))
    links, joints = names(urdf, "link"), names(urdf, "joint")
    for element in root.iter():
        if element.tag == "joint":
            assert element.get("name") in joints
        for key in ("link1", "link2", "base_link", "tip_link", "parent_link"):
            assert element.get(key) is None or element.get(key) in links
    assert names(root, "group") == {robot.hardware.moveit.group, "hand"}
    assert {link.get("name") for link in root.iter("link")} <= links
    pairs = {
        frozenset((pair.get("link1"), pair.get("link2")))
        for pair in root.iter("disable_collisions")
    }
    assert pairs == {
        frozenset(robot.names.get(link, link) for link in pair)
        for pair in robot.model.allowed_collisions
        if pair <= set(robot.model.links)
    }
    states = {state.get("group"): state for state in root.findall("group_state")}
    home = [float(joint.get("value")) for joint in states[robot.hardware.moveit.group]]
    np.testing.assert_array_equal(home, robot.home)


def test_the_chain_of_the_group_has_the_arm_joints_and_no_other(robot):
    chain = xml(srdf(robot, robot.hardware.moveit.group)).find("group/chain")
    moving = [joint.name for joint in chain_to(robot, arm_tip(robot)) if joint.kind != "fixed"]
    assert moving == list(robot.arm_joints)
    assert chain.get("tip_link") == robot.names.get(arm_tip(robot), arm_tip(robot))


def test_the_same_robot_has_the_same_text_in_every_process(robot):
    code = (
        "from dr_grasp.robots.robot_spec import load_robot\n"
        "from dr_grasp.robots.ros_description import srdf\n"
        f"robot = load_robot({robot.name!r})\n"
        "print(srdf(robot, robot.hardware.moveit.group))"
    )
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert said.stdout.rstrip("\n") == srdf(robot, robot.hardware.moveit.group)


def test_parameters_survive_the_file_that_moveit_py_writes(robot):
    config = moveit_config(robot)
    assert yaml.safe_load(yaml.dump(config)) == config

    def leaves(value):
        if isinstance(value, dict):
            for inner in value.values():
                yield from leaves(inner)
        else:
            yield value

    for leaf in leaves(config):
        # ROS knows no empty array and no array of mixed types.
        assert not isinstance(leaf, list) or (leaf and len({type(one) for one in leaf}) == 1)


def test_all_driven_joints_have_limits(robot):
    limits = moveit_config(robot)["robot_description_planning"]["joint_limits"]
    assert list(limits) == [
        robot.names.get(joint, joint) for joint in (*robot.arm_joints, *robot.hand_joints)
    ]
    for joint, own, most in zip(
        robot.arm_joints, robot.arm_limits, robot.hardware.moveit.accelerations, strict=True
    ):
        found = limits[robot.names.get(joint, joint)]
        assert (found["max_velocity"], found["max_acceleration"]) == (own.velocity, most)
        assert found["has_velocity_limits"] is found["has_acceleration_limits"] is True


def test_outside_names_are_used_everywhere(renamed):
    config = moveit_config(renamed)
    assert "panda_" not in yaml.dump(
        {key: value for key, value in config.items() if not key.startswith(("ompl", "robot_desc"))}
        | {"moveit_simple_controller_manager": None}
    )
    controllers = config["moveit_simple_controller_manager"]
    assert controllers["panda_arm_controller"]["joints"] == [f"fr3_joint{i}" for i in range(1, 8)]
    assert set(config["robot_description_planning"]["joint_limits"]) == {
        *(f"fr3_joint{i}" for i in range(1, 8)),
        "fr3_finger_joint1",
    }
    urdf, semantic = xml(config["robot_description"]), xml(config["robot_description_semantic"])
    for root in (urdf, semantic):
        for element in root.iter():
            for key in ("name", "link", "joint", "link1", "link2", "base_link", "tip_link"):
                if element.tag != "robot" and element.get("name") != "panda_arm":
                    assert not element.get(key, "").startswith("panda_"), element.attrib


def test_the_root_of_the_ur5_is_called_as_its_driver_calls_it(sih):
    root = xml(ros_urdf(sih))
    children = {joint.find("child").get("link") for joint in root.findall("joint")}
    assert names(root, "link") - children == {"world"}
    assert xml(srdf(sih, sih.hardware.moveit.group)).find("group/chain").get("base_link") == "world"


@pytest.mark.parametrize(
    ("interface", "kind"),
    [
        (HandInterface.PARALLEL_GRIPPER, "ParallelGripperCommand"),
        (HandInterface.GRIPPER_COMMAND, "GripperCommand"),
        (HandInterface.JOINT_TRAJECTORY, "FollowJointTrajectory"),
    ],
)
def test_controllers_are_those_of_the_file(franka, interface, kind):
    config = moveit_config(with_hand(franka, interface))
    controllers = config["moveit_simple_controller_manager"]
    assert controllers["controller_names"] == ["/left/arm", "grip"]
    assert controllers["/left/arm"]["action_ns"] == "follow"
    assert controllers["/left/arm"]["type"] == "FollowJointTrajectory"
    assert controllers["grip"]["action_ns"] == ""
    assert (controllers["grip"]["type"], controllers["grip"]["joints"]) == (
        kind,
        ["panda_finger_joint1"],
    )


def test_what_moveit_has_no_client_for_is_left_out(franka):
    config = moveit_config(with_hand(franka, HandInterface.FRANKA_GRASP))
    controllers = config["moveit_simple_controller_manager"]
    assert controllers["controller_names"] == ["/left/arm"]


def test_a_robot_that_cannot_be_reached_is_refused(franka):
    with pytest.raises(SettingsError, match=r"robot franka: expected the sections controllers and"):
        moveit_config(replace(franka, hardware=None))


def test_an_arm_that_is_no_chain_is_refused(franka):
    robot = replace(franka, arm_joints=franka.arm_joints[1:])
    with pytest.raises(
        SettingsError,
        match=r"robot franka: arm.joints: expected for MoveIt a chain from panda_link0 to the "
        r"hand, got panda_joint2, .*; on that way move panda_joint1, panda_joint2",
    ):
        srdf(robot, robot.hardware.moveit.group)


def test_a_users_package_needs_moveits_own_tools(franka, monkeypatch):
    monkeypatch.setitem(sys.modules, "moveit_configs_utils", None)
    with pytest.raises(
        SettingsError,
        match=r"robot franka: moveit.package my_moveit_config: expected moveit_configs_utils "
        r"installed \(ros-jazzy-moveit-configs-utils\), got ",
    ):
        moveit_config(with_package(franka, "my_moveit_config"))


class PackageNotFoundError(KeyError):
    """As that of ament_index_python, which is missing where there is no ROS."""


class Configs:
    """What we use of MoveItConfigs of moveit_configs_utils 2.12.4, with the arguments it has."""

    __slots__ = ("_said",)

    def __init__(self, said):
        self._said = said

    def to_dict(self):
        return self._said


class Builder:
    """What we use of MoveItConfigsBuilder of moveit_configs_utils 2.12.4, with its arguments."""

    __slots__ = ("_said",)

    def __init__(self, robot_name, robot_description="robot_description", package_name=None):
        if package_name != "my_moveit_config":
            raise PackageNotFoundError(f"package '{package_name}' not found")
        self._said = {"name": robot_name, "publish_robot_description_semantic": False}

    def planning_pipelines(self, default_planning_pipeline=None, pipelines=None, load_all=True):
        self._said |= {
            "planning_pipelines": pipelines,
            "default_planning_pipeline": pipelines[0],
            **{name: {"planning_plugins": ["own"]} for name in pipelines},
        }
        return self

    def to_moveit_configs(self):
        return Configs(self._said)


@pytest.fixture
def builder(monkeypatch):
    module = ModuleType("moveit_configs_utils")
    module.MoveItConfigsBuilder = Builder
    monkeypatch.setitem(sys.modules, "moveit_configs_utils", module)


def test_a_users_package_takes_the_place_of_ours(franka, builder):
    config = moveit_config(with_package(franka, "my_moveit_config"))
    assert config["name"] == "my" and config["ompl"] == {"planning_plugins": ["own"]}
    # What MoveItCpp needs beside what such packages have.
    assert config["planning_pipelines"] == {"pipeline_names": ["ompl"]}
    assert config["plan_request_params"]["planning_pipeline"] == "ompl"
    assert config["publish_robot_description_semantic"] is True
    assert "robot_description" not in config


def test_a_package_that_is_not_there_is_named(franka, builder):
    with pytest.raises(
        SettingsError,
        match=r"moveit.package other: expected a MoveIt configuration package, got "
        r"PackageNotFoundError: .*package 'other' not found",
    ):
        moveit_config(with_package(franka, "other"))
