"""Where a robot's links are in a posture, from its model alone: no simulator, no ROS."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from xml.etree import ElementTree

import numpy as np
from scipy.spatial.transform import Rotation

from dr_grasp.core.arrays import FloatArray
from dr_grasp.core.geometry import Pose
from dr_grasp.errors import UnknownNameError
from dr_grasp.robots.attributes import axis_of, pose_of
from dr_grasp.robots.robot_spec import RobotSpec


@dataclass(frozen=True, slots=True, eq=False)
class Joint:
    """A joint of a prepared URDF.

    Attributes:
        name: Its name.
        kind: "fixed", "revolute", "continuous" or "prismatic".
        parent: Link that carries it.
        child: Link that it carries.
        origin: Shape (4, 4), frame of the child in that of the parent, at zero.
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
            position: Of the joint [rad or m]; of no use to a fixed one.
        """
        motion = np.eye(4)
        if self.kind == "prismatic":
            motion[:3, 3] = self.axis * position
        elif self.kind != "fixed":
            motion[:3, :3] = Rotation.from_rotvec(self.axis * position).as_matrix()
        return self.origin @ motion


def tcp_in_base(robot: RobotSpec, arm: FloatArray, hand: FloatArray | None = None) -> Pose:
    """Frame of the tool centre point in the base frame.

    Args:
        robot: The robot.
        arm: Shape (n,), arm joints [rad or m].
        hand: Shape (m,), driven hand joints [rad or m]; None for open.
    """
    return link_in_base(robot, robot.tcp_link, arm, hand)


def link_in_base(
    robot: RobotSpec, link: str, arm: FloatArray, hand: FloatArray | None = None
) -> Pose:
    """Frame of a link in the base frame.

    Args:
        robot: The robot.
        link: Name of the link.
        arm: Shape (n,), arm joints [rad or m].
        hand: Shape (m,), driven hand joints [rad or m]; None for open.

    Raises:
        UnknownNameError: There is no such link.
    """
    if link not in robot.model.links:
        raise UnknownNameError("link", link, robot.model.links)
    positions = joint_positions(robot, arm, robot.hand_open if hand is None else hand)
    frame = np.eye(4)
    for joint in chain_to(robot, link):
        frame = frame @ joint.moved(positions.get(joint.name, 0.0))
    return Pose.from_matrix(frame)


def joint_positions(robot: RobotSpec, arm: FloatArray, hand: FloatArray) -> dict[str, float]:
    """Positions of all movable joints by name, those that mimic others included [rad or m].

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
    """The joints on the way from the base to a link, fixed ones among them."""
    carriers = _carriers(robot)
    found = []
    while link in carriers:
        found.append(carriers[link])
        link = carriers[link].parent
    return tuple(reversed(found))


@lru_cache(maxsize=16)
def _carriers(robot: RobotSpec) -> Mapping[str, Joint]:
    """For each link but the base, the joint that carries it."""
    root = ElementTree.parse(robot.model.urdf).getroot()
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
