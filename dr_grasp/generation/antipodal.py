"""Samples antipodal grasp poses: two surface points that jaws can pinch without slipping."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import trimesh

from dr_grasp.core.arrays import FloatArray, frozen
from dr_grasp.core.geometry import Pose, grip_frame
from dr_grasp.robots.robot_spec import Synergy

SURFACE_POINTS = 1500
"""Number of points that are drawn on the object's surface to search for pairs."""

FRICTION_ANGLE_RAD = np.pi / 6
"""Largest angle between the line through both contacts and each surface normal.

Chen and Burdick 1993; 30 degrees is a coefficient of 0.58.
"""

WIDTH_MARGIN_M = 0.006
"""The jaws can open at least this much wider than the distance between the two points."""

STEEPEST_RAD = np.pi / 2.6
"""Largest angle between the approach and straight down, as long as the pairs allow."""

TILT_STD_RAD = np.pi / 7
"""Standard deviation of the approach's turn about the closing axis, from the steepest direction.

The more the approach is turned, the nearer the hand comes to the table. With uniform angles it came
too near in two thirds of the proposals for flat objects.
"""

DEPTH_STD_M = 0.006
"""Standard deviation of the grip's distance from the line of the contacts, along the approach."""

CLEARANCE_M = 0.003
"""Least distance between the fingers' ends and the table."""

HALF_FINGER_M = 0.01
"""Half the width of a finger: a tilted finger reaches lower because of it."""

LEAST_PLAY_M = 0.02
"""A hand that does not open fully opens at least this much wider than the object."""

END_M = 0.002
"""Least length of a finger's end that touches the object."""

DRAWS = 20
"""Number of pairs that are drawn to find a pair that can be approached from above."""


def find_pairs(mesh_path: Path, largest_width_m: float, rng: np.random.Generator) -> FloatArray:
    """Find antipodal pairs on a mesh.

    Args:
        mesh_path: The mesh, in metres.
        largest_width_m: Largest distance between the jaws [m].
        rng: Random generator, for the surface points.

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
        pairs: Pairs of surface points in the object's frame, shape (k, 2, 3), k at least 1 [m].
        object_in_base: Pose of the object.
        table_z: Height of the table's top in the base frame [m].
        synergy: How the hand closes.
        rng: Random generator.

    Returns:
        The grip frame in the base frame, and the opening of the hand before it closes, 0 to 1.
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
    # Near the table, a finger of the open hand would hit it. Then the hand opens less, and grips
    # with the fingers' ends if they are long enough for that.
    steepness, opening = -approach[2], 1.0
    wanted = CLEARANCE_M + HALF_FINGER_M * np.sqrt(1 - steepness**2)
    free = middle[2] - table_z - synergy.reach_m * steepness - wanted

    def lack(opening: float) -> float:
        """How far the lower finger would reach below the free space [m]; negative: it is free."""
        return float(opening * synergy.largest_width_m / 2 * abs(closing[2]) - free)

    if lack(1.0) + depth * steepness > 0:
        width = float(np.linalg.norm(second - first))
        opening = min(1.0, (width + LEAST_PLAY_M) / synergy.largest_width_m)
        if lack(opening) + depth * steepness > 0:
            depth = -min(max(lack(opening), 0.0) / steepness, synergy.reach_m - END_M)
    return grip_frame(middle + depth * approach, approach, closing), opening


def _draw_approach(closing: FloatArray, rng: np.random.Generator) -> FloatArray:
    down = np.array([0.0, 0.0, -1.0])
    # The approach is perpendicular to the closing axis: the direction nearest to straight down,
    # turned about that axis by a random angle.
    nearest = down - (down @ closing) * closing
    length = float(np.linalg.norm(nearest))
    if length < 1e-6:
        nearest, length = np.array([1.0, 0.0, 0.0]), 1.0
    nearest = nearest / length
    angle = rng.normal(0.0, TILT_STD_RAD)
    return np.asarray(np.cos(angle) * nearest + np.sin(angle) * np.cross(closing, nearest))
