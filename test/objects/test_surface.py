"""Distances to a surface, against those that geometry knows."""

import numpy as np
import trimesh

from dr_grasp.core.arrays import frozen
from dr_grasp.objects.object_spec import load_object
from dr_grasp.objects.surface import Surface, surface_of


def test_distances_to_a_box_of_large_faces():
    box = Surface(trimesh.creation.box((2.0, 4.0, 6.0)))
    points = frozen([[0, 0, 0], [1, 0, 0], [1.5, 0.7, 1.9], [2, 3, 4], [0.9, 0, 2.5]])
    expected = [1.0, 0.0, 0.5, np.sqrt(3), 0.1]
    np.testing.assert_allclose(box.distances(points), expected, atol=1e-12)


def test_distances_to_many_small_faces_are_those_to_all_of_them():
    mesh = trimesh.creation.icosphere(3, 0.05)
    points = np.random.default_rng(0).normal(0, 0.04, (40, 3))
    every = [
        np.linalg.norm(
            trimesh.triangles.closest_point(mesh.triangles, np.tile(p, (len(mesh.faces), 1))) - p,
            axis=1,
        ).min()
        for p in points
    ]
    found = Surface(mesh).distances(points)
    np.testing.assert_allclose(found, every, atol=1e-15)
    np.testing.assert_allclose(found, np.abs(np.linalg.norm(points, axis=1) - 0.05), atol=5e-4)


def test_a_box_is_its_hull_and_a_mug_is_not_its_pieces():
    box, mug = load_object("box"), load_object("mug")
    assert surface_of(box).distances(box.points).max() < 1e-9
    assert surface_of(mug).distances(mug.points).max() > 1e-3


def test_the_mouth_of_a_mug_is_no_surface():
    """In the middle of the mouth one is on the hull, and as far from the rim as it is wide."""
    mug = load_object("mug")
    rim = mug.points[:, 2].max()
    (distance,) = surface_of(mug).distances(frozen([[0, 0, rim]]))
    assert 0.03 < distance < 0.041


def test_a_surface_is_read_once():
    assert surface_of(load_object("box")) is surface_of(load_object("box"))
