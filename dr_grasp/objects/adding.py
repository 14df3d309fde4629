"""Gives an object of the user's a name."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Collection
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any, Literal, TypeVar

import numpy as np

from dr_grasp.common.resources import own_names
from dr_grasp.common.settings import validate
from dr_grasp.errors import ModelError, SettingsError, UnknownNameError
from dr_grasp.objects.mesh_files import MESH_ENDINGS, MeshSource, content_source, joined
from dr_grasp.objects.meshes import prepare_source
from dr_grasp.objects.object_settings import ObjectSettings
from dr_grasp.objects.object_spec import ObjectDetails, built_in_object, object_details
from dr_grasp.objects.store import mesh_address, write_object
from dr_grasp.objects.units import METRES, NAMES, Unit, check_extent, guess_unit, sides
from dr_grasp.objects.urdf import read_urdf

ENDINGS = (".urdf", *MESH_ENDINGS)
Collision = Literal["auto", "coacd", "hull"]
COLLISIONS: tuple[Collision, ...] = ("auto", "coacd", "hull")
NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}")
DEFAULT_FRICTION = {
    "lateral_friction": 0.6,
    "rolling_friction": 0.001,
    "spinning_friction": 0.001,
}
"""The first is a coefficient, the others are levers in metres (see `DynamicsNoise`). That of
spinning is what dry friction makes of a round patch of 2.5 mm radius."""

HEAVIEST_KG_M3 = 22_600.0
"""Density of osmium; what seems heavier was weighed in grams."""


ChoiceT = TypeVar("ChoiceT", bound=str)


@dataclass(frozen=True, slots=True)
class NewObject:
    """What a user says of an object.

    Attributes:
        file: URDF, OBJ, STL or PLY.
        name: What it shall be called; None for the file's name, with a number if a built-in object
            is called so.
        mass: In kilograms; None for what a URDF says.
        lateral_friction: Coulomb coefficient; None for what a URDF says, or the default.
        rolling_friction: Lever of the torque against rolling [m]; None likewise.
        spinning_friction: Lever of the torque against spinning [m]; None likewise.
        unit: Of the mesh; None to guess.
        collision: How convex pieces are made of it.
        center: Whether the object's frame is in the middle of its bounding box.
        description: One line; None for one made of the file's name.
        replace: Whether an object of the user's own may have that name already.
    """

    file: Path
    name: str | None = None
    mass: float | None = None
    lateral_friction: float | None = None
    rolling_friction: float | None = None
    spinning_friction: float | None = None
    unit: Unit | None = None
    collision: Collision = "auto"
    center: bool = True
    description: str | None = None
    replace: bool = False


def add_object(new: NewObject, say: Callable[[str], None]) -> ObjectDetails:
    """Prepare an object and write it into the user's configuration, whole or not at all.

    The original file is not needed any more afterwards.

    Args:
        new: The object.
        say: Told in a line what was assumed, and what may take long.

    Raises:
        ModelError: The file is no mesh or URDF that can be grasped.
        SettingsError: A number or the name is out of bounds, or the place cannot be written.
    """
    content = _read_file(new.file)
    name = _free_name(new)
    settings = {"mass": new.mass} | {key: getattr(new, key) for key in DEFAULT_FRICTION}
    for key, value in settings.items():
        least = 0.0 if key in ("rolling_friction", "spinning_friction") else None
        _check_number(key, value, least)
    ending = new.file.suffix.lower()
    if ending == ".urdf":
        said = read_urdf(new.file)
        content, ending = said.as_obj(), ".obj"
        settings = {key: _given(value, getattr(said, key)) for key, value in settings.items()}
    elif ending == ".obj":
        content = _only_geometry(content)
    if settings["mass"] is None:
        raise SettingsError(f"mass: expected one in kilograms, as {new.file} names none")
    settings = {key: _given(value, DEFAULT_FRICTION.get(key)) for key, value in settings.items()}
    source = content_source(content, ending, str(new.file))
    unit = _unit(source, new, say)
    document: dict[str, Any] = {
        "description": new.description or f"From {new.file.name}",
        "mesh": mesh_address(name, content, ending),
        "scale": METRES[unit],
        "center": new.center,
        "collision": new.collision,
        **settings,
    }
    checked = validate(document, ObjectSettings, new.file)

    def slow() -> None:
        say(f"{new.file}: not convex: cutting it into convex pieces, which may take a minute")

    prepared = prepare_source(source, checked.scale, checked.collision, checked.center, slow)
    density = checked.mass / prepared.facts.volume
    if density > HEAVIEST_KG_M3:
        say(
            f"{name}: {checked.mass:g} kg in {prepared.facts.volume * 1e6:.3g} cm3 is heavier than "
            "any metal: expected a mass in kilograms"
        )
    write_object(name, content, document, new.file.name)
    return object_details(name)


def one_of(kind: str, given: str, valid: Collection[ChoiceT]) -> ChoiceT:
    """A word as one of those that are valid.

    Raises:
        UnknownNameError: It is not.
    """
    for one in valid:
        if one == given:
            return one
    raise UnknownNameError(kind, given, valid)


def _read_file(file: Path) -> bytes:
    if file.suffix.lower() not in ENDINGS:
        raise ModelError(
            f"{file}: expected a file that ends in {', '.join(ENDINGS)}, "
            f"got {file.suffix or 'no ending'}"
        )
    if file.is_dir():
        raise ModelError(f"{file}: expected a file, got a folder")
    try:
        content = file.read_bytes()
    except OSError as error:
        raise ModelError(f"{file}: cannot be read: {error.strerror}") from error
    if not content:
        raise ModelError(f"{file}: expected a mesh, got an empty file")
    return content


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
        # Nobody chose that name: a file called mug.stl need not be told twice.
        name = next(one for one in map(f"{name}_{{}}".format, count(2)) if not built_in_object(one))
    if name in own_names("objects") and not new.replace:
        raise SettingsError(
            f"name: you have an object {name!r} already: expected another --name, or --force to "
            "replace it"
        )
    return name


def _as_name(text: str) -> str:
    return re.sub(r"[^a-z0-9_-]+", "_", text.lower()).strip("_-")[:64]


def _check_number(key: str, value: float | None, least: float | None) -> None:
    """Refuse what is not above 0, or where `least` is given, not at least that."""
    if value is None:
        return
    if math.isfinite(value) and (value > 0 if least is None else value >= least):
        return
    expected = "above 0" if least is None else f"at least {least:g}"
    raise SettingsError(f"{key}: expected a number {expected}, got {value:g}")


def _given(value: float | None, otherwise: float | None) -> float | None:
    return otherwise if value is None else value


def _only_geometry(content: bytes) -> bytes:
    """An OBJ without normals, textures and materials."""
    lines = []
    text = content.decode("utf-8", "replace").replace("\\\r\n", " ").replace("\\\n", " ")
    for line in text.splitlines():
        words = line.split()
        if words and words[0] in ("v", "o", "g"):
            lines.append(" ".join(words))
        elif words and words[0] == "f":
            lines.append(" ".join([word.partition("/")[0] for word in words]))
    return "\n".join([*lines, ""]).encode()


def _unit(source: MeshSource, new: NewObject, say: Callable[[str], None]) -> Unit:
    extent = np.asarray(joined(source.read()).extents)
    unit = new.unit or guess_unit(float(extent.max()))
    if unit is None:
        check_extent(str(new.file), extent, 1.0, "if it is in {unit_name}, say --unit {unit}")
        unit = "m"
    if new.unit is not None:
        check_extent(str(new.file), extent, METRES[unit], "say --unit {unit}")
    elif unit != "m":
        say(
            f"{new.file} is {sides(extent)}: taken as {NAMES[unit]}; "
            f"say --unit {'|'.join(METRES)} if that is wrong"
        )
    return unit
