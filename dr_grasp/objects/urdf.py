"""Reads a rigid object from a URDF: its links become the parts of one surface."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import trimesh
from scipy.spatial.transform import Rotation

from dr_grasp.common.resources import resolve_uri
from dr_grasp.common.xml_numbers import numbers
from dr_grasp.common.xml_text import read_xml
from dr_grasp.core.arrays import FloatArray
from dr_grasp.errors import ModelError
from dr_grasp.objects.mesh_files import MeshSource, as_obj, file_source

MOST_LINKS = 1_000
"""Most links of an object; each is a part of its surface."""

FRICTIONS = ("lateral_friction", "rolling_friction", "spinning_friction")
"""Names of the frictions in Bullet's element <contact>, and in `ObjectSettings`."""


@dataclass(frozen=True, slots=True)
class UrdfObject:
    """The surfaces, mass and frictions of an object that a URDF describes.

    The URDF's inertia is left out: it is often wrong, and can be computed from the mesh.

    Attributes:
        parts: Surfaces of all links in the frame of the root link [m].
        properties: "mass", the sum over the links [kg], and the `FRICTIONS`, each from the first
            link that names it: lateral friction is a coefficient, rolling and spinning friction
            are levers [m]. A property that no link names is not in the mapping.
    """

    parts: tuple[trimesh.Trimesh, ...]
    properties: Mapping[str, float]


def urdf_source(path: Path) -> MeshSource:
    """Read the surface of a URDF as if it were one OBJ file.

    Raises:
        ModelError: The URDF cannot be used, for a reason that `read_urdf` lists.
    """
    return MeshSource(str(path), as_obj(read_urdf(path).parts), ".obj")


def read_urdf(path: Path) -> UrdfObject:
    """Read a rigid object from a URDF: one link, or several links joined by fixed joints.

    The surface comes from the collision elements, or if no link has any, from the visual elements.

    Raises:
        ModelError: The file is no URDF, a joint moves, the links are no tree, or a mesh is broken.
    """
    root = read_xml(path, "a URDF")
    named = root.findall("link")
    if len(named) > MOST_LINKS:
        raise ModelError(f"{path}: expected at most {MOST_LINKS} links, got {len(named)}")
    links = {link.get("name", ""): link for link in named}
    if len(links) < len(named):
        raise ModelError(f"{path}: links: expected a name each, got a name twice")
    if root.tag != "robot" or not links:
        raise ModelError(f"{path}: expected a URDF of at least one link, got <{root.tag}>")
    link_in_root = _link_frames(path, root, links)
    tag = "collision" if root.find("link/collision/geometry") is not None else "visual"
    parts = []
    for name, link in links.items():
        for element in link.findall(tag):
            pose = link_in_root[name] @ _pose(path, element.find("origin"))
            parts += [part.apply_transform(pose) for part in _geometry(path, name, element)]
    if not parts:
        raise ModelError(f"{path}: expected links with geometry, got none")
    mass = math.fsum(
        _number(f"{path}: link {name!r}", element)
        for name, link in links.items()
        for element in link.findall("inertial/mass")
    )
    properties = {"mass": mass} if mass else {}
    for key in FRICTIONS:
        for element in root.findall(f"link/contact/{key}")[:1]:
            properties[key] = _number(str(path), element)
    return UrdfObject(tuple(parts), properties)


def _link_frames(
    path: Path, root: ElementTree.Element, links: dict[str, ElementTree.Element]
) -> dict[str, FloatArray]:
    """Each link's frame in the root link's frame, shape (4, 4)."""
    above: dict[str, tuple[str, FloatArray]] = {}
    for joint in root.findall("joint"):
        name, kind = joint.get("name", ""), joint.get("type")
        if kind != "fixed":
            raise ModelError(
                f"{path}: joint {name!r} is {kind}: expected a rigid object, all of whose joints "
                "are fixed"
            )
        parent, child = (
            "" if element is None else element.get("link", "")
            for element in (joint.find("parent"), joint.find("child"))
        )
        if parent not in links or child not in links or child in above:
            raise ModelError(
                f"{path}: joint {name!r}: expected to join two links of a tree, "
                f"got {parent!r} and {child!r}"
            )
        above[child] = (parent, _pose(path, joint.find("origin")))
    frames = {}
    for name in links:
        frame, ancestor, steps = np.eye(4), name, 0
        while ancestor in above:
            ancestor, pose = above[ancestor]
            frame, steps = pose @ frame, steps + 1
            if steps > len(above):
                raise ModelError(f"{path}: joints: expected a tree, got a ring through {name!r}")
        frames[name] = frame
    if len(links) - len(above) != 1:
        raise ModelError(
            f"{path}: expected one rigid body, got {len(links) - len(above)} that no joint joins"
        )
    return frames


def _geometry(path: Path, link: str, element: ElementTree.Element) -> list[trimesh.Trimesh]:
    shapes = element.findall("geometry/*")
    for shape in shapes:
        if shape.tag == "box":
            return [trimesh.creation.box(_positive(path, shape, "size", 3))]
        if shape.tag == "sphere":
            (radius,) = _positive(path, shape, "radius", 1)
            return [trimesh.creation.icosphere(3, radius)]
        if shape.tag in ("cylinder", "capsule"):
            (radius,), (length,) = (_positive(path, shape, key, 1) for key in ("radius", "length"))
            if shape.tag == "cylinder":
                return [trimesh.creation.cylinder(radius, length, sections=64)]
            capsule = trimesh.creation.capsule(length, radius)
            return [capsule.apply_translation([0, 0, -capsule.bounds.mean(axis=0)[2]])]
        if shape.tag == "mesh":
            return _mesh_parts(path, shape)
    raise ModelError(
        f"{path}: link {link!r}: expected a box, sphere, cylinder, capsule or mesh, "
        f"got {' and '.join(shape.tag for shape in shapes) or 'none'}"
    )


def _mesh_parts(path: Path, shape: ElementTree.Element) -> list[trimesh.Trimesh]:
    file = _find_mesh(path, shape.get("filename", ""))
    scale = np.diag([*numbers(str(path), shape, "scale", 3, "1 1 1"), 1.0])
    return [part.apply_transform(scale) for part in file_source(file).read()]


def _find_mesh(path: Path, address: str) -> Path:
    try:
        return resolve_uri(address, path.parent)
    except ModelError as error:
        raise ModelError(f"{path}: mesh {error}") from error


def _pose(path: Path, origin: ElementTree.Element | None) -> FloatArray:
    matrix = np.eye(4)
    if origin is not None:
        matrix[:3, :3] = Rotation.from_euler(
            "xyz", numbers(str(path), origin, "rpy", 3, "0 0 0")
        ).as_matrix()
        matrix[:3, 3] = numbers(str(path), origin, "xyz", 3, "0 0 0")
    return matrix


def _positive(path: Path, element: ElementTree.Element, key: str, count: int) -> FloatArray:
    values = numbers(str(path), element, key, count)
    if (values <= 0).any():
        raise ModelError(
            f"{path}: <{element.tag}> {key}: expected above 0, got {element.get(key)!r}"
        )
    return values


def _number(where: str, element: ElementTree.Element) -> float:
    return float(numbers(where, element, "value", 1)[0])
