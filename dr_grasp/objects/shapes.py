"""Shapes that need no file."""

from __future__ import annotations

import trimesh

from dr_grasp.objects.mesh_files import MeshSource
from dr_grasp.objects.object_settings import ShapeSettings

CYLINDER_SIDES = 64
"""Both ends together have as many vertices as a hull may; it is 0.12 % of the radius too flat."""

SPHERE_SUBDIVISIONS = 4


def shape_source(shape: ShapeSettings, label: str) -> MeshSource:
    """A shape as a source of a surface, in metres, its frame in its middle.

    Args:
        shape: The shape.
        label: What to call it in messages.
    """
    content = shape.model_dump_json().encode()
    return MeshSource(label, (content, b"shape"), lambda: [_mesh(shape)])


def _mesh(shape: ShapeSettings) -> trimesh.Trimesh:
    if shape.box is not None:
        return trimesh.creation.box(shape.box)
    if shape.cylinder is not None:
        radius, height = shape.cylinder.radius, shape.cylinder.height
        return trimesh.creation.cylinder(radius, height, sections=CYLINDER_SIDES)
    assert shape.sphere is not None  # the schema has seen to it
    return trimesh.creation.icosphere(SPHERE_SUBDIVISIONS, shape.sphere.radius)
