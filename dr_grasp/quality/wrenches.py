"""The wrenches that contacts can exert on an object, as corners of a convex set.

A contact presses with a normal force of 1. Friction adds a force in the tangent plane, of at most
the friction coefficient, and a torque about the normal, of at most the torsional friction (a soft
finger). Both share the friction: `sliding / friction + turning / torsional_friction <= 1`, which is
a little less than the ellipse that is found for rubber (R. D. Howe and M. R. Cutkosky, "Practical
force-motion models for sliding manipulation", 1996), so no resistance is counted twice.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from dr_grasp.core.arrays import FloatArray, frozen

CONE_EDGES = 8
"""Edges of the pyramid inside a cone of friction. For 23 grasps of three hands in two engines,
epsilon was 4 % lower (median) than with 64 edges, and 0 for the one of them that hardly holds; it
took 4 ms instead of 700. With 12 edges it was 2 % lower and took 8 ms. Epsilons of two grasps often
differ tenfold."""

SAME_PLACE_M = 1e-3
"""Contacts nearer than this to another of almost the same normal are left out [m]: engines report a
finger pad as a patch of several points, and the set hardly changes by points so near."""

SAME_NORMAL = 0.99
"""Least cosine of the angle between almost the same normals: 8 degrees."""


@dataclass(frozen=True, slots=True, eq=False)
class ContactPoints:
    """Where an object is pressed, and with which friction, in a frame of the object.

    Attributes:
        points: Shape (k, 3), contacts [m].
        inward: Shape (k, 3), unit normals into the object.
        friction: Coulomb coefficient.
        torsional_friction_m: Lever of the torque about the normal [m].
        center_of_mass: Shape (3,), what torques are about [m].
        radius_m: What torques are divided by: the largest distance of a point of the object from
            its centre of mass [m].
    """

    points: FloatArray
    inward: FloatArray
    friction: float
    torsional_friction_m: float
    center_of_mass: FloatArray
    radius_m: float


def primitive_wrenches(contacts: ContactPoints, edges: int = CONE_EDGES) -> FloatArray:
    """Wrenches whose convex hull is all that contacts exert with a total normal force of 1.

    Args:
        contacts: The contacts.
        edges: Number of edges of each pyramid of friction.

    Returns:
        Shape (n, 6), each different: force, and torque about the centre of mass divided by the
        radius [1]; (0, 6) without contacts.
    """
    angles = 2.0 * np.pi * np.arange(edges) / edges
    circle = contacts.friction * np.stack([np.cos(angles), np.sin(angles)], axis=1)
    wrenches = [np.zeros((0, 6))]
    for index in _apart(contacts):
        inward, arm = contacts.inward[index], contacts.points[index] - contacts.center_of_mass
        forces = inward + circle @ _tangents(inward)
        wrenches.append(np.hstack([forces, np.cross(arm, forces) / contacts.radius_m]))
        torques = np.cross(arm, inward) + contacts.torsional_friction_m * np.outer([-1, 1], inward)
        wrenches.append(np.hstack([np.tile(inward, (2, 1)), torques / contacts.radius_m]))
    return frozen(np.unique(np.vstack(wrenches), axis=0))


def _apart(contacts: ContactPoints) -> list[int]:
    """Contacts of which none is at the place of another, in their order."""
    kept: list[int] = []
    for index, (point, normal) in enumerate(zip(contacts.points, contacts.inward, strict=True)):
        near = np.linalg.norm(contacts.points[kept] - point, axis=1) < SAME_PLACE_M
        if not (near & (contacts.inward[kept] @ normal > SAME_NORMAL)).any():
            kept.append(index)
    return kept


def _tangents(normal: FloatArray) -> FloatArray:
    """Two unit vectors perpendicular to a normal and to each other, shape (2, 3)."""
    first = np.cross(normal, np.eye(3)[np.argmin(np.abs(normal))])
    first /= np.linalg.norm(first)
    return np.stack([first, np.cross(normal, first)])
