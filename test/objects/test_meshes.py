"""Mass properties against closed formulas, and the laws of scaling."""

import numpy as np
import pytest
import trimesh
from scipy.spatial.transform import Rotation

from dr_grasp.objects.meshes import prepare_meshes


@pytest.fixture
def saved(tmp_path, cache):
    """Writes a mesh where it can be prepared."""

    def save(mesh, name="mesh.stl"):
        mesh.export(tmp_path / name)
        return tmp_path / name

    return save


@pytest.mark.parametrize("decomposition", ["hull", "groups", "coacd", "auto"])
def test_mass_properties_of_a_box_are_those_of_the_textbook(cache, box, decomposition):
    mass, (x, y, z) = 2.5, (0.1, 0.2, 0.3)
    prepared = prepare_meshes(box, 0.001, decomposition)
    properties = prepared.mass_properties(mass)
    np.testing.assert_allclose(properties.center, [x / 2, y / 2, z / 2], atol=1e-8)
    expected = mass / 12 * np.diag([y * y + z * z, x * x + z * z, x * x + y * y])
    np.testing.assert_allclose(properties.inertia, expected, atol=1e-8)
    assert prepared.facts.volume == pytest.approx(x * y * z)
    assert prepared.facts.watertight and prepared.facts.remarks == ()


def test_mass_properties_of_a_ball_and_a_rod(saved):
    mass, radius, height = 0.7, 0.03, 0.2
    ball = prepare_meshes(saved(trimesh.creation.icosphere(4, radius)), 1.0, "auto")
    expected = 2 / 5 * mass * radius**2 * np.eye(3)
    np.testing.assert_allclose(ball.mass_properties(mass).inertia, expected, rtol=0.01, atol=1e-9)
    rod = prepare_meshes(
        saved(trimesh.creation.cylinder(radius, height, sections=128)), 1.0, "auto"
    )
    across = mass / 12 * (3 * radius**2 + height**2)
    along = mass / 2 * radius**2
    np.testing.assert_allclose(
        np.diag(rod.mass_properties(mass).inertia), [across, across, along], rtol=0.002
    )


def test_a_hollow_weighs_nothing(saved):
    inner, outer, height, mass = 0.02, 0.03, 0.08, 0.3
    mesh = trimesh.creation.annulus(inner, outer, height, sections=24)
    prepared = prepare_meshes(saved(mesh), 1.0, "auto")
    facts = prepared.facts
    # Polygons of 24 corners, not circles.
    area = 24 / 2 * np.sin(2 * np.pi / 24) * (outer**2 - inner**2)
    assert facts.volume == pytest.approx(area * height, rel=1e-6)
    along = prepared.mass_properties(mass).inertia[2, 2]
    assert along == pytest.approx(mass / 2 * (inner**2 + outer**2), rel=0.03)
    # Its hulls overlap or stick out; that of the surface does neither.
    assert sum(trimesh.load_mesh(piece).volume for piece in prepared.pieces) > facts.volume


def test_inertia_turns_and_moves_with_the_mesh(saved):
    turn = Rotation.from_euler("xyz", [0.3, -0.7, 1.1]).as_matrix()
    matrix = np.eye(4)
    matrix[:3, :3], matrix[:3, 3] = turn, [0.3, -0.2, 0.1]
    mesh = trimesh.creation.box((0.02, 0.05, 0.09))
    plain = prepare_meshes(saved(mesh), 1.0, "hull").mass_properties(1.0)
    moved = prepare_meshes(saved(mesh.apply_transform(matrix)), 1.0, "hull").mass_properties(1.0)
    np.testing.assert_allclose(moved.center, [0.3, -0.2, 0.1], atol=1e-7)
    np.testing.assert_allclose(moved.inertia, turn @ plain.inertia @ turn.T, atol=1e-8)


@pytest.mark.parametrize("factor", [0.5, 3.0])
def test_scaling_laws(saved, factor):
    path = saved(trimesh.creation.capsule(0.1, 0.02, count=[12, 12]))
    one, other = (prepare_meshes(path, scale, "auto") for scale in (1.0, factor))
    assert other.facts.volume == pytest.approx(factor**3 * one.facts.volume)
    before, after = one.mass_properties(0.4), other.mass_properties(0.4)
    np.testing.assert_allclose(after.center, factor * before.center, atol=1e-9)
    np.testing.assert_allclose(after.inertia, factor**2 * before.inertia, rtol=1e-6, atol=1e-12)
    doubled = one.mass_properties(0.8)
    np.testing.assert_allclose(doubled.inertia, 2 * before.inertia, rtol=1e-12)


