"""Which side of a surface is out."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components

from dr_grasp.core.arrays import FloatArray

IntArray = npt.NDArray[np.int64]

CAVITY_SAMPLES = 50
MOST_BODIES_TO_NEST = 64


def bodies(faces: IntArray, count: int) -> IntArray:
    """Number of the body that each face belongs to: those that share a vertex are one.

    Args:
        faces: Shape (m, 3).
        count: How many vertices there are.
    """
    links = np.vstack([faces[:, :2], faces[:, 1:]])
    graph = coo_matrix((np.ones(len(links), dtype=bool), (links[:, 0], links[:, 1])), (count,) * 2)
    _, label = connected_components(graph, directed=False)
    return np.asarray(np.unique(label[faces[:, 0]], return_inverse=True)[1])


def signed_volume(vertices: FloatArray, faces: IntArray) -> float:
    """What a closed surface encloses; negative if it is turned inside out."""
    a, b, c = np.moveaxis(vertices[faces] - vertices[faces[0, 0]], 1, 0)
    return float(np.einsum("ij,ij->", a, np.cross(b, c)) / 6.0)


def edges(faces: IntArray) -> tuple[IntArray, IntArray, IntArray]:
    """Each face's three edges: number of the undirected edge, direction (+1, -1), its ends."""
    ends = faces[:, [0, 1, 1, 2, 2, 0]].reshape(-1, 2)
    low, high = ends.min(axis=1), ends.max(axis=1)
    _, number = np.unique(low * (int(faces.max(initial=0)) + 1) + high, return_inverse=True)
    return np.asarray(number), np.where(ends[:, 0] == low, 1, -1), ends


def wound(faces: IntArray) -> tuple[IntArray, bool]:
    """Turn faces so that neighbours agree; whether any had to be.

    Each face is two nodes of a graph, as it is and turned, and neighbours are linked in the way in
    which they agree. What is connected to the first face of a body as it is, agrees with it.
    """
    number, direction, _ = edges(faces)
    count = np.bincount(number)
    order = np.argsort(number, kind="stable")
    order = order[count[number[order]] == 2].reshape(-1, 2)
    one, other = order[:, 0] // 3, order[:, 1] // 3
    clash = direction[order[:, 0]] == direction[order[:, 1]]
    if not clash.any():
        return faces, False
    m = len(faces)
    rows = np.concatenate([one, one + m])
    columns = np.concatenate([other + m * clash, other + m * ~clash])
    graph = coo_matrix((np.ones(len(rows), dtype=bool), (rows, columns)), (2 * m, 2 * m))
    _, label = connected_components(graph, directed=False)
    body_graph = coo_matrix((np.ones(len(one), dtype=bool), (one, other)), (m, m))
    _, body = connected_components(body_graph, directed=False)
    _, root = np.unique(body, return_index=True)
    turned = label[:m] != label[root][body]
    return np.where(turned[:, None], faces[:, ::-1], faces), True


def outward(vertices: FloatArray, faces: IntArray, rewound: bool) -> IntArray:
    """Turn bodies that are inside out, together with the cavities in them.

    Args:
        vertices: Shape (n, 3).
        faces: Shape (m, 3).
        rewound: Whether the file's own word on what is a cavity is lost; then what lies inside
            another body is taken for one.
    """
    if len(faces) == 0:
        return faces
    label = bodies(faces, len(vertices))
    parts = [faces[label == index] for index in range(label.max() + 1)]
    volumes = [signed_volume(vertices, part) for part in parts]
    around = _containers(vertices, parts, volumes)
    turned = np.array([volume < 0 for volume in volumes])
    for index, outer in enumerate(around):
        if outer is not None:
            turned[index] = (volumes[index] > 0) if rewound else (volumes[outer] < 0)
    return np.where(turned[label][:, None], faces[:, ::-1], faces)


def _containers(
    vertices: FloatArray, parts: list[IntArray], volumes: list[float]
) -> list[int | None]:
    """Of each body, the outermost one that it lies in, if any."""
    around: list[int | None] = [None] * len(parts)
    if not 1 < len(parts) <= MOST_BODIES_TO_NEST:
        return around
    corners = [vertices[np.unique(part)] for part in parts]
    low = np.array([points.min(axis=0) for points in corners])
    high = np.array([points.max(axis=0) for points in corners])
    for index, points in enumerate(corners):
        sample = points[:: max(1, len(points) // CAVITY_SAMPLES)]
        for outer in np.argsort(np.abs(volumes))[::-1]:
            if outer == index or abs(volumes[outer]) <= abs(volumes[index]):
                break
            if (low[outer] > low[index]).any() or (high[outer] < high[index]).any():
                continue
            if (np.abs(_winding(sample, vertices[parts[outer]])) > 0.5).all():
                around[index] = int(outer)
                break
    return around


def _winding(points: FloatArray, triangles: FloatArray) -> FloatArray:
    """How often a surface goes round each point (Jacobson et al. 2013); 0 outside."""
    turns = np.empty(len(points))
    for index, point in enumerate(points):
        a, b, c = np.moveaxis(triangles - point, 1, 0)
        la, lb, lc = (np.linalg.norm(one, axis=1) for one in (a, b, c))
        above = np.einsum("ij,ij->i", a, np.cross(b, c))
        dots = [np.einsum("ij,ij->i", one, other) for one, other in ((a, b), (b, c), (c, a))]
        below = la * lb * lc + dots[0] * lc + dots[1] * la + dots[2] * lb
        turns[index] = np.arctan2(above, below).sum() / (2 * np.pi)
    return turns
