"""Loads an object by name, from its YAML file and its prepared meshes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

import numpy as np

from dr_grasp.common.cache import cache_directory
from dr_grasp.common.resources import (
    built_in_files,
    config_file,
    config_names,
    resolve_uri,
)
from dr_grasp.common.settings import load_yaml
from dr_grasp.core.arrays import FloatArray, frozen
from dr_grasp.errors import SettingsError, UnknownNameError
from dr_grasp.objects.link_masses import weigh_links
from dr_grasp.objects.mass_place import mass_place
from dr_grasp.objects.mesh_files import file_source
from dr_grasp.objects.meshes import MeshFacts, prepare_meshes
from dr_grasp.objects.object_settings import FamilySettings, ObjectSettings
from dr_grasp.objects.shapes import shape_source
from dr_grasp.objects.urdf import read_urdf

Stamp = tuple[int, int, int]
"""Inode, modification time and size of a file; at least one changes with the file's content."""


@dataclass(frozen=True, slots=True, eq=False)
class ObjectSpec:
    """An object's shape, mass and friction: all that scoring and planning need.

    The object's frame is that of its mesh file; or if the object is centred, as `dr-grasp objects
    add` does, a frame with the same axes whose origin is the middle of the mesh's bounding box.

    Attributes:
        name: The name by which users select the object.
        description: One line of text for the list of objects.
        visual: OBJ file of the whole mesh, in metres.
        pieces: OBJ files of the object's convex pieces, in metres.
        points: Vertices of all pieces in the object's frame, shape (k, 3) [m].
        mass: Mass of the object [kg].
        center_of_mass: Centre of mass in the object's frame, shape (3,) [m].
        inertia: Inertia about the centre of mass, along the object's axes, shape (3, 3) [kg m^2].
        lateral_friction: Coulomb coefficient against a surface of coefficient 1.
        rolling_friction: Lever of the torque against rolling, against a surface of coefficient 1
            [m]; see `DynamicsNoise`.
        spinning_friction: Lever of the torque against spinning about the contact's normal, against
            a surface of coefficient 1 [m].
        mesh_origin: Origin of the mesh file in the object's frame, shape (3,) [m]; zero unless the
            object was centred.
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

    @property
    def radius(self) -> float:
        """Largest distance of a point of the object from its frame's origin [m]."""
        return float(np.linalg.norm(self.points, axis=1).max())

    def lowest_point(self, rotation: FloatArray) -> float:
        """Height [m] of the lowest point above the object's origin under a (3, 3) rotation."""
        return float((self.points @ rotation.T)[:, 2].min())


@dataclass(frozen=True, slots=True, eq=False)
class ObjectDetails:
    """An object with the measurements of its mesh and its files, to show to a user.

    Attributes:
        spec: The object.
        facts: Measurements of the object's mesh.
        file: The YAML file that describes the object.
        mesh_file: The file of the mesh; None for an object that is a plain shape.
        source: Name of the mesh file that the user gave to `dr-grasp objects add`, without folders;
            None if the object was not added so.
        scale: Factors from the mesh file's unit to metres, along x, y and z of that file.
        inertia_from: Where the centre of mass and the inertia come from, as text.
    """

    spec: ObjectSpec
    facts: MeshFacts
    file: Path
    mesh_file: Path | None
    source: str | None
    scale: tuple[float, float, float]
    inertia_from: str


@dataclass(frozen=True, slots=True)
class ObjectFamily:
    """One line of the list of objects: a single object or a numbered family."""

    first: str
    last: str
    description: str

    @property
    def names(self) -> str:
        """The name of the object, or the first and last of the family."""
        return self.first if self.first == self.last else f"{self.first} .. {self.last}"


def object_families(on_broken: Callable[[SettingsError], None]) -> list[ObjectFamily]:
    """List all objects whose files can be read, each family in one line.

    Args:
        on_broken: Called with the reason for each file that cannot be read.
    """
    lines = []
    for file, settings in _readable_files(on_broken):
        first = last = file.stem
        family = settings.family
        if family is not None:
            first, last = (
                f"{family.prefix}{number:0{family.digits}d}" for number in (0, family.count - 1)
            )
        lines.append(ObjectFamily(first, last, settings.description))
    return lines


