"""Prepares a robot's description: one URDF that PyBullet and MuJoCo both load."""

from __future__ import annotations

import copy
import hashlib
import warnings
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from xml.etree import ElementTree

from scipy.spatial.transform import Rotation

from dr_grasp.common.cache import cached_folder
from dr_grasp.common.resources import resolve_uri
from dr_grasp.core.arrays import frozen
from dr_grasp.core.geometry import Pose
from dr_grasp.errors import ModelError
from dr_grasp.objects.mesh_files import MeshSource, as_obj, file_source, joined
from dr_grasp.objects.meshes import prepare_meshes
from dr_grasp.robots.attributes import axis_of, numbers_text, pose_of
from dr_grasp.robots.description import Description
from dr_grasp.robots.inertias import complete_inertias

HULL_RECIPE = 2
"""Version of how hulls are made; increase it with every change, or caches keep serving old ones."""

DRAWABLE = (".obj", ".stl", ".dae")
"""Endings of the visual meshes that PyBullet loads; it refuses a robot for any other."""


def park(root: ElementTree.Element, movable: frozenset[str], parked: Mapping[str, float]) -> None:
    """Turn the joints that are never moved into fixed ones; changes the element.

    A second arm or a head then costs no degrees of freedom, and stands still in both engines.

    Args:
        root: The URDF's element <robot>.
        movable: Names of the joints to leave as they are.
        parked: Positions of the others [rad or m]; zero if not listed.
    """
    for joint in root.findall("joint"):
        name, kind = joint.get("name", ""), joint.get("type")
        if kind == "fixed" or name in movable:
            continue
        _stop(joint, kind or "", parked.get(name, 0.0))


def _stop(joint: ElementTree.Element, kind: str, position: float) -> None:
    axis = axis_of(joint)
    if kind == "prismatic":
        moved = Pose(frozen(axis * position), frozen([0, 0, 0, 1]))
    else:
        moved = Pose(frozen([0, 0, 0]), frozen(Rotation.from_rotvec(axis * position).as_quat()))
    origin = joint.find("origin")
    if origin is None:
        origin = ElementTree.SubElement(joint, "origin")
    stopped = pose_of(origin) @ moved
    origin.set("xyz", numbers_text(stopped.position))
    with warnings.catch_warnings():
        # In gimbal lock SciPy warns that it chose one of the many answers; any will do.
        warnings.simplefilter("ignore", UserWarning)
        origin.set("rpy", numbers_text(stopped.rotation.as_euler("xyz")))
    joint.set("type", "fixed")
    for tag in ("axis", "limit", "mimic", "dynamics", "safety_controller", "calibration"):
        for element in joint.findall(tag):
            joint.remove(element)


@dataclass(frozen=True, slots=True)
class Prepared:
    """A description as the engines load it.

    Attributes:
        urdf: Path of the URDF.
        notes: A line for each link that has another mass or inertia than the description's.
    """

    urdf: Path
    notes: tuple[str, ...]


def prepare(
    file: str,
    description: Description,
    bodies: Collection[frozenset[str]],
    standing: frozenset[str],
    concave: frozenset[str] = frozenset(),
) -> Prepared:
    """Write the URDF for the engines into the cache; changes the description's element.

    Mesh paths become absolute. A collision mesh becomes its convex hull, which both engines would
    use for contact anyway; so its format does not matter, though MuJoCo reads no COLLADA. Masses
    and inertias are completed.

    Args:
        file: Name of the description in messages.
        description: The description.
        bodies: The rigid bodies, as the names of their links.
        standing: The body that never moves.
        concave: Names of links whose collision meshes are cut into convex pieces instead.

    Raises:
        ModelError: A mesh is missing or cannot be read, a mass is negative, or a link has neither a
            mass nor a valid shape.
    """
    root = description.root
    for mesh in root.iter("mesh"):
        address = mesh.get("filename", "")
        try:
            path = resolve_uri(address, relative_to=description.folder)
        except ModelError as error:
            raise ModelError(f"{file}: mesh {error}") from error
        mesh.set("filename", str(path))
    for visual in root.iter("visual"):
        for mesh in visual.iter("mesh"):
            mesh.set("filename", str(_drawable(Path(mesh.get("filename", "")))))
    for link in root.findall("link"):
        if link.get("name") in concave:
            _cut(link)
    for collision in root.iter("collision"):
        for mesh in collision.iter("mesh"):
            scale = mesh.attrib.pop("scale", "1 1 1")
            mesh.set("filename", str(_hull(Path(mesh.get("filename", "")), scale)))
    notes = complete_inertias(file, root, bodies, standing)
    # MuJoCo needs no looks; fusing fixed links would lose the tool centre point.
    extension = ElementTree.SubElement(root, "mujoco")
    ElementTree.SubElement(
        extension,
        "compiler",
        {"discardvisual": "true", "fusestatic": "false", "strippath": "false"},
    )
    ElementTree.indent(root)  # PyBullet fails on a line as long as the one that xacro writes
    text = ElementTree.tostring(root)
    folder = cached_folder(
        "robots", [text], lambda scratch: (scratch / "robot.urdf").write_bytes(text)
    )
    return Prepared(folder / "robot.urdf", notes)


