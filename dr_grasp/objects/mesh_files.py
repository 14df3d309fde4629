"""Reads mesh files: only their surface, and none that would spoil what is made of it."""

from __future__ import annotations

import io
import math
import struct
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import trimesh
from trimesh.resolvers import FilePathResolver

from dr_grasp.errors import ModelError

MESH_ENDINGS = (".obj", ".stl", ".ply")
STL_HEADER_BYTES = 84
STL_FACE_BYTES = 50


@dataclass(frozen=True, slots=True)
class MeshSource:
    """Where a surface comes from.

    Attributes:
        label: What to call it in messages.
        content: What the surface depends on, to keep what is made of it by.
        read: Gives its parts, in units of the source: the objects of an OBJ file, else one.
    """

    label: str
    content: tuple[bytes, ...]
    read: Callable[[], list[trimesh.Trimesh]]


def file_source(path: Path) -> MeshSource:
    """A mesh file as a source.

    Raises:
        ModelError: It cannot be read.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise ModelError(f"{path}: expected a mesh, got {error.strerror}") from error
    ending, label = path.suffix.lower(), str(path)
    return MeshSource(
        label, (content, ending.encode()), lambda: read_parts(content, ending, label, path.parent)
    )


def content_source(content: bytes, ending: str, label: str) -> MeshSource:
    """The content of a mesh file as a source.

    Args:
        content: All of the file.
        ending: Of its name, such as ".stl".
        label: What to call it in messages.
    """
    return MeshSource(label, (content, ending.encode()), lambda: read_parts(content, ending, label))


def read_parts(
    content: bytes, ending: str, label: str, folder: Path | None = None
) -> list[trimesh.Trimesh]:
    """The parts of a mesh file, as they are in it: nothing merged, nothing left out.

    Args:
        content: All of the file.
        ending: Of its name, such as ".stl".
        label: What to call it in messages.
        folder: Where it is: glTF may have its vertices in files beside it. None for nowhere.

    Raises:
        ModelError: It is no mesh, has no faces, or has vertices or a unit that are not finite.
    """
    if ending == ".stl" and not _is_text(content):
        _check_length(content, label)
    elif ending in (".obj", ".stl"):
        # Names in another encoding are no reason to refuse a surface.
        content = content.decode("utf-8", "replace").encode()
    try:
        scene = trimesh.load_scene(
            io.BytesIO(content),
            file_type=ending.removeprefix("."),
            resolver=_resolver(ending, folder),
            process=False,  # which would quietly drop faces of vertices that are not finite
            skip_materials=True,
            split_objects=True,
            group_material=False,
        )
        # With `dump` the transforms of a scene count.
        dumped = scene.dump()
    except Exception as error:  # trimesh raises whatever its many loaders raise
        problem = " ".join(str(error).split())[:200]
        raise ModelError(
            f"{label}: expected a mesh, got {type(error).__name__}: {problem}"
        ) from error
    meshes = [one for one in dumped if isinstance(one, trimesh.Trimesh) and len(one.faces)]
    if not meshes:
        raise ModelError(f"{label}: expected a mesh with faces, got an empty one")
    for mesh in meshes:
        if mesh.faces.min() < 0 or mesh.faces.max() >= len(mesh.vertices):
            raise ModelError(f"{label}: expected faces of vertices that there are")
        if not np.isfinite(mesh.vertices[mesh.faces]).all():
            raise ModelError(f"{label}: expected finite vertices")
    return [_bare(mesh, _metres(mesh, label)) for mesh in meshes]


def _resolver(ending: str, folder: Path | None) -> FilePathResolver | None:
    # Other formats would only look for looks.
    return FilePathResolver(str(folder)) if ending == ".gltf" and folder is not None else None


def _is_text(content: bytes) -> bool:
    if content[:5].lower() != b"solid":
        return not content.strip() or len(content) < STL_HEADER_BYTES
    # Some binary files begin with "solid" too.
    return b"\0" not in content[:1000]


def _check_length(content: bytes, label: str) -> None:
    (faces,) = struct.unpack_from("<I", content, STL_HEADER_BYTES - 4)
    expected = STL_HEADER_BYTES + STL_FACE_BYTES * faces
    if len(content) < expected:
        raise ModelError(
            f"{label}: expected {expected} bytes for {faces} faces, got {len(content)} "
            "(half-written, or no STL?)"
        )


def _metres(mesh: trimesh.Trimesh, label: str) -> float:
    """COLLADA says what its unit is; the other formats do not."""
    unit = str(mesh.metadata.get("units", ""))
    factor, separator, _ = unit.partition(" * ")
    metres = float(factor) if separator else 1.0
    if not 0 < metres < math.inf:
        raise ModelError(f"{label}: <unit> meter: expected finite and above 0, got {metres:g}")
    return metres


def _bare(mesh: trimesh.Trimesh, factor: float) -> trimesh.Trimesh:
    return trimesh.Trimesh(np.asarray(mesh.vertices) * factor, mesh.faces, process=False)


def joined(parts: Sequence[trimesh.Trimesh]) -> trimesh.Trimesh:
    """One mesh of several, nothing merged."""
    starts = np.cumsum([0, *(len(part.vertices) for part in parts[:-1])])
    faces = [part.faces + start for part, start in zip(parts, starts, strict=True)]
    return trimesh.Trimesh(
        np.vstack([part.vertices for part in parts]), np.vstack(faces), process=False
    )
