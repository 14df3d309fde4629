"""Reads and writes the numbers of a URDF; what is no number is refused, with its place."""

from __future__ import annotations

from xml.etree import ElementTree

import numpy as np
from scipy.spatial.transform import Rotation

from dr_grasp.common.xml_numbers import numbers
from dr_grasp.core.arrays import FloatArray, frozen
from dr_grasp.core.geometry import Pose

COUNTS = {
    "origin": {"xyz": 3, "rpy": 3},
    "axis": {"xyz": 3},
    "mesh": {"scale": 3},
    "box": {"size": 3},
    "sphere": {"radius": 1},
    "cylinder": {"radius": 1, "length": 1},
    "capsule": {"radius": 1, "length": 1},
    "mass": {"value": 1},
    "inertia": dict.fromkeys(("ixx", "ixy", "ixz", "iyy", "iyz", "izz"), 1),
}
"""For each element of a link or joint, how many numbers each of its attributes holds."""


def check_numbers(file: str, root: ElementTree.Element) -> None:
    """Refuse a URDF in which an attribute that must hold numbers holds something else.

    PyBullet would read zeros there. Limits and mimics are not checked here: those of joints that
    are never moved are not used.

    Args:
        file: Name of the URDF in messages.
        root: The element <robot> of the URDF.

    Raises:
        ModelError: An attribute of a link or joint holds something else.
    """
    for tag in ("link", "joint"):
        for owner in root.findall(tag):
            where = f"{file}: {tag} {owner.get('name')}"
            for element in owner.iter():
                for key, count in COUNTS.get(element.tag, {}).items():
                    if key in element.attrib:
                        numbers(where, element, key, count)


def number(where: str, element: ElementTree.Element, key: str, default: float) -> float:
    """The finite number of an attribute; the default if the element lacks the attribute.

    Raises:
        ModelError: The attribute holds something else.
    """
    return float(numbers(where, element, key, 1)[0]) if key in element.attrib else default


def vector(element: ElementTree.Element, key: str, default: str = "0 0 0") -> FloatArray:
    """The numbers of an attribute; `check_numbers` has checked that they are numbers."""
    return np.array([float(word) for word in element.get(key, default).split()])


def pose_of(origin: ElementTree.Element | None) -> Pose:
    """The pose that an element <origin> describes; the identity if there is no such element."""
    if origin is None:
        return Pose.identity()
    turn = Rotation.from_euler("xyz", vector(origin, "rpy"))
    return Pose(frozen(vector(origin, "xyz")), frozen(turn.as_quat()))


def axis_of(joint: ElementTree.Element) -> FloatArray:
    """The axis of a joint in the frame of its child link, not normalised; shape (3,)."""
    element = joint.find("axis")
    # The URDF specification: a joint that names no axis has x.
    return np.array([1.0, 0.0, 0.0]) if element is None else vector(element, "xyz", "1 0 0")


def numbers_text(values: FloatArray) -> str:
    """Numbers as the text of an attribute, without rounding."""
    return " ".join(repr(float(value)) for value in values)
