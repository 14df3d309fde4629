"""Meshes for contact: every object becomes a set of convex pieces that both engines read alike."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any, Literal

import numpy as np
import trimesh

from dr_grasp.core.arrays import FloatArray, frozen
from dr_grasp.errors import ModelError
from dr_grasp.resources import cached_folder

Decomposition = Literal["coacd", "groups", "hull"]

COACD_OPTIONS: dict[str, Any] = {
    # Concavity of 8 % keeps a mug hollow and its handle open in some 20 pieces; finer settings take
    # longer, once here and again in every collision check. Fixed seed: the same pieces everywhere.
    "threshold": 0.08,
    "preprocess_resolution": 50,
    "resolution": 500,
    "mcts_iterations": 40,
    "mcts_nodes": 10,
    "mcts_max_depth": 2,
    "max_ch_vertex": 48,
    "decimate": True,
    "seed": 0,
}
"""Options of the convex decomposition by CoACD (Wei et al. 2022)."""

RECIPE = 2
"""Number of the way in which pieces are made; raise it with every change of that, or caches would
go on serving the pieces of before."""


@dataclass(frozen=True, slots=True)
class MassProperties:
    """Centre of mass (3,) [m] and inertia (3, 3) about it [kg m^2], in the object's frame."""

    center: FloatArray
    inertia: FloatArray


@dataclass(frozen=True, slots=True)
class PreparedMeshes:
    """Files of a prepared object: the whole mesh and its convex pieces, scaled, as OBJ."""

    visual: Path
    pieces: tuple[Path, ...]

    def piece_points(self) -> list[FloatArray]:
        """Vertices of each piece, shape (k_i, 3), in metres."""
        return [np.asarray(_load(piece).vertices) for piece in self.pieces]

    def mass_properties(self, mass: float) -> MassProperties:
        """Spread a mass evenly over the pieces.

        Args:
            mass: In kilograms.
        """
        meshes = [_load(piece) for piece in self.pieces]
        density = mass / sum(mesh.volume for mesh in meshes)
        masses = [density * mesh.volume for mesh in meshes]
        center = sum(m * mesh.center_mass for m, mesh in zip(masses, meshes, strict=True)) / mass
        inertia = np.zeros((3, 3))
        for piece_mass, mesh in zip(masses, meshes, strict=True):
            arm = mesh.center_mass - center
            # Parallel axis theorem.
            inertia += density * mesh.moment_inertia
            inertia += piece_mass * (arm @ arm * np.eye(3) - np.outer(arm, arm))
        return MassProperties(frozen(center), frozen(inertia))


def prepare_meshes(path: Path, scale: float, decomposition: Decomposition) -> PreparedMeshes:
    """Make the convex pieces of a mesh, or find them in the cache.

    Args:
        path: OBJ, STL or PLY.
        scale: Factor from the file's unit to metres.
        decomposition: "coacd" cuts a concave mesh; "groups" takes each object of an OBJ file as a
            convex piece; "hull" takes the convex hull of the whole.

    Raises:
        ModelError: The mesh cannot be read, is empty or encloses no volume.
    """
    options = json.dumps(
        {
            "scale": scale,
            "decomposition": decomposition,
            "coacd": COACD_OPTIONS,
            "recipe": RECIPE,
            "libraries": [version("coacd"), version("trimesh")],
        },
        sort_keys=True,
    )
    try:
        content = path.read_bytes()
    except OSError as error:
        raise ModelError(f"{path}: expected a mesh, got {error.strerror}") from error
    folder = cached_folder(
        "objects",
        [content, path.suffix.encode(), options.encode()],
        lambda scratch: _build(scratch, path, scale, decomposition),
    )
    return PreparedMeshes(folder / "visual.obj", tuple(sorted(folder.glob("piece_*.obj"))))


def _build(folder: Path, path: Path, scale: float, decomposition: Decomposition) -> None:
    whole = _load(path)
    _hulls(path, [whole], scale)  # for its complaint: CoACD gives a flat mesh some thickness
    if decomposition == "groups":
        pieces = _groups(path)
    elif decomposition == "hull":
        pieces = [whole]
    else:
        pieces = _decompose(whole)
    hulls = _hulls(path, pieces, scale)
    whole.apply_scale(scale)
    whole.export(folder / "visual.obj", include_texture=False)
    for index, hull in enumerate(hulls):
        hull.export(folder / f"piece_{index:03d}.obj", include_texture=False)


def _load(path: Path) -> trimesh.Trimesh:
    try:
        mesh = trimesh.load(path, force="mesh")
    except Exception as error:  # trimesh raises whatever its many loaders raise
        raise ModelError(f"{path}: expected a mesh, got {type(error).__name__}: {error}") from error
    if not isinstance(mesh, trimesh.Trimesh) or len(mesh.faces) == 0:
        raise ModelError(f"{path}: expected a mesh with faces, got an empty one")
    if not np.isfinite(mesh.vertices).all():
        raise ModelError(f"{path}: expected finite vertices")
    return mesh


def _groups(path: Path) -> list[trimesh.Trimesh]:
    _load(path)  # for its complaints
    scene = trimesh.load_scene(path, split_objects=True, group_material=False)
    return [mesh for mesh in scene.geometry.values() if isinstance(mesh, trimesh.Trimesh)]


def _decompose(mesh: trimesh.Trimesh) -> list[trimesh.Trimesh]:
    import coacd  # takes a second to load, and only a first use needs it

    coacd.set_log_level("error")
    mesh.merge_vertices()
    parts: Sequence[Any] = coacd.run_coacd(coacd.Mesh(mesh.vertices, mesh.faces), **COACD_OPTIONS)
    return [trimesh.Trimesh(vertices, faces) for vertices, faces in parts]


def _hulls(path: Path, pieces: list[trimesh.Trimesh], scale: float) -> list[trimesh.Trimesh]:
    hulls = []
    for piece in pieces:
        try:
            hull = piece.convex_hull.copy()  # trimesh keeps the one that it returns
        except Exception:  # a flat or degenerate piece has no hull; Qhull says so in many ways
            continue
        hull.apply_scale(scale)
        if hull.volume > 0:
            hulls.append(hull)
    if not hulls:
        raise ModelError(f"{path}: expected a mesh that encloses a volume, got a flat one")
    return hulls
