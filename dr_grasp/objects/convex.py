"""Cuts a surface into convex pieces, in the cheapest way that does not fill its hollows."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Literal

import numpy as np
import trimesh
from scipy.spatial import ConvexHull, QhullError

from dr_grasp.objects.orientation import bodies, signed_volume
from dr_grasp.objects.repair import LEAST_VOLUME_SHARE, Repaired, compact_mesh, repair
from dr_grasp.objects.simplification import simplified_hull

Decomposition = Literal["auto", "coacd", "groups", "hull"]

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

COACD_REMESHES_ABOVE = 20_000
"""Surfaces with more faces are remeshed before CoACD cuts them; without that it takes minutes."""

CONVEX_TOLERANCE = 0.02
"""A surface counts as convex if its volume differs from its hull's by at most this share, and no
face lies deeper in the hull than this share of the surface's extent."""

MOST_DISTANCES = 4_000_000
"""Largest number of distances that are computed at once, to bound the memory in use."""

MOST_PARTS = 64
"""A file with more convex parts is cut by CoACD, which merges parts where it can."""


def convex_pieces(
    whole: Repaired,
    parts: Sequence[trimesh.Trimesh],
    decomposition: Decomposition,
    on_slow: Callable[[], None] | None = None,
) -> list[trimesh.Trimesh]:
    """Cut a surface into convex pieces. Flat pieces are left out; a flat surface has no pieces.

    Args:
        whole: The surface, in any unit.
        parts: The parts of the surface's file.
        decomposition: "coacd" cuts a concave surface; "groups" takes the hull of each part; "hull"
            takes the hull of the whole; "auto" takes the hull of a convex surface, or of each part
            or each body if all of them are convex, and else cuts with CoACD.
        on_slow: Called before CoACD, which may take a minute.
    """
    if _encloses_nothing(whole.mesh):
        return []
    pieces: Sequence[trimesh.Trimesh] = []
    if decomposition == "hull":
        pieces = [whole.mesh]
    elif decomposition == "groups":
        pieces = parts
    elif decomposition == "auto":
        pieces = _convex_already(whole, parts)
    if not pieces:
        if on_slow is not None:
            on_slow()
        pieces = _decomposed(whole.mesh)
    return hulls_of(pieces)


def hulls_of(pieces: Sequence[trimesh.Trimesh]) -> list[trimesh.Trimesh]:
    """The convex hulls of pieces of a surface, of few vertices each; flat pieces are left out."""
    hulls = []
    for piece in pieces:
        try:
            hull = simplified_hull(np.asarray(piece.vertices))
        except Exception:  # a flat piece has no hull; Qhull's errors for that have many types
            continue
        if hull.volume > 0:
            hulls.append(hull)
    return hulls


def is_convex(mesh: trimesh.Trimesh) -> bool:
    """Whether a closed surface is nearly its convex hull, in volume and at each of its faces."""
    try:
        hull = ConvexHull(mesh.vertices)
    except QhullError:
        return False
    volume = signed_volume(np.asarray(mesh.vertices), np.asarray(mesh.faces))
    if abs(volume / hull.volume - 1) > CONVEX_TOLERANCE:
        return False
    # A surface that crosses itself may enclose as much as its hull and still have a hole.
    planes = np.unique(hull.equations.round(9), axis=0)
    step = max(1, MOST_DISTANCES // len(planes))
    middles = np.asarray(mesh.triangles_center)
    depth = max(
        -(middles[start : start + step] @ planes[:, :3].T + planes[:, 3]).max(axis=1).min()
        for start in range(0, len(middles), step)
    )
    return bool(depth <= CONVEX_TOLERANCE * mesh.extents.max())


def _encloses_nothing(mesh: trimesh.Trimesh) -> bool:
    """Whether even the convex hull of a mesh is flat."""
    try:
        volume = ConvexHull(mesh.vertices).volume
    except (QhullError, ValueError):  # ValueError: there are no vertices
        return True
    return bool(volume <= LEAST_VOLUME_SHARE * mesh.extents.max() ** 3)


def _convex_already(whole: Repaired, parts: Sequence[trimesh.Trimesh]) -> Sequence[trimesh.Trimesh]:
    """The whole, its parts or its bodies, if they are convex; else nothing."""
    if whole.closed and is_convex(whole.mesh):
        return [whole.mesh]
    if 1 < len(parts) <= MOST_PARTS:
        repaired = [repair(part) for part in parts]
        if all(part.closed and is_convex(part.mesh) for part in repaired):
            return parts
    if not whole.closed:
        return []
    faces = np.asarray(whole.mesh.faces)
    label = bodies(faces)
    if not 0 < label.max() < MOST_PARTS:
        return []
    split = [
        compact_mesh(whole.mesh.vertices, faces[label == index]) for index in range(label.max() + 1)
    ]
    return split if all(map(is_convex, split)) else []


def _decomposed(mesh: trimesh.Trimesh) -> list[trimesh.Trimesh]:
    import coacd  # takes a second to load, and only a first use needs it

    coacd.set_log_level("error")
    remesh = "on" if len(mesh.faces) > COACD_REMESHES_ABOVE else "auto"
    parts: Sequence[Any] = coacd.run_coacd(
        coacd.Mesh(mesh.vertices, mesh.faces), preprocess_mode=remesh, **COACD_OPTIONS
    )
    return [trimesh.Trimesh(vertices, faces) for vertices, faces in parts]
