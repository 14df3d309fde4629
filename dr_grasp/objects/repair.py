"""Makes a surface enclose a volume: merged, consistently wound, small openings closed.

A surface is closed if each edge is run through as often in one direction as in the other. Then the
volume integrals over its faces are those of what it encloses, even where several bodies touch.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import trimesh
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components
from scipy.spatial import cKDTree

from dr_grasp.core.arrays import FloatArray
from dr_grasp.objects.orientation import IntArray, edges, outward, signed_volume, wound

MERGE_SHARE = 1e-5
"""Vertices nearer than this share of the extent are one, if the surface is not closed without."""

OPENING_SHARE = 0.2
"""Openings up to this share of the extent are closed, and those that one face would fill. Others
may be meant: the mouth of a cup that was drawn as a sheet, which must not become solid."""

LEAST_VOLUME_SHARE = 1e-7
"""Of the extent cubed; what encloses less is flat. A paper tissue has 1e-4, a needle 1e-5."""


@dataclass(frozen=True, slots=True)
class Repaired:
    """A surface, as good as it could be made.

    Attributes:
        mesh: The surface.
        closed: Whether it encloses a volume.
        patches: How many faces were added, which are its last.
        remarks: What was done to it that a user may want to know.
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
    """Close a surface by the gentlest means that do, or leave it as it is.

    Args:
        mesh: Of any extent; it is not changed.
    """
    extent = float(np.ptp(mesh.vertices[mesh.faces].reshape(-1, 3), axis=0).max())
    faces: IntArray = np.asarray(mesh.faces, dtype=np.int64)
    vertices, faces = _merged(np.asarray(mesh.vertices, dtype=np.float64), faces, 0.0)
    # A face that is there twice counts once, unless just that closes the surface.
    for some in (_once(faces, _turned_to_least(faces)), faces):
        if _encloses(vertices, some, extent):
            return Repaired(_mesh(vertices, outward(vertices, some, False)), True)
    gentle = _mesh(vertices, faces)
    vertices, faces = _merged(vertices, faces, MERGE_SHARE * extent)
    faces = _once(faces, np.sort(faces, axis=1))
    faces, rewound = wound(faces)
    remarks = ["its faces did not agree on which side is out"] if rewound else []
    given = len(faces)
    if not _encloses(vertices, faces, extent):
        vertices, faces, count = _filled(vertices, faces, OPENING_SHARE * extent)
        remarks += [f"{count} opening{'s' * (count > 1)} closed"] if count else []
    faces = outward(vertices, faces, rewound)
    if _encloses(vertices, faces, extent):
        return Repaired(_mesh(vertices, faces), True, len(faces) - given, tuple(remarks))
    return Repaired(gentle, False, remarks=("not closed: taken as a thin shell",))


def _mesh(vertices: FloatArray, faces: IntArray) -> trimesh.Trimesh:
    used, place = np.unique(faces, return_inverse=True)
    return trimesh.Trimesh(vertices[used], place.reshape(-1, 3), process=False)


def _encloses(vertices: FloatArray, faces: IntArray, extent: float) -> bool:
    if not _is_closed(faces):
        return False
    return abs(signed_volume(vertices, faces)) > LEAST_VOLUME_SHARE * extent**3


def _is_closed(faces: IntArray) -> bool:
    number, direction, _ = edges(faces)
    return len(faces) > 3 and not np.bincount(number, weights=direction).any()


def _merged(vertices: FloatArray, faces: IntArray, tolerance: float) -> tuple[FloatArray, IntArray]:
    """Make vertices one that are at the same place; drops faces that lose a corner by it."""
    kept, place = np.unique(vertices, axis=0, return_inverse=True)
    faces = place.reshape(-1)[faces]
    if tolerance > 0:
        pairs = cKDTree(kept).query_pairs(tolerance, output_type="ndarray")
        graph = coo_matrix(
            (np.ones(len(pairs), bool), (pairs[:, 0], pairs[:, 1])), (len(kept),) * 2
        )
        _, label = connected_components(graph, directed=False)
        _, first = np.unique(label, return_index=True)
        kept, faces = kept[first], np.asarray(label, dtype=np.int64)[faces]
    a, b, c = faces.T
    return kept, faces[(a != b) & (b != c) & (c != a)]


def _once(faces: IntArray, alike: IntArray) -> IntArray:
    """Of faces that are alike, the first."""
    _, first = np.unique(alike, axis=0, return_index=True)
    return faces[np.sort(first)]


def _turned_to_least(faces: IntArray) -> IntArray:
    """Each face from its least corner on, in its own direction."""
    places = (np.argmin(faces, axis=1)[:, None] + np.arange(3)) % 3
    return np.take_along_axis(faces, places, axis=1)


def _filled(
    vertices: FloatArray, faces: IntArray, largest: float
) -> tuple[FloatArray, IntArray, int]:
    """Close openings by fans about their middles; how many there were to close."""
    number, _, ends = edges(faces)
    border = ends[np.bincount(number)[number] == 1]
    following: dict[int, list[int]] = {}
    for start, end in border.tolist():
        following.setdefault(start, []).append(end)
    closed, points, fans = 0, [vertices], [faces]
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
            continue  # an edge that leads nowhere: no ring
        rim = vertices[loop]
        small = np.linalg.norm(np.ptp(rim, axis=0)) <= largest
        # A ring of three edges is a face that was lost.
        if len(loop) < 3 or not (small or len(loop) == 3):
            continue
        middle = np.full(len(loop), count)
        fans.append(np.stack([np.roll(loop, -1), loop, middle], axis=1))
        points.append(rim.mean(axis=0)[None])
        count, closed = count + 1, closed + 1
    return np.vstack(points), np.vstack(fans), closed
