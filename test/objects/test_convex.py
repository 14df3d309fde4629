"""Pieces: few where few do, and hollows stay free."""

import numpy as np
import pytest
import trimesh
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial import ConvexHull

from dr_grasp.objects import simplification
from dr_grasp.objects.convex import convex_pieces, is_convex
from dr_grasp.objects.repair import repair
from dr_grasp.objects.simplification import MOST_HULL_VERTICES, simplified_hull, thinned


def cut(parts, decomposition="auto"):
    slow = []
    whole = repair(trimesh.util.concatenate(parts))
    pieces = convex_pieces(whole, parts, decomposition, lambda: slow.append(True))
    return pieces, bool(slow)


def boxes(*places):
    made = []
    for place in places:
        made.append(trimesh.creation.box((0.02, 0.02, 0.06)))
        made[-1].apply_translation(place)
    return made


def holds(mesh, point):
    planes = ConvexHull(mesh.vertices).equations
    return bool((planes[:, :3] @ point + planes[:, 3] <= 0).all())


def test_a_convex_surface_is_its_own_hull():
    pieces, slow = cut([trimesh.creation.cylinder(0.02, 0.1, sections=16)])
    assert len(pieces) == 1 and not slow


def test_a_ring_is_cut_and_its_hole_stays_free():
    ring = trimesh.creation.annulus(0.02, 0.03, 0.08, sections=12)
    pieces, slow = cut([ring])
    assert slow and len(pieces) >= 4
    assert sum(piece.volume for piece in pieces) < 1.15 * ring.volume
    for height in (-0.035, 0.0, 0.035):
        assert not any(holds(piece, [0, 0, height]) for piece in pieces)
    assert any(holds(piece, [0, 0.0245, 0]) for piece in pieces)
    # Every piece is within the ring, nearly.
    assert all((np.abs(piece.bounds) <= [0.031, 0.031, 0.041]).all() for piece in pieces)


def test_a_ring_written_twice_is_no_less_a_ring():
    ring = trimesh.creation.annulus(0.02, 0.03, 0.08, sections=12)
    whole = repair(trimesh.util.concatenate([ring, ring]))
    assert whole.mesh.volume == pytest.approx(ring.volume)
    assert not is_convex(whole.mesh)


def test_convex_parts_are_the_pieces():
    # They touch, so that as one surface they are one body, and a concave one.
    parts = boxes([0, 0, 0], [0.02, 0, 0.03])
    pieces, slow = cut(parts)
    assert len(pieces) == 2 and not slow
    assert sum(piece.volume for piece in pieces) == pytest.approx(2 * 0.02 * 0.02 * 0.06)


def test_convex_bodies_of_one_part_are_the_pieces():
    whole = trimesh.util.concatenate(boxes([0, 0, 0], [0.05, 0, 0], [0, 0.05, 0]))
    pieces, slow = cut([whole])
    assert len(pieces) == 3 and not slow


def test_a_cavity_is_no_convex_body():
    outer, inner = trimesh.creation.box((0.1, 0.1, 0.1)), trimesh.creation.box((0.08, 0.08, 0.08))
    inner.invert()
    whole = repair(trimesh.util.concatenate([outer, inner]))
    assert not is_convex(whole.mesh)
    assert whole.mesh.volume == pytest.approx(0.1**3 - 0.08**3)


def test_flat_parts_are_left_out():
    flat = trimesh.Trimesh([[0, 0, 0], [1, 0, 0], [0, 1, 0]], [[0, 1, 2]])
    pieces, _ = cut([*boxes([0, 0, 0]), flat], "groups")
    assert len(pieces) == 1


def sticks_out(points, hull):
    planes = ConvexHull(hull.vertices).equations
    return (points @ planes[:, :3].T + planes[:, 3]).max()


@pytest.mark.parametrize(
    "mesh",
    [
        trimesh.creation.icosphere(4, 0.04),
        trimesh.creation.capsule(0.1, 0.02, count=[32, 32]),
        trimesh.creation.cylinder(0.02, 0.1, sections=256),
        trimesh.creation.cone(0.03, 0.1, sections=300),
    ],
    ids=["ball", "capsule", "cylinder", "cone"],
)
def test_a_hull_of_few_vertices_is_within_one_percent(mesh):
    points = np.asarray(mesh.vertices)
    hull = simplified_hull(points)
    assert len(points) > 128 >= len(hull.vertices)
    bound = 0.01 * mesh.extents.max()
    assert sticks_out(points, hull) < bound
    assert sticks_out(np.asarray(hull.vertices), mesh.convex_hull) < bound
    assert hull.volume == pytest.approx(mesh.convex_hull.volume)


@settings(max_examples=15)
@given(
    axes=st.tuples(*[st.floats(0.01, 0.1)] * 3),
    count=st.integers(20, 1500),
    seed=st.integers(0, 1000),
)
def test_a_simplified_hull_of_any_points_keeps_size_and_volume(axes, count, seed):
    points = np.random.default_rng(seed).normal(size=(count, 3))
    points *= np.array(axes) / np.linalg.norm(points, axis=1, keepdims=True)
    whole = trimesh.convex.convex_hull(points)
    hull = simplified_hull(points)
    assert len(hull.vertices) <= MOST_HULL_VERTICES
    assert hull.volume == pytest.approx(whole.volume)
    assert sticks_out(points, hull) < 0.03 * whole.extents.max()
    assert sticks_out(np.asarray(hull.vertices), whole) < 0.03 * whole.extents.max()


def test_a_dense_box_has_eight_corners():
    mesh = trimesh.creation.box((0.1, 0.2, 0.3))
    for _ in range(4):
        mesh = mesh.subdivide()
    assert len(simplified_hull(np.asarray(mesh.vertices)).vertices) == 8


def test_a_huge_mesh_is_thinned_and_stays_closed(monkeypatch):
    monkeypatch.setattr(simplification, "MOST_FACES", 10_000)
    mesh = trimesh.creation.icosphere(5, 0.04)
    assert len(mesh.faces) > simplification.MOST_FACES
    fewer = thinned(mesh)
    assert len(fewer.faces) < simplification.MOST_FACES / 1.2
    again = repair(fewer)
    assert again.closed and again.remarks == ()
    assert again.mesh.volume == pytest.approx(mesh.volume, rel=5e-3)
    assert thinned(fewer) is fewer
