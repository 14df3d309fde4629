"""Cuts a surface into convex pieces, by the cheapest means that keep its hollows free."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Literal

import numpy as np
import trimesh
from scipy.spatial import ConvexHull, QhullError

from dr_grasp.objects.orientation import bodies, signed_volume
from dr_grasp.objects.repair import LEAST_VOLUME_SHARE, Repaired, repair
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
"""Faces from which CoACD cuts a remeshed surface, lest it take minutes."""

CONVEX_TOLERANCE = 0.02
"""Convex is what differs from its hull by no more than this share of volume, and of extent."""

MOST_DISTANCES = 4_000_000
"""Computed at once."""

MOST_PARTS = 64
"""A file of more convex parts than this is cut by CoACD, which merges what it can."""


def convex_pieces(
    whole: Repaired,
    parts: Sequence[trimesh.Trimesh],
    decomposition: Decomposition,
    on_slow: Callable[[], None] | None = None,
) -> list[trimesh.Trimesh]:
    """Cut a surface; flat parts are left out.

    Args:
        whole: The surface, in any unit.
        parts: What the file says it consists of.
        decomposition: "coacd" cuts a concave surface; "groups" takes each part as a convex piece;
            "hull" takes the convex hull of the whole; "auto" takes the hull of what is convex, each
            part or body if all of them are, and else CoACD.
        on_slow: Called before CoACD, which may take a minute.
    """
    pieces: Sequence[trimesh.Trimesh]
    if decomposition == "auto":
        pieces = _all_convex(whole, parts)
        if not pieces:
            decomposition = "coacd"
    elif decomposition == "groups":
        pieces = parts
    else:
        pieces = [whole.mesh]
    if decomposition == "coacd":
        if on_slow is not None:
            on_slow()
        pieces = _decomposed(whole.mesh)
    hulls = []
    for piece in pieces:
        try:
            hull = simplified_hull(np.asarray(piece.vertices))
        except Exception:  # a flat or degenerate piece has no hull; Qhull says so in many ways
            continue
        if hull.volume > 0:
            hulls.append(hull)
    return hulls


def encloses_nothing(mesh: trimesh.Trimesh) -> bool:
    """Whether even the hull of a mesh is flat."""
    try:
        volume = ConvexHull(mesh.vertices).volume
    except (QhullError, ValueError):  # the latter of no vertices at all
        return True
    return bool(volume <= LEAST_VOLUME_SHARE * mesh.extents.max() ** 3)


def is_convex(mesh: trimesh.Trimesh) -> bool:
    """Whether a closed surface is nearly its hull: in volume, and everywhere near it."""
    try:
        hull = ConvexHull(mesh.vertices)
    except QhullError:
        return False
    volume = signed_volume(np.asarray(mesh.vertices), np.asarray(mesh.faces))
    if abs(volume / hull.volume - 1) > CONVEX_TOLERANCE:
        return False
    # A surface that runs through itself may enclose as much as its hull, and have a hole.
    planes = np.unique(hull.equations.round(9), axis=0)
    step = max(1, MOST_DISTANCES // len(planes))
    middles = np.asarray(mesh.triangles_center)
    depth = max(
        -(middles[start : start + step] @ planes[:, :3].T + planes[:, 3]).max(axis=1).min()
        for start in range(0, len(middles), step)
    )
    return bool(depth <= CONVEX_TOLERANCE * mesh.extents.max())


def _all_convex(whole: Repaired, parts: Sequence[trimesh.Trimesh]) -> Sequence[trimesh.Trimesh]:
    """The whole, its parts or its bodies, if they are convex; else nothing."""
    if whole.closed and is_convex(whole.mesh):
        return [whole.mesh]
    if 1 < len(parts) <= MOST_PARTS:
        repaired = [repair(part) for part in parts]
        if all(one.closed and is_convex(one.mesh) for one in repaired):
            return parts
    if whole.closed:
        mesh = whole.mesh
        label = bodies(np.asarray(mesh.faces), len(mesh.vertices))
        if 0 < label.max() < MOST_PARTS:
            split = [
                trimesh.Trimesh(mesh.vertices, mesh.faces[label == index], process=False)
                for index in range(label.max() + 1)
            ]
            for one in split:
                one.remove_unreferenced_vertices()
            if all(map(is_convex, split)):
                return split
    return []


def _decomposed(mesh: trimesh.Trimesh) -> list[trimesh.Trimesh]:
    import coacd  # takes a second to load, and only a first use needs it

    coacd.set_log_level("error")
    remesh = "on" if len(mesh.faces) > COACD_REMESHES_ABOVE else "auto"
    parts: Sequence[Any] = coacd.run_coacd(
        coacd.Mesh(mesh.vertices, mesh.faces), preprocess_mode=remesh, **COACD_OPTIONS
    )
    return [trimesh.Trimesh(vertices, faces) for vertices, faces in parts]
