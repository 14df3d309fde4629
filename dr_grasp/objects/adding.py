"""Adds a mesh or URDF file to the user's own objects, under a name."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np
import trimesh

from dr_grasp.common.resources import own_names
from dr_grasp.common.settings import validate
from dr_grasp.core.arrays import FloatArray
from dr_grasp.errors import ModelError, SettingsError, UnknownNameError, printable
from dr_grasp.objects.link_masses import Weighed, weigh_links
from dr_grasp.objects.mass_place import mass_place
from dr_grasp.objects.mesh_files import MESH_ENDINGS, MeshSource, as_obj, file_source, joined
from dr_grasp.objects.meshes import prepare_meshes
from dr_grasp.objects.object_settings import ObjectSettings
from dr_grasp.objects.object_spec import ObjectDetails, built_in_object, object_details
from dr_grasp.objects.store import mesh_address, write_object
from dr_grasp.objects.units import METRES, NAMES, check_extent, guess_unit, sides
from dr_grasp.objects.urdf import FRICTIONS, read_urdf

ENDINGS = (".urdf", *MESH_ENDINGS)
NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}")
DEFAULT_FRICTION = {
    "lateral_friction": 0.6,
    "rolling_friction": 0.001,
    "spinning_friction": 0.001,
}
"""Lateral friction is a coefficient, rolling and spinning friction are levers in metres (see
`DynamicsNoise`). The spinning lever is for dry friction on a round patch of 2.5 mm radius."""

HEAVIEST_KG_M3 = 22_600.0
"""Density of osmium. A denser object gets a warning: its mass was probably given in grams."""


@dataclass(frozen=True, slots=True)
class NewObject:
    """A user's settings for an object to add.

    Attributes:
        file: Path of a URDF, OBJ, STL or PLY file.
        name: The object's name; None for the name of the file, with a number if that is the name of
            a built-in object.
        mass: Mass of the object [kg]; None for the mass in the URDF.
        center_of_mass: Centre of mass in the mesh file's frame, after scaling, three numbers [m];
            None for that of the shape, in which each link's mass is spread evenly.
        inertia: About the centre of mass, along the mesh file's axes: ixx, ixy, ixz, iyy, iyz, izz,
            or ixx, iyy, izz [kg m^2]; None for that of the shape.
        lateral_friction: Coulomb coefficient; None for the URDF's value, or else the default.
        rolling_friction: Lever of the torque against rolling [m]; None as for lateral friction.
        spinning_friction: Lever of the torque against spinning [m]; None as for lateral friction.
        unit: Unit of the mesh, a key of `METRES`; None to guess it.
        scale: Factors from the mesh's unit to metres, along x, y and z, instead of `unit`. Those of
            a URDF change the whole object, and no masses.
        collision: How to make convex pieces from the mesh; see `convex_pieces`.
        center: Whether the object's frame is in the middle of its bounding box.
        description: One line of text; None for a text with the file's name.
        replace: Whether to replace an object of the user's own that has the same name.
    """

    file: Path
    name: str | None = None
    mass: float | None = None
    center_of_mass: tuple[float, ...] | None = None
    inertia: tuple[float, ...] | None = None
    lateral_friction: float | None = None
    rolling_friction: float | None = None
    spinning_friction: float | None = None
    unit: str | None = None
    scale: tuple[float, ...] | None = None
    collision: str = "auto"
    center: bool = True
    description: str | None = None
    replace: bool = False


def add_object(new: NewObject, say: Callable[[str], None]) -> ObjectDetails:
    """Prepare an object and write it into the user's configuration, whole or not at all.

    The user's configuration keeps a copy of the mesh, so the original file may be deleted.

    Args:
        new: The object.
        say: Called with one line of text for each assumption, and before slow work.

    Raises:
        ModelError: The file is no mesh or URDF of an object that can be grasped.
        SettingsError: A number, the name or `collision` is not valid, the centre of mass or the
            inertia is not possible, or the user's configuration cannot be written.
        UnknownNameError: The unit is not valid.
    """
    ending = new.file.suffix.lower()
    if ending not in ENDINGS:
        raise ModelError(
            f"{new.file}: expected a file that ends in {', '.join(ENDINGS)}, "
            f"got {new.file.suffix or 'no ending'}"
        )
    properties: dict[str, float | None] = {"mass": None, **DEFAULT_FRICTION}
    urdf = None
    if ending == ".urdf":
        urdf = read_urdf(new.file)
        parts: Sequence[trimesh.Trimesh] = urdf.parts
        properties |= urdf.properties
        source = urdf.source(str(new.file))
    else:
        source = file_source(new.file)
        parts = source.read()
        if ending == ".obj":  # the copy has no normals, textures and materials
            source = MeshSource(str(new.file), as_obj(parts[::-1]), ".obj")
    name = _free_name(new)
    for key in ("mass", *FRICTIONS):
        if getattr(new, key) is not None:
            properties[key] = getattr(new, key)
    if properties["mass"] is None:
        raise SettingsError(f"mass: expected one in kilograms, as {new.file} names none")
    file_name = printable(new.file.name)  # names of files need not be text
    document: dict[str, Any] = {
        "description": new.description or f"From {file_name}",
        "mesh": mesh_address(name, source),
        "source": file_name,
        "scale": new.scale or 1.0,
        "center": new.center,
        "collision": new.collision,
        **properties,
        **_known(new, None, properties["mass"]),
    }
    settings = validate(document, ObjectSettings, new.file)
    scale = _scale(new, settings.scale, np.asarray(joined(parts).extents), say)
    document["scale"] = scale[0] if len(set(scale)) == 1 else list(scale)
    weighed = None if urdf is None else weigh_links(urdf, scale)
    document |= _known(new, weighed, properties["mass"])
    settings = validate(document, ObjectSettings, new.file)

    def slow() -> None:
        say(f"{new.file}: not convex: cutting it into convex pieces, which may take a minute")

    meshes = prepare_meshes(source, scale, settings.collision, new.center, slow)
    mass_place(settings, meshes, weighed, str(new.file))  # refuses what is not possible
    volume = meshes.facts.volume
    if properties["mass"] / volume > HEAVIEST_KG_M3:
        say(
            f"{name}: {properties['mass']:g} kg in {volume * 1e6:.3g} cm3 is heavier than any "
            "metal: expected a mass in kilograms"
        )
    write_object(name, source.data, document, new.file.name)
    return object_details(name)


def _known(new: NewObject, weighed: Weighed | None, mass: float) -> dict[str, Any]:
    """Keys of `ObjectSettings` for a mass that is not spread evenly over the whole mesh."""
    known: dict[str, Any] = {}
    notes = []
    if weighed is not None and (new.center_of_mass is None or new.inertia is None):
        tensor = weighed.inertia[np.triu_indices(3)] * mass
        known = {"center_of_mass": weighed.center.tolist(), "inertia": tensor.tolist()}
        notes = [weighed.origin]
    for key in ("center_of_mass", "inertia"):
        if getattr(new, key) is not None:
            known[key] = list(getattr(new, key))
            notes.append(f"{key} as given")
    return known | ({"inertia_from": "; ".join(notes)} if notes else {})


def _free_name(new: NewObject) -> str:
    name = _as_name(new.file.stem) if new.name is None else new.name
    if not NAME.fullmatch(name):
        likely = _as_name(name)
        advice = f"; try {likely}" if NAME.fullmatch(likely) else "; say --name"
        raise SettingsError(
            f"name: expected up to 64 lower-case letters, digits, _ and -, got {name!r}{advice}"
        )
    if built_in_object(name):
        if new.name is not None:
            raise SettingsError(f"name: {name!r} is a built-in object: expected another name")
        # The user did not choose this name, so a file called mug.stl must not need --name.
        numbered = map(f"{name}_{{}}".format, count(2))
        name = next(free for free in numbered if not built_in_object(free))
    if name in own_names("objects") and not new.replace:
        raise SettingsError(
            f"name: you have an object {name!r} already: expected another --name, or --force to "
            "replace it"
        )
    return name


def _as_name(text: str) -> str:
    return re.sub(r"[^a-z0-9_-]+", "_", text.lower()).strip("_-")[:64]


def _scale(
    new: NewObject, given: tuple[float, ...], extent: FloatArray, say: Callable[[str], None]
) -> tuple[float, ...]:
    """Factors from the mesh's unit to metres along x, y and z: as the user said, or guessed."""
    if new.scale is None:
        return (METRES[_unit(new, extent, say)],) * 3
    if new.unit is not None:
        raise SettingsError("scale: expected no unit beside it, got both")
    advice = "if it is in {unit_name}, say --scale {scale:g}"
    check_extent(str(new.file), extent, np.asarray(given), advice)
    return given


def _unit(new: NewObject, extent: FloatArray, say: Callable[[str], None]) -> str:
    if new.unit is not None:
        if new.unit not in METRES:
            raise UnknownNameError("unit", new.unit, METRES)
        advice = "say --unit {unit}"
        check_extent(str(new.file), extent, METRES[new.unit], advice, "say --scale")
        return new.unit
    # URDFs are in metres by their own rules; meshes are in what their author liked.
    in_metres = new.file.suffix.lower() == ".urdf"
    unit = "m" if in_metres else guess_unit(float(extent.max()))
    if unit is None or in_metres:  # if it is None, metres do not fit either, so this raises
        advice = "if it is in {unit_name}, say --unit {unit}, else --scale"
        check_extent(str(new.file), extent, 1.0, advice, "say --scale")
        return "m"
    if unit != "m":
        say(
            f"{new.file} is {sides(extent)}: taken as {NAMES[unit]}; "
            f"say --unit {'|'.join(METRES)} or --scale if that is wrong"
        )
    return unit
