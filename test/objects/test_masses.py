"""Bodies that run through each other weigh what their union weighs."""

import numpy as np
import pytest
import trimesh
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from dr_grasp.objects.masses import LEAST_CHANGE, solid_of


def box(low, high):
    """A box between two corners."""
    low, high = np.array(low, dtype=float), np.array(high, dtype=float)
    mesh = trimesh.creation.box(high - low)
    mesh.apply_translation((low + high) / 2)
    return mesh


def moments(low, high):
    """Integrals of 1, position, and position times itself over a box; by hand."""
    low, high = np.array(low, dtype=float), np.array(high, dtype=float)
    volume, center = np.prod(high - low), (low + high) / 2
    second = np.diag((high - low) ** 2 / 12) + np.outer(center, center)
    return volume, volume * center, volume * second


def expected_of(*terms):
    """Volume, centre and inertia of boxes that are added (+1) or taken away (-1)."""
    volume, first, second = 0.0, np.zeros(3), np.zeros((3, 3))
    for sign, low, high in terms:
        more = moments(low, high)
        volume, first, second = (
            volume + sign * more[0],
            first + sign * more[1],
            second + sign * more[2],
        )
    center = first / volume
    spread = second - volume * np.outer(center, center)
    return volume, center, np.trace(spread) * np.eye(3) - spread


def check(solid, volume, center, inertia, extent):
    assert solid.volume == pytest.approx(volume, rel=2e-3)
    np.testing.assert_allclose(solid.center, center, atol=1e-3 * extent)
    np.testing.assert_allclose(solid.inertia, inertia, atol=2e-3 * np.abs(inertia).max())


def test_a_place_in_two_boxes_counts_once():
    a, b = ([0, 0, 0], [4, 1, 1]), ([3, -2, 0], [5, 2, 3])
    shared = ([3, 0, 0], [4, 1, 1])
    solid = solid_of([box(*a), box(*b)])
    check(solid, *expected_of((1, *a), (1, *b), (-1, *shared)), extent=5)
    assert solid.overlap == pytest.approx(1 / 28, rel=0.01)
    # It is the same for one surface of both bodies, and for bodies far from the origin.
    one = solid_of([trimesh.util.concatenate([box(*a), box(*b)])])
    check(one, *expected_of((1, *a), (1, *b), (-1, *shared)), extent=5)
    far = np.array([300.0, -200.0, 50.0])
    moved = solid_of([box(*(np.array(a) + far)), box(*(np.array(b) + far))])
    check(moved, solid.volume, solid.center + far, solid.inertia, extent=5)


def test_thin_sheets_that_cross_are_weighed_once_where_they_cross():
    flat, upright = ([0, 0, 0], [300, 300, 1]), ([0, 100, -150], [300, 101, 150])
    shared = ([0, 100, 0], [300, 101, 1])
    solid = solid_of([box(*flat), box(*upright), box(*flat)])
    check(solid, *expected_of((1, *flat), (1, *upright), (-1, *shared)), extent=300)


def test_a_body_in_a_cavity_and_a_body_in_the_wall():
    wall, cavity = ([0, 0, 0], [10, 10, 10]), ([1, 1, 1], [9, 9, 9])
    core, pin = ([4, 4, 4], [6, 6, 6]), ([-2, 4, 4], [3, 6, 6])
    in_wall = ([0, 4, 4], [1, 6, 6])
    hollow = box(*cavity)
    hollow.invert()
    solid = solid_of([trimesh.util.concatenate([box(*wall), hollow]), box(*core), box(*pin)])
    terms = [(1, *wall), (-1, *cavity), (1, *core), (1, *pin), (-1, *in_wall)]
    # The pin's end in the cavity is solid too.
    check(solid, *expected_of(*terms), extent=12)


def test_bodies_that_only_touch_stay_exact():
    a, b = ([0, 0, 0], [4, 1, 1]), ([4, -2, 0], [5, 2, 3])
    for first, second in ((a, b), (b, a)):
        solid = solid_of([box(*first), box(*second)])
        volume, center, inertia = expected_of((1, *a), (1, *b))
        assert (solid.overlap, solid.volume) == (0, pytest.approx(volume, rel=1e-12))
        np.testing.assert_allclose(solid.center, center, rtol=1e-12)
        np.testing.assert_allclose(solid.inertia, inertia, rtol=1e-12, atol=1e-9)


def test_an_overlap_too_small_to_matter_changes_nothing():
    a, b = ([0, 0, 0], [4, 1, 1]), ([3.999, 0, 0], [5, 1, 1])
    solid = solid_of([box(*a), box(*b)])
    assert solid.overlap == 0 and solid.volume == pytest.approx(5.001, rel=1e-12)
    assert LEAST_CHANGE > 0.001 / 5.001


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 10_000))
def test_one_body_twice_weighs_as_one_in_any_pose(seed):
    rng = np.random.default_rng(seed)
    mesh = trimesh.creation.box(rng.uniform(0.05, 1, 3))
    matrix = np.eye(4)
    matrix[:3, :3] = Rotation.random(random_state=rng).as_matrix()
    matrix[:3, 3] = rng.normal(size=3)
    mesh.apply_transform(matrix)
    once, twice = solid_of([mesh]), solid_of([mesh, mesh])
    check(twice, once.volume, once.center, once.inertia, extent=mesh.extents.max())
    assert twice.overlap == pytest.approx(0.5, abs=2e-3)
    moments = np.linalg.eigvalsh(twice.inertia)
    assert moments[0] > 0 and moments[0] + moments[1] > moments[2]


def test_a_ball_is_a_ball_however_many_lie_in_it():
    balls = [trimesh.creation.icosphere(3, radius) for radius in (1.0, 0.9, 0.5)]
    solid = solid_of(balls)
    whole = solid_of(balls[:1])
    check(solid, whole.volume, whole.center, whole.inertia, extent=2)


def test_large_faces_that_are_many_stay_bounded():
    # Each of 6,000 faces is as large as the whole, so that every ray meets a third of them.
    sheet = trimesh.creation.box((1, 1, 0.001))
    pile = [sheet.copy().apply_translation([0, 0, 1e-5 * number]) for number in range(500)]
    solid = solid_of([trimesh.util.concatenate(pile)])
    assert solid.volume == pytest.approx(0.001 + 1e-5 * 499, rel=0.01)
