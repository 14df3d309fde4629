"""Reads the surface from a mesh file, and refuses surfaces that later steps cannot use."""

from __future__ import annotations

import io
import math
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import trimesh
from trimesh.resolvers import FilePathResolver

from dr_grasp.common.reading import read_bytes
from dr_grasp.errors import FileFormatError, ModelError
from dr_grasp.objects.obj_text import readable_obj

MESH_ENDINGS = (".obj", ".stl", ".ply")
LARGEST_MESH_BYTES = 512 * 1024**2
"""Largest mesh file that is read: ten million faces of a binary STL. Datasets have up to a million.
"""

MOST_FACES_READ = 5_000_000
"""Most faces of a mesh file; reading more takes minutes and gigabytes."""

LARGEST_COORDINATE = 1e9
"""Largest coordinate of a vertex, in the unit of the file; squares and cubes of it are finite."""

READABLE = (*MESH_ENDINGS, ".dae", ".glb", ".gltf", ".off")
"""Endings of the meshes that a URDF may name. Archives are not among them: a small one may hold
gigabytes."""

STL_HEADER_BYTES = 84
STL_FACE_BYTES = 50


@dataclass(frozen=True, slots=True)
class MeshSource:
    """The bytes of a mesh file, not yet read as a mesh.

    Attributes:
        label: What error messages call the file.
        data: The whole content of the file.
        ending: The ending of the file's name in lower case, such as ".stl".
        folder: The folder of the file, since glTF may keep its vertices in files beside it; None
            if the bytes were not read from a file.
    """

    label: str
    data: bytes
    ending: str
    folder: Path | None = None

    @property
    def content(self) -> tuple[bytes, bytes]:
        """Everything that the surface depends on, from which the cache derives a folder's name."""
        return self.data, self.ending.encode()

    def read(self) -> list[trimesh.Trimesh]:
        """Read the parts of the file as they are: no vertices merged, no faces left out.

        Returns:
            One mesh for each object of an OBJ file, one for a file of any other format; in the unit
            of the file, or in metres if the file names its unit, as COLLADA does.

        Raises:
            ModelError: The file is no mesh, has no faces or too many, or a vertex or the unit is
                not finite or out of bounds.
        """
        data = self.data
        if self.ending not in READABLE:
            raise ModelError(
                f"{self.label}: expected a mesh that ends in {', '.join(READABLE)}, "
                f"got {self.ending or 'no ending'}"
            )
        if self.ending == ".stl" and not _is_text(data):
            _check_length(data, self.label)
        elif self.ending in (".obj", ".stl"):
            # Names in another encoding are no reason to refuse a surface.
            data = data.decode("utf-8", "replace").encode()
        if self.ending == ".obj":
            try:
                data = readable_obj(data)
            except FileFormatError as error:
                raise ModelError(f"{self.label}: {error}") from error
        # Only glTF keeps vertices in other files; the other formats would look for textures.
        beside = self.folder if self.ending == ".gltf" else None
        try:
            scene = trimesh.load_scene(
                io.BytesIO(data),
                file_type=self.ending.removeprefix("."),
                resolver=None if beside is None else FilePathResolver(str(beside)),
                process=False,  # processing would quietly drop faces with vertices that are nan
                skip_materials=True,
                split_objects=True,
                group_material=False,
            )
            dumped = scene.dump()  # applies the transforms of the scene
        except Exception as error:  # trimesh's many loaders raise errors of many types
            problem = " ".join(str(error).split())[:200]
            raise ModelError(
                f"{self.label}: expected a mesh, got {type(error).__name__}: {problem}"
            ) from error
        meshes = [mesh for mesh in dumped if isinstance(mesh, trimesh.Trimesh) and len(mesh.faces)]
        if not meshes:
            raise ModelError(f"{self.label}: expected a mesh with faces, got an empty one")
        faces = sum(len(mesh.faces) for mesh in meshes)
        if faces > MOST_FACES_READ:
            raise ModelError(f"{self.label}: expected at most {MOST_FACES_READ} faces, got {faces}")
        for mesh in meshes:
            if mesh.vertices.ndim != 2 or mesh.vertices.shape[1] != 3 or mesh.faces.shape[1] != 3:
                raise ModelError(f"{self.label}: expected vertices of three coordinates")
            if mesh.faces.min() < 0 or mesh.faces.max() >= len(mesh.vertices):
                raise ModelError(f"{self.label}: expected faces of vertices that there are")
            if not np.isfinite(mesh.vertices[mesh.faces]).all():
                raise ModelError(f"{self.label}: expected finite vertices")
            if np.abs(mesh.vertices).max() > LARGEST_COORDINATE:
                raise ModelError(
                    f"{self.label}: expected coordinates of at most {LARGEST_COORDINATE:g}"
                )
        return [
            trimesh.Trimesh(
                np.asarray(mesh.vertices) * _metres(mesh, self.label), mesh.faces, process=False
            )
            for mesh in meshes
        ]


def file_source(path: Path) -> MeshSource:
    """Load the bytes of a mesh file, without reading them as a mesh.

    Raises:
        ModelError: The file cannot be read, or is too large.
    """
    try:
        data = read_bytes(path, LARGEST_MESH_BYTES)
    except OSError as error:
        raise ModelError(f"{path}: expected a mesh, got {error.strerror}") from error
    except FileFormatError as error:
        raise ModelError(f"{path}: {error}") from error
    return MeshSource(str(path), data, path.suffix.lower(), path.parent)


def as_obj(parts: Sequence[trimesh.Trimesh]) -> bytes:
    """Write meshes as the objects of one OBJ file, their vertices exact to the last bit.

    When trimesh reads the file, it returns the last part first.
    """
    lines, first = [], 1
    for index, part in enumerate(parts):
        lines.append(f"o part_{index:03d}")
        lines += [f"v {x!r} {y!r} {z!r}" for x, y, z in part.vertices.tolist()]
        lines += [f"f {a} {b} {c}" for a, b, c in (part.faces + first).tolist()]
        first += len(part.vertices)
    return "\n".join([*lines, ""]).encode()


def joined(parts: Sequence[trimesh.Trimesh]) -> trimesh.Trimesh:
    """Put several meshes into one without merging any vertices."""
    starts = np.cumsum([0, *(len(part.vertices) for part in parts[:-1])])
    faces = [part.faces + start for part, start in zip(parts, starts, strict=True)]
    return trimesh.Trimesh(
        np.vstack([part.vertices for part in parts]), np.vstack(faces), process=False
    )


def _is_text(data: bytes) -> bool:
    if data[:5].lower() != b"solid":
        return not data.strip() or len(data) < STL_HEADER_BYTES
    # Some binary files begin with "solid" too.
    return b"\0" not in data[:1000]


def _check_length(data: bytes, label: str) -> None:
    (faces,) = struct.unpack_from("<I", data, STL_HEADER_BYTES - 4)
    expected = STL_HEADER_BYTES + STL_FACE_BYTES * faces
    if len(data) < expected:
        raise ModelError(
            f"{label}: expected {expected} bytes for {faces} faces, got {len(data)} "
            "(half-written, or no STL?)"
        )


def _metres(mesh: trimesh.Trimesh, label: str) -> float:
    """Factor from the unit that a COLLADA file names to metres; 1 for formats without a unit."""
    factor, separator, _ = str(mesh.metadata.get("units", "")).partition(" * ")
    metres = float(factor) if separator else 1.0
    if not 0 < metres < math.inf:
        raise ModelError(f"{label}: <unit> meter: expected finite and above 0, got {metres:g}")
    return metres
