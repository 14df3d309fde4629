"""Where the mass of a URDF's object is: that of each link lies in that link's own shape."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import trimesh

from dr_grasp.core.arrays import FloatArray
from dr_grasp.objects.convex import hulls_of
from dr_grasp.objects.masses import Solid, solid_of, sum_masses
from dr_grasp.objects.mesh_files import joined
from dr_grasp.objects.repair import repair
from dr_grasp.objects.simplification import thinned
from dr_grasp.objects.urdf import UrdfLink, UrdfObject

SAME_SHARE = 0.01
"""Two shapes weigh the same if volumes and inertias differ by less than this share, and centres by
less than this share of the extent."""

SAME_PLACE_SHARE = 0.1
"""A visual mesh is of the same body as the collision shapes if the sides of their bounding boxes
lie less than this share of the extent apart."""

MOST_NAMED = 3
"""Most links that a remark names."""


@dataclass(frozen=True, slots=True, eq=False)
class Weighed:
    """Where the mass of an object is.

    Attributes:
        center: Centre of mass in the mesh file's frame, shape (3,) [m].
        inertia: Inertia of 1 kg about that centre, along the same axes, shape (3, 3) [m^2].
        origin: Where these numbers come from, as text.
    """

    center: FloatArray
    inertia: FloatArray
    origin: str


def weigh_links(urdf: UrdfObject, scale: Sequence[float]) -> Weighed | None:
    """Spread the mass of each link evenly over the link's own shape.

    A link's shape is its collision elements; or its visual elements if they are closed and in the
    same place, since collision elements are often only coarse convex pieces. A link without a shape
    is a point where its <inertial> is.

    Args:
        urdf: The object.
        scale: Factors for the shapes and the places of the links, along x, y and z.

    Returns:
        None if the mass is spread evenly over the surface of `urdf`, or no link encloses a volume.
    """
    links = [link for link in urdf.links if link.mass > 0]
    if not any(link.parts for link in links):  # all links together have one mass
        looks = tuple(part for link in urdf.links for part in link.looks)
        links = [UrdfLink("", 1.0, np.zeros(3), urdf.parts, looks)]
    masses, centers, inertias, remarks = [], [], [], []
    for link in links:
        solid, remark = _shape_of(link, np.asarray(scale))
        remarks += [f"{link.name}: {remark}" if len(links) > 1 else remark] if remark else []
        masses.append(link.mass)
        centers.append(link.center * scale if solid is None else solid.center)
        share = 0.0 if solid is None else link.mass / solid.volume
        inertias.append(np.zeros((3, 3)) if solid is None else solid.inertia * share)
    one_body = len(links) == 1 and len(links[0].parts) == len(urdf.parts)
    if (one_body and not remarks) or not np.any(inertias):
        return None
    if len(remarks) > MOST_NAMED:
        remarks[MOST_NAMED:] = [f"{len(remarks) - MOST_NAMED} more"]
    whose = [] if one_body else ["each link's mass over its own shape"]
    mass, center, inertia = sum_masses(masses, centers, inertias)
    return Weighed(center, inertia / mass, "; ".join([*whose, *remarks]))


def _shape_of(link: UrdfLink, scale: FloatArray) -> tuple[Solid | None, str]:
    """The better of a link's shapes, if it has any, and what is said about the choice."""
    touched, _ = _solid(link.parts, scale)
    seen, closed = _solid(link.looks, scale)
    if touched is None or seen is None or not closed:
        return touched, ""
    extent = float(np.ptp(_bounds(link.parts, scale), axis=0).max())
    apart = np.abs(_bounds(link.parts, scale) - _bounds(link.looks, scale)).max()
    if apart > SAME_PLACE_SHARE * extent:
        return touched, ""
    more = touched.volume / seen.volume - 1
    moved = float(np.linalg.norm(touched.center - seen.center))
    turned = np.abs(touched.inertia / touched.volume - seen.inertia / seen.volume).max()
    inertia = turned / (np.abs(seen.inertia).max() / seen.volume)
    if max(abs(more), moved / extent, inertia) <= SAME_SHARE:
        return touched, ""
    return seen, (
        f"from the closed visual mesh; the collision shapes have {abs(more):.0%} "
        f"{'more' if more > 0 else 'less'} volume, a centre {moved * 1e3:.1f} mm off and inertia "
        f"{inertia:.0%} off"
    )


def _solid(parts: Sequence[trimesh.Trimesh], scale: FloatArray) -> tuple[Solid | None, bool]:
    """Mass properties of parts together, and whether their surface is closed; None if flat."""
    if not parts:
        return None, False
    repaired = repair(joined(parts).apply_scale(scale))
    if repaired.closed:
        return solid_of([repaired.mesh], thinned(repaired.mesh)), True
    hulls = hulls_of([part.copy().apply_scale(scale) for part in parts])  # as engines take them
    return (solid_of(hulls) if hulls else None), False


def _bounds(parts: Sequence[trimesh.Trimesh], scale: FloatArray) -> FloatArray:
    return np.asarray(joined(parts).bounds) * scale
