"""Completes masses and inertias of a robot's links, so that all engines read the same.

PyBullet gives a link without `<inertial>` a kilogram and takes a tensor that no body can have for
zero, without a word; MuJoCo guesses the one from the shape and refuses the other.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from xml.etree import ElementTree

import numpy as np
import trimesh
from trimesh import primitives

from dr_grasp.core.arrays import FloatArray
from dr_grasp.errors import ModelError
from dr_grasp.objects.masses import sum_masses
from dr_grasp.robots.attributes import COUNTS, number, numbers_text, pose_of, vector

DENSITY = 1000.0
"""Density taken for a body of which only the shape is known [kg/m^3]; MuJoCo's default."""

FRAME_MASS = 0.001
"""Mass of a moving body with neither mass nor shape, such as a frame between two joints [kg].
A body whose links state less than this in sum counts as one without a mass."""

POINT_SHARE = 0.01
"""A link with a smaller share of its body's mass may be a point mass."""

THINNEST = 1e-6
"""Least second moment of mass along an axis, as a share of the largest one: that of a plate a
thousandth as thick as it is wide. That of a flat plate would be impossible after rounding."""

POINT_M = 1e-6
"""A mass with a smaller radius of gyration is a point mass; its tensor is rounding."""

PRIMITIVES: dict[str, Callable[..., trimesh.Trimesh]] = {
    "box": lambda size: primitives.Box(extents=size),
    "sphere": lambda radius: primitives.Sphere(radius=radius[0]),
    "cylinder": lambda radius, length: primitives.Cylinder(radius=radius[0], height=length[0]),
    "capsule": lambda radius, length: primitives.Capsule(radius=radius[0], height=length[0]),
}

COMPONENTS = tuple(
    (f"i{'xyz'[row]}{'xyz'[column]}", row, column) for row in range(3) for column in range(row, 3)
)


def complete_inertias(
    file: str,
    root: ElementTree.Element,
    bodies: Iterable[frozenset[str]],
    standing: frozenset[str],
) -> tuple[str, ...]:
    """Give each link a mass and an inertia that a body can have; changes the element.

    A rigid body whose links state no mass gets the mass of their collision shapes. Any other link
    without a mass is a mere frame of its body and weighs nothing. An impossible tensor becomes the
    nearest possible one, by second moments; a zero tensor becomes that of the link's shape.

    Args:
        file: Name of the URDF in messages.
        root: The element <robot> of the URDF; collision meshes must be convex, with absolute paths.
        bodies: The rigid bodies, as the names of their links.
        standing: The body that never moves: neither its mass nor its inertia counts.

    Returns:
        A line for each moving link that gets another mass or inertia than the file states.

    Raises:
        ModelError: A mass is negative, or a shape that is needed to weigh a link is invalid.
    """
    links = {link.get("name", ""): link for link in root.findall("link")}
    mass = {name: _mass(file, name, link) for name, link in links.items()}
    notes: dict[str, str] = {}
    for body in bodies:
        names = [name for name in links if name in body]
        heavy = [name for name in names if mass[name] > 0.0]
        if body == standing:
            for name in heavy:
                possible = _nearest_possible(_tensor(links[name], mass[name]))
                _set_tensor(links[name], np.zeros((3, 3)) if possible is None else possible)
            continue
        if sum(mass[name] for name in heavy) < FRAME_MASS:
            light = {name: links[name] for name in names if mass[name] == 0.0}
            notes |= _weigh(file, light, or_frame=not heavy)
        notes |= _balance(file, {name: links[name] for name in heavy}, mass)
    for name, link in links.items():
        if mass[name] == 0.0 and name not in notes:
            _set_inertial(link, 0.0, np.zeros(3), np.zeros((3, 3)))
    return tuple(f"{file}: link {name}: {notes[name]}" for name in links if name in notes)


def _mass(file: str, name: str, link: ElementTree.Element) -> float:
    element = link.find("inertial/mass")
    mass = 0.0 if element is None else number(f"{file}: link {name}", element, "value", 0.0)
    if mass < 0.0:
        raise ModelError(f"{file}: link {name}: <mass> value: expected at least 0, got {mass:g}")
    return mass


def _weigh(file: str, links: Mapping[str, ElementTree.Element], or_frame: bool) -> dict[str, str]:
    """Give links without a mass that of their shapes; returns a note for each link changed.

    Args:
        file: Name of the URDF in messages.
        links: Links of one body that state no mass.
        or_frame: Whether one link must get a mass even if none has a shape.
    """
    notes = {}
    for name, link in links.items():
        if link.find("collision") is not None:
            volume, center, inertia = _shape(f"{file}: link {name}", link)
            mass = DENSITY * volume
            if mass < FRAME_MASS:  # a body of next to nothing cannot be simulated
                mass, inertia = FRAME_MASS, _ball(FRAME_MASS) / DENSITY
            _set_inertial(link, mass, center, DENSITY * inertia)
            notes[name] = f"expected a mass, got none: taken as dense as water, {mass:.3g} kg"
    if or_frame and not notes:
        name, link = next(iter(links.items()))
        _set_inertial(link, FRAME_MASS, np.zeros(3), _ball(FRAME_MASS))
        notes[name] = f"expected a mass or a shape, got neither: taken to weigh {FRAME_MASS:g} kg"
    return notes


