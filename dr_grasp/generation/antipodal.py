"""Antipodal grasp poses: two surface points that a pair of jaws can pinch without slipping."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import trimesh

from dr_grasp.core.arrays import FloatArray, frozen
from dr_grasp.core.geometry import Pose


@dataclass(frozen=True, slots=True)
class SamplerSettings:
    """Bounds of the sampling.

    Attributes:
        surface_points: How many points are drawn on the object's surface.
        friction_angle_rad: Largest angle between the line through both contacts and each surface
            normal (Chen and Burdick 1993); 30 degrees is a coefficient of 0.58.
        width_margin_m: The jaws open at least this much wider than the object [m].
        steepest_rad: Largest angle between the approach direction and straight down.
        depth_std_m: Standard deviation of how much deeper or shallower the grip is than the line
            through the contacts [m].
    """

    surface_points: int = 1500
    friction_angle_rad: float = np.pi / 6
    width_margin_m: float = 0.006
    steepest_rad: float = np.pi / 2.6
    depth_std_m: float = 0.006


@dataclass(frozen=True, slots=True)
class SurfacePairs:
    """Pairs of opposing surface points: shape (k, 3) each, in the object's frame [m]."""

    first: FloatArray
    second: FloatArray


def find_pairs(
    mesh_path: Path, largest_width_m: float, settings: SamplerSettings, rng: np.random.Generator
) -> SurfacePairs:
    """Find antipodal pairs on a mesh.

    Args:
        mesh_path: The mesh, in metres.
        largest_width_m: How far the jaws open.
        settings: Bounds.
        rng: Source of the surface points.
    """
    mesh = trimesh.load_mesh(mesh_path)
    points, faces = trimesh.sample.sample_surface(
        mesh, settings.surface_points, seed=int(rng.integers(2**31))
    )
    points, normals = np.asarray(points), np.asarray(mesh.face_normals)[faces]
    between = points[None] - points[:, None]
    distance = np.linalg.norm(between, axis=2)
    direction = between / np.maximum(distance, 1e-9)[:, :, None]
    cosine = np.cos(settings.friction_angle_rad)
    # The first normal points away from the second point, the second along the line.
    opposed = np.einsum("ijk,ik->ij", direction, normals) < -cosine
    opposed &= np.einsum("ijk,jk->ij", direction, normals) > cosine
    fits = (distance < largest_width_m - settings.width_margin_m) & (distance > 1e-3)
    first, second = np.nonzero(np.triu(opposed & fits))
    return SurfacePairs(frozen(points[first]), frozen(points[second]))


def sample_grasp_pose(
    pairs: SurfacePairs,
    object_in_base: Pose,
    approach_axis: FloatArray,
    closing_axis: FloatArray,
    settings: SamplerSettings,
    rng: np.random.Generator,
) -> Pose:
    """Draw a pose of the tool centre point that pinches one pair.

    Args:
        pairs: At least one pair.
        object_in_base: Pose of the object.
        approach_axis: Shape (3,), unit, in the TCP frame.
        closing_axis: Shape (3,), unit, in the TCP frame, perpendicular to the other.
        settings: Bounds.
        rng: Source of randomness.

    Returns:
        The tool centre point in the base frame.
    """
    index = int(rng.integers(len(pairs.first)))
    first, second = object_in_base.apply(np.stack([pairs.first[index], pairs.second[index]]))
    closing = (second - first) / np.linalg.norm(second - first)
    if rng.random() < 0.5:
        closing = -closing
    approach = _draw_approach(closing, settings.steepest_rad, rng)
    hand_axes = np.stack([approach_axis, closing_axis, np.cross(approach_axis, closing_axis)])
    world_axes = np.stack([approach, closing, np.cross(approach, closing)])
    matrix = np.eye(4)
    # Maps each hand axis to its world axis: W^T H for orthonormal rows.
    matrix[:3, :3] = world_axes.T @ hand_axes
    depth = rng.normal(0.0, settings.depth_std_m)
    matrix[:3, 3] = (first + second) / 2 + depth * approach
    return Pose.from_matrix(matrix)


def _draw_approach(closing: FloatArray, steepest: float, rng: np.random.Generator) -> FloatArray:
    down = np.array([0.0, 0.0, -1.0])
    # The direction perpendicular to the closing axis that is nearest to straight down, then turned
    # about that axis as far as the bound allows.
    nearest = down - (down @ closing) * closing
    length = float(np.linalg.norm(nearest))
    if length < 1e-6:
        nearest, length = np.array([1.0, 0.0, 0.0]), 1.0
    nearest = nearest / length
    limit = np.cos(steepest)
    for _ in range(20):
        angle = rng.uniform(-steepest, steepest)
        turned = np.cos(angle) * nearest + np.sin(angle) * np.cross(closing, nearest)
        if turned @ down >= limit:
            return np.asarray(turned)
    return np.asarray(nearest)
