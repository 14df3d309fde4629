"""What a URDF and an SRDF say: limits, mimic joints, link pairs that may touch."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

from dr_grasp.errors import ModelError
from dr_grasp.resources import cached_folder, resolve_uri


@dataclass(frozen=True, slots=True)
class JointLimits:
    """Limits of one joint [rad or m, rad/s or m/s, N m or N]."""

    lower: float
    upper: float
    velocity: float
    effort: float

    @property
    def half_range(self) -> float:
        """Half of the distance between the position limits."""
        return (self.upper - self.lower) / 2


@dataclass(frozen=True, slots=True)
class Mimic:
    """A joint that follows another: position = multiplier * other + offset."""

    joint: str
    follows: str
    multiplier: float
    offset: float


@dataclass(frozen=True, slots=True)
class RobotModel:
    """A robot's description.

    Attributes:
        urdf: Prepared URDF: mesh paths are absolute, and MuJoCo is told to keep to the collision
            geometry. PyBullet and MuJoCo load the same file.
        links: Names of all links.
        limits: Limits of each movable joint.
        mimics: Joints that follow others.
        allowed_collisions: Unordered pairs of links whose contact means nothing, from the SRDF, and
            all pairs joined by a joint.
    """

    urdf: Path
    links: tuple[str, ...]
    limits: dict[str, JointLimits]
    mimics: tuple[Mimic, ...]
    allowed_collisions: frozenset[frozenset[str]]


def load_model(urdf_uri: str, srdf_uri: str | None) -> RobotModel:
    """Read and prepare a robot's description.

    Args:
        urdf_uri: Path or package:// address.
        srdf_uri: Likewise, or None.

    Raises:
        ModelError: A file or mesh is missing, or not of its format.
    """
    path = resolve_uri(urdf_uri)
    root = _parse(path)
    joints = root.findall("joint")
    allowed = {frozenset((_child(j, "parent", "link"), _child(j, "child", "link"))) for j in joints}
    if srdf_uri is not None:
        allowed |= {
            frozenset((pair.get("link1", ""), pair.get("link2", "")))
            for pair in _parse(resolve_uri(srdf_uri)).iter("disable_collisions")
        }
    return RobotModel(
        urdf=_prepare(root, path),
        links=tuple(link.get("name", "") for link in root.findall("link")),
        limits={
            joint.get("name", ""): _limits(joint)
            for joint in joints
            if joint.get("type") in ("revolute", "prismatic", "continuous")
        },
        mimics=tuple(
            Mimic(
                joint.get("name", ""),
                mimic.get("joint", ""),
                float(mimic.get("multiplier", "1")),
                float(mimic.get("offset", "0")),
            )
            for joint in joints
            for mimic in joint.findall("mimic")
        ),
        allowed_collisions=frozenset(allowed),
    )


def _parse(path: Path) -> ElementTree.Element:
    try:
        return ElementTree.parse(path).getroot()
    except ElementTree.ParseError as error:
        raise ModelError(f"{path}: expected XML, got {error}") from error


def _child(joint: ElementTree.Element, tag: str, attribute: str) -> str:
    child = joint.find(tag)
    return child.get(attribute, "") if child is not None else ""


def _limits(joint: ElementTree.Element) -> JointLimits:
    limit = joint.find("limit")
    if limit is None:
        raise ModelError(f"joint {joint.get('name')}: expected a <limit>, got none")
    continuous = joint.get("type") == "continuous"
    return JointLimits(
        lower=-math.pi if continuous else float(limit.get("lower", "0")),
        upper=math.pi if continuous else float(limit.get("upper", "0")),
        velocity=float(limit.get("velocity", "0")),
        effort=float(limit.get("effort", "0")),
    )


def _prepare(root: ElementTree.Element, path: Path) -> Path:
    for mesh in root.iter("mesh"):
        mesh.set("filename", str(resolve_uri(mesh.get("filename", ""), relative_to=path.parent)))
    # MuJoCo reads neither DAE nor needs looks; fusing fixed links would lose the tool centre point.
    extension = ElementTree.SubElement(root, "mujoco")
    ElementTree.SubElement(
        extension,
        "compiler",
        {"discardvisual": "true", "fusestatic": "false", "strippath": "false"},
    )
    text = ElementTree.tostring(root)
    folder = cached_folder(
        "robots", [text], lambda scratch: (scratch / "robot.urdf").write_bytes(text)
    )
    return folder / "robot.urdf"