def _balance(
    file: str, links: Mapping[str, ElementTree.Element], mass: Mapping[str, float]
) -> dict[str, str]:
    """Make the tensors of a body's heavy links possible; returns a note for each link changed."""
    tensors = {name: _tensor(link, mass[name]) for name, link in links.items()}
    turns = any(tensor.any() for tensor in tensors.values())
    whole = sum(mass[name] for name in links)
    notes = {}
    for name, link in links.items():
        given = tensors[name]
        light = link.find("collision") is None or mass[name] < POINT_SHARE * whole
        if not given.any() and turns and light:
            possible = given  # a point mass on a body that has an inertia
        else:
            found = _nearest_possible(given)
            possible = _shape_tensor(file, name, link, mass[name]) if found is None else found
        _set_tensor(link, possible)
        if np.abs(possible - given).max() > 10.0 * THINNEST * np.abs(possible).max():
            before, after = (
                " ".join(f"{moment:.3g}" for moment in np.linalg.eigvalsh(tensor))
                for tensor in (given, possible)
            )
            notes[name] = (
                f"expected moments of inertia that a body can have, got {before} kg m^2: taken as "
                f"{after}"
            )
    return notes


def _nearest_possible(tensor: FloatArray) -> FloatArray | None:
    """The tensor itself if possible, else the nearest possible one; None for a zero tensor.

    The second moments of mass along the principal axes must not be negative (Wensing, Kim, Slotine
    2018, arXiv 1701.04395); negative ones become about zero, the others stay.
    """
    moments, axes = np.linalg.eigh(tensor)
    seconds = moments.sum() / 2.0 - moments
    least = THINNEST * seconds.max()
    if least <= 0.0:
        return None
    if seconds.min() >= least:
        return tensor
    seconds = np.maximum(seconds, least)
    return np.asarray(axes @ np.diag(seconds.sum() - seconds) @ axes.T)


def _tensor(link: ElementTree.Element, mass: float) -> FloatArray:
    """A link's inertia tensor in the axes of its <inertial>; zeros if it is only rounding."""
    element, tensor = link.find("inertial/inertia"), np.zeros((3, 3))
    for key, row, column in COMPONENTS:
        if element is not None:
            tensor[row, column] = tensor[column, row] = float(element.get(key, 0.0))
    return tensor if np.abs(tensor).max() > mass * POINT_M**2 else np.zeros((3, 3))


def _shape_tensor(file: str, name: str, link: ElementTree.Element, mass: float) -> FloatArray:
    """Inertia of a link's mass spread over its shape, in the axes of its <inertial>."""
    if link.find("collision") is None:
        return _ball(mass)
    volume, _, inertia = _shape(f"{file}: link {name}", link)
    axes = pose_of(link.find("inertial/origin")).rotation.as_matrix()
    return np.asarray(axes.T @ inertia @ axes * (mass / volume))


def _ball(mass: float) -> FloatArray:
    """Inertia of a ball as dense as water."""
    radius_m = (3.0 * mass / (4.0 * np.pi * DENSITY)) ** (1.0 / 3.0)
    return np.asarray(0.4 * mass * radius_m**2 * np.eye(3))


def _shape(where: str, link: ElementTree.Element) -> tuple[float, FloatArray, FloatArray]:
    """Volume of a link's collision shapes, its centre, and its inertia about that at density 1."""
    volumes, centers, inertias = [], [], []
    for collision in link.findall("collision"):
        pose, solid = pose_of(collision.find("origin")), solid_of(where, collision)
        turn = pose.rotation.as_matrix()
        volumes.append(float(solid.volume))
        centers.append(pose.apply(np.asarray(solid.center_mass)))
        inertias.append(turn @ np.asarray(solid.moment_inertia) @ turn.T)
    return sum_masses(volumes, centers, inertias)


def solid_of(where: str, collision: ElementTree.Element) -> trimesh.Trimesh:
    """The solid of an element <collision>, in the frame of its <origin>.

    Args:
        where: File and link, for messages.
        collision: The element; a mesh must be convex, with an absolute path.

    Raises:
        ModelError: The element has no shape, several, or one that encloses nothing.
    """
    shapes = collision.findall("geometry/*")
    tag = shapes[0].tag if len(shapes) == 1 else ""
    if tag == "mesh":
        return trimesh.load_mesh(shapes[0].get("filename"))
    if tag not in PRIMITIVES:
        got = " and ".join(shape.tag for shape in shapes) or "none"
        raise ModelError(f"{where}: expected one of mesh, {', '.join(PRIMITIVES)}, got {got}")
    sizes = {key: vector(shapes[0], key, "") for key in COUNTS[tag]}
    for key, values in sizes.items():
        if not len(values) or values.min() <= 0.0:
            raise ModelError(
                f"{where}: <{tag}> {key}: expected above 0, got {shapes[0].get(key, 'none')}"
            )
    return PRIMITIVES[tag](**sizes)


def _set_inertial(
    link: ElementTree.Element, mass: float, center: FloatArray, tensor: FloatArray
) -> None:
    for old in link.findall("inertial"):
        link.remove(old)
    inertial = ElementTree.SubElement(link, "inertial")
    ElementTree.SubElement(inertial, "origin", {"xyz": numbers_text(center)})
    ElementTree.SubElement(inertial, "mass", {"value": repr(float(mass))})
    _set_tensor(link, tensor)


def _set_tensor(link: ElementTree.Element, tensor: FloatArray) -> None:
    inertial = link.find("inertial")
    assert inertial is not None
    for old in inertial.findall("inertia"):
        inertial.remove(old)
    values = {key: repr(float(tensor[row, column])) for key, row, column in COMPONENTS}
    ElementTree.SubElement(inertial, "inertia", values)
