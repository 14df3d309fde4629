"""A robot's rigid bodies: the links that fixed joints hold together, with their shapes and mass."""

from __future__ import annotations

from dataclasses import dataclass
from xml.etree import ElementTree

import numpy as np

from dr_grasp.common.xml_text import read_xml
from dr_grasp.core.arrays import FloatArray, frozen
from dr_grasp.core.geometry import Pose
from dr_grasp.objects.masses import sum_masses
from dr_grasp.robots.attributes import pose_of, vector
from dr_grasp.robots.forward_kinematics import Joint, chain_to
from dr_grasp.robots.inertias import COMPONENTS
from dr_grasp.robots.robot_spec import RobotSpec


@dataclass(frozen=True, slots=True, eq=False)
class LinkShape:
    """A collision shape of a link.

    Attributes:
        link: Name of the link.
        kind: "box", "cylinder", "sphere", "capsule" or "mesh".
        sizes: Sides of a box, else radius and length, as far as the shape has them [m].
        mesh: File of a mesh; empty for other shapes.
        in_body: Pose of the shape in the body's frame.
    """

    link: str
    kind: str
    sizes: tuple[float, ...]
    mesh: str
    in_body: Pose


@dataclass(frozen=True, slots=True, eq=False)
class RigidBody:
    """Links that move as one; the frame is that of the link which the movable joint carries.

    Attributes:
        name: Name of that link; the root link for the body that stands.
        joint: The movable joint that carries the body; None for the body that stands.
        parent: Name of the body to which the joint is attached; empty for the body that stands.
        joint_in_parent: Frame of the joint at position zero in the parent's frame.
        mass: Mass [kg].
        center: Centre of mass in the body's frame, shape (3,) [m].
        inertia: Inertia about that centre along the body's axes, shape (3, 3) [kg m^2].
        shapes: Collision shapes of all links.
    """

    name: str
    joint: Joint | None
    parent: str
    joint_in_parent: Pose
    mass: float
    center: FloatArray
    inertia: FloatArray
    shapes: tuple[LinkShape, ...]


def rigid_bodies(robot: RobotSpec) -> tuple[RigidBody, ...]:
    """The bodies of a robot, each after the body that carries it."""
    links = {link.get("name", ""): link for link in read_xml(robot.model.urdf).findall("link")}
    places = {name: link_in_body(robot, name) for name in links}
    members: dict[str, list[str]] = {}
    for name in links:
        members.setdefault(places[name][0], []).append(name)
    order = sorted(members, key=lambda body: len(chain_to(robot, body)))
    return tuple(_body(robot, body, members[body], links, places) for body in order)


def link_in_body(robot: RobotSpec, link: str) -> tuple[str, Pose]:
    """Name of the body to which a link belongs, and the pose of the link in the body's frame."""
    pose = np.eye(4)
    for joint in reversed(chain_to(robot, link)):
        if joint.kind != "fixed":
            break
        pose = joint.origin @ pose
        link = joint.parent
    return link, Pose.from_matrix(pose)


def inertias_at(
    robot: RobotSpec, bodies: tuple[RigidBody, ...], positions: dict[str, float]
) -> dict[str, float]:
    """The inertia that each movable joint moves in a posture, by its name [kg m^2 or kg].

    Args:
        robot: The robot.
        bodies: Its bodies.
        positions: Position of each movable joint [rad or m].
    """
    frames: dict[str, FloatArray] = {}
    moved: dict[str, list[RigidBody]] = {}
    for body in bodies:
        if body.joint is None:
            frames[body.name] = np.eye(4)
            continue
        motion = np.linalg.inv(body.joint.origin) @ body.joint.moved(positions[body.joint.name])
        frames[body.name] = frames[body.parent] @ body.joint_in_parent.matrix @ motion
        for joint in chain_to(robot, body.name):
            moved.setdefault(joint.name, []).append(body)
    found = {}
    for carrier in bodies:
        if carrier.joint is None:
            continue
        frame = frames[carrier.name]
        axis = frame[:3, :3] @ carrier.joint.axis
        total: FloatArray | float = 0.0
        for body in moved[carrier.joint.name]:
            if carrier.joint.kind == "prismatic":
                total += body.mass
                continue
            turn = frames[body.name][:3, :3]
            lever = np.cross(axis, turn @ body.center + frames[body.name][:3, 3] - frame[:3, 3])
            total += axis @ turn @ body.inertia @ turn.T @ axis + body.mass * lever @ lever
        found[carrier.joint.name] = float(total)
    return found


def _body(
    robot: RobotSpec,
    name: str,
    members: list[str],
    links: dict[str, ElementTree.Element],
    places: dict[str, tuple[str, Pose]],
) -> RigidBody:
    carrier = next(iter(reversed(chain_to(robot, name))), None)
    parent, parent_in_body = ("", Pose.identity())
    if carrier is not None:
        parent, parent_in_body = link_in_body(robot, carrier.parent)
        parent_in_body = parent_in_body @ Pose.from_matrix(carrier.origin)
    parts, shapes = [], []
    for member in members:
        place = places[member][1]
        parts.append(_inertial(links[member], place))
        for collision in links[member].findall("collision"):
            shapes.append(_shape(member, collision, place))
    # Of the body that stands nobody asks the mass, which it may lack.
    heavy = [part for part in parts if part[0] > 0.0] or [(1.0, np.zeros(3), np.eye(3))]
    masses, centers, inertias = zip(*heavy, strict=True)
    mass, center, inertia = sum_masses(masses, centers, inertias)
    return RigidBody(
        name, carrier, parent, parent_in_body, mass, frozen(center), frozen(inertia), tuple(shapes)
    )


def _inertial(link: ElementTree.Element, place: Pose) -> tuple[float, FloatArray, FloatArray]:
    """Mass, centre and inertia of a link in the frame of its body; see `complete_inertias`."""
    element = link.find("inertial")
    mass = None if element is None else element.find("mass")
    tensor = None if element is None else element.find("inertia")
    if element is None or mass is None or tensor is None:
        return 0.0, np.zeros(3), np.zeros((3, 3))
    inertia = np.zeros((3, 3))
    for key, row, column in COMPONENTS:
        inertia[row, column] = inertia[column, row] = vector(tensor, key, "0")[0]
    pose = place @ pose_of(element.find("origin"))
    turn = pose.rotation.as_matrix()
    return float(mass.get("value", "0")), pose.position, turn @ inertia @ turn.T


def _shape(link: str, collision: ElementTree.Element, place: Pose) -> LinkShape:
    (geometry,) = collision.findall("geometry/*")
    keys = ("size",) if geometry.tag == "box" else ("radius", "length")
    sizes = [size for key in keys if key in geometry.attrib for size in vector(geometry, key)]
    return LinkShape(
        link=link,
        kind=geometry.tag,
        sizes=tuple(sizes),
        mesh=geometry.get("filename", ""),
        in_body=place @ pose_of(collision.find("origin")),
    )
