"""Antipodal grasp poses: two surface points that a pair of jaws can pinch without slipping."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import trimesh

from dr_grasp.core.arrays import FloatArray, frozen
from dr_grasp.core.geometry import Pose, grip_frame
from dr_grasp.robots.robot_spec import Synergy

SURFACE_POINTS = 1500
"""Points drawn on the object's surface."""

FRICTION_ANGLE_RAD = np.pi / 6
"""Largest angle between the line through both contacts and each surface normal.

Chen and Burdick 1993; 30 degrees is a coefficient of 0.58.
"""

WIDTH_MARGIN_M = 0.006
"""The jaws open at least this much wider than the pair is apart."""

STEEPEST_RAD = np.pi / 2.6
"""Largest angle between the approach and straight down, where the pairs allow."""

TILT_STD_RAD = np.pi / 7
"""Standard deviation of the turn about the closing axis, from as straight down as can be.

The steeper, the nearer to the table the hand comes: with uniform angles two thirds of the proposals
for flat objects did.
"""

DEPTH_STD_M = 0.006
"""Standard deviation of how much deeper or shallower the grip is than the line of the contacts."""

CLEARANCE_M = 0.003
"""Distance kept between the fingers' ends and the table."""

HALF_FINGER_M = 0.01
"""Half the width of a finger, which makes a tilted one reach lower."""

LEAST_PLAY_M = 0.02
"""A hand that does not open fully opens at least this much wider than the object."""

END_M = 0.002
"""A finger holds with this much of its end at least."""

DRAWS = 20
"""Pairs tried for one that can be approached from above."""


def find_pairs(mesh_path: Path, largest_width_m: float, rng: np.random.Generator) -> FloatArray:
    """Find antipodal pairs on a mesh.

    Args:
        mesh_path: The mesh, in metres.
        largest_width_m: How far the jaws open.
        rng: Source of the surface points.

    Returns:
        Pairs of opposing surface points, shape (k, 2, 3), in the mesh's frame [m].
    """
    mesh = trimesh.load_mesh(mesh_path)
    points, faces = trimesh.sample.sample_surface(
        mesh, SURFACE_POINTS, seed=int(rng.integers(2**31))
    )
    points, normals = np.asarray(points), np.asarray(mesh.face_normals)[faces]
    between = points[None] - points[:, None]
    distance = np.linalg.norm(between, axis=2)
    direction = between / np.maximum(distance, 1e-9)[:, :, None]
    cosine = np.cos(FRICTION_ANGLE_RAD)
    # The first normal points away from the second point, the second along the line.
    opposed = np.einsum("ijk,ik->ij", direction, normals) < -cosine
    opposed &= np.einsum("ijk,jk->ij", direction, normals) > cosine
    fits = (distance < largest_width_m - WIDTH_MARGIN_M) & (distance > 1e-3)
    first, second = np.nonzero(np.triu(opposed & fits))
    return frozen(np.stack([points[first], points[second]], axis=1))


def sample_grasp_pose(
    pairs: FloatArray,
    object_in_base: Pose,
    table_z: float,
    synergy: Synergy,
    rng: np.random.Generator,
) -> tuple[Pose, float]:
    """Draw a pose of the grip frame that pinches one pair.

    Args:
        pairs: Shape (k, 2, 3), at least one pair, in the object's frame [m].
        object_in_base: Pose of the object.
        table_z: Height of the table's top in the base frame [m].
        synergy: How the hand closes.
        rng: Source of randomness.

    Returns:
        The grip frame in the base frame, and how far the hand is open before, 0 to 1.
    """
    for _ in range(DRAWS):
        first, second = object_in_base.apply(pairs[int(rng.integers(len(pairs)))])
        closing = (second - first) / np.linalg.norm(second - first)
        if rng.random() < 0.5:
            closing = -closing
        approach = _draw_approach(closing, rng)
        if -approach[2] >= np.cos(STEEPEST_RAD):
            break
    middle = (first + second) / 2
    depth = rng.normal(0.0, DEPTH_STD_M)
    # Near the table a finger of the open hand would hit it: open less, and grip with the fingers'
    # ends, if they are long enough for that.
    steepness, opening = -approach[2], 1.0
    wanted = CLEARANCE_M + HALF_FINGER_M * np.sqrt(1 - steepness**2)
    free = middle[2] - table_z - synergy.reach_m * steepness - wanted

    def lack(opening: float) -> float:
        """How much deeper the lower finger comes than is free."""
        return float(opening * synergy.largest_width_m / 2 * abs(closing[2]) - free)

    if lack(1.0) + depth * steepness > 0:
        width = float(np.linalg.norm(second - first))
        opening = min(1.0, (width + LEAST_PLAY_M) / synergy.largest_width_m)
        if lack(opening) + depth * steepness > 0:
            depth = -min(max(lack(opening), 0.0) / steepness, synergy.reach_m - END_M)
    return grip_frame(middle + depth * approach, approach, closing), opening


def _draw_approach(closing: FloatArray, rng: np.random.Generator) -> FloatArray:
    down = np.array([0.0, 0.0, -1.0])
    # The direction perpendicular to the closing axis that is nearest to straight down, then turned
    # about that axis.
    nearest = down - (down @ closing) * closing
    length = float(np.linalg.norm(nearest))
    if length < 1e-6:
        nearest, length = np.array([1.0, 0.0, 0.0]), 1.0
    nearest = nearest / length
    angle = rng.normal(0.0, TILT_STD_RAD)
    return np.asarray(np.cos(angle) * nearest + np.sin(angle) * np.cross(closing, nearest))