def load_object(name: str) -> ObjectSpec:
    """Load an object by name; its meshes are prepared on first use and kept in the cache.

    As long as the object's files stay the same, the same value is returned.

    Raises:
        UnknownNameError: There is no such object.
        SettingsError: The object's file does not fit the schema; or no readable file describes the
            object, and some files cannot be read.
        ModelError: The mesh is missing, empty, without volume, too large or too small to grasp.
    """
    return object_details(name).spec


def object_details(name: str) -> ObjectDetails:
    """Load an object with the facts about its mesh and its files; raises as `load_object` does."""
    file, settings, address = _find(name)
    mesh = None if address is None else resolve_uri(address, file.parent)
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
    """Load an object; `stamp` and `cache` only make `lru_cache` load it anew when they change."""
    weighed = None
    if settings.shape is not None:
        source = shape_source(settings.shape, str(file))
    else:
        assert mesh is not None  # `ObjectSettings` makes sure of it
        if mesh.suffix.lower() == ".urdf":
            urdf = read_urdf(mesh)
            source, weighed = urdf.source(str(mesh)), weigh_links(urdf, settings.scale)
        else:
            source = file_source(mesh)
    meshes = prepare_meshes(source, settings.scale, settings.collision, settings.center)
    place = mass_place(settings, meshes, weighed, str(file))
    spec = ObjectSpec(
        name=name,
        description=settings.description,
        visual=meshes.visual,
        pieces=meshes.pieces,
        points=frozen(np.vstack(meshes.piece_points())),
        mass=settings.mass,
        center_of_mass=frozen(place.center),
        inertia=frozen(place.inertia),
        lateral_friction=settings.lateral_friction,
        rolling_friction=settings.rolling_friction,
        spinning_friction=settings.spinning_friction,
        mesh_origin=frozen(meshes.facts.origin),
    )
    return ObjectDetails(
        spec, meshes.facts, file, mesh, settings.source, settings.scale, place.origin
    )


def check_object_name(name: str) -> None:
    """Refuse a name that no object has, without preparing its meshes.

    Raises:
        UnknownNameError: There is no such object.
        SettingsError: The object's file does not fit the schema; or no readable file describes the
            object, and some files cannot be read.
    """
    _find(name)


def built_in_object(name: str) -> bool:
    """Whether the package itself brings an object, or an object's file, of this name."""
    return any(
        file.stem == name or _member(name, _settings(file).family) is not None
        for file in built_in_files("objects")
    )


def _find(name: str) -> tuple[Path, ObjectSettings, str | None]:
    """The file that describes an object, its settings, and the address of the object's mesh."""
    if name in config_names("objects"):  # a file of exactly that name goes before a family
        file = config_file("objects", name, "object")
        settings = _settings(file)
        if settings.family is None:
            return file, settings, settings.mesh
    broken: list[SettingsError] = []
    for file, settings in _readable_files(broken.append):
        index = _member(name, settings.family)
        if index is not None:
            return file, settings, (settings.mesh or "").replace("{index}", index)
    valid = [family.names for family in object_families(lambda error: None)]
    unknown = UnknownNameError("object", name, valid)
    if broken:  # one of them might describe the family of this object
        raise SettingsError(f"{unknown}; unreadable: {'; '.join(map(str, broken))}") from unknown
    raise unknown


def _readable_files(
    on_broken: Callable[[SettingsError], None],
) -> Iterator[tuple[Path, ObjectSettings]]:
    for stem in config_names("objects"):
        try:
            file = config_file("objects", stem, "object")
            settings = _settings(file)
        except SettingsError as error:
            on_broken(error)
        else:
            yield file, settings


def _member(name: str, family: FamilySettings | None) -> str | None:
    """The digits of an object's number in a family; None if the object is not in the family."""
    if family is None:
        return None
    index = name.removeprefix(family.prefix)
    fits = index != name and len(index) == family.digits and index.isdecimal()
    return index if fits and int(index) < family.count else None


def _settings(file: Path) -> ObjectSettings:
    try:
        stamp = _stamp(file)
    except OSError as error:  # the file was removed after its folder was read
        raise SettingsError(f"{file}: cannot be read: {error.strerror}") from error
    return _read(file, stamp)


@lru_cache(maxsize=1024)
def _read(file: Path, stamp: Stamp) -> ObjectSettings:
    return load_yaml(file, ObjectSettings)


def _stamp(file: Path) -> Stamp:
    status = file.stat()
    return status.st_ino, status.st_mtime_ns, status.st_size
