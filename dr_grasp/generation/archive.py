"""The archive of MAP-Elites: the best result for each place where the hand first touches."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import trimesh
from scipy.spatial import cKDTree

from dr_grasp.core.arrays import FloatArray, frozen
from dr_grasp.generation.result import Result
from dr_grasp.objects.object_spec import ObjectSpec

MARGIN_M = 0.02
"""Distance by which an object's neighbourhood reaches beyond its bounding box."""

CELL_M = 0.01
"""Length of a cell's edge, as in Huber et al. 2023 (arXiv 2308.05483)."""

MOST_CELLS = 24
"""Largest number of cells along an axis; large objects have larger cells."""

SURFACE_POINTS = 20_000
"""Number of points that are drawn on the object, to find the cells with surface in them."""


def neighbourhood(item: ObjectSpec) -> tuple[FloatArray, FloatArray]:
    """Corners of the box around an object, shape (3,) each, in the object's frame [m]."""
    return frozen(item.points.min(axis=0) - MARGIN_M), frozen(item.points.max(axis=0) + MARGIN_M)


class TouchArchive:
    """A grid over the object's neighbourhood with the best result in each cell.

    Wraps `ribs.archives.GridArchive`. A touch counts for the surface point nearest to it, since it
    is the middle of all contacts, which lies inside the object if two fingers touch at once.
    """

    def __init__(self, item: ObjectSpec) -> None:
        """Make an empty archive for an object."""
        # Loading this takes two seconds, which neither workers nor other commands should spend.
        from ribs.archives import GridArchive

        low, high = neighbourhood(item)
        self._grid = GridArchive(
            solution_dim=(),  # the index of the proposal, as float64: ribs 0.8 offers no other type
            dims=np.clip(np.ceil((high - low) / CELL_M), 1, MOST_CELLS).astype(int),
            ranges=np.stack([low, high], axis=1),
        )
        points, _ = trimesh.sample.sample_surface(
            trimesh.load_mesh(item.visual), SURFACE_POINTS, seed=0
        )
        self._surface = cKDTree(np.asarray(points))
        self._surface_cells = len(np.unique(self._grid.index_of(points)))

    def __len__(self) -> int:
        """Number of cells with a result."""
        return len(self._grid)

    def add(self, result: Result) -> None:
        """Store a result in the cell where the hand touched, if it is the best of that cell."""
        if result.touch_in_object is not None:
            # One by one: the first batch would wait three seconds for numba to compile.
            self._grid.add_single(
                result.proposal.index, result.objective, self._on_surface(result.touch_in_object)
            )

    def clear(self) -> None:
        """Forget all results."""
        self._grid.clear()

    def objective_at(self, touch_in_object: FloatArray) -> float | None:
        """Objective of the best result in the cell of a touch, shape (3,) [m]; None if empty."""
        taken, elite = self._grid.retrieve_single(self._on_surface(touch_in_object))
        return float(elite["objective"]) if taken else None

    def elites(self) -> tuple[npt.NDArray[np.int64], FloatArray]:
        """The best result of each cell, in the order in which the cells were first filled.

        Returns:
            Indices of the proposals and their `Result.objective`, shape (k,) each.
        """
        elites = self._grid.data(["solution", "objective"])
        return elites["solution"].astype(np.int64), elites["objective"]

    @property
    def coverage(self) -> float:
        """Share of the surface's cells that hold a success, in [0, 1]."""
        _, objectives = self.elites()
        return float(np.sum(objectives >= 1.0)) / self._surface_cells

    def _on_surface(self, touch_in_object: FloatArray) -> FloatArray:
        _, nearest = self._surface.query(touch_in_object)
        return np.asarray(self._surface.data[nearest])
