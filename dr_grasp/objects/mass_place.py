"""Where the mass of an object is: as its file says, as its links say, or spread evenly."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from dr_grasp.core.arrays import FloatArray
from dr_grasp.errors import SettingsError
from dr_grasp.objects.link_masses import Weighed
from dr_grasp.objects.meshes import PreparedMeshes
from dr_grasp.objects.object_settings import ObjectSettings, matrix_of

OUTSIDE_SHARE = 0.05
"""A centre of mass may lie outside of the bounding box by this share of the extent: the box is that
of the convex pieces, which are approximate."""


@dataclass(frozen=True, slots=True, eq=False)
class MassPlace:
    """Where the mass of an object is.

    Attributes:
        center: Centre of mass in the object's frame, shape (3,) [m].
        inertia: Inertia about that centre, along the object's axes, shape (3, 3) [kg m^2].
        origin: Where these numbers come from, as text.
    """

    center: FloatArray
    inertia: FloatArray
    origin: str


def mass_place(
    settings: ObjectSettings, meshes: PreparedMeshes, weighed: Weighed | None, label: str
) -> MassPlace:
    """Take the centre of mass and the inertia from where they are known best.

    Args:
        settings: The object's settings; what they name goes before all else.
        meshes: The object's meshes.
        weighed: Where the mass of the object's links is, if it is not spread evenly.
        label: What error messages call the object.

    Raises:
        SettingsError: The settings' centre of mass lies outside of the object, or no mass within
            the object has so large an inertia.
    """
    facts = meshes.facts
    if weighed is None:
        center, inertia = np.array(facts.center), meshes.inertia(settings.mass)
        origin = f"from the {'closed surface' if facts.watertight else 'convex pieces'}"
    else:
        center, inertia = weighed.center + facts.origin, weighed.inertia * settings.mass
        origin = weighed.origin
    if settings.center_of_mass is None and settings.inertia is None:
        return MassPlace(center, inertia, origin)
    points = np.vstack(meshes.piece_points())
    if settings.center_of_mass is not None:
        center = np.array(settings.center_of_mass) + facts.origin
        whose = f" ({settings.inertia_from})" if settings.inertia_from else ""
        _check_inside(settings.center_of_mass, points - facts.origin, label, whose)
    if settings.inertia is not None:
        inertia = matrix_of(settings.inertia)
        farthest = float(np.linalg.norm(points - center, axis=1).max())
        largest, most = float(np.linalg.eigvalsh(inertia)[-1]), settings.mass * farthest**2
        if largest > most:
            raise SettingsError(
                f"{label}: inertia: expected moments of at most {most:.3g} kg m^2, those of "
                f"{settings.mass:g} kg {farthest:.3g} m from the centre, got {largest:.3g}"
            )
    return MassPlace(center, inertia, settings.inertia_from or f"as in {label}")


def _check_inside(center: tuple[float, ...], points: FloatArray, label: str, whose: str) -> None:
    low, high = points.min(axis=0), points.max(axis=0)
    beyond = OUTSIDE_SHARE * float((high - low).max())
    if (center < low - beyond).any() or (center > high + beyond).any():
        sides = ", ".join(f"{a:.3g} to {b:.3g}" for a, b in zip(low, high, strict=True))
        raise SettingsError(
            f"{label}: center_of_mass: expected a place in the object, that is, in the mesh file's "
            f"frame, {sides} m along x, y, z; got {', '.join(f'{value:.3g}' for value in center)}"
            f"{whose}"
        )