def test_pieces_weigh_together_as_one(cache, tmp_path):
    # Two boxes side by side make a longer one, so that the parallel axis theorem can be checked.
    halves = [trimesh.creation.box((0.1, 0.2, 0.3)) for _ in range(2)]
    for half, x in zip(halves, (-0.05, 0.05), strict=True):
        half.apply_translation([x, 0, 0])
    obj = "".join(
        f"o half{i}\n"
        + "".join(f"v {x} {y} {z}\n" for x, y, z in half.vertices)
        + "".join(f"f {a} {b} {c}\n" for a, b, c in half.faces + 1 + 8 * i)
        for i, half in enumerate(halves)
    )
    (tmp_path / "halves.obj").write_text(obj)
    prepared = prepare_meshes(tmp_path / "halves.obj", 1.0, "groups")
    assert len(prepared.pieces) == 2
    properties = prepared.mass_properties(3.0)
    expected = 3 / 12 * np.diag([0.2**2 + 0.3**2, 0.2**2 + 0.3**2, 0.2**2 + 0.2**2])
    np.testing.assert_allclose(properties.center, 0, atol=1e-7)
    np.testing.assert_allclose(properties.inertia, expected, atol=1e-7)


def test_what_encloses_more_than_its_hull_is_weighed_by_its_pieces(saved):
    # One box in another, both solid by their winding: no body is like that.
    outer, inner = trimesh.creation.box((0.1, 0.1, 0.1)), trimesh.creation.box((0.09, 0.09, 0.09))
    prepared = prepare_meshes(saved(trimesh.util.concatenate([outer, inner])), 1.0, "hull")
    assert prepared.facts.volume == pytest.approx(1e-3)
    assert prepared.facts.remarks == ("encloses more than its hull: weighed by its convex pieces",)


def test_an_open_surface_is_weighed_by_its_pieces(saved):
    cup = trimesh.creation.box((0.1, 0.08, 0.06))
    cup.update_faces(cup.face_normals[:, 2] < 0.5)
    prepared = prepare_meshes(saved(cup), 1.0, "hull")
    assert not prepared.facts.watertight
    assert prepared.facts.remarks == ("not closed: taken as a thin shell",)
    assert prepared.mass_properties(1.0).center == pytest.approx([0, 0, 0], abs=1e-9)


def test_a_broken_surface_is_prepared_as_if_it_were_whole(saved):
    whole = trimesh.creation.icosphere(3, 0.04)
    broken = whole.copy()
    broken.update_faces(np.delete(np.arange(len(whole.faces)), [5, 100, 500]))
    one = prepare_meshes(saved(whole, "whole.stl"), 1.0, "auto")
    other = prepare_meshes(saved(broken, "broken.stl"), 1.0, "auto")
    assert other.facts.watertight and other.facts.remarks == ("3 openings closed",)
    assert other.facts.volume == pytest.approx(one.facts.volume, rel=1e-3)
    assert len(other.pieces) == 1


@pytest.mark.parametrize("ending", ["stl", "ply", "obj"])
def test_every_format_gives_the_same(saved, ending):
    mesh = trimesh.creation.capsule(0.1, 0.02, count=[8, 8])
    facts = prepare_meshes(saved(mesh, f"mesh.{ending}"), 1.0, "auto").facts
    assert facts.volume == pytest.approx(mesh.volume, rel=1e-5)
    assert facts.watertight


def test_preparation_is_the_same_each_time(tmp_path, monkeypatch):
    trimesh.creation.annulus(0.02, 0.03, 0.05, sections=8).export(tmp_path / "ring.stl")
    contents = []
    for name in ("one", "other"):
        monkeypatch.setenv("DR_GRASP_CACHE", str(tmp_path / name))
        prepared = prepare_meshes(tmp_path / "ring.stl", 1.0, "auto", center=True)
        files = (prepared.visual.parent).iterdir()
        contents.append({path.name: path.read_bytes() for path in files})
    assert contents[0] == contents[1]
    assert len(contents[0]) > 4
