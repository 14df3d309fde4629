"""A robot's URDF and SRDF for ROS, with the names of its joint states."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree

from dr_grasp.common.xml_text import read_xml
from dr_grasp.core.arrays import FloatArray
from dr_grasp.errors import SettingsError
from dr_grasp.robots.forward_kinematics import chain_to
from dr_grasp.robots.robot_spec import RobotSpec

HAND_GROUP = "hand"

HOME = "home"
"""Name of the group states: the arm at home, the hand open."""


def ros_urdf(robot: RobotSpec) -> str:
    """The prepared URDF as text, with the names that ROS uses and meshes as file://.

    Transmissions, hints for simulators and all else that is not the robot itself are left out.
    """
    root = read_xml(robot.model.urdf)
    root.set("name", robot.name)  # an SRDF has to have the same
    for element in list(root):
        if element.tag not in ("link", "joint", "material"):
            root.remove(element)
    for mesh in root.iter("mesh"):
        mesh.set("filename", Path(mesh.get("filename", "")).as_uri())
    mimics = {mimic.joint: mimic for mimic in robot.model.mimics}
    for joint in root.findall("joint"):
        for element in joint.findall("mimic"):
            # Mimics of mimics name their drive: robot_state_publisher follows one step only.
            mimic = mimics[joint.get("name", "")]
            element.set("joint", robot.outside(mimic.follows))
            element.set("multiplier", repr(mimic.multiplier))
            element.set("offset", repr(mimic.offset))
        for tag in ("parent", "child"):
            for element in joint.findall(tag):
                element.set("link", robot.outside(element.get("link", "")))
    for link in root.findall("link"):
        for element in link.findall("inertial"):
            # KDL has no inertia for what stands still, and complains.
            if link.get("name") == robot.base_link:
                link.remove(element)
    for element in (*root.findall("link"), *root.findall("joint")):
        element.set("name", robot.outside(element.get("name", "")))
    return ElementTree.tostring(root, encoding="unicode")


def srdf(robot: RobotSpec, group: str) -> str:
    """The SRDF for MoveIt: planning groups, home, pairs of links that may touch.

    The root link needs no virtual joint: MoveIt takes it as fixed to the world.

    Raises:
        SettingsError: The arm is no chain; MoveIt's kinematics needs one.
    """
    root = ElementTree.Element("robot", {"name": robot.name})
    tip = robot.outside(arm_tip(robot))
    arm = ElementTree.SubElement(root, "group", {"name": group})
    base = robot.outside(robot.base_link)
    ElementTree.SubElement(arm, "chain", {"base_link": base, "tip_link": tip})
    hand = ElementTree.SubElement(root, "group", {"name": HAND_GROUP})
    for link in _hand_links(robot):
        ElementTree.SubElement(hand, "link", {"name": robot.outside(link)})
    for joint in robot.hand_joints:
        ElementTree.SubElement(hand, "joint", {"name": robot.outside(joint)})
    _state(root, group, robot, robot.arm_joints, robot.home)
    _state(root, HAND_GROUP, robot, robot.hand_joints, robot.hand_open)
    ElementTree.SubElement(
        root,
        "end_effector",
        {"name": "hand", "parent_link": tip, "group": HAND_GROUP, "parent_group": group},
    )
    pairs = sorted(
        sorted(robot.outside(link) for link in pair) for pair in robot.model.allowed_collisions
    )
    links = {robot.outside(link) for link in robot.model.links}
    for first, second in pairs:
        if first in links and second in links:  # an SRDF may name links that its URDF lacks
            names = {"link1": first, "link2": second, "reason": "Allowed"}
            ElementTree.SubElement(root, "disable_collisions", names)
    ElementTree.indent(root)
    return ElementTree.tostring(root, encoding="unicode")


def arm_tip(robot: RobotSpec) -> str:
    """The link that the last arm joint carries.

    Raises:
        SettingsError: Between the base and that link, other joints move than those of the arm.
    """
    to_tool = chain_to(robot, robot.tcp_link)
    moving = [joint for joint in to_tool if joint.kind != "fixed"]
    arm = [joint for joint in moving if joint.name not in _hand_moves(robot)]
    if tuple(joint.name for joint in arm) != robot.arm_joints or moving[: len(arm)] != arm:
        raise SettingsError(
            f"robot {robot.name}: arm.joints: expected for MoveIt a chain from {robot.base_link} "
            f"to the hand, got {', '.join(robot.arm_joints)}; on that way move "
            f"{', '.join(joint.name for joint in moving) or 'none'}"
        )
    return arm[-1].child


def _hand_moves(robot: RobotSpec) -> set[str]:
    return {*robot.hand_joints, *(mimic.joint for mimic in robot.model.mimics)}


def _hand_links(robot: RobotSpec) -> list[str]:
    """Links of the hand, without those that an arm joint carries: these would add that joint."""
    carried = {
        joint.child for joint in chain_to(robot, robot.tcp_link) if joint.name in robot.arm_joints
    }
    return [link for link in robot.hand_links if link not in carried]


def _state(
    root: ElementTree.Element,
    group: str,
    robot: RobotSpec,
    joints: tuple[str, ...],
    positions: FloatArray,
) -> None:
    state = ElementTree.SubElement(root, "group_state", {"name": HOME, "group": group})
    for joint, position in zip(joints, positions, strict=True):
        value = {"name": robot.outside(joint), "value": repr(float(position))}
        ElementTree.SubElement(state, "joint", value)
