"""Objects described by a URDF: its rigid links as the parts of one surface."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import trimesh
from scipy.spatial.transform import Rotation

from dr_grasp.common.resources import resolve_uri
from dr_grasp.core.arrays import FloatArray
from dr_grasp.errors import ModelError
from dr_grasp.objects.mesh_files import MeshSource, content_source, read_parts

PARENTS_TO_SEARCH = 4
"""How far above a URDF the folder of its package:// may be, if no such package is installed."""


@dataclass(frozen=True, slots=True)
class UrdfObject:
    """What a URDF says of an object.

    Its inertia is not among it: the tags are often wrong, and the mesh is there to compute it from.

    Attributes:
        parts: Surfaces of all links in the frame of the root link [m, as URDF has it].
        mass: Sum over the links, in kilograms; None if none says.
        lateral_friction: From Bullet's <contact>; None if none says. The first link that says
            counts, here as below.
        rolling_friction: Likewise [m].
        spinning_friction: Likewise [m].
    """

    parts: tuple[trimesh.Trimesh, ...]
    mass: float | None
    lateral_friction: float | None
    rolling_friction: float | None
    spinning_friction: float | None

    def as_obj(self) -> bytes:
        """The parts as the objects of one OBJ file."""
        lines, first = [], 1
        for index, part in enumerate(self.parts):
            lines.append(f"o part_{index:03d}")
            lines += [f"v {x!r} {y!r} {z!r}" for x, y, z in part.vertices.tolist()]
            lines += [f"f {a} {b} {c}" for a, b, c in (part.faces + first).tolist()]
            first += len(part.vertices)
        return "\n".join([*lines, ""]).encode()


def urdf_source(path: Path) -> MeshSource:
    """A URDF as a source of a surface.

    Raises:
        ModelError: As for `read_urdf`.
    """
    return content_source(read_urdf(path).as_obj(), ".obj", str(path))


def read_urdf(path: Path) -> UrdfObject:
    """Read a rigid object: one link, or several joined by fixed joints.

    Collision elements count, or if no link has any, visual ones.

    Raises:
        ModelError: It is no URDF, can move, is no tree, or a mesh of it is missing or broken.
    """
    try:
        root = ElementTree.parse(path).getroot()
    except (OSError, ElementTree.ParseError) as error:
        problem = getattr(error, "strerror", None) or error
        raise ModelError(f"{path}: expected a URDF, got {problem}") from error
    links = {link.get("name", ""): link for link in root.findall("link")}
    if root.tag != "robot" or not links:
        raise ModelError(f"{path}: expected a URDF of at least one link, got <{root.tag}>")
    link_in_root = _link_frames(path, root, links)
    tag = "collision" if root.find("link/collision/geometry") is not None else "visual"
    parts = []
    for name, link in links.items():
        for element in link.findall(tag):
            pose = link_in_root[name] @ _pose(path, element.find("origin"))
            for part in _geometry(path, name, element):
                parts.append(part.apply_transform(pose))
    if not parts:
        raise ModelError(f"{path}: expected links with geometry, got none")
    masses = [
        _numbers(path, element, "value", 1)[0] for element in root.findall("link/inertial/mass")
    ]
    contact = {
        key: _first(path, root, key)
        for key in ("lateral_friction", "rolling_friction", "spinning_friction")
    }
    return UrdfObject(tuple(parts), math.fsum(masses) or None, **contact)


def _first(path: Path, root: ElementTree.Element, key: str) -> float | None:
    element = root.find(f"link/contact/{key}")
    return None if element is None else float(_numbers(path, element, "value", 1)[0])


def _link_frames(
    path: Path, root: ElementTree.Element, links: dict[str, ElementTree.Element]
) -> dict[str, FloatArray]:
    """Each link's frame in the root link's, shape (4, 4)."""
    joints: dict[str, tuple[str, FloatArray]] = {}
    for joint in root.findall("joint"):
        name, kind = joint.get("name", ""), joint.get("type")
        if kind != "fixed":
            raise ModelError(
                f"{path}: joint {name!r} is {kind}: expected a rigid object, all of whose joints "
                "are fixed"
            )
        parent, child = (
            element.get("link", "") if element is not None else ""
            for element in (joint.find("parent"), joint.find("child"))
        )
        if parent not in links or child not in links or child in joints:
            raise ModelError(
                f"{path}: joint {name!r}: expected to join two links of a tree, "
                f"got {parent!r} and {child!r}"
            )
        joints[child] = (parent, _pose(path, joint.find("origin")))
    frames = {}
    for name in links:
        frame, above, steps = np.eye(4), name, 0
        while above in joints:
            above, pose = joints[above]
            frame, steps = pose @ frame, steps + 1
            if steps > len(joints):
                raise ModelError(f"{path}: joints: expected a tree, got a ring through {name!r}")
        frames[name] = frame
    if len(links) - len(joints) != 1:
        raise ModelError(
            f"{path}: expected one rigid body, got {len(links) - len(joints)} that no joint joins"
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
    scale = _numbers(path, shape, "scale", 3, "1 1 1")
    try:
        content = file.read_bytes()
    except OSError as error:
        raise ModelError(f"{file}: expected a mesh, got {error.strerror}") from error
    parts = read_parts(content, file.suffix.lower(), str(file))
    return [part.apply_transform(np.diag([*scale, 1.0])) for part in parts]


def _find_mesh(path: Path, address: str) -> Path:
    try:
        return resolve_uri(address, path.parent)
    except ModelError as error:
        for candidate in _near(path, address):
            if candidate.is_file():
                return candidate
        raise ModelError(f"{path}: mesh {error}") from error


def _near(path: Path, address: str) -> Iterator[Path]:
    """Where a mesh of a package that is not installed may be: beside its URDF."""
    scheme, _, rest = address.partition("://")
    if scheme != "package":
        return
    _, _, inside = rest.partition("/")
    for parent in list(path.resolve().parents)[:PARENTS_TO_SEARCH]:
        yield parent / rest
        yield parent / inside


def _pose(path: Path, origin: ElementTree.Element | None) -> FloatArray:
    matrix = np.eye(4)
    if origin is not None:
        matrix[:3, :3] = Rotation.from_euler("xyz", _numbers(path, origin, "rpy", 3)).as_matrix()
        matrix[:3, 3] = _numbers(path, origin, "xyz", 3)
    return matrix


def _positive(path: Path, element: ElementTree.Element, key: str, count: int) -> FloatArray:
    values = _numbers(path, element, key, count, "")
    if (values <= 0).any():
        raise ModelError(
            f"{path}: <{element.tag}> {key}: expected above 0, got {element.get(key)!r}"
        )
    return values


def _numbers(
    path: Path, element: ElementTree.Element, key: str, count: int, default: str = "0 0 0"
) -> FloatArray:
    text = element.get(key, default)
    try:
        values = np.array([float(word) for word in text.split()])
    except ValueError:
        values = np.array([np.nan])
    if len(values) != count or not np.isfinite(values).all():
        plural = "s" * (count > 1)
        raise ModelError(
            f"{path}: <{element.tag}> {key}: expected {count} finite number{plural}, got {text!r}"
        )
    return values
