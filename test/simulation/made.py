"""Objects made of a mesh, for tests."""

import numpy as np

from dr_grasp.core.arrays import frozen
from dr_grasp.objects.meshes import prepare_meshes
from dr_grasp.objects.object_spec import ObjectSpec


def object_of(path, mass, decomposition="hull", *, lateral=0.6, rolling=0.001, spinning=0.001):
    """What a mesh file of one density and such friction is."""
    meshes = prepare_meshes(path, 1.0, decomposition)
    properties = meshes.mass_properties(mass)
    return ObjectSpec(
        name=path.stem,
        description="Of a test",
        visual=meshes.visual,
        pieces=meshes.pieces,
        points=frozen(np.vstack(meshes.piece_points())),
        mass=mass,
        center_of_mass=properties.center,
        inertia=properties.inertia,
        lateral_friction=lateral,
        rolling_friction=rolling,
        spinning_friction=spinning,
    )
