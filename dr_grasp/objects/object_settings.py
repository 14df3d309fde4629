"""Schema of the files in config/objects."""

from __future__ import annotations

from typing import Annotated

import numpy as np
from pydantic import AfterValidator, BeforeValidator, Field, field_validator, model_validator

from dr_grasp.common.settings import Settings
from dr_grasp.common.xml_numbers import LARGEST_LENGTH_M
from dr_grasp.core.arrays import FloatArray
from dr_grasp.objects.convex import Decomposition

HEAVIEST_KG = 1_000.0
"""Largest mass of an object [kg]; a larger number is a mistake of units."""

LARGEST_FRICTION = 100.0
"""Largest coefficient of lateral friction; sticky rubber has 4."""

LONGEST_LEVER_M = 1.0
"""Largest lever of the torque against rolling or spinning [m]: the size of the largest object."""

LARGEST_SCALE = 1e6
"""Largest factor from the unit of a mesh to metres."""

MOST_OF_A_FAMILY = 1_000_000
"""Most objects of a family."""

MOST_DIGITS = 9
"""Most digits of the number of an object in its family."""

ROUNDING = 1e-6

Length = Annotated[float, Field(gt=0.0, le=LARGEST_LENGTH_M)]


def _per_axis(scale: object) -> object:
    """One factor stands for the same factor along x, y and z."""
    if isinstance(scale, int | float):
        return (scale,) * 3
    if isinstance(scale, list | tuple):
        if len(scale) not in (1, 3):
            raise ValueError(f"expected one or three numbers, got {len(scale)}")
        return tuple(scale) * (3 // len(scale))
    return scale


def _not_mirrored(scale: float) -> float:
    if scale <= 0:
        raise ValueError(
            f"expected above 0, got {scale:g}: a mirrored object is another object, whose mesh "
            "has to be mirrored in its file"
        )
    return scale


Factor = Annotated[float, AfterValidator(_not_mirrored), Field(le=LARGEST_SCALE)]
Scale = Annotated[tuple[Factor, Factor, Factor], BeforeValidator(_per_axis)]
"""Factors from a mesh's unit to metres along x, y and z of its file; one number for all three."""


def _six(inertia: object) -> object:
    """Three moments stand for a tensor without products."""
    if isinstance(inertia, list | tuple):
        if len(inertia) not in (3, 6):
            raise ValueError(f"expected three or six numbers, got {len(inertia)}")
        if len(inertia) == 3:
            return inertia[0], 0.0, 0.0, inertia[1], 0.0, inertia[2]
    return inertia


def matrix_of(inertia: Tensor) -> FloatArray:
    """The symmetric matrix, shape (3, 3), of ixx, ixy, ixz, iyy, iyz, izz."""
    return np.array(inertia)[[[0, 1, 2], [1, 3, 4], [2, 4, 5]]]


def _possible(inertia: Tensor) -> Tensor:
    moments = np.linalg.eigvalsh(matrix_of(inertia))
    text = ", ".join(f"{moment:.3g}" for moment in moments)
    if moments[0] <= 0:
        raise ValueError(f"expected moments above 0, got {text} about the principal axes")
    if moments[0] + moments[1] < moments[2] * (1 - ROUNDING):
        raise ValueError(
            "expected moments that a body can have, each at most the sum of the other two, "
            f"got {text} about the principal axes"
        )
    return inertia


Coordinate = Annotated[float, Field(ge=-LARGEST_LENGTH_M, le=LARGEST_LENGTH_M)]
Tensor = tuple[float, float, float, float, float, float]


class FamilySettings(Settings):
    """Numbered objects that share one YAML file; {index} in its `mesh` stands for the number.

    Attributes:
        prefix: Beginning of all names; the number follows it.
        count: Number of objects; they are numbered from 0.
        digits: Number of digits in a name, with zeros in front.
    """

    prefix: str
    count: Annotated[int, Field(gt=0, le=MOST_OF_A_FAMILY)]
    digits: Annotated[int, Field(gt=0, le=MOST_DIGITS)]


class CylinderSettings(Settings):
    """An upright cylinder.

    Attributes:
        radius: Its radius [m].
        height: Its height, along z [m].
    """

    radius: Length
    height: Length


class SphereSettings(Settings):
    """A ball.

    Attributes:
        radius: Its radius [m].
    """

    radius: Length


class ShapeSettings(Settings):
    """A shape that needs no mesh file: exactly one attribute is set. The origin is in its middle.

    Attributes:
        box: Lengths of the sides along x, y and z [m].
        cylinder: An upright cylinder.
        sphere: A ball.
    """

    box: tuple[Length, Length, Length] | None = None
    cylinder: CylinderSettings | None = None
    sphere: SphereSettings | None = None

    @model_validator(mode="after")
    def _exactly_one(self) -> ShapeSettings:
        given = [name for name, value in self if value is not None]
        if len(given) != 1:
            raise ValueError(
                f"expected one of box, cylinder, sphere, got {' and '.join(given) or 'none'}"
            )
        return self


class ObjectSettings(Settings):
    """Schema of a file in config/objects: one object, or a family of numbered objects.

    Attributes:
        description: One line of text for the list of objects.
        mesh: Address of an OBJ, STL, PLY or URDF file; relative to the folder of this YAML file.
        shape: A shape instead of a mesh.
        source: Name of the mesh file that the user gave, without folders; the mesh itself may be
            a copy.
        scale: Factor from the mesh's unit to metres, or three of them, along x, y and z.
        center: Whether the object's frame is in the middle of its bounding box, rather than where
            the mesh has it.
        collision: How convex pieces are made of the mesh: `coacd` cuts a concave surface, `groups`
            takes the hull of each part of the file, `hull` that of the whole; `auto` takes hulls
            where all is convex, and else cuts.
        mass: Mass of the object [kg].
        center_of_mass: Centre of mass in the mesh file's frame, after scaling [m]; if left out,
            that of the mesh, or of a URDF's links.
        inertia: ixx, ixy, ixz, iyy, iyz, izz about the centre of mass, along the mesh file's axes;
            or ixx, iyy, izz [kg m^2]. If left out, that of the mesh, or of a URDF's links.
        inertia_from: Where these two come from, as text; or they were written by hand.
        lateral_friction: Coulomb coefficient against a surface of coefficient 1.
        rolling_friction: Lever of the torque against rolling, against a surface of coefficient 1
            [m]; see `DynamicsNoise`.
        spinning_friction: Lever of the torque against spinning about the contact's normal, against
            a surface of coefficient 1 [m].
        family: Present if the file describes a family of numbered objects.
    """

    description: str
    mesh: str | None = None
    shape: ShapeSettings | None = None
    source: str | None = None
    scale: Scale = (1.0, 1.0, 1.0)
    center: bool = False
    collision: Decomposition = "auto"
    mass: Annotated[float, Field(gt=0.0, le=HEAVIEST_KG)]
    center_of_mass: tuple[Coordinate, Coordinate, Coordinate] | None = None
    inertia: Annotated[Tensor | None, BeforeValidator(_six)] = None
    inertia_from: str | None = None
    lateral_friction: Annotated[float, Field(gt=0.0, le=LARGEST_FRICTION)]
    rolling_friction: Annotated[float, Field(ge=0.0, le=LONGEST_LEVER_M)] = 0.0
    spinning_friction: Annotated[float, Field(ge=0.0, le=LONGEST_LEVER_M)] = 0.0
    family: FamilySettings | None = None

    @field_validator("inertia")
    @classmethod
    def _is_possible(cls, inertia: Tensor | None) -> Tensor | None:
        return None if inertia is None else _possible(inertia)

    @model_validator(mode="after")
    def _mesh_or_shape(self) -> ObjectSettings:
        if (self.mesh is None) == (self.shape is None):
            got = "neither" if self.mesh is None else "both"
            raise ValueError(f"expected either mesh or shape, got {got}")
        if self.shape is not None and set(self.scale) != {1.0}:
            raise ValueError("scale: expected none beside shape, which is in metres")
        if self.family is not None and "{index}" not in (self.mesh or ""):
            raise ValueError("family: expected {index} in mesh")
        return self
