"""What comes out of a repair is closed, wound outward, and no larger than what went in."""

import numpy as np
import pytest
import trimesh
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from dr_grasp.objects.orientation import bodies, signed_volume
from dr_grasp.objects.repair import repair

SIDES = (0.1, 0.08, 0.06)
VOLUME = 0.1 * 0.08 * 0.06


def box(sides=SIDES, at=(0, 0, 0)):
    mesh = trimesh.creation.box(sides)
    mesh.apply_translation(at)
    return mesh


def without(mesh, *faces):
    return trimesh.Trimesh(mesh.vertices, np.delete(mesh.faces, faces, axis=0), process=False)


def with_turned(mesh, *faces):
    changed = np.array(mesh.faces)
    changed[list(faces)] = changed[list(faces), ::-1]
    return trimesh.Trimesh(mesh.vertices, changed, process=False)


def soup(mesh, noise=0.0):
    """Each face with vertices of its own, as in an STL."""
    points = mesh.triangles.reshape(-1, 3)
    points = points + np.random.default_rng(0).normal(size=points.shape) * noise
    return trimesh.Trimesh(points, np.arange(len(points)).reshape(-1, 3), process=False)


def volume(mesh):
    return signed_volume(np.asarray(mesh.vertices), np.asarray(mesh.faces))


TURNED = "its faces did not agree on which side is out"


@pytest.mark.parametrize(
    ("mesh", "expected", "remarks"),
    [
        (box(), VOLUME, ()),
        (soup(box()), VOLUME, ()),
        (soup(box(), noise=1e-9), VOLUME, ()),
        (with_turned(box(), *range(12)), VOLUME, ()),
        (with_turned(box(), 2, 5, 7), VOLUME, (TURNED,)),
        (without(box(), 3), VOLUME, ("1 opening closed",)),
        (without(with_turned(box(), 2, 5, 7), 3), VOLUME, (TURNED, "1 opening closed")),
        (trimesh.util.concatenate([box(), box()]), VOLUME, ()),
        (trimesh.util.concatenate([box(), with_turned(box(), *range(12))]), VOLUME, ()),
        # Two that share a face, or an edge.
        (trimesh.util.concatenate([box(), box(at=(0.1, 0, 0))]), 2 * VOLUME, ()),
        (trimesh.util.concatenate([box(), box(at=(0.1, 0.08, 0))]), 2 * VOLUME, ()),
        # One of two inside out.
        (
            trimesh.util.concatenate([box(), with_turned(box(at=(0.2, 0, 0)), *range(12))]),
            2 * VOLUME,
            (),
        ),
    ],
)
def test_a_closed_surface_of_the_right_volume(mesh, expected, remarks):
    given = np.array(mesh.vertices), np.array(mesh.faces)
    repaired = repair(mesh)
    assert repaired.closed
    assert volume(repaired.mesh) == pytest.approx(expected, rel=1e-6)
    assert repaired.remarks == remarks
    np.testing.assert_array_equal(mesh.vertices, given[0])
    np.testing.assert_array_equal(mesh.faces, given[1])


@pytest.mark.parametrize("turned", [(), tuple(range(24)), (3,), (3, 15, 20)])
def test_a_cavity_stays_one(turned):
    hollow = trimesh.util.concatenate([box(), with_turned(box((0.08, 0.06, 0.04)), *range(12))])
    repaired = repair(with_turned(hollow, *turned))
    assert repaired.closed
    assert volume(repaired.mesh) == pytest.approx(VOLUME - 0.08 * 0.06 * 0.04)


def test_a_ball_with_small_holes_is_closed_and_stays_a_ball():
    ball = trimesh.creation.icosphere(3, 0.05)
    around = np.flatnonzero(np.linalg.norm(ball.triangles_center - [0, 0, 0.05], axis=1) < 0.006)
    assert len(around) >= 4
    repaired = repair(without(ball, *around))
    assert repaired.closed and repaired.remarks == ("1 opening closed",)
    assert volume(repaired.mesh) == pytest.approx(ball.volume, rel=5e-3)


