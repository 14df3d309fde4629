"""Volume, centre and inertia of bodies; what lies in several bodies at once counts once.

Integrals over the faces of a surface count a place once for each body that it lies in: as often as
the surface winds about it. The union of the bodies counts a place once wherever the surface winds
about it at all; `overlap` integrates the difference between the two.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import trimesh
from scipy.spatial import ConvexHull

from dr_grasp.core.arrays import FloatArray
from dr_grasp.objects.mesh_files import joined
from dr_grasp.objects.orientation import bodies as body_numbers
from dr_grasp.objects.overlap import excess_of

LEAST_CHANGE = 0.005
"""If overlaps change neither volume nor inertia by more than this share, both stay as they are:
they are exact for bodies that only touch, and what the rays give is not."""


@dataclass(frozen=True, slots=True, eq=False)
class Solid:
    """Mass properties at a density of 1.

    Attributes:
        volume: The volume.
        center: Centre of the volume, shape (3,).
        inertia: Inertia about that centre, shape (3, 3).
        overlap: Share of the volume by which the bodies alone exceed their union; 0 if they run
            through each other nowhere.
    """

    volume: float
    center: FloatArray
    inertia: FloatArray
    overlap: float = 0.0


def solid_of(bodies: Sequence[trimesh.Trimesh], thinner: trimesh.Trimesh | None = None) -> Solid:
    """Compute the mass properties of the union of closed bodies.

    Bodies that do not overlap give exact numbers. The overlap of others is sampled: volume and
    inertia are within 0.2 %, and the centre within 0.1 % of the extent (see test_masses.py).

    Args:
        bodies: Closed surfaces whose faces look outward; each may have cavities, consist of
            several bodies or cross itself.
        thinner: The same bodies as one surface of fewer faces, to look for overlaps in.
    """
    volume, center, inertia = _signed(bodies)
    if len(bodies) == 1 and _is_one_convex_body(bodies[0], volume):
        return Solid(volume, center, inertia)
    excess = excess_of(joined(bodies) if thinner is None else thinner)
    union = volume + excess.volume
    middle = (volume * center + excess.first) / union
    seconds = np.trace(inertia) / 2 * np.eye(3) - inertia + volume * np.outer(center, center)
    seconds = seconds + excess.second - union * np.outer(middle, middle)
    inertia_of_union = np.trace(seconds) * np.eye(3) - seconds
    change = np.abs(inertia_of_union - inertia).max() / np.abs(inertia).max()
    if abs(excess.volume) <= LEAST_CHANGE * volume and change <= LEAST_CHANGE:
        return Solid(volume, center, inertia)
    return Solid(union, middle, inertia_of_union, overlap=1 - union / volume)


def sum_masses(
    masses: Sequence[float], centers: Sequence[FloatArray], inertias: Sequence[FloatArray]
) -> tuple[float, FloatArray, FloatArray]:
    """Add up the mass properties of bodies that are joined rigidly.

    Args:
        masses: The masses of n bodies.
        centers: The n centres of mass, each of shape (3,).
        inertias: The n inertias about these centres, each of shape (3, 3), along the same axes.

    Returns:
        The total mass, the common centre of mass (3,), and the inertia about that centre (3, 3).
    """
    center = np.asarray(np.average(centers, axis=0, weights=masses))
    inertia = np.sum(inertias, axis=0)
    for mass, place in zip(masses, centers, strict=True):
        arm = place - center
        # The parallel axis theorem.
        inertia = inertia + mass * (arm @ arm * np.eye(3) - np.outer(arm, arm))
    return float(np.sum(masses)), center, np.asarray(inertia)


def _is_one_convex_body(mesh: trimesh.Trimesh, volume: float) -> bool:
    faces = np.asarray(mesh.faces)
    if body_numbers(faces).any():
        return False
    return math.isclose(volume, ConvexHull(mesh.vertices).volume, rel_tol=1e-6)


def _signed(bodies: Sequence[trimesh.Trimesh]) -> tuple[float, FloatArray, FloatArray]:
    """Volume, centre, and inertia about it; each place counts as often as faces wind about it."""
    volumes, centers, inertias = [], [], []
    for body in bodies:
        # Moved to the origin: the integrals are about it, and lose digits if the body is far away.
        near = np.asarray(body.bounds).mean(axis=0)
        local = trimesh.Trimesh(body.vertices - near, body.faces, process=False)
        volumes.append(float(local.volume))
        centers.append(np.asarray(local.center_mass) + near)
        inertias.append(np.asarray(local.moment_inertia))
    return sum_masses(volumes, centers, inertias)
