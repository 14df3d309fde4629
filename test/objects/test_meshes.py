"""Mass properties against closed formulas, and the laws of moving, turning and scaling."""

import numpy as np
import pytest
import trimesh
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from dr_grasp.objects.masses import sum_masses
from dr_grasp.objects.mesh_files import MeshSource, as_obj, file_source
from dr_grasp.objects.meshes import prepare_meshes

IN_ONE_CACHE = settings(
    max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
lengths = st.floats(0.01, 0.3)
triples = st.tuples(*[st.floats(-0.3, 0.3)] * 3).map(np.array)
turns = st.integers(0, 10_000).map(lambda seed: Rotation.random(random_state=seed).as_matrix())


@pytest.fixture
def saved(tmp_path, cache):
    """Writes a mesh where it can be prepared."""

    def save(mesh, name="mesh.stl"):
        mesh.export(tmp_path / name)
        return file_source(tmp_path / name)

    return save


def prepared_of(mesh, scale=1.0, decomposition="hull"):
    return prepare_meshes(MeshSource("it", as_obj([mesh]), ".obj"), scale, decomposition)


@pytest.mark.parametrize("decomposition", ["hull", "groups", "coacd", "auto"])
def test_mass_properties_of_a_box_are_those_of_the_textbook(cache, box, decomposition):
    mass, (x, y, z) = 2.5, (0.1, 0.2, 0.3)
    prepared = prepare_meshes(file_source(box), 0.001, decomposition)
    np.testing.assert_allclose(prepared.facts.center, [x / 2, y / 2, z / 2], atol=1e-8)
    expected = mass / 12 * np.diag([y * y + z * z, x * x + z * z, x * x + y * y])
    np.testing.assert_allclose(prepared.inertia(mass), expected, atol=1e-8)
    assert prepared.facts.volume == pytest.approx(x * y * z)
    assert prepared.facts.watertight and prepared.facts.remarks == ()


def test_mass_properties_of_a_ball_and_a_rod(saved):
    mass, radius, height = 0.7, 0.03, 0.2
    ball = prepare_meshes(saved(trimesh.creation.icosphere(4, radius)), 1.0, "auto")
    expected = 2 / 5 * mass * radius**2 * np.eye(3)
    np.testing.assert_allclose(ball.inertia(mass), expected, rtol=0.01, atol=1e-9)
    rod = prepare_meshes(
        saved(trimesh.creation.cylinder(radius, height, sections=128)), 1.0, "auto"
    )
    across = mass / 12 * (3 * radius**2 + height**2)
    along = mass / 2 * radius**2
    np.testing.assert_allclose(np.diag(rod.inertia(mass)), [across, across, along], rtol=0.002)


def test_a_hollow_weighs_nothing(saved):
    inner, outer, height, mass = 0.02, 0.03, 0.08, 0.3
    mesh = trimesh.creation.annulus(inner, outer, height, sections=24)
    prepared = prepare_meshes(saved(mesh), 1.0, "auto")
    facts = prepared.facts
    # Polygons of 24 corners, not circles.
    area = 24 / 2 * np.sin(2 * np.pi / 24) * (outer**2 - inner**2)
    assert facts.volume == pytest.approx(area * height, rel=1e-6)
    along = prepared.inertia(mass)[2, 2]
    assert along == pytest.approx(mass / 2 * (inner**2 + outer**2), rel=0.03)
    # Its hulls overlap or stick out; that of the surface does neither.
    assert sum(trimesh.load_mesh(piece).volume for piece in prepared.pieces) > facts.volume


@IN_ONE_CACHE
@given(sides=st.tuples(*[lengths] * 3), turn=turns, shift=triples, factor=st.floats(0.5, 2.0))
def test_mass_properties_turn_move_and_scale_with_the_mesh(cache, sides, turn, shift, factor):
    # A wedge: no plane of symmetry, and its centre is not that of its bounding box.
    corners = np.array([[0, 0, 0], [1, 0, 0], [0, 1, 0], [0, 0, 1], [1, 0, 0.5]]) * sides
    mesh = trimesh.convex.convex_hull(corners)
    plain = prepared_of(mesh)
    matrix = np.eye(4)
    matrix[:3, :3], matrix[:3, 3] = turn, shift
    moved = prepared_of(mesh.copy().apply_transform(matrix), factor)
    assert moved.facts.volume == pytest.approx(factor**3 * plain.facts.volume, rel=1e-9)
    center = factor * (turn @ plain.facts.center + shift)
    np.testing.assert_allclose(moved.facts.center, center, atol=1e-12)
    before = plain.inertia(0.4)
    expected = factor**2 * (turn @ before @ turn.T)
    tolerance = 1e-9 * np.abs(expected).max()
    np.testing.assert_allclose(moved.inertia(0.4), expected, atol=tolerance)
    np.testing.assert_allclose(plain.inertia(0.8), 2 * before)


bodies = st.tuples(st.floats(0.1, 5), triples, st.tuples(turns, st.tuples(*[lengths] * 3)))


@given(parts=st.lists(bodies, min_size=2, max_size=5), at=st.integers(1, 4))
def test_masses_may_be_summed_in_any_order_and_grouping(parts, at):
    masses, centers, turned = zip(*parts, strict=True)
    inertias = [turn @ np.diag(moments) @ turn.T for turn, moments in turned]
    every = list(zip(masses, centers, inertias, strict=True))
    first, rest = every[:at], every[at:]
    whole = sum_masses(*zip(*every, strict=True))
    grouped = sum_masses(*zip(*rest, sum_masses(*zip(*first, strict=True)), strict=True))
    for expected, found in zip(whole, grouped, strict=True):
        np.testing.assert_allclose(found, expected, atol=1e-12)


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
    prepared = prepare_meshes(file_source(tmp_path / "halves.obj"), 1.0, "groups")
    assert len(prepared.pieces) == 2
    expected = 3 / 12 * np.diag([0.2**2 + 0.3**2, 0.2**2 + 0.3**2, 0.2**2 + 0.2**2])
    np.testing.assert_allclose(prepared.facts.center, 0, atol=1e-7)
    np.testing.assert_allclose(prepared.inertia(3.0), expected, atol=1e-7)


def test_a_body_in_another_counts_once(saved):
    # Both are solid by their winding: the inner one is no cavity.
    outer, inner = trimesh.creation.box((0.1, 0.1, 0.1)), trimesh.creation.box((0.09, 0.09, 0.09))
    prepared = prepare_meshes(saved(trimesh.util.concatenate([outer, inner])), 1.0, "hull")
    assert prepared.facts.volume == pytest.approx(1e-3, rel=1e-3)
    assert prepared.facts.remarks == ("bodies overlap: 42.2% of their volume counted once",)
    assert np.diag(prepared.inertia(0.6)) == pytest.approx([0.6 / 6 * 0.1**2] * 3, rel=1e-3)


def test_pieces_of_an_open_surface_that_overlap_count_once(saved):
    # A cross of two bars without ends, which enclose nothing by themselves.
    bars = [trimesh.creation.box(sides) for sides in ((0.1, 0.02, 0.02), (0.02, 0.1, 0.02))]
    for bar, axis in zip(bars, (0, 1), strict=True):
        bar.update_faces(np.abs(bar.face_normals[:, axis]) < 0.5)
    source = MeshSource("cross.obj", as_obj(bars), ".obj")
    facts = prepare_meshes(source, 1.0, "groups").facts
    assert not facts.watertight
    assert facts.volume == pytest.approx(2 * 4e-5 - 8e-6, rel=2e-3)
    assert facts.remarks[1] == "bodies overlap: 10.0% of their volume counted once"


def test_an_open_surface_is_weighed_by_its_pieces(saved):
    cup = trimesh.creation.box((0.1, 0.08, 0.06))
    cup.update_faces(cup.face_normals[:, 2] < 0.5)
    prepared = prepare_meshes(saved(cup), 1.0, "hull")
    assert not prepared.facts.watertight
    assert prepared.facts.remarks == ("not closed: taken as a thin shell",)
    assert prepared.facts.center == pytest.approx([0, 0, 0], abs=1e-9)


def test_a_broken_surface_is_prepared_as_if_it_were_whole(saved):
    whole = trimesh.creation.icosphere(3, 0.04)
    broken = whole.copy()
    broken.update_faces(np.delete(np.arange(len(whole.faces)), [5, 100, 500]))
    original = prepare_meshes(saved(whole, "whole.stl"), 1.0, "auto")
    patched = prepare_meshes(saved(broken, "broken.stl"), 1.0, "auto")
    assert patched.facts.watertight and patched.facts.remarks == ("3 openings closed",)
    assert patched.facts.volume == pytest.approx(original.facts.volume, rel=1e-3)
    assert len(patched.pieces) == 1


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
        prepared = prepare_meshes(file_source(tmp_path / "ring.stl"), 1.0, "auto", center=True)
        files = (prepared.visual.parent).iterdir()
        contents.append({path.name: path.read_bytes() for path in files})
    assert contents[0] == contents[1]
    assert len(contents[0]) > 4
