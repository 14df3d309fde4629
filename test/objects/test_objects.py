import numpy as np
import pytest
import trimesh
from scipy.spatial import ConvexHull

from dr_grasp.common.resources import resolve_uri
from dr_grasp.errors import ModelError, SettingsError, UnknownNameError
from dr_grasp.objects import meshes
from dr_grasp.objects.mesh_files import file_source
from dr_grasp.objects.meshes import prepare_meshes
from dr_grasp.objects.object_spec import (
    check_object_name,
    load_object,
    object_details,
    object_families,
)


def pieces(spec):
    return [np.asarray(trimesh.load_mesh(path).vertices) for path in spec.pieces]


def holds(points, point):
    """Whether a point lies in the convex hull of points."""
    planes = ConvexHull(points).equations
    return bool((planes[:, :3] @ point + planes[:, 3] <= 0).all())


def test_the_mug_is_hollow():
    mug = load_object("mug")
    volume = sum(ConvexHull(points).volume for points in pieces(mug))
    assert volume < 0.6 * ConvexHull(mug.points).volume
    on_axis = np.array([0.0, 0.0, 0.05])
    assert holds(mug.points, on_axis)
    assert not any(holds(points, on_axis) for points in pieces(mug))


def test_the_mug_has_a_bottom_a_wall_and_an_open_handle():
    mug = load_object("mug")
    solid = pieces(mug)
    assert any(holds(points, [0, 0, 0.002]) for points in solid)
    low, high = mug.points.min(axis=0), mug.points.max(axis=0)
    np.testing.assert_allclose(high - low, [0.083, 0.123, 0.101], atol=0.002)
    # The wall, somewhere within 5 mm of the outside, opposite the handle.
    wall = [[0, y, 0.05] for y in np.linspace(low[1], low[1] + 0.005, 11)]
    assert any(holds(points, point) for points in solid for point in wall)
    # A finger fits through the handle.
    assert not any(holds(points, [0, 0.06, 0.05]) for points in solid)


@pytest.mark.parametrize("name", ["mug", "procedural_000", "procedural_001", "procedural_999"])
def test_pieces_are_convex_and_within_the_whole(name):
    spec = load_object(name)
    whole = trimesh.load_mesh(spec.visual).bounds
    for path in spec.pieces:
        mesh = trimesh.load_mesh(path)
        assert mesh.volume == pytest.approx(ConvexHull(mesh.vertices).volume, rel=1e-3)
        assert (mesh.bounds[0] > whole[0] - 2e-3).all() and (mesh.bounds[1] < whole[1] + 2e-3).all()
    assert len(spec.points) == sum(len(points) for points in pieces(spec))


def test_a_procedural_object_has_as_many_pieces_as_groups():
    mesh = resolve_uri("pybullet_data://random_urdfs/001/001.obj")
    groups = sum(line.startswith(("o ", "g ")) for line in mesh.read_text().splitlines())
    assert len(load_object("procedural_001").pieces) == groups > 1


def test_prepared_meshes_are_kept_and_used_again(cache, box):
    first = prepare_meshes(file_source(box), 0.001, "hull")
    stamp = first.visual.stat().st_mtime_ns
    assert cache in first.visual.parents
    assert prepare_meshes(file_source(box), 0.001, "hull") == first
    assert first.visual.stat().st_mtime_ns == stamp
    other = prepare_meshes(file_source(box), 0.002, "hull")
    assert other != first
    np.testing.assert_allclose(other.piece_points()[0].max(axis=0), [0.2, 0.4, 0.6], atol=1e-6)


def test_pieces_made_in_another_way_are_not_used_again(cache, box, monkeypatch):
    first = prepare_meshes(file_source(box), 0.001, "hull")
    monkeypatch.setattr(meshes, "RECIPE", meshes.RECIPE + 1)
    assert prepare_meshes(file_source(box), 0.001, "hull") != first


def write_flat(path):
    trimesh.Trimesh([[0, 0, 0], [1, 0, 0], [1, 1, 0], [0, 1, 0]], [[0, 1, 2], [0, 2, 3]]).export(
        path
    )


def write_half(path):
    trimesh.creation.box().export(path)
    path.write_bytes(path.read_bytes()[:600])


