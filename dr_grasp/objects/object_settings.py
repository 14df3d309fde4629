"""Schema of the files in config/objects."""

from __future__ import annotations

from pydantic import NonNegativeFloat, PositiveFloat, PositiveInt, model_validator

from dr_grasp.common.settings import Settings
from dr_grasp.objects.convex import Decomposition


class FamilySettings(Settings):
    """Numbered objects that share one YAML file; {index} in its `mesh` stands for the number.

    Attributes:
        prefix: Beginning of all names; the number follows it.
        count: Number of objects; they are numbered from 0.
        digits: Number of digits in a name, with zeros in front.
    """

    prefix: str
    count: PositiveInt
    digits: PositiveInt


class CylinderSettings(Settings):
    """An upright cylinder [m]."""

    radius: PositiveFloat
    height: PositiveFloat


class SphereSettings(Settings):
    """A ball [m]."""

    radius: PositiveFloat


class ShapeSettings(Settings):
    """A shape that needs no mesh file: exactly one attribute is set. The origin is in its middle.

    Attributes:
        box: Lengths of the sides along x, y and z [m].
        cylinder: An upright cylinder.
        sphere: A ball.
    """

    box: tuple[PositiveFloat, PositiveFloat, PositiveFloat] | None = None
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
        scale: Factor from the mesh's unit to metres.
        center: Whether the object's frame is in the middle of its bounding box, rather than where
            the mesh has it.
        collision: How convex pieces are made of the mesh; see `convex_pieces`.
        mass: Mass of the object [kg].
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
    scale: PositiveFloat = 1.0
    center: bool = False
    collision: Decomposition = "auto"
    mass: PositiveFloat
    lateral_friction: PositiveFloat
    rolling_friction: NonNegativeFloat = 0.0
    spinning_friction: NonNegativeFloat = 0.0
    family: FamilySettings | None = None

    @model_validator(mode="after")
    def _mesh_or_shape(self) -> ObjectSettings:
        if (self.mesh is None) == (self.shape is None):
            got = "neither" if self.mesh is None else "both"
            raise ValueError(f"expected either mesh or shape, got {got}")
        if self.shape is not None and self.scale != 1.0:
            raise ValueError("scale: expected none beside shape, which is in metres")
        if self.family is not None and "{index}" not in (self.mesh or ""):
            raise ValueError("family: expected {index} in mesh")
        return self
