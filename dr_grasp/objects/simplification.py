"""Fewer faces and vertices where nobody would see the difference."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import trimesh
from scipy.spatial import ConvexHull

from dr_grasp.core.arrays import FloatArray

MOST_HULL_VERTICES = 128
HULL_ERROR_SHARE = 0.001
"""A hull gets no more vertices once nothing sticks out of it by more than this share of its
extent. At the most vertices a ball, the worst there is, keeps within 1 %."""

SUPPORT_DIRECTIONS = 1024
DIRECTIONS_AT_ONCE = 128
MOST_FACES = 150_000


def simplified_hull(points: FloatArray) -> trimesh.Trimesh:
    """The convex hull of points, or one of the same volume that has few vertices.

    Args:
        points: Shape (n, 3).

    Raises:
        Exception: They lie in a plane; Qhull says so in many ways.
    """
    hull: trimesh.Trimesh = trimesh.convex.convex_hull(points)
    if len(hull.vertices) <= MOST_HULL_VERTICES:
        return hull
    corners = np.asarray(hull.vertices)
    supports = _extremes(corners, SUPPORT_DIRECTIONS)
    # Where all is round, even directions do best; where there are edges and flats, the others.
    even, grown = corners[_extremes(corners, MOST_HULL_VERTICES)], _grown(corners[supports])
    best = min((grown, even), key=lambda one: _missing(ConvexHull(one), corners[supports]).max())
    fewer: trimesh.Trimesh = trimesh.convex.convex_hull(best)
    middle = fewer.center_mass
    factor = (hull.volume / fewer.volume) ** (1 / 3)
    fewer.apply_translation(-middle).apply_scale(factor).apply_translation(middle)
    return fewer


def _extremes(corners: FloatArray, count: int) -> npt.NDArray[np.int64]:
    """Which corners reach farthest in some of so many directions."""
    directions = _directions(count)
    found = [
        np.argmax(corners @ directions[start : start + DIRECTIONS_AT_ONCE].T, axis=0)
        for start in range(0, count, DIRECTIONS_AT_ONCE)
    ]
    return np.unique(np.concatenate(found))


def _grown(corners: FloatArray) -> FloatArray:
    """Corners chosen one by one, each where most is missing of the hull of those before."""
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
    return corners[chosen]


def _missing(hull: ConvexHull, points: FloatArray) -> FloatArray:
    """How far each point sticks out of a hull."""
    return np.asarray((points @ hull.equations[:, :3].T + hull.equations[:, 3]).max(axis=1))


def _directions(count: int) -> FloatArray:
    """Unit vectors spread evenly over the sphere, along a spiral (Vogel 1979)."""
    height = 1 - (2 * np.arange(count) + 1) / count
    angle = np.pi * (3 - np.sqrt(5)) * np.arange(count)
    radius = np.sqrt(1 - height**2)
    return np.stack([radius * np.cos(angle), radius * np.sin(angle), height], axis=1)


def thinned(mesh: trimesh.Trimesh) -> trimesh.Trimesh:
    """A mesh of at most `MOST_FACES`: the vertices of each cell of a grid become their mean.

    Vertices whose normals point into different octants stay apart, so that the two sides of a thin
    wall do not fall together. A closed surface stays closed.
    """
    cell = float(np.sqrt(2 * mesh.area / MOST_FACES))
    while len(mesh.faces) > MOST_FACES:
        mesh = _clustered(mesh, cell)
        cell *= 1.25
    return mesh


def _clustered(mesh: trimesh.Trimesh, cell: float) -> trimesh.Trimesh:
    places = np.floor((mesh.vertices - mesh.bounds[0]) / cell).astype(np.int64)
    octants = (np.asarray(mesh.vertex_normals) > 0) @ np.array([1, 2, 4])
    _, label, count = np.unique(
        np.column_stack([places, octants]), axis=0, return_inverse=True, return_counts=True
    )
    label = label.reshape(-1)
    means = np.stack(
        [np.bincount(label, weights=mesh.vertices[:, axis]) / count for axis in range(3)], axis=1
    )
    a, b, c = faces = label[mesh.faces].T
    return trimesh.Trimesh(means, faces.T[(a != b) & (b != c) & (c != a)], process=False)