@pytest.mark.parametrize("decomposition", ["hull", "groups", "coacd", "auto"])
@pytest.mark.parametrize(
    ("name", "write", "message"),
    [
        ("flat.stl", write_flat, "expected a mesh that encloses a volume, got a flat one"),
        ("empty.obj", lambda path: path.touch(), "expected a mesh with faces, got an empty one"),
        ("junk.stl", lambda path: path.write_text("junk"), "expected a mesh with faces, got an"),
        ("point.obj", lambda path: path.write_text("v 0 0 0\n"), "expected a mesh with faces"),
        (
            "lines.obj",
            lambda path: path.write_text("v 0 0 0\nv 1 0 0\nv 0 1 0\nv 0 0 1\nf 1 2 2\nf 3 4 4\n"),
            "expected a mesh that encloses a volume, got a flat one",
        ),
        (
            "nan.obj",
            lambda path: path.write_text("v nan 0 0\nv 1 0 0\nv 0 1 0\nf 1 2 3\n"),
            "expected finite vertices",
        ),
        (
            "range.ply",
            lambda path: path.write_text(
                "ply\nformat ascii 1.0\nelement vertex 3\nproperty float x\nproperty float y\n"
                "property float z\nelement face 1\nproperty list uchar int vertex_indices\n"
                "end_header\n0 0 0\n1 0 0\n0 1 0\n3 0 1 7\n"
            ),
            "expected faces of vertices that there are",
        ),
        ("half.stl", write_half, "expected 684 bytes for 12 faces, got 600"),
        ("what.xyzzy", lambda path: path.write_text("what"), "expected a mesh that ends in .obj"),
        (
            "flat.obj",
            lambda path: path.write_text("v 0\nv 1\nv 2\nf 1 2 3\n"),
            "expected vertices of three coordinates",
        ),
        (
            "far.obj",
            lambda path: path.write_text("v 0 0 0\nv 1e10 0 0\nv 0 1 0\nf 1 2 3\n"),
            "expected coordinates of at most 1e\\+09",
        ),
        ("absent.obj", lambda path: None, "expected a mesh, got No such file"),
    ],
)
def test_bad_meshes_are_refused_by_name(cache, tmp_path, decomposition, name, write, message):
    write(tmp_path / name)
    with pytest.raises(ModelError, match=f"{name}: {message}"):
        prepare_meshes(file_source(tmp_path / name), 1.0, decomposition)
    # Nothing of it stays in the cache, so that it is refused again.
    with pytest.raises(ModelError, match=message):
        prepare_meshes(file_source(tmp_path / name), 1.0, decomposition)


def test_all_procedural_objects_exist():
    for index in (0, 1, 9, 99, 500, 998, 999):
        check_object_name(f"procedural_{index:03d}")
    for index in range(1000):
        assert resolve_uri(f"pybullet_data://random_urdfs/{index:03d}/{index:03d}.obj").is_file()
    assert load_object("procedural_000").mass == 0.1


def test_the_one_procedural_object_that_came_broken_says_so():
    # No vertex of it is a number, in its OBJ as in its URDF.
    with pytest.raises(ModelError, match=r"168\.obj: expected finite vertices"):
        load_object("procedural_168")


@pytest.mark.parametrize(
    "name",
    ["procedural_1000", "procedural_", "procedural", "procedural_00", "procedural_-01", "000", ""],
)
def test_other_names_are_refused_with_the_valid_ones(name):
    message = (
        f"unknown object '{name}'; expected one of box, cylinder, mug, "
        "procedural_000 .. procedural_999"
    )
    for look_up in (check_object_name, load_object):
        with pytest.raises(UnknownNameError) as refusal:
            look_up(name)
        assert str(refusal.value) == message


def test_a_family_is_one_line_of_the_list():
    families = {family.first: family for family in object_families(pytest.fail)}
    assert families["mug"].last == "mug"
    assert families["procedural_000"].last == "procedural_999"


