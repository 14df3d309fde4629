"""Integrates over the places in which several bodies lie at once, along rays through them.

Where a ray crosses a face, the number of bodies about it changes by one: the winding number of the
surface. This works for surfaces that cross themselves or each other in any way, as long as they are
closed; exact cuts of meshes with each other need surfaces that do neither.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import trimesh

from dr_grasp.core.arrays import FloatArray
from dr_grasp.objects.orientation import IntArray

MOST_RAYS, FEWEST_RAYS = 512, 32
"""Number of rays along each side of the grid of rays, at most and at least."""

MOST_TESTS = 2_000_000
"""The grid is as fine as at most this many tests of a ray against a triangle allow, which take half
a second; the coarsest grid may take more: half a minute if `thinned` leaves faces that are large.
"""

TESTS_AT_ONCE = 1_000_000
"""Tests made at once, to bound the memory in use."""


@dataclass(frozen=True, slots=True, eq=False)
class Excess:
    """Integrals over the union of bodies, less the integrals over each of the bodies.

    Attributes:
        volume: Integral of 1; usually negative.
        first: Integral of the position, shape (3,).
        second: Integral of the position times itself, shape (3, 3).
    """

    volume: float
    first: FloatArray
    second: FloatArray


def excess_of(mesh: trimesh.Trimesh) -> Excess:
    """Sample the excess by parallel rays, one at a random place in each cell of a grid.

    Args:
        mesh: Closed bodies whose faces look outward. The union is wherever the surface winds about
            a place: not in cavities.
    """
    low, extent = np.asarray(mesh.bounds)[0], np.asarray(mesh.extents)
    # Rays along the axis that most of the surface faces: they cross thin sheets.
    facing = np.abs(np.asarray(mesh.triangles_cross)).sum(axis=0)
    axes = np.roll([0, 1, 2], 2 - int(facing.argmax()))
    triangles = np.asarray(mesh.triangles)[:, :, axes] - low[axes]
    count = _rays_along_a_side(triangles[:, :, :2] / extent[axes[:2]])
    cell = extent[axes[:2]] / count
    corners = np.indices((count, count)).reshape(2, -1).T
    # The seed is fixed: the same numbers everywhere.
    rays = (corners + np.random.default_rng(0).random(corners.shape)) * cell
    ray, height, turn = _crossings(triangles, rays, cell, count)
    # A ray that passes too near an edge may count one of its faces only.
    whole = np.bincount(ray, weights=turn, minlength=len(rays))[ray] == 0
    ray, height, turn = ray[whole], height[whole], turn[whole]
    winding = np.cumsum(turn)[:-1]  # between a crossing and the next; 0 from one ray to another
    off = (winding != 0) - winding
    chosen = off != 0
    low_end, high_end = height[:-1][chosen], height[1:][chosen]
    length = high_end - low_end
    middle = np.column_stack([rays[ray[:-1][chosen]], (low_end + high_end) / 2])
    weight = off[chosen] * length * cell.prod()
    volume, first = float(weight.sum()), weight @ middle
    second = (middle * weight[:, None]).T @ middle
    second[2, 2] += weight @ length**2 / 12  # of each interval about its middle
    # Back to the mesh's axes and its origin.
    place = np.argsort(axes)
    first, second = first[place], second[np.ix_(place, place)]
    second = second + np.outer(low, first) + np.outer(first, low) + volume * np.outer(low, low)
    return Excess(volume, first + volume * low, second)


def _rays_along_a_side(triangles: FloatArray) -> int:
    """How many rays along each side of the grid `MOST_TESTS` allow.

    Args:
        triangles: Corners in the unit square, shape (n, 3, 2).
    """
    sides = np.ptp(triangles, axis=1)
    count = MOST_RAYS
    while count > FEWEST_RAYS and (sides * count + 1).prod(axis=1).sum() > MOST_TESTS:
        count //= 2
    return count


def _crossings(
    triangles: FloatArray, rays: FloatArray, cell: FloatArray, count: int
) -> tuple[IntArray, FloatArray, IntArray]:
    """Find where rays along z cross triangles.

    Args:
        triangles: Corners, shape (n, 3, 3); x and y from 0 to `count` cells.
        rays: x and y of the rays, shape (count^2, 2): one in each cell, row by row.
        cell: Sides of a cell along x and y, shape (2,).
        count: Number of cells along each side.

    Returns:
        Number of the ray, z, and the change of the winding number along z, +1 into a body and -1
        out of it, of each crossing; each of shape (k,), sorted by ray and z.
    """
    lowest, highest = (
        np.clip((edge / cell).astype(np.int64), 0, count - 1)
        for edge in (triangles[:, :, :2].min(axis=1), triangles[:, :, :2].max(axis=1))
    )
    width = highest - lowest + 1
    tests = np.concatenate([[0], np.cumsum(width.prod(axis=1))])
    found = []
    begin = 0
    while begin < len(triangles):
        within = np.searchsorted(tests, tests[begin] + TESTS_AT_ONCE, side="right") - 1
        end = max(begin + 1, int(within))
        number = np.repeat(np.arange(begin, end), np.diff(tests[begin : end + 1]))
        row, column = np.divmod(
            np.arange(tests[begin], tests[end]) - tests[number], width[number, 1]
        )
        ray = (lowest[number, 0] + row) * count + lowest[number, 1] + column
        hit, height, turn = _hits(triangles[number], rays[ray])
        found.append((ray[hit], height[hit], turn[hit]))
        begin = end
    ray, height, turn = (np.concatenate(values) for values in zip(*found, strict=True))
    order = np.lexsort((height, ray))
    return ray[order], height[order], turn[order]


def _hits(triangles: FloatArray, points: FloatArray) -> tuple[IntArray, FloatArray, IntArray]:
    """Whether each ray (k, 2) hits its triangle (k, 3, 3); where along z, and how it turns."""
    a, b, c = np.moveaxis(triangles[:, :, :2] - points[:, None], 1, 0)
    # Twice the areas of the triangles between the point and each side; their sum is the whole's.
    parts = np.stack([_cross(b, c), _cross(c, a), _cross(a, b)], axis=1)
    whole = parts.sum(axis=1)
    hit = (whole != 0) & ((parts >= 0).all(axis=1) | (parts <= 0).all(axis=1))
    height = np.einsum("ij,ij->i", parts, triangles[:, :, 2]) / np.where(hit, whole, 1.0)
    return hit, height, np.where(whole > 0, -1, 1)


def _cross(a: FloatArray, b: FloatArray) -> FloatArray:
    return np.asarray(a[:, 0] * b[:, 1] - a[:, 1] * b[:, 0])
