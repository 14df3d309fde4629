"""Objects made of a mesh, for tests."""

import numpy as np

from dr_grasp.core.arrays import frozen
from dr_grasp.objects.mesh_files import file_source
from dr_grasp.objects.meshes import prepare_meshes
from dr_grasp.objects.object_spec import ObjectSpec


def object_of(path, mass, decomposition="hull", *, lateral=0.6, rolling=0.001, spinning=0.001):
    """What a mesh file of one density and such friction is."""
    meshes = prepare_meshes(file_source(path), 1.0, decomposition)
    return ObjectSpec(
        name=path.stem,
        description="Of a test",
        visual=meshes.visual,
        pieces=meshes.pieces,
        points=frozen(np.vstack(meshes.piece_points())),
        mass=mass,
        center_of_mass=frozen(meshes.facts.center),
        inertia=frozen(meshes.inertia(mass)),
        lateral_friction=lateral,
        rolling_friction=rolling,
        spinning_friction=spinning,
    )
