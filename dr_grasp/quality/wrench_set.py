"""How large a convex set of wrenches is: Ferrari and Canny's epsilon, and its volume.

C. Ferrari and J. Canny, "Planning optimal grasps", ICRA 1992 (the L1 set: the normal forces of all
contacts add up to 1); M. A. Roa and R. Suárez, "Grasp quality measures: review and performance",
Autonomous Robots 38, 2015.
"""

from __future__ import annotations

import numpy as np
from qpsolvers import solve_qp
from scipy.sparse import csc_matrix
from scipy.spatial import ConvexHull

from dr_grasp.core.arrays import FloatArray

FLAT = 1e-6
"""A set less thick than this in some direction is flat [1]; its epsilon and its volume are 0."""

OUTSIDE = 1e-4
"""The origin is outside if the QP finds the set farther off than this [1]. On sets that contain
it, the QP's error was less than 1e-6; sets that are nearer than this are left to the hull."""

JOGGLE = "QJ"
"""Option of Qhull: it moves points by some 1e-12, always the same, so that no more than six lie in
a facet. Without it Qhull gave up on contacts of coplanar points, whose wrenches are regular."""


def epsilon(wrenches: FloatArray) -> float:
    """The largest ball around the origin inside the convex hull of some wrenches: its radius [1].

    So it is the largest wrench that can be resisted in any direction; 0 if there is one that
    cannot be resisted at all.

    Args:
        wrenches: Shape (n, 6), see `primitive_wrenches`.
    """
    if is_flat(wrenches) or distance(wrenches) > OUTSIDE:
        return 0.0
    # A facet's equation is n x + d <= 0 inside, with a unit normal n.
    nearest = float(-ConvexHull(wrenches, qhull_options=JOGGLE).equations[:, -1].max())
    return nearest if nearest > FLAT else 0.0


def volume(wrenches: FloatArray) -> float:
    """Volume of the convex hull of some wrenches [1], whether or not it contains the origin.

    Args:
        wrenches: Shape (n, 6), see `primitive_wrenches`.
    """
    if is_flat(wrenches):
        return 0.0
    return float(ConvexHull(wrenches, qhull_options=JOGGLE).volume)


def is_flat(wrenches: FloatArray) -> bool:
    """Whether points all lie within `FLAT` of some hyperplane, shape (n, 6)."""
    count, dimensions = wrenches.shape
    if count <= dimensions:
        return True
    # The last singular value is the root of the sum of the squared distances from that plane.
    thinnest = np.linalg.svd(wrenches - wrenches.mean(axis=0), compute_uv=False)[-1]
    return bool(thinnest < FLAT)


def distance(wrenches: FloatArray) -> float:
    """Distance of the origin from the convex hull of some points, shape (n, 6), n > 0 [1].

    It is the smallest norm of a convex combination: a quadratic program over the weights and the
    combination itself, which keeps its matrices sparse.
    """
    count, dimensions = wrenches.shape
    chosen = np.append(np.zeros(count), np.ones(dimensions))
    combined = np.block([[wrenches.T, -np.eye(dimensions)], [1.0 - chosen]])
    solution = solve_qp(
        csc_matrix(np.diag(chosen)),
        np.zeros(count + dimensions),
        A=csc_matrix(combined),
        b=np.append(np.zeros(dimensions), 1.0),
        lb=np.append(np.zeros(count), np.full(dimensions, -np.inf)),
        solver="clarabel",
    )
    # It has a solution; should the solver not find it, the hull alone decides.
    return 0.0 if solution is None else float(np.linalg.norm(solution[count:]))
