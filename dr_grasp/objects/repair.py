"""Repairs a surface so that it encloses a volume: merges vertices, turns faces, closes small holes.

A surface is closed if its faces pass each edge equally often in both directions. Then integrals
over the faces give the volume and inertia of the enclosed body, even where several bodies touch.
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
"""If a surface is not closed, vertices nearer than this share of its extent are merged."""

OPENING_SHARE = 0.2
"""Openings up to this share of the extent are closed, and openings with three edges. Larger ones
may be intended: the mouth of a cup that was drawn as a sheet must not become solid."""

LEAST_VOLUME_SHARE = 1e-7
"""A surface is flat if it encloses less than this share of its extent cubed (paper tissue: 1e-4,
needle: 1e-5)."""


@dataclass(frozen=True, slots=True)
class Repaired:
    """A surface after repair.

    Attributes:
        mesh: The surface.
        closed: Whether the surface encloses a volume.
        patches: Number of faces that were added; they are the last faces of the mesh.
        remarks: Notes for the user on the changes, one a line.
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
    """Close a surface with the smallest change that is enough, or leave it as it is.

    Args:
        mesh: The surface, in any unit; it is not changed.
    """
    extent = float(np.ptp(mesh.vertices[mesh.faces].reshape(-1, 3), axis=0).max())
    faces: IntArray = np.asarray(mesh.faces, dtype=np.int64)
    vertices, faces = _merged(np.asarray(mesh.vertices, dtype=np.float64), faces, 0.0)
    # Only the first of several equal faces is kept, unless the surface needs all to be closed.
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
    """Make a mesh of the given faces and the vertices that they use, in the same order.

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
    """Merge vertices at the same place, and drop faces that lose a corner by that."""
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
    """Keep the first of all faces with the same key."""
    _, first = np.unique(keys, axis=0, return_index=True)
    return faces[np.sort(first)]


def _turned_to_least(faces: IntArray) -> IntArray:
    """Rotate each face's corners, without a change of direction, so that the least comes first."""
    places = (np.argmin(faces, axis=1)[:, None] + np.arange(3)) % 3
    return np.take_along_axis(faces, places, axis=1)


def _filled(
    vertices: FloatArray, faces: IntArray, largest: float
) -> tuple[FloatArray, IntArray, int]:
    """Close openings by fans about their middles.

    Returns:
        The vertices, the faces, and the number of openings that were closed.
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
        # A ring of three edges is a missing face.
        if len(loop) == 3 or (small and len(loop) > 3):
            fans.append(np.column_stack([np.roll(loop, -1), loop, np.full(len(loop), count)]))
            middles.append(rim.mean(axis=0)[None])
            count += 1
    return np.vstack(middles), np.vstack(fans), count - len(vertices)