def test_lowest_point_is_that_of_the_turned_object():
    mug = load_object("mug")
    assert mug.lowest_point(np.eye(3)) == mug.points[:, 2].min()
    upside_down = np.diag([1.0, -1.0, -1.0])
    assert mug.lowest_point(upside_down) == -mug.points[:, 2].max()


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("mass: 0.3", "mass: 0", "mass: expected greater than 0, got 0"),
        ("mass: 0.3", "mass: 1e308", "mass: expected less than or equal to 1000, got "),
        (
            "lateral_friction: ",
            "lateral_friction: 101 #",
            "lateral_friction: expected less than or",
        ),
        (
            "mass: 0.3",
            "mass: 0.3\nfamily: {prefix: x, count: 1, digits: 999999999}",
            "family.digits: expected less than or equal to 9, got 999999999",
        ),
        ("mass: 0.3", "mass: 0.3\nweight: 3", "weight: expected no such key"),
        ("collision: coacd", "collision: vhacd", "collision: expected 'auto', 'coacd', 'groups'"),
        ("mesh: pybullet_data://objects/mug.obj", "", "expected either mesh or shape, got neither"),
        ("mass: 0.3", "mass: 0.3\nshape: {box: [1, 1, 1]}", "mesh or shape, got both"),
    ],
)
def test_a_file_that_does_not_fit_is_refused_by_its_key(configuration, old, new, message):
    text = (configuration / "objects" / "mug.yaml").read_text()
    assert old in text
    (configuration / "objects" / "bad.yaml").write_text(text.replace(old, new))
    with pytest.raises(SettingsError, match=message):
        load_object("bad")


def test_an_object_loads_whatever_is_wrong_with_others(own):
    folder = own / "objects"
    folder.mkdir(parents=True)
    (folder / "ball.yaml").write_text(
        "description: x\nshape: {sphere: {radius: 0.03}}\nmass: 1\nlateral_friction: 0.5\n"
    )
    (folder / "a_half.yaml").write_text("description: half")
    (folder / "a_torn.yaml").write_text("description: [")
    (folder / "mug.yaml").write_text("description: no mug")
    assert load_object("ball").mass == 1
    check_object_name("procedural_042")
    broken = []
    families = {family.first for family in object_families(broken.append)}
    assert families == {"ball", "box", "cylinder", "procedural_000"}
    assert [str(error).split(": ")[0] for error in broken] == [
        str(folder / f"{stem}.yaml") for stem in ("a_half", "a_torn", "mug")
    ]
    # It is the user's mug that is asked for: ours does not take its place.
    with pytest.raises(SettingsError, match=r"mug\.yaml: mass: expected a value, got nothing"):
        load_object("mug")


def test_a_name_may_be_of_a_family_whose_file_cannot_be_read(own):
    (own / "objects").mkdir(parents=True)
    (own / "objects" / "part.yaml").write_text("description: half")
    with pytest.raises(SettingsError) as refusal:
        check_object_name("part_07")
    assert str(refusal.value) == (
        "unknown object 'part_07'; expected one of box, cylinder, mug, procedural_000 .. "
        f"procedural_999; unreadable: {own / 'objects' / 'part.yaml'}: mass: expected a value, "
        "got nothing"
    )


def test_a_missing_mesh_is_refused_by_its_address(configuration):
    text = (configuration / "objects" / "mug.yaml").read_text()
    (configuration / "objects" / "gone.yaml").write_text(text.replace("mug.obj", "gone.obj"))
    with pytest.raises(ModelError, match=r"pybullet_data://objects/gone\.obj: file not found"):
        load_object("gone")


def test_a_mesh_may_lie_beside_the_file_that_names_it(own, box):
    folder = own / "objects"
    folder.mkdir(parents=True)
    (folder / "carton.yaml").write_text(
        f"description: x\nmesh: ../../{box.name}\nscale: 0.001\nmass: 1\nlateral_friction: 0.5\n"
    )
    carton = object_details("carton")
    assert carton.spec is load_object("carton")
    np.testing.assert_allclose(carton.facts.extent, [0.1, 0.2, 0.3], atol=1e-6)
    assert carton.mesh_file.samefile(box) and carton.file == folder / "carton.yaml"


