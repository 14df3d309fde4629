"""Forward kinematics from a robot's model, without a simulator and without ROS."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from xml.etree import ElementTree

import numpy as np
from scipy.spatial.transform import Rotation

from dr_grasp.common.xml_text import read_xml
from dr_grasp.core.arrays import FloatArray
from dr_grasp.core.geometry import Pose
from dr_grasp.errors import UnknownNameError
from dr_grasp.robots.attributes import axis_of, pose_of
from dr_grasp.robots.robot_spec import RobotSpec


@dataclass(frozen=True, slots=True, eq=False)
class Joint:
    """A joint of a prepared URDF.

    Attributes:
        name: Name of the joint.
        kind: "fixed", "revolute", "continuous" or "prismatic".
        parent: Name of the link that carries the joint.
        child: Name of the link that the joint carries.
        origin: Shape (4, 4), frame of the child in that of the parent at position zero.
        axis: Shape (3,), unit vector in the child's frame.
    """

    name: str
    kind: str
    parent: str
    child: str
    origin: FloatArray
    axis: FloatArray

    def moved(self, position: float) -> FloatArray:
        """Frame of the child in that of the parent, shape (4, 4).

        Args:
            position: Position of the joint [rad or m]; ignored by a fixed joint.
        """
        motion = np.eye(4)
        if self.kind == "prismatic":
            motion[:3, 3] = self.axis * position
        elif self.kind != "fixed":
            motion[:3, :3] = Rotation.from_rotvec(self.axis * position).as_matrix()
        return self.origin @ motion


def link_in_base(
    robot: RobotSpec, link: str, arm: FloatArray, hand: FloatArray | None = None
) -> Pose:
    """Pose of a link's frame in the robot's base frame.

    Args:
        robot: The robot.
        link: Name of the link.
        arm: Shape (n,), arm joints [rad or m].
        hand: Shape (m,), driven hand joints [rad or m]; None for open.

    Raises:
        UnknownNameError: The robot has no such link.
    """
    if link not in robot.model.links:
        raise UnknownNameError("link", link, robot.model.links)
    positions = joint_positions(robot, arm, robot.hand_open if hand is None else hand)
    frame = np.eye(4)
    for joint in chain_to(robot, link):
        frame = frame @ joint.moved(positions.get(joint.name, 0.0))
    return Pose.from_matrix(frame)


def joint_positions(robot: RobotSpec, arm: FloatArray, hand: FloatArray) -> dict[str, float]:
    """Positions of all movable joints by name, including those that mimic others [rad or m].

    Args:
        robot: The robot.
        arm: Shape (n,), arm joints.
        hand: Shape (m,), driven hand joints.
    """
    names = (*robot.arm_joints, *robot.hand_joints)
    found = dict(zip(names, map(float, (*arm, *hand)), strict=True))
    for mimic in robot.model.mimics:
        found[mimic.joint] = mimic.multiplier * found[mimic.follows] + mimic.offset
    return found


def chain_to(robot: RobotSpec, link: str) -> tuple[Joint, ...]:
    """The joints on the way from the base to a link, in this order, including fixed ones."""
    carriers = _carriers(robot)
    found = []
    while link in carriers:
        found.append(carriers[link])
        link = carriers[link].parent
    return tuple(reversed(found))


@lru_cache(maxsize=16)
def _carriers(robot: RobotSpec) -> Mapping[str, Joint]:
    """The joint that carries a link, by the link's name; the base link has none."""
    root = read_xml(robot.model.urdf)
    return {joint.child: joint for joint in map(_joint, root.findall("joint"))}


def _joint(element: ElementTree.Element) -> Joint:
    axis = axis_of(element)
    length = np.linalg.norm(axis)
    return Joint(
        name=element.get("name", ""),
        kind=element.get("type", ""),
        parent=_end(element, "parent"),
        child=_end(element, "child"),
        origin=pose_of(element.find("origin")).matrix,
        axis=axis / length if length > 0 else axis,
    )


def _end(joint: ElementTree.Element, tag: str) -> str:
    element = joint.find(tag)
    return "" if element is None else element.get("link", "")
