"""Measures distances to the true surface of an object; its convex pieces only approximate it."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import trimesh

from dr_grasp.core.arrays import FloatArray, frozen
from dr_grasp.objects.object_spec import ObjectSpec

ROUNDING = 1.0 + 1e-9


@lru_cache(maxsize=8)  # a worker asks for the same object many times in a row
def surface_of(spec: ObjectSpec) -> trimesh.Trimesh:
    """Load the surface of an object from before it was cut into convex pieces [m].

    Faces that only closed the mesh's openings are not in it.
    """
    mesh: trimesh.Trimesh = trimesh.load_mesh(spec.visual, process=False)
    return mesh


def surface_distances(mesh: trimesh.Trimesh, points: FloatArray) -> FloatArray:
    """Measure how far points are from a surface, on either side of it.

    Args:
        mesh: The surface, closed or not.
        points: Shape (k, 3), in the frame and the unit of the mesh.

    Returns:
        Shape (k,), in the unit of the mesh.
    """
    triangles = np.asarray(mesh.triangles, dtype=np.float64)
    middles = triangles.mean(axis=1)
    radii = np.linalg.norm(triangles - middles[:, None], axis=2).max(axis=1)
    distances = []
    for point in points:
        # A triangle is at least as far as its middle less its radius, and the nearest triangle is
        # at most as far as the nearest middle. This leaves a few dozen of 150,000 triangles.
        far = np.linalg.norm(middles - point, axis=1)
        near = triangles[far - radii <= far.min() * ROUNDING]
        closest = trimesh.triangles.closest_point(near, np.tile(point, (len(near), 1)))
        distances.append(np.linalg.norm(closest - point, axis=1).min())
    return frozen(distances)
