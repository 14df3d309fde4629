"""Prepares meshes for contact: cuts an object into convex pieces that both engines can read."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

import numpy as np
import trimesh
from pydantic import TypeAdapter

from dr_grasp.common.cache import cached_folder
from dr_grasp.core.arrays import FloatArray
from dr_grasp.errors import ModelError
from dr_grasp.objects.convex import (
    COACD_OPTIONS,
    Decomposition,
    convex_pieces,
)
from dr_grasp.objects.masses import solid_of
from dr_grasp.objects.mesh_files import MeshSource, joined
from dr_grasp.objects.repair import Repaired, repair
from dr_grasp.objects.simplification import thinned
from dr_grasp.objects.units import check_extent

RECIPE = 4
"""Version of the way in which pieces are made. Raise it with every change of results; if not,
caches go on serving the old pieces."""


@dataclass(frozen=True, slots=True)
class MeshFacts:
    """Measurements of a prepared surface, in metres and in the object's frame.

    Attributes:
        extent: Lengths of the sides of the bounding box along x, y, z [m].
        origin: Position of the origin of the mesh file [m].
        volume: The enclosed volume [m^3].
        center: Centre of the enclosed volume [m].
        inertia: Inertia about this centre at 1 kg/m^3, nine numbers, row by row [kg m^2].
        watertight: Whether the surface is closed, perhaps only after repair. If it is not, volume,
            centre and inertia are computed from the convex pieces.
        remarks: Notes for the user on changes to the surface, one a line.
    """

    extent: tuple[float, ...]
    origin: tuple[float, ...]
    volume: float
    center: tuple[float, ...]
    inertia: tuple[float, ...]
    watertight: bool
    remarks: tuple[str, ...]


_FACTS = TypeAdapter(MeshFacts)


@dataclass(frozen=True, slots=True)
class PreparedMeshes:
    """A prepared object: OBJ files of the whole surface and of its convex pieces, in metres."""

    visual: Path
    pieces: tuple[Path, ...]
    facts: MeshFacts

    def piece_points(self) -> list[FloatArray]:
        """Vertices of each convex piece, shape (k_i, 3) [m], in the object's frame."""
        return [np.asarray(trimesh.load_mesh(piece).vertices) for piece in self.pieces]

    def inertia(self, mass: float) -> FloatArray:
        """Inertia of a mass that is spread evenly over the enclosed volume.

        Args:
            mass: Mass of the object [kg].

        Returns:
            Shape (3, 3), about `facts.center`, along the axes of the object's frame [kg m^2].
        """
        return np.reshape(self.facts.inertia, (3, 3)) * (mass / self.facts.volume)


def prepare_meshes(
    source: MeshSource,
    scale: float | Sequence[float],
    decomposition: Decomposition,
    center: bool = False,
    on_slow: Callable[[], None] | None = None,
) -> PreparedMeshes:
    """Cut a surface into convex pieces, or find them in the cache.

    Args:
        source: The mesh file.
        scale: Factor from the file's unit to metres, or three of them, along x, y and z.
        decomposition: How to cut the surface; see `convex_pieces`.
        center: Whether to move the middle of the bounding box to the object's origin.
        on_slow: Called before work that may take a minute.

    Raises:
        ModelError: The mesh cannot be read, is empty, encloses no volume, or is too large or too
            small to be grasped.
    """
    factors = np.broadcast_to(np.asarray(scale, dtype=np.float64), 3)
    options = json.dumps(
        {
            "scale": factors.tolist(),
            "decomposition": decomposition,
            "center": center,
            "coacd": COACD_OPTIONS,
            "recipe": RECIPE,
            "libraries": [version("coacd"), version("trimesh")],
        },
        sort_keys=True,
    )
    folder = cached_folder(
        "objects",
        [*source.content, options.encode()],
        lambda scratch: _build(scratch, source, factors, decomposition, center, on_slow),
    )
    facts = _FACTS.validate_json((folder / "facts.json").read_bytes())
    return PreparedMeshes(folder / "visual.obj", tuple(sorted(folder.glob("piece_*.obj"))), facts)


def _build(
    folder: Path,
    source: MeshSource,
    scale: FloatArray,
    decomposition: Decomposition,
    center: bool,
    on_slow: Callable[[], None] | None,
) -> None:
    parts = source.read()
    whole = joined(parts)
    for mesh in (whole, *parts):
        mesh.remove_unreferenced_vertices()
    extent = np.asarray(whole.extents)
    advice = "if it is in {unit_name}, say scale: {scale:g}"
    check_extent(source.label, extent, scale, advice)
    middle = np.asarray(whole.bounds).mean(axis=0) if center else np.zeros(3)
    for mesh in (whole, *parts):
        mesh.apply_translation(-middle).apply_scale(scale)
    repaired = repair(whole)
    surface = thinned(repaired.mesh)
    remarks = list(repaired.remarks)
    thinner = surface is not repaired.mesh
    if thinner:
        remarks.append(f"{len(whole.faces)} faces thinned to {len(surface.faces)}")
    pieces = convex_pieces(Repaired(surface, repaired.closed), parts, decomposition, on_slow)
    if not pieces:
        raise ModelError(f"{source.label}: expected a mesh that encloses a volume, got a flat one")
    solid = solid_of([repaired.mesh], surface) if repaired.closed else solid_of(pieces)
    if solid.overlap:
        remarks.append(f"bodies overlap: {solid.overlap:.1%} of their volume counted once")
    facts = MeshFacts(
        extent=tuple((extent * scale).tolist()),
        origin=tuple(((0.0 - middle) * scale).tolist()),
        volume=solid.volume,
        center=tuple(solid.center.tolist()),
        inertia=tuple(solid.inertia.ravel().tolist()),
        watertight=repaired.closed,
        remarks=tuple(remarks),
    )
    _write(surface if thinner else repaired.as_given(), folder / "visual.obj")
    for index, piece in enumerate(pieces):
        _write(piece, folder / f"piece_{index:03d}.obj")
    (folder / "facts.json").write_bytes(_FACTS.dump_json(facts))


def _write(mesh: trimesh.Trimesh, path: Path) -> None:
    mesh.export(path, include_texture=False, include_normals=False)
