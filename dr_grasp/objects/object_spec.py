"""An object: its YAML file joined with its prepared meshes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

import numpy as np

from dr_grasp.common.resources import (
    built_in_files,
    cache_directory,
    config_file,
    config_names,
    resolve_uri,
)
from dr_grasp.common.settings import load_yaml
from dr_grasp.core.arrays import FloatArray, frozen
from dr_grasp.errors import SettingsError, UnknownNameError
from dr_grasp.objects.meshes import MassProperties, MeshFacts, path_source, prepare_source
from dr_grasp.objects.object_settings import FamilySettings, ObjectSettings
from dr_grasp.objects.shapes import shape_source

Stamp = tuple[int, int, int]
"""What changes with a file's content: its inode, time and size."""


@dataclass(frozen=True, slots=True, eq=False)
class ObjectSpec:
    """All that the other rooms need to know of an object.

    Its frame is that of the mesh's file, or where the object is centred, as by `dr-grasp objects
    add`, has the same axes and its origin in the middle of the mesh's bounding box.

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
        rolling_friction: Lever of the torque against rolling, against a surface of coefficient 1
            [m]; see `DynamicsNoise`.
        spinning_friction: Likewise about the contact's normal [m].
        mesh_origin: Shape (3,), where the origin of the mesh's file is in that frame [m]; zero
            unless the object was centred.
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
    mesh_origin: FloatArray = field(default_factory=lambda: frozen([0, 0, 0]))

    def lowest_point(self, rotation: FloatArray) -> float:
        """Height of the lowest point above the object's origin under a rotation of shape (3, 3)."""
        return float((self.points @ rotation.T)[:, 2].min())


@dataclass(frozen=True, slots=True, eq=False)
class ObjectDetails:
    """What a user may want to know of an object beyond its specification.

    Attributes:
        spec: The object.
        facts: What was found out about its mesh.
        file: The YAML file.
        mesh_file: The mesh; None for a shape.
    """

    spec: ObjectSpec
    facts: MeshFacts
    file: Path
    mesh_file: Path | None


@dataclass(frozen=True, slots=True)
class ObjectFamily:
    """A line of the object list: one object, or a numbered family."""

    first: str
    last: str
    description: str


def object_families(on_broken: Callable[[SettingsError], None]) -> list[ObjectFamily]:
    """All objects whose files can be read, families in one line.

    Args:
        on_broken: Told why each of the other files cannot be read.
    """
    lines = []
    for stem in config_names("objects"):
        try:
            settings = _settings(config_file("objects", stem, "object"))
        except SettingsError as error:
            on_broken(error)
            continue
        family = settings.family
        first = last = stem
        if family is not None:
            first, last = (
                f"{family.prefix}{number:0{family.digits}d}" for number in (0, family.count - 1)
            )
        lines.append(ObjectFamily(first, last, settings.description))
    return lines


def load_object(name: str) -> ObjectSpec:
    """Load an object by name; its meshes are prepared on first use and kept in the cache.

    As long as its files stay the same, so does the value.

    Raises:
        UnknownNameError: There is no such object.
        SettingsError: Its file does not fit the schema, or there is no such object among those
            whose files do.
        ModelError: Its mesh is missing, empty, has no volume, or is of a size that nobody grasps.
    """
    return object_details(name).spec


def object_details(name: str) -> ObjectDetails:
    """Load an object like `load_object`, with what is known beside."""
    file, settings, mesh_uri = _find(name)
    mesh = None if mesh_uri is None else resolve_uri(mesh_uri, file.parent)
    stamp = None if mesh is None else _stamp(mesh)
    return _load(name, file, settings, mesh, stamp, cache_directory())


@lru_cache(maxsize=64)
def _load(
    name: str,
    file: Path,
    settings: ObjectSettings,
    mesh: Path | None,
    stamp: Stamp | None,
    cache: Path,
) -> ObjectDetails:
    """Of the arguments the last two are there for the memory: what they change, it must forget."""
    if settings.shape is not None:
        source = shape_source(settings.shape, str(file))
    else:
        assert mesh is not None  # the schema has seen to it
        source = path_source(mesh)
    meshes = prepare_source(source, settings.scale, settings.collision, settings.center)
    mass: MassProperties = meshes.mass_properties(settings.mass)
    spec = ObjectSpec(
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
        mesh_origin=frozen(meshes.facts.origin),
    )
    return ObjectDetails(spec, meshes.facts, file, mesh)


def check_object_name(name: str) -> None:
    """Refuse a name that no object has, without preparing its meshes.

    Raises:
        UnknownNameError: There is no such object.
        SettingsError: As for `load_object`.
    """
    _find(name)


def built_in_object(name: str) -> bool:
    """Whether a name is that of an object, or of an object's file, that comes with the package."""
    return any(
        file.stem == name or _member(name, _settings(file).family) is not None
        for file in built_in_files("objects")
    )


def _find(name: str) -> tuple[Path, ObjectSettings, str | None]:
    """The file that describes an object, what it says, and the address of the object's mesh."""
    names = config_names("objects")
    # A file of that very name goes before a family.
    for stem in sorted(names, key=lambda one: one != name):
        file = config_file("objects", stem, "object")
        try:
            settings = _settings(file)
        except SettingsError:
            if stem == name:
                raise
            continue
        index = _member(name, settings.family)
        if index is not None:
            return file, settings, (settings.mesh or "").replace("{index}", index)
        if stem == name and settings.family is None:
            return file, settings, settings.mesh
    broken: list[SettingsError] = []
    valid = [
        line.first if line.first == line.last else f"{line.first} .. {line.last}"
        for line in object_families(broken.append)
    ]
    unknown = UnknownNameError("object", name, valid)
    if broken:  # one of them might be of its family
        raise SettingsError(f"{unknown}; unreadable: {'; '.join(map(str, broken))}") from unknown
    raise unknown


def _member(name: str, family: FamilySettings | None) -> str | None:
    """The number of an object in its family, as it stands in its name; None if in no such."""
    if family is None:
        return None
    index = name.removeprefix(family.prefix)
    fits = index != name and len(index) == family.digits and index.isdecimal()
    return index if fits and int(index) < family.count else None


def _settings(file: Path) -> ObjectSettings:
    try:
        stamp = _stamp(file)
    except OSError as error:  # removed since its folder was read
        raise SettingsError(f"{file}: cannot be read: {error.strerror}") from error
    return _read(file, stamp)


@lru_cache(maxsize=1024)
def _read(file: Path, stamp: Stamp) -> ObjectSettings:
    return load_yaml(file, ObjectSettings)


def _stamp(file: Path) -> Stamp:
    status = file.stat()
    return status.st_ino, status.st_mtime_ns, status.st_size
