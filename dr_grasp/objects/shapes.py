"""Makes the surfaces of boxes, cylinders and spheres, which need no mesh file."""

from __future__ import annotations

import trimesh

from dr_grasp.objects.mesh_files import MeshSource, as_obj
from dr_grasp.objects.object_settings import ShapeSettings

CYLINDER_SIDES = 64
"""Both ends together have as many vertices as a hull may have, so the cylinder stays as it is. The
flat sides lie up to 0.12 % of the radius inside the true surface."""

SPHERE_SUBDIVISIONS = 4


def shape_source(shape: ShapeSettings, label: str) -> MeshSource:
    """Make the surface of a shape, in metres, with the origin in the middle of the shape.

    Args:
        shape: Which shape, and its lengths.
        label: What error messages call the shape.
    """
    if shape.box is not None:
        mesh = trimesh.creation.box(shape.box)
    elif shape.cylinder is not None:
        radius, height = shape.cylinder.radius, shape.cylinder.height
        mesh = trimesh.creation.cylinder(radius, height, sections=CYLINDER_SIDES)
    else:
        assert shape.sphere is not None  # `ShapeSettings` makes sure of it
        mesh = trimesh.creation.icosphere(SPHERE_SUBDIVISIONS, shape.sphere.radius)
    return MeshSource(label, as_obj([mesh]), ".obj")