def _drawable(path: Path) -> Path:
    """A visual mesh that PyBullet loads: the file itself, or its surface as OBJ."""
    if path.suffix.lower() in DRAWABLE:
        return path
    source = file_source(path)
    folder = cached_folder(
        "visuals",
        [*source.content, version("trimesh").encode()],
        lambda scratch: (scratch / "visual.obj").write_bytes(as_obj(source.read())),
    )
    return folder / "visual.obj"


def _cut(link: ElementTree.Element) -> None:
    """Put an element <collision> for each convex piece in the place of one with a mesh."""
    for collision in link.findall("collision"):
        mesh = collision.find("geometry/mesh")
        if mesh is None:
            continue
        pieces = _pieces(Path(mesh.get("filename", "")), mesh.attrib.pop("scale", "1 1 1"))
        link.remove(collision)
        for piece in pieces:
            mesh.set("filename", str(piece))
            link.append(copy.deepcopy(collision))


def _pieces(path: Path, scale: str) -> list[Path]:
    """The convex pieces of a mesh, scaled as URDFs do, as OBJ, each with a name of its own."""
    source = file_source(path)
    parts = source.read()
    for part in parts:
        part.apply_scale([float(word) for word in scale.split()])
    data = as_obj(parts)
    pieces = prepare_meshes(MeshSource(source.label, data, ".obj"), 1.0, "auto").pieces
    # As for hulls: MuJoCo tells meshes apart by their files' names.
    code = hashlib.sha256(path.stem.encode() + data).hexdigest()[:16]
    texts = [piece.read_bytes() for piece in pieces]

    def write(scratch: Path) -> None:
        for index, text in enumerate(texts):
            (scratch / f"{path.stem}_{code}_{index:03d}.obj").write_bytes(text)

    return sorted(cached_folder("pieces", [code.encode(), *texts], write).glob("*.obj"))


def _hull(path: Path, scale: str) -> Path:
    """The convex hull of a mesh, scaled as URDFs do, as STL."""
    source = file_source(path)
    # With the mesh's name, as in the file's name below: another mesh may have the same content.
    options = f"{path.stem} {scale} {version('trimesh')} {HULL_RECIPE}".encode()
    parts = [*source.content, options]
    # MuJoCo takes two files of the same name for the same mesh, wherever they are.
    name = f"{path.stem}_{hashlib.sha256(b' '.join(parts)).hexdigest()[:16]}.stl"
    folder = cached_folder(
        "hulls", parts, lambda scratch: _write_hull(source, scale, scratch / name)
    )
    return folder / name


def _write_hull(source: MeshSource, scale: str, target: Path) -> None:
    # COLLADA's <unit> counts and its <up_axis> does not: a mesh has the axes of its link. RViz does
    # so (AI_CONFIG_IMPORT_COLLADA_IGNORE_UP_DIRECTION in its assimp_loader.cpp), MoveIt does
    # not turn meshes either (geometric_shapes' mesh_operations.cpp), and robots' meshes are made to
    # look right there, whatever they say is up.
    mesh = joined(source.read())
    mesh.merge_vertices()  # STL has each vertex once for each face, which slows Qhull
    try:
        mesh.apply_scale([float(word) for word in scale.split()])
        mesh.convex_hull.export(target)
    except OSError:  # the cache has no room
        raise
    except Exception as error:  # trimesh and Qhull raise whatever their many parts raise
        problem = " ".join(str(error).split())[:200]
        raise ModelError(
            f"{source.label}: expected a mesh, got {type(error).__name__}: {problem}"
        ) from error
