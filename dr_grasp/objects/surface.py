"""Distances to the true surface of an object, which its convex pieces only approximate."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import trimesh

from dr_grasp.core.arrays import FloatArray, frozen
from dr_grasp.objects.object_spec import ObjectSpec

ROUNDING = 1.0 + 1e-9


@lru_cache(maxsize=8)  # a worker meets one object after the other, each many times
def surface_of(spec: ObjectSpec) -> trimesh.Trimesh:
    """Load the surface of an object as it was before it was cut into convex pieces [m].

    Openings that were closed to make a body of the mesh are open in it.
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
        # A triangle is no nearer than its middle less its radius, and the nearest of all no farther
        # than any middle: of 150,000 triangles this leaves a few dozen.
        far = np.linalg.norm(middles - point, axis=1)
        near = triangles[far - radii <= far.min() * ROUNDING]
        closest = trimesh.triangles.closest_point(near, np.tile(point, (len(near), 1)))
        distances.append(np.linalg.norm(closest - point, axis=1).min())
    return frozen(distances)
