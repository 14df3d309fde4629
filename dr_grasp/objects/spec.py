"""An object: its YAML file joined with its prepared meshes."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Literal

import numpy as np
from pydantic import NonNegativeFloat, PositiveFloat, PositiveInt

from dr_grasp.core.arrays import FloatArray, frozen
from dr_grasp.errors import UnknownNameError
from dr_grasp.objects.meshes import MassProperties, prepare_meshes
from dr_grasp.resources import config_file, config_names, resolve_uri
from dr_grasp.settings import Settings, load_yaml


class FamilySettings(Settings):
    """Numbered objects that share one file; {index} in `mesh` is the number."""

    prefix: str
    count: PositiveInt
    digits: PositiveInt


class ObjectSettings(Settings):
    """A file of config/objects."""

    description: str
    mesh: str
    scale: PositiveFloat = 1.0
    collision: Literal["coacd", "groups", "hull"]
    mass: PositiveFloat
    lateral_friction: PositiveFloat
    rolling_friction: NonNegativeFloat = 0.0
    spinning_friction: NonNegativeFloat = 0.0
    family: FamilySettings | None = None


@dataclass(frozen=True, slots=True, eq=False)
class ObjectSpec:
    """All that the other rooms need to know of an object. Its frame is that of its mesh.

    Attributes:
        name: As selected by users.
        description: One line.
        visual: The whole mesh, scaled to metres (OBJ).
        pieces: Its convex pieces, likewise.
        points: Shape (k, 3), vertices of all pieces, in metres.
        mass: In kilograms.
        center_of_mass: Shape (3,), in metres.
        inertia: Shape (3, 3), about the centre of mass, along the object's axes [kg m^2].
        lateral_friction: Coulomb coefficient against a surface of coefficient 1.
        rolling_friction: As PyBullet takes it.
        spinning_friction: As PyBullet takes it.
    """

    name: str
    description: str
    visual: Path
    pieces: tuple[Path, ...]
    points: FloatArray
    mass: float
    center_of_mass: FloatArray
    inertia: FloatArray
    lateral_friction: float
    rolling_friction: float
    spinning_friction: float

    def lowest_point(self, rotation: FloatArray) -> float:
        """Height of the lowest point above the object's origin under a rotation of shape (3, 3)."""
        return float((self.points @ rotation.T)[:, 2].min())


@dataclass(frozen=True, slots=True)
class ObjectFamily:
    """A line of the object list: one object, or a numbered family."""

    first: str
    last: str
    description: str


def object_families() -> list[ObjectFamily]:
    """All objects, families in one line."""
    lines = []
    for stem in config_names("objects"):
        settings = load_yaml(config_file("objects", stem, "object"), ObjectSettings)
        family = settings.family
        first = last = stem
        if family is not None:
            first, last = (
                f"{family.prefix}{number:0{family.digits}d}" for number in (0, family.count - 1)
            )
        lines.append(ObjectFamily(first, last, settings.description))
    return lines


@lru_cache(maxsize=64)
def load_object(name: str) -> ObjectSpec:
    """Load an object by name; its meshes are prepared on first use and kept in the cache.

    Raises:
        UnknownNameError: There is no such object.
        SettingsError: Its file does not fit the schema.
        ModelError: Its mesh is missing, empty or has no volume.
    """
    settings, mesh_uri = _find(name)
    mesh = resolve_uri(mesh_uri)
    meshes = prepare_meshes(mesh, settings.scale, settings.collision)
    mass: MassProperties = meshes.mass_properties(settings.mass)
    return ObjectSpec(
        name=name,
        description=settings.description,
        visual=meshes.visual,
        pieces=meshes.pieces,
        points=frozen(np.vstack(meshes.piece_points())),
        mass=settings.mass,
        center_of_mass=mass.center,
        inertia=mass.inertia,
        lateral_friction=settings.lateral_friction,
        rolling_friction=settings.rolling_friction,
        spinning_friction=settings.spinning_friction,
    )


def check_object_name(name: str) -> None:
    """Refuse a name that no object has, without preparing its meshes.

    Raises:
        UnknownNameError: There is no such object.
    """
    _find(name)


def _find(name: str) -> tuple[ObjectSettings, str]:
    for stem in config_names("objects"):
        settings = load_yaml(config_file("objects", stem, "object"), ObjectSettings)
        if settings.family is None:
            if stem == name:
                return settings, settings.mesh
            continue
        index = name.removeprefix(settings.family.prefix)
        fits = index != name and len(index) == settings.family.digits and index.isdecimal()
        if fits and int(index) < settings.family.count:
            return settings, settings.mesh.replace("{index}", index)
    valid = [
        line.first if line.first == line.last else f"{line.first} .. {line.last}"
        for line in object_families()
    ]
    raise UnknownNameError("object", name, valid)
