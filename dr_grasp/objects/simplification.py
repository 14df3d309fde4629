"""Reduces the faces of a surface and the vertices of a hull, with a bounded error."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import trimesh
from scipy.spatial import ConvexHull

from dr_grasp.core.arrays import FloatArray

MOST_HULL_VERTICES = 128
HULL_ERROR_SHARE = 0.001
"""A hull gets no more vertices once no point lies outside it by more than this share of its extent.
With `MOST_HULL_VERTICES` vertices a ball, the worst case, stays within 1 %."""

SUPPORT_DIRECTIONS = 1024
DIRECTIONS_AT_ONCE = 128
MOST_FACES = 150_000


def simplified_hull(points: FloatArray) -> trimesh.Trimesh:
    """Make a hull of at most `MOST_HULL_VERTICES`, with the volume of the points' convex hull.

    Args:
        points: The points, shape (n, 3), in any unit.

    Raises:
        Exception: The points lie in a plane; Qhull has errors of many types for that.
    """
    hull: trimesh.Trimesh = trimesh.convex.convex_hull(points)
    if len(hull.vertices) <= MOST_HULL_VERTICES:
        return hull
    corners = np.asarray(hull.vertices)
    supports = corners[_extremes(corners, SUPPORT_DIRECTIONS)]
    # Even directions are best for round bodies, growing is best for bodies with edges and flats.
    candidates = (_grown(supports), corners[_extremes(corners, MOST_HULL_VERTICES)])
    best = min(candidates, key=lambda chosen: _missing(ConvexHull(chosen), supports).max())
    fewer: trimesh.Trimesh = trimesh.convex.convex_hull(best)
    middle = fewer.center_mass
    factor = (hull.volume / fewer.volume) ** (1 / 3)
    fewer.apply_translation(-middle).apply_scale(factor).apply_translation(middle)
    return fewer


def _extremes(corners: FloatArray, count: int) -> npt.NDArray[np.int64]:
    """Indices of the corners that reach farthest in one of `count` evenly spread directions."""
    # Directions along a spiral on the sphere (Vogel 1979).
    height = 1 - (2 * np.arange(count) + 1) / count
    angle = np.pi * (3 - np.sqrt(5)) * np.arange(count)
    radius = np.sqrt(1 - height**2)
    directions = np.stack([radius * np.cos(angle), radius * np.sin(angle), height], axis=1)
    found = [
        np.argmax(corners @ directions[start : start + DIRECTIONS_AT_ONCE].T, axis=0)
        for start in range(0, count, DIRECTIONS_AT_ONCE)
    ]
    return np.asarray(np.unique(np.concatenate(found)))


def _grown(corners: FloatArray) -> FloatArray:
    """Choose corners one by one, each time the corner farthest outside the hull of the chosen."""
    extent = float(np.ptp(corners, axis=0).max())
    chosen = _extremes(corners, 16).tolist()
    hull = ConvexHull(corners[chosen], incremental=True)
    while len(chosen) < MOST_HULL_VERTICES:
        missing = _missing(hull, corners)
        farthest = int(missing.argmax())
        if missing[farthest] < HULL_ERROR_SHARE * extent:
            break
        chosen.append(farthest)
        hull.add_points(corners[farthest][None])
    hull.close()
    return np.asarray(corners[chosen])


def _missing(hull: ConvexHull, points: FloatArray) -> FloatArray:
    """Distance by which each point lies outside a hull; negative inside."""
    return np.asarray((points @ hull.equations[:, :3].T + hull.equations[:, 3]).max(axis=1))


def thinned(mesh: trimesh.Trimesh) -> trimesh.Trimesh:
    """Make a mesh of at most `MOST_FACES`: the vertices in each cell of a grid become their mean.

    Vertices with normals in different octants stay apart, so that the two sides of a thin wall do
    not become one. A closed surface stays closed.
    """
    cell = float(np.sqrt(2 * mesh.area / MOST_FACES))
    while len(mesh.faces) > MOST_FACES:
        places = np.floor((mesh.vertices - mesh.bounds[0]) / cell).astype(np.int64)
        octants = (np.asarray(mesh.vertex_normals) > 0) @ np.array([1, 2, 4])
        _, label, count = np.unique(
            np.column_stack([places, octants]), axis=0, return_inverse=True, return_counts=True
        )
        label = label.reshape(-1)
        sums = [np.bincount(label, weights=mesh.vertices[:, axis]) for axis in range(3)]
        a, b, c = faces = label[mesh.faces].T
        kept = faces.T[(a != b) & (b != c) & (c != a)]
        mesh = trimesh.Trimesh(np.stack(sums, axis=1) / count[:, None], kept, process=False)
        cell *= 1.25
    return mesh
