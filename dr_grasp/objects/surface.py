"""An object's true surface: what its convex pieces stand for."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import trimesh

from dr_grasp.core.arrays import FloatArray, frozen
from dr_grasp.objects.object_spec import ObjectSpec

ROUNDING = 1.0 + 1e-9


class Surface:
    """Triangles to which distances are measured."""

    def __init__(self, mesh: trimesh.Trimesh) -> None:
        """Take over a mesh, closed or not.

        Args:
            mesh: In metres.
        """
        self._triangles = np.asarray(mesh.triangles, dtype=np.float64)
        self._middles = self._triangles.mean(axis=1)
        corners = np.linalg.norm(self._triangles - self._middles[:, None], axis=2)
        self._radii = corners.max(axis=1)

    def distances(self, points: FloatArray) -> FloatArray:
        """How far points are from the surface, on either side of it.

        Args:
            points: Shape (k, 3), in the object's frame [m].

        Returns:
            Shape (k,) [m].
        """
        return frozen([self._distance(point) for point in points])

    def _distance(self, point: FloatArray) -> float:
        # A triangle is no nearer than its middle less its radius, and the nearest of all no farther
        # than any middle: of 150,000 triangles this leaves a few dozen.
        far = np.linalg.norm(self._middles - point, axis=1)
        near = self._triangles[far - self._radii <= far.min() * ROUNDING]
        closest = trimesh.triangles.closest_point(near, np.tile(point, (len(near), 1)))
        return float(np.linalg.norm(closest - point, axis=1).min())


@lru_cache(maxsize=8)  # a worker meets one object after the other, each many times
def surface_of(spec: ObjectSpec) -> Surface:
    """The whole mesh of an object, before it was cut into convex pieces.

    Openings that were closed to make a body of it are open again.
    """
    return Surface(trimesh.load_mesh(spec.visual, process=False))
