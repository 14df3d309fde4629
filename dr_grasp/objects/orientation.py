"""Finds which side of a surface is outside, and turns its faces to agree."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from trimesh.graph import connected_component_labels

from dr_grasp.core.arrays import FloatArray

IntArray = npt.NDArray[np.int64]

CAVITY_SAMPLES = 50
"""About how many vertices of a body are tested for whether they lie inside another body."""

MOST_BODIES_TO_NEST = 64
"""In a surface with more bodies, no body is taken for a cavity in another."""


def bodies(faces: IntArray) -> IntArray:
    """Number the bodies of a surface: faces that share a vertex belong to one body.

    Args:
        faces: Shape (m, 3), indices of vertices.

    Returns:
        Shape (m,), the number of each face's body, from 0.
    """
    links = np.vstack([faces[:, :2], faces[:, 1:]])
    label = connected_component_labels(links, node_count=int(faces.max()) + 1)
    return np.asarray(np.unique(label[faces[:, 0]], return_inverse=True)[1])


def signed_volume(vertices: FloatArray, faces: IntArray) -> float:
    """Compute the volume that a closed surface encloses; negative if it is inside out.

    Args:
        vertices: Shape (n, 3).
        faces: Shape (m, 3), indices of vertices.
    """
    a, b, c = np.moveaxis(vertices[faces] - vertices[faces[0, 0]], 1, 0)
    return float(np.einsum("ij,ij->", a, np.cross(b, c)) / 6.0)


def edges(faces: IntArray) -> tuple[IntArray, IntArray, IntArray]:
    """List the three edges of each face, face by face.

    Args:
        faces: Shape (m, 3), indices of vertices.

    Returns:
        Three arrays with an entry for each of the 3 m edges: a number, which is the same for all
        edges between the same two vertices; the direction, +1 or -1; and the vertices at the
        edge's start and end, shape (3 m, 2).
    """
    ends = faces[:, [0, 1, 1, 2, 2, 0]].reshape(-1, 2)
    low, high = ends.min(axis=1), ends.max(axis=1)
    _, number = np.unique(low * (int(faces.max(initial=0)) + 1) + high, return_inverse=True)
    return np.asarray(number), np.where(ends[:, 0] == low, 1, -1), ends


def wound(faces: IntArray) -> tuple[IntArray, bool]:
    """Turn faces so that neighbours agree with the first face of their body.

    Args:
        faces: Shape (m, 3), indices of vertices.

    Returns:
        The faces, and whether any two neighbours had disagreed.
    """
    number, direction, _ = edges(faces)
    count = np.bincount(number)
    order = np.argsort(number, kind="stable")
    pairs = order[count[number[order]] == 2].reshape(-1, 2)  # the two edges where two faces meet
    left, right = (pairs // 3).T
    clash = direction[pairs[:, 0]] == direction[pairs[:, 1]]
    if not clash.any():
        return faces, False
    # Each face i is two nodes of a graph: i stands for the face as it is, m + i for the turned
    # face. Links join the nodes of neighbours that agree. So each body has two components. The
    # component with the body's first face as it is has the smaller number.
    m = len(faces)
    links = np.column_stack([np.r_[left, left + m], np.r_[right + m * clash, right + m * ~clash]])
    label = connected_component_labels(links, node_count=2 * m)
    return np.where((label[:m] > label[m:])[:, None], faces[:, ::-1], faces), True


def outward(vertices: FloatArray, faces: IntArray, rewound: bool) -> IntArray:
    """Turn bodies that are inside out, together with the cavities in them.

    Args:
        vertices: Shape (n, 3).
        faces: Shape (m, 3), indices of vertices.
        rewound: Whether `wound` has turned faces, so that their directions no longer show what is
            a cavity. Then each body that lies inside another is taken for a cavity.
    """
    if len(faces) == 0:
        return faces
    label = bodies(faces)
    parts = [faces[label == index] for index in range(label.max() + 1)]
    volumes = np.array([signed_volume(vertices, part) for part in parts])
    turned = volumes < 0
    for index, outer in _containers(vertices, parts, np.abs(volumes)).items():
        turned[index] = volumes[index] > 0 if rewound else volumes[outer] < 0
    return np.where(turned[label][:, None], faces[:, ::-1], faces)


def _containers(vertices: FloatArray, parts: list[IntArray], volumes: FloatArray) -> dict[int, int]:
    """Map each body that lies inside other bodies to the largest of them."""
    around: dict[int, int] = {}
    if not 1 < len(parts) <= MOST_BODIES_TO_NEST:
        return around
    corners = [vertices[np.unique(part)] for part in parts]
    low = np.array([points.min(axis=0) for points in corners])
    high = np.array([points.max(axis=0) for points in corners])
    for index, points in enumerate(corners):
        sample = points[:: max(1, len(points) // CAVITY_SAMPLES)]
        for outer in np.argsort(volumes)[::-1]:
            if volumes[outer] <= volumes[index]:
                break
            within = (low[outer] <= low[index]).all() and (high[outer] >= high[index]).all()
            if within and (np.abs(_winding(sample, vertices[parts[outer]])) > 0.5).all():
                around[index] = int(outer)
                break
    return around


def _winding(points: FloatArray, triangles: FloatArray) -> FloatArray:
    """The winding number of a surface about each point (Jacobson et al. 2013); 0 outside."""
    turns = np.empty(len(points))
    for index, point in enumerate(points):
        rays = triangles - point  # the sum below is over the solid angles of the triangles
        a, b, c = np.moveaxis(rays, 1, 0)
        length_a, length_b, length_c = np.linalg.norm(rays, axis=2).T
        above = np.einsum("ij,ij->i", a, np.cross(b, c))
        ab, bc, ca = (np.einsum("ij,ij->i", *pair) for pair in ((a, b), (b, c), (c, a)))
        below = length_a * length_b * length_c + ab * length_c + bc * length_a + ca * length_b
        turns[index] = np.arctan2(above, below).sum() / (2 * np.pi)
    return turns
