"""Repairs a surface so that it encloses a volume: merged, consistently wound, small holes closed.

A surface is closed if each edge is run through as often in one direction as in the other. Then the
volume integrals over its faces are those of what it encloses, even where several bodies touch.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import trimesh
from scipy.spatial import cKDTree
from trimesh.graph import connected_component_labels

from dr_grasp.core.arrays import FloatArray
from dr_grasp.objects.orientation import IntArray, edges, outward, signed_volume, wound

MERGE_SHARE = 1e-5
"""Vertices nearer than this share of the extent are merged if the surface is not closed before."""

OPENING_SHARE = 0.2
"""Openings up to this share of the extent are closed, and those that one face would fill. Others
may be meant: the mouth of a cup that was drawn as a sheet, which must not become solid."""

LEAST_VOLUME_SHARE = 1e-7
"""A surface is flat if it encloses less than this share of its extent cubed. A paper tissue has
1e-4, a needle 1e-5."""


@dataclass(frozen=True, slots=True)
class Repaired:
    """A surface after repair.

    Attributes:
        mesh: The surface.
        closed: Whether it encloses a volume.
        patches: How many faces were added; they are the last faces of the mesh.
        remarks: What a user may want to know of what was done.
    """

    mesh: trimesh.Trimesh
    closed: bool
    patches: int = 0
    remarks: tuple[str, ...] = ()

    def as_given(self) -> trimesh.Trimesh:
        """The surface without the faces that were added."""
        if self.patches == 0:
            return self.mesh
        faces = self.mesh.faces[: -self.patches]
        return trimesh.Trimesh(self.mesh.vertices, faces, process=False)


def repair(mesh: trimesh.Trimesh) -> Repaired:
    """Close a surface with the smallest change that does it, or leave it as it is.

    Args:
        mesh: The surface, in any unit; it is not changed.
    """
    extent = float(np.ptp(mesh.vertices[mesh.faces].reshape(-1, 3), axis=0).max())
    faces: IntArray = np.asarray(mesh.faces, dtype=np.int64)
    vertices, faces = _merged(np.asarray(mesh.vertices, dtype=np.float64), faces, 0.0)
    # Of equal faces only the first counts, unless the surface is closed only with all of them.
    for candidates in (_unique(faces, _turned_to_least(faces)), faces):
        if _encloses(vertices, candidates, extent):
            return Repaired(compact_mesh(vertices, outward(vertices, candidates, False)), True)
    unclosed = compact_mesh(vertices, faces)
    vertices, faces = _merged(vertices, faces, MERGE_SHARE * extent)
    faces = _unique(faces, np.sort(faces, axis=1))
    faces, rewound = wound(faces)
    remarks = ["its faces did not agree on which side is out"] if rewound else []
    given = len(faces)
    if not _encloses(vertices, faces, extent):
        vertices, faces, count = _filled(vertices, faces, OPENING_SHARE * extent)
        remarks += [f"{count} opening{'s' * (count > 1)} closed"] if count else []
    faces = outward(vertices, faces, rewound)
    if _encloses(vertices, faces, extent):
        return Repaired(compact_mesh(vertices, faces), True, len(faces) - given, tuple(remarks))
    return Repaired(unclosed, False, remarks=("not closed: taken as a thin shell",))


def compact_mesh(vertices: FloatArray, faces: IntArray) -> trimesh.Trimesh:
    """Make a mesh of faces and of those vertices that they use, in the same order.

    Args:
        vertices: Shape (n, 3).
        faces: Shape (m, 3), indices of vertices.
    """
    used, place = np.unique(faces, return_inverse=True)
    return trimesh.Trimesh(vertices[used], place.reshape(-1, 3), process=False)


def _encloses(vertices: FloatArray, faces: IntArray, extent: float) -> bool:
    """Whether a surface is closed and not flat."""
    number, direction, _ = edges(faces)
    if len(faces) < 4 or np.bincount(number, weights=direction).any():
        return False
    return abs(signed_volume(vertices, faces)) > LEAST_VOLUME_SHARE * extent**3


def _merged(vertices: FloatArray, faces: IntArray, tolerance: float) -> tuple[FloatArray, IntArray]:
    """Merge vertices at the same place; drops faces that lose a corner by it."""
    kept, place = np.unique(vertices, axis=0, return_inverse=True)
    faces = place.reshape(-1)[faces]
    if tolerance > 0:
        pairs = cKDTree(kept).query_pairs(tolerance, output_type="ndarray")
        label = connected_component_labels(pairs, node_count=len(kept)).astype(np.int64)
        _, first = np.unique(label, return_index=True)
        kept, faces = kept[first], label[faces]
    a, b, c = faces.T
    return kept, faces[(a != b) & (b != c) & (c != a)]


def _unique(faces: IntArray, keys: IntArray) -> IntArray:
    """Of faces with the same key, keep the first."""
    _, first = np.unique(keys, axis=0, return_index=True)
    return faces[np.sort(first)]


def _turned_to_least(faces: IntArray) -> IntArray:
    """Each face from its least corner on, in its own direction."""
    places = (np.argmin(faces, axis=1)[:, None] + np.arange(3)) % 3
    return np.take_along_axis(faces, places, axis=1)


def _filled(
    vertices: FloatArray, faces: IntArray, largest: float
) -> tuple[FloatArray, IntArray, int]:
    """Close openings by fans about their middles.

    Returns:
        The vertices, the faces, and how many openings were closed.
    """
    number, _, ends = edges(faces)
    following: dict[int, list[int]] = {}
    for start, end in ends[np.bincount(number)[number] == 1].tolist():
        following.setdefault(start, []).append(end)
    middles, fans = [vertices], [faces]
    count = len(vertices)
    while following:
        loop = [next(iter(following))]
        while loop[-1] in following:
            ahead = following[loop[-1]]
            step = ahead.pop()
            if not ahead:
                del following[loop[-1]]
            if step == loop[0]:
                break
            loop.append(step)
        else:
            continue  # the last edge leads nowhere: this is no ring
        rim = vertices[loop]
        small = np.linalg.norm(np.ptp(rim, axis=0)) <= largest
        # A ring of three edges is a face that was lost.
        if len(loop) == 3 or (small and len(loop) > 3):
            fans.append(np.column_stack([np.roll(loop, -1), loop, np.full(len(loop), count)]))
            middles.append(rim.mean(axis=0)[None])
            count += 1
    return np.vstack(middles), np.vstack(fans), count - len(vertices)
