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
from dr_grasp.objects.mesh_files import MOST_FACES_READ, MeshSource, as_obj, file_source

MOST_LINKS = 1_000
"""Most links of an object; each is a part of its surface."""

FRICTIONS = ("lateral_friction", "rolling_friction", "spinning_friction")
"""Names of the frictions in Bullet's element <contact>, and in `ObjectSettings`."""


@dataclass(frozen=True, slots=True, eq=False)
class UrdfLink:
    """A link of a rigid object.

    Attributes:
        name: Name of the link.
        mass: Mass of the link [kg]; 0 if the URDF names none.
        center: Where its <inertial> says that the mass is, in the frame of the root link,
            shape (3,) [m].
        parts: Surfaces to touch, from its collision elements; or from its visual elements if no
            link of the object has collision elements; in the frame of the root link [m].
        looks: Surfaces from its visual elements if `parts` are from others, as far as they can be
            read; in the frame of the root link [m].
    """

    name: str
    mass: float
    center: FloatArray
    parts: tuple[trimesh.Trimesh, ...]
    looks: tuple[trimesh.Trimesh, ...]


@dataclass(frozen=True, slots=True)
class UrdfObject:
    """The surfaces, masses and frictions of an object that a URDF describes.

    The URDF's inertia is left out: it is often wrong (in public sets of objects mostly the same
    number for all objects), and can be computed from the shapes.

    Attributes:
        links: The links, in the order of the file.
        properties: "mass", the sum over the links [kg], and the `FRICTIONS`, each from the first
            link that names it: lateral friction is a coefficient, rolling and spinning friction
            are levers [m]. A property that no link names is not in the mapping.
    """

    links: tuple[UrdfLink, ...]
    properties: Mapping[str, float]

    @property
    def parts(self) -> tuple[trimesh.Trimesh, ...]:
        """Surfaces of all links in the frame of the root link [m]."""
        return tuple(part for link in self.links for part in link.parts)

    def source(self, label: str) -> MeshSource:
        """The surfaces of all links as if they were one OBJ file, which is called `label`."""
        return MeshSource(label, as_obj(self.parts), ".obj")


def read_urdf(path: Path) -> UrdfObject:
    """Read a rigid object from a URDF: one link, or several links joined by fixed joints.

    The surface comes from the collision elements, or if no link has any, from the visual elements.

    Raises:
        ModelError: The file is no URDF, a joint moves, the links are no tree, a mass is negative,
            or a mesh is broken.
    """
    root = read_xml(path, "a URDF")
    named = root.findall("link")
    if len(named) > MOST_LINKS:
        raise ModelError(f"{path}: expected at most {MOST_LINKS} links, got {len(named)}")
    links = {link.get("name", ""): link for link in named}
    if len(links) < len(named):
        raise ModelError(f"{path}: links: expected a name each, got a name twice")
    if root.find("deformable") is not None:
        raise ModelError(f"{path}: expected a rigid object, got a <deformable>")
    if root.tag != "robot" or not links:
        raise ModelError(f"{path}: expected a URDF of at least one link, got <{root.tag}>")
    link_in_root = _link_frames(path, root, links)
    tag = "collision" if root.find("link/collision/geometry") is not None else "visual"
    parts = _surfaces(path, links, tag, link_in_root, needed=True)
    looks = {}
    if tag == "collision":
        looks = _surfaces(path, links, "visual", link_in_root, needed=False)
    found = tuple(
        UrdfLink(
            name,
            _mass(path, name, link),
            (link_in_root[name] @ _pose(path, link.find("inertial/origin")))[:3, 3],
            parts[name],
            looks.get(name, ()),
        )
        for name, link in links.items()
    )
    if not any(parts.values()):
        raise ModelError(f"{path}: expected links with geometry, got none")
    mass = math.fsum(link.mass for link in found)
    properties = {"mass": mass} if mass else {}
    for key in FRICTIONS:
        for element in root.findall(f"link/contact/{key}")[:1]:
            properties[key] = _number(str(path), element)
    return UrdfObject(found, properties)


def _mass(path: Path, name: str, link: ElementTree.Element) -> float:
    where = f"{path}: link {name!r}"
    masses = [_number(where, element) for element in link.findall("inertial/mass")]
    if min(masses, default=0.0) < 0:
        raise ModelError(f"{where}: <mass>: expected at least 0, got {min(masses):g}")
    return math.fsum(masses)


def _surfaces(
    path: Path,
    links: Mapping[str, ElementTree.Element],
    tag: str,
    link_in_root: Mapping[str, FloatArray],
    needed: bool,
) -> dict[str, tuple[trimesh.Trimesh, ...]]:
    """Surfaces of each link's elements of a tag, in the frame of the root link [m].

    Args:
        path: The URDF.
        links: The links by name.
        tag: "collision" or "visual".
        link_in_root: Pose of each link, shape (4, 4).
        needed: Whether broken surfaces are an error; if not, their link has none.
    """
    found, faces = {}, 0
    for name, link in links.items():
        parts: list[trimesh.Trimesh] = []
        try:
            for element in link.findall(tag):
                pose = link_in_root[name] @ _pose(path, element.find("origin"))
                more = _geometry(path, name, element)
                faces += sum(len(part.faces) for part in more)
                if faces > MOST_FACES_READ:
                    raise ModelError(
                        f"{path}: expected at most {MOST_FACES_READ} faces, got {faces} up to "
                        f"link {name!r}"
                    )
                parts += [part.apply_transform(pose) for part in more]
        except ModelError:
            if needed:
                raise
            parts = []
        found[name] = tuple(parts)
    return found


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
