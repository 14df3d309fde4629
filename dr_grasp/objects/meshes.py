"""Meshes for contact: every object becomes a set of convex pieces that both engines read alike."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

import numpy as np
import trimesh
from pydantic import TypeAdapter

from dr_grasp.common.resources import cached_folder
from dr_grasp.core.arrays import FloatArray, frozen
from dr_grasp.errors import ModelError
from dr_grasp.objects.convex import (
    COACD_OPTIONS,
    Decomposition,
    convex_pieces,
    encloses_nothing,
)
from dr_grasp.objects.mesh_files import MeshSource, file_source, joined
from dr_grasp.objects.repair import Repaired, repair
from dr_grasp.objects.simplification import thinned
from dr_grasp.objects.units import check_extent
from dr_grasp.objects.urdf import urdf_source

RECIPE = 3
"""Number of the way in which pieces are made; raise it with every change of that, or caches would
go on serving the pieces of before."""

ROUNDING = 1e-6


@dataclass(frozen=True, slots=True)
class MassProperties:
    """Centre of mass (3,) [m] and inertia (3, 3) about it [kg m^2], in the object's frame."""

    center: FloatArray
    inertia: FloatArray


@dataclass(frozen=True, slots=True)
class MeshFacts:
    """What was found out about a surface while it was prepared, in metres and the object's frame.

    Attributes:
        extent: Of its bounding box.
        origin: Where the origin of the source is.
        volume: That it encloses.
        center: Of that volume.
        inertia: Of that volume at a density of 1, about its centre, row by row.
        watertight: Whether the surface is closed, if need be after repair. If it is not, volume,
            centre and inertia are those of its pieces.
        remarks: What was done to it that a user may want to know.
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
    """A prepared object: files of the whole surface and its convex pieces, scaled, as OBJ."""

    visual: Path
    pieces: tuple[Path, ...]
    facts: MeshFacts

    def piece_points(self) -> list[FloatArray]:
        """Vertices of each piece, shape (k_i, 3), in metres."""
        return [np.asarray(trimesh.load_mesh(piece).vertices) for piece in self.pieces]

    def mass_properties(self, mass: float) -> MassProperties:
        """Spread a mass evenly over what the surface encloses.

        Args:
            mass: In kilograms.
        """
        inertia = np.reshape(self.facts.inertia, (3, 3)) * (mass / self.facts.volume)
        return MassProperties(frozen(self.facts.center), frozen(inertia))


def prepare_meshes(
    path: Path, scale: float, decomposition: Decomposition, center: bool = False
) -> PreparedMeshes:
    """Make the convex pieces of a mesh file, or find them in the cache.

    Args:
        path: OBJ, STL, PLY or URDF.
        scale: Factor from the file's unit to metres.
        decomposition: As for `convex_pieces`.
        center: Whether to move the middle of its bounding box to the object's origin.

    Raises:
        ModelError: The mesh cannot be read, is empty, encloses no volume, or is of a size that
            nobody grasps.
    """
    return prepare_source(path_source(path), scale, decomposition, center)


def path_source(path: Path) -> MeshSource:
    """A file as a source, by its ending.

    Raises:
        ModelError: It cannot be read.
    """
    return urdf_source(path) if path.suffix.lower() == ".urdf" else file_source(path)


def prepare_source(
    source: MeshSource,
    scale: float,
    decomposition: Decomposition,
    center: bool = False,
    on_slow: Callable[[], None] | None = None,
) -> PreparedMeshes:
    """Like `prepare_meshes`, of any source.

    Args:
        source: Of the surface.
        scale: Factor to metres.
        decomposition: As for `convex_pieces`.
        center: Whether to move the middle of its bounding box to the object's origin.
        on_slow: Called before work that may take a minute.
    """
    options = json.dumps(
        {
            "scale": scale,
            "decomposition": decomposition,
            "center": center,
            "coacd": COACD_OPTIONS,
            "recipe": RECIPE,
            "libraries": [version("coacd"), version("trimesh")],
        },
        sort_keys=True,
    )

    def build(folder: Path) -> None:
        _build(folder, source, scale, decomposition, center, on_slow)

    folder = cached_folder("objects", [*source.content, options.encode()], build)
    facts = _FACTS.validate_json((folder / "facts.json").read_bytes())
    return PreparedMeshes(folder / "visual.obj", tuple(sorted(folder.glob("piece_*.obj"))), facts)


def _build(
    folder: Path,
    source: MeshSource,
    scale: float,
    decomposition: Decomposition,
    center: bool,
    on_slow: Callable[[], None] | None,
) -> None:
    parts = source.read()
    whole = joined(parts)
    for mesh in (whole, *parts):
        mesh.remove_unreferenced_vertices()
    extent = np.asarray(whole.extents)
    flat = f"{source.label}: expected a mesh that encloses a volume, got a flat one"
    if encloses_nothing(whole):
        raise ModelError(flat)
    advice = "if it is in {unit_name}, say scale: {scale:g}"
    check_extent(source.label, extent, scale, advice)
    middle = np.asarray(whole.bounds).mean(axis=0) if center else np.zeros(3)
    for mesh in (whole, *parts):
        mesh.apply_translation(-middle).apply_scale(scale)
    repaired = repair(whole)
    if encloses_nothing(repaired.mesh):  # its faces were lines
        raise ModelError(flat)
    surface = thinned(repaired.mesh)
    remarks = list(repaired.remarks)
    thinner = surface is not repaired.mesh
    if thinner:
        remarks.append(f"{len(whole.faces)} faces thinned to {len(surface.faces)}")
    pieces = convex_pieces(Repaired(surface, repaired.closed), parts, decomposition, on_slow)
    if not pieces:
        raise ModelError(flat)
    solid = repaired.closed and _is_solid(repaired.mesh)
    if repaired.closed and not solid:
        remarks.append("encloses more than its hull: weighed by its convex pieces")
    volume, center_of_mass, inertia = _mass_properties([repaired.mesh] if solid else pieces)
    facts = MeshFacts(
        extent=tuple((extent * scale).tolist()),
        origin=tuple(((0.0 - middle) * scale).tolist()),
        volume=volume,
        center=tuple(center_of_mass.tolist()),
        inertia=tuple(inertia.ravel().tolist()),
        watertight=repaired.closed,
        remarks=tuple(remarks),
    )
    _write(surface if thinner else repaired.as_given(), folder / "visual.obj")
    for index, piece in enumerate(pieces):
        _write(piece, folder / f"piece_{index:03d}.obj")
    (folder / "facts.json").write_bytes(_FACTS.dump_json(facts))


def _write(mesh: trimesh.Trimesh, path: Path) -> None:
    mesh.export(path, include_texture=False, include_normals=False)


def _is_solid(mesh: trimesh.Trimesh) -> bool:
    """Whether the volume integrals over a closed surface can be those of a body.

    One that runs through itself may enclose more than its hull.
    """
    volume, center, inertia = _mass_properties([mesh])
    hull = mesh.convex_hull
    inside = (center > hull.bounds[0]).all() and (center < hull.bounds[1]).all()
    moments = np.linalg.eigvalsh(inertia)
    possible = moments[0] > 0 and moments[0] + moments[1] >= moments[2] * (1 - ROUNDING)
    return bool(inside and possible and volume <= hull.volume * (1 + ROUNDING))


def _mass_properties(solids: list[trimesh.Trimesh]) -> tuple[float, FloatArray, FloatArray]:
    """Volume, its centre and its inertia about that, at a density of 1, of bodies together."""
    volumes, centers, inertias = [], [], []
    for solid in solids:
        # From nearby: the integrals are about the origin, and would lose digits far away from it.
        near = np.asarray(solid.bounds).mean(axis=0)
        local = trimesh.Trimesh(solid.vertices - near, solid.faces, process=False)
        volumes.append(float(local.volume))
        centers.append(np.asarray(local.center_mass) + near)
        inertias.append(np.asarray(local.moment_inertia))
    return sum_masses(volumes, centers, inertias)


def sum_masses(
    masses: Sequence[float], centers: Sequence[FloatArray], inertias: Sequence[FloatArray]
) -> tuple[float, FloatArray, FloatArray]:
    """Mass, centre (3,) and inertia about it (3, 3) of bodies that are joined rigidly.

    Args:
        masses: Of n bodies.
        centers: Their centres of mass, each of shape (3,).
        inertias: Each about its body's centre, of shape (3, 3), all along the same axes.
    """
    center = np.asarray(np.average(centers, axis=0, weights=masses))
    inertia = np.sum(inertias, axis=0)
    for mass, place in zip(masses, centers, strict=True):
        arm = place - center
        # Parallel axis theorem.
        inertia = inertia + mass * (arm @ arm * np.eye(3) - np.outer(arm, arm))
    return float(np.sum(masses)), center, np.asarray(inertia)