def test_centre_and_inertia_may_be_written_by_hand(own):
    folder = own / "objects"
    folder.mkdir(parents=True)
    file = folder / "loaded.yaml"
    text = "description: x\nshape: {box: [0.1, 0.1, 0.1]}\nmass: 0.6\nlateral_friction: 0.5\n"
    file.write_text(text)
    assert object_details("loaded").inertia_from == "from the closed surface"
    file.write_text(text + "center_of_mass: [0, 0, 0.03]\ninertia: [0.001, 0.002, 0.0015]\n")
    details = object_details("loaded")
    np.testing.assert_array_equal(details.spec.center_of_mass, [0, 0, 0.03])
    np.testing.assert_array_equal(details.spec.inertia, np.diag([0.001, 0.002, 0.0015]))
    assert details.inertia_from == f"as in {file}"
    file.write_text(text + "center_of_mass: [0, 0, 0.06]\n")
    with pytest.raises(SettingsError, match=r"loaded.yaml: center_of_mass: expected a place in"):
        object_details("loaded")


def test_the_frame_is_that_of_the_mesh_or_in_its_middle(own, box):
    folder = own / "objects"
    folder.mkdir(parents=True)
    text = f"description: x\nmesh: {box}\nscale: 0.001\nmass: 1\nlateral_friction: 0.5\n"
    (folder / "corner.yaml").write_text(text)
    (folder / "middle.yaml").write_text(text + "center: true\n")
    corner, middle = load_object("corner"), load_object("middle")
    np.testing.assert_array_equal(corner.mesh_origin, 0)
    np.testing.assert_allclose(middle.mesh_origin, [-0.05, -0.1, -0.15], atol=1e-9)
    # A point of the file is at scale * point + mesh_origin.
    np.testing.assert_allclose(middle.points.min(axis=0), [-0.05, -0.1, -0.15], atol=1e-6)
    np.testing.assert_allclose(
        middle.center_of_mass, corner.center_of_mass + middle.mesh_origin, atol=1e-9
    )
    np.testing.assert_allclose(middle.inertia, corner.inertia, atol=1e-12)


@pytest.mark.parametrize(
    ("scale", "message"),
    [
        (
            "1.0",
            "100 x 200 x 300 m: expected 0.003 to 1 m along its longest side; if it is in "
            "millimetres, say scale: 0.001",
        ),
        ("1.0e-6", "if it is in millimetres, say scale: 0.001"),
    ],
)
def test_what_nobody_could_grasp_is_refused_with_advice(own, box, scale, message):
    folder = own / "objects"
    folder.mkdir(parents=True)
    (folder / "huge.yaml").write_text(
        f"description: x\nmesh: {box}\nscale: {scale}\nmass: 1\nlateral_friction: 0.5\n"
    )
    with pytest.raises(ModelError) as refusal:
        load_object("huge")
    assert message in str(refusal.value)


def test_an_object_is_the_same_until_its_files_change(own, box):
    folder = own / "objects"
    folder.mkdir(parents=True)
    text = f"description: x\nmesh: {box}\nscale: 0.001\nmass: 1\nlateral_friction: 0.5\n"
    (folder / "carton.yaml").write_text(text)
    first = load_object("carton")
    assert load_object("carton") is first
    (folder / "carton.yaml").write_text(text.replace("mass: 1", "mass: 2"))
    assert load_object("carton").mass == 2
    trimesh.creation.box((50, 50, 50)).export(box)
    np.testing.assert_allclose(object_details("carton").facts.extent, 0.05, atol=1e-6)


def test_the_users_own_file_replaces_ours(own):
    (own / "objects").mkdir(parents=True)
    (own / "objects" / "mug.yaml").write_text(
        "description: mine\nshape: {sphere: {radius: 0.03}}\nmass: 1\nlateral_friction: 0.5\n"
    )
    assert load_object("mug").description == "mine"
    families = object_families(pytest.fail)
    assert [family.description for family in families if family.first == "mug"] == ["mine"]


def test_a_file_of_that_very_name_goes_before_a_family(own):
    (own / "objects").mkdir(parents=True)
    (own / "objects" / "procedural_007.yaml").write_text(
        "description: mine\nshape: {sphere: {radius: 0.03}}\nmass: 1\nlateral_friction: 0.5\n"
    )
    assert load_object("procedural_007").description == "mine"
    assert load_object("procedural_008").description != "mine"
