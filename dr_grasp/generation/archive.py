"""The archive of MAP-Elites: the best for each place where the hand first touches the object."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import trimesh
from scipy.spatial import cKDTree

from dr_grasp.core.arrays import FloatArray, frozen
from dr_grasp.generation.result import Result
from dr_grasp.objects.object_spec import ObjectSpec

MARGIN_M = 0.02
"""How far an object's neighbourhood reaches beyond its bounding box."""

CELL_M = 0.01
"""Length of a cell's edge; that of Huber et al. 2023 (arXiv 2308.05483)."""

MOST_CELLS = 24
"""Along one axis; larger objects have larger cells."""

SURFACE_POINTS = 20_000
"""Points drawn on the object, to know which cells hold surface."""


def neighbourhood(item: ObjectSpec) -> tuple[FloatArray, FloatArray]:
    """Corners of the box around an object, shape (3,) each, in the object's frame [m]."""
    return frozen(item.points.min(axis=0) - MARGIN_M), frozen(item.points.max(axis=0) + MARGIN_M)


@dataclass(frozen=True, slots=True, eq=False)
class Elites:
    """What an archive holds, k cells, in the order in which they were first filled.

    Attributes:
        genomes: Shape (k, d).
        objectives: Shape (k,), see `Result.objective`.
        indices: Shape (k,), of the proposals.
    """

    genomes: FloatArray
    objectives: FloatArray
    indices: npt.NDArray[np.int64]

    @property
    def successful(self) -> npt.NDArray[np.bool_]:
        """Which of them hold the object, shape (k,)."""
        return np.asarray(self.objectives >= 1.0)


class TouchArchive:
    """A grid over the object's neighbourhood, on `ribs.archives.GridArchive`.

    A touch counts for the piece of surface that is nearest to it, since what the simulator gives is
    the middle of all contacts: of two fingers that touch at once, inside of the object.
    """

    def __init__(self, item: ObjectSpec, genome_length: int) -> None:
        """Begin empty.

        Args:
            item: The object.
            genome_length: Numbers that a genome has, d.
        """
        # Takes two seconds, which only a search should cost: no other verb, and no worker.
        from ribs.archives import GridArchive

        low, high = neighbourhood(item)
        self._grid = GridArchive(
            solution_dim=genome_length,
            dims=np.clip(np.ceil((high - low) / CELL_M), 1, MOST_CELLS).astype(int),
            ranges=np.stack([low, high], axis=1),
            extra_fields={"candidate": ((), np.int64)},
        )
        points, _ = trimesh.sample.sample_surface(
            trimesh.load_mesh(item.visual), SURFACE_POINTS, seed=0
        )
        self._surface = cKDTree(np.asarray(points))
        self._surface_cells = len(np.unique(self._grid.index_of(points)))

    def __len__(self) -> int:
        """Number of cells in which something touched."""
        return len(self._grid)

    def add(self, genome: FloatArray, result: Result) -> bool:
        """Put a result where the hand touched, if it is better than what is there.

        Args:
            genome: Shape (d,), what the proposal was made from.
            result: What became of it; without a touch it has no place.

        Returns:
            Whether it was put there.
        """
        if result.touch_in_object is None:
            return False
        # One by one: the first batch would wait three seconds for numba to compile.
        added = self._grid.add_single(
            genome,
            result.objective,
            self._on_surface(result.touch_in_object),
            candidate=result.proposal.index,
        )
        return bool(added["status"])

    def objective_at(self, touch_in_object: FloatArray) -> float | None:
        """Objective of the elite where the hand touched, shape (3,); None if there is none."""
        taken, elite = self._grid.retrieve_single(self._on_surface(touch_in_object))
        return float(elite["objective"]) if taken else None

    def elites(self) -> Elites:
        """All of them."""
        held = self._grid.data(["solution", "objective", "candidate"])
        return Elites(held["solution"], held["objective"], held["candidate"])

    @property
    def coverage(self) -> float:
        """Share of the cells with surface in which a success touched first, in [0, 1]."""
        return float(self.elites().successful.sum()) / self._surface_cells

    def _on_surface(self, touch_in_object: FloatArray) -> FloatArray:
        _, nearest = self._surface.query(touch_in_object)
        return np.asarray(self._surface.data[nearest])
