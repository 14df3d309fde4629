"""Distances to a surface, against those that geometry knows."""

import numpy as np
import trimesh
from hypothesis import given
from hypothesis import strategies as st

from dr_grasp.core.arrays import frozen
from dr_grasp.objects.object_spec import load_object
from dr_grasp.objects.surface import surface_distances, surface_of


def test_distances_to_a_box_of_large_faces():
    box = trimesh.creation.box((2.0, 4.0, 6.0))
    points = frozen([[0, 0, 0], [1, 0, 0], [1.5, 0.7, 1.9], [2, 3, 4], [0.9, 0, 2.5]])
    expected = [1.0, 0.0, 0.5, np.sqrt(3), 0.1]
    np.testing.assert_allclose(surface_distances(box, points), expected, atol=1e-12)


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
    found = surface_distances(mesh, points)
    np.testing.assert_allclose(found, every, atol=1e-15)
    np.testing.assert_allclose(found, np.abs(np.linalg.norm(points, axis=1) - 0.05), atol=5e-4)


points = st.tuples(*[st.floats(-0.1, 0.1)] * 3).map(np.array)
RING = trimesh.creation.annulus(0.02, 0.05, 0.03, sections=12)


@given(here=points, there=points)
def test_a_distance_changes_no_faster_than_the_place(here, there):
    near, far = surface_distances(RING, np.array([here, there]))
    assert abs(near - far) <= np.linalg.norm(here - there) + 1e-12


@given(face=st.integers(0, len(RING.faces) - 1), weights=st.tuples(*[st.floats(0.01, 1)] * 3))
def test_a_point_of_a_face_is_on_the_surface(face, weights):
    point = np.average(RING.triangles[face], axis=0, weights=weights)
    assert surface_distances(RING, point[None])[0] < 1e-9


def test_a_box_is_its_hull_and_a_mug_is_not_its_pieces():
    box, mug = load_object("box"), load_object("mug")
    assert surface_distances(surface_of(box), box.points).max() < 1e-9
    assert surface_distances(surface_of(mug), mug.points).max() > 1e-3


def test_the_mouth_of_a_mug_is_no_surface():
    """In the middle of the mouth one is on the hull, and as far from the rim as it is wide."""
    mug = load_object("mug")
    rim = mug.points[:, 2].max()
    (distance,) = surface_distances(surface_of(mug), frozen([[0, 0, rim]]))
    assert 0.03 < distance < 0.041


def test_a_surface_is_read_once():
    assert surface_of(load_object("box")) is surface_of(load_object("box"))