def test_the_mouth_of_a_cup_is_left_open():
    faces = np.flatnonzero(box().face_normals[:, 2] > 0.5)
    cup = without(box(), *faces)
    repaired = repair(cup)
    assert not repaired.closed
    assert repaired.remarks == ("not closed: taken as a thin shell",)
    assert len(repaired.mesh.faces) == len(cup.faces)


def test_a_moebius_strip_ends_as_a_shell():
    angle = np.linspace(0, 2 * np.pi, 40, endpoint=False)
    points = []
    for side in (-0.01, 0.01):
        radius = 0.05 + side * np.cos(angle / 2)
        points.append([radius * np.cos(angle), radius * np.sin(angle), side * np.sin(angle / 2)])
    vertices = np.concatenate([np.transpose(side) for side in points])
    faces = []
    for i in range(40):
        a, b = i, i + 40
        c, d = (i + 1, i + 41) if i < 39 else (40, 0)
        faces += [[a, b, c], [b, d, c]]
    assert not repair(trimesh.Trimesh(vertices, faces, process=False)).closed


SHAPES = {
    "box": box(),
    "ball": trimesh.creation.icosphere(2, 0.05),
    "ring": trimesh.creation.annulus(0.02, 0.05, 0.03, sections=16),
    "two boxes": trimesh.util.concatenate([box(), box(at=(0.1, 0.08, 0))]),
    "hollow": trimesh.util.concatenate([box(), with_turned(box((0.05, 0.04, 0.03)), *range(12))]),
}


@settings(max_examples=60)
@given(
    whole=st.sampled_from(sorted(SHAPES)).map(SHAPES.get),
    turned=st.sets(st.integers(0, 11)),
    lost=st.sets(st.integers(0, 11), max_size=2),
    apart=st.booleans(),
    seed=st.integers(0, 1000),
)
def test_what_was_repaired_needs_no_repair(whole, turned, lost, apart, seed):
    order = np.random.default_rng(seed).permutation(len(whole.faces))
    damaged = without(with_turned(whole, *order[list(turned)]), *order[list(lost)])
    once = repair(soup(damaged) if apart else damaged)
    twice = repair(once.mesh)
    assert twice.closed == once.closed
    assert len(twice.mesh.faces) == len(once.mesh.faces)
    if once.closed:
        assert twice.remarks == ()
        assert volume(twice.mesh) == pytest.approx(volume(once.mesh))
        assert 0 < volume(once.mesh) <= 1.001 * whole.convex_hull.volume


@given(
    name=st.sampled_from(sorted(SHAPES)),
    seed=st.integers(0, 1000),
    shift=st.tuples(*[st.floats(-1, 1)] * 3),
    factor=st.floats(1e-3, 1e3),
)
def test_a_volume_stays_when_turned_and_moved_and_grows_with_the_cube(name, seed, shift, factor):
    mesh = SHAPES[name]
    rng = np.random.default_rng(seed)
    faces = rng.permutation(mesh.faces)
    vertices = Rotation.random(random_state=seed).apply(mesh.vertices) + shift
    expected = volume(mesh)
    assert signed_volume(factor * vertices, faces) == pytest.approx(factor**3 * expected, rel=1e-9)
    assert signed_volume(vertices, faces[:, ::-1]) == pytest.approx(-expected, rel=1e-9)


@pytest.mark.parametrize("scale", [1e-3, 1.0, 1e3])
def test_repair_does_not_depend_on_the_unit(scale):
    mesh = soup(without(trimesh.creation.icosphere(2, 0.05), 7, 90), noise=1e-9)
    mesh.apply_scale(scale)
    repaired = repair(mesh)
    assert repaired.closed and repaired.remarks == ("2 openings closed",)


def test_bodies_are_what_shares_vertices():
    two = trimesh.util.concatenate([box(), box(at=(1, 0, 0))])
    label = bodies(np.asarray(two.faces))
    assert label.tolist() == [0] * 12 + [1] * 12
