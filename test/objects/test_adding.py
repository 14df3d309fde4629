"""From a file to a name and back; what is wrong is refused before anything is written."""

import os
import struct
from pathlib import Path

import numpy as np
import pytest
import trimesh

from dr_grasp.common.resources import resolve_uri
from dr_grasp.core.geometry import Pose
from dr_grasp.errors import DrGraspError, SettingsError
from dr_grasp.objects.adding import NewObject, add_object
from dr_grasp.objects.object_spec import load_object, object_details, object_families
from dr_grasp.objects.store import remove_object
from dr_grasp.simulation.bullet.world import BulletWorld
from dr_grasp.simulation.mujoco.dynamics import ObjectDynamics
from dr_grasp.twin.mujoco_world import MujocoTwinWorld


@pytest.fixture
def add(cache):
    """Adds an object; what was said is kept in `said`."""

    def add(file, **settings):
        add.said.clear()
        return add_object(NewObject(Path(file), **settings), add.said.append)

    add.said = []
    return add


def files(folder):
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def test_an_added_object_has_a_name_and_needs_its_file_no_more(own, add, box):
    details = add(box, name="carton", mass=0.12, lateral_friction=0.5)
    spec, facts = details.spec, details.facts
    assert add.said == [
        f"{box} is 100 x 200 x 300: taken as millimetres; "
        "say --unit m|cm|mm|in or --scale if that is wrong"
    ]
    box.unlink()
    assert load_object("carton") is spec
    assert (spec.mass, spec.lateral_friction) == (0.12, 0.5)
    assert (spec.rolling_friction, spec.spinning_friction) == (0.001, 0.001)
    np.testing.assert_allclose(facts.extent, [0.1, 0.2, 0.3], atol=1e-6)
    np.testing.assert_allclose(spec.mesh_origin, [-0.05, -0.1, -0.15], atol=1e-6)
    assert len(spec.pieces) == 1 and facts.watertight
    assert "carton" in {family.first for family in object_families(pytest.fail)}
    assert files(own) == ["objects/carton.yaml", f"objects/meshes/{details.mesh_file.name}"]
    assert spec.description == "From box.stl"


def test_a_removed_object_leaves_nothing(own, add, box):
    add(box, name="carton", mass=0.12)
    assert remove_object("carton") == own / "objects" / "carton.yaml"
    assert files(own) == []
    with pytest.raises(DrGraspError, match="unknown object 'carton'"):
        load_object("carton")


def test_only_the_users_own_objects_are_removed(own, add, box):
    with pytest.raises(DrGraspError, match="object 'mug' is built in"):
        remove_object("mug")
    with pytest.raises(DrGraspError, match="object 'procedural_012' is built in"):
        remove_object("procedural_012")
    with pytest.raises(DrGraspError, match="unknown object of your own 'x'; expected one of none"):
        remove_object("x")
    add(box, name="carton", mass=1)
    with pytest.raises(DrGraspError, match=r"own '\.\./x'; expected one of carton"):
        remove_object("../x")


def test_both_engines_build_a_world_with_it(add, box, franka):
    spec = add(box, name="carton", mass=0.4, unit="mm").spec
    with BulletWorld(franka, spec) as world:
        assert world.object is spec
    world = MujocoTwinWorld(franka, spec, ObjectDynamics())
    stands = Pose([0.5, 0.0, -spec.lowest_point(np.eye(3))], [0, 0, 0, 1])
    world.reset(franka.home, franka.hand_open, stands, 20.0)
    world.step(300)
    np.testing.assert_allclose(world.object_in_base().position, stands.position, atol=2e-3)
    assert not world.diverged


def test_what_is_concave_is_cut_at_once_and_said_so(add, tmp_path):
    path = tmp_path / "ring.ply"
    trimesh.creation.annulus(0.02, 0.03, 0.05, sections=8).export(path)
    spec = add(path, mass=0.1).spec
    assert spec.name == "ring" and len(spec.pieces) >= 4
    assert add.said == [
        f"{path}: not convex: cutting it into convex pieces, which may take a minute"
    ]
    # Its pieces are in the cache now.
    add(path, mass=0.2, replace=True)
    assert add.said == []


@pytest.mark.parametrize(
    ("unit", "extent"), [("m", None), ("cm", None), ("mm", 0.2), ("in", None), (None, 0.2)]
)
def test_the_unit_counts(add, tmp_path, unit, extent):
    path = tmp_path / "long.stl"
    trimesh.creation.box((200, 20, 20)).export(path)
    if extent is None:
        with pytest.raises(DrGraspError, match=r"along its longest side; say --unit mm$"):
            add(path, mass=1, unit=unit)
    else:
        assert add(path, mass=1, unit=unit).facts.extent[0] == pytest.approx(extent)
    assert bool(add.said) == (unit is None)


def test_inches_and_metres(add, tmp_path):
    path = tmp_path / "a.stl"
    trimesh.creation.box((2, 1, 1)).export(path)
    with pytest.raises(DrGraspError, match="if it is in centimetres, say --unit cm"):
        add(path, mass=1)
    assert add(path, mass=1, unit="in").facts.extent[0] == pytest.approx(0.0508)
    trimesh.creation.box((0.2, 0.1, 0.1)).export(path)
    assert add(path, mass=1, replace=True).facts.extent[0] == pytest.approx(0.2)
    assert add.said == []


def write_can(path):
    """A can of 300 x 300 x 400 units, its corner at the origin."""
    can = trimesh.creation.cylinder(150, 400, sections=32)
    can.apply_translation(-can.bounds[0])
    can.export(path)
    return path


def test_any_factor_scales_an_object(own, add, tmp_path):
    can = write_can(tmp_path / "can.stl")
    details = add(can, mass=0.1, scale=(0.00025,))
    assert add.said == []
    np.testing.assert_allclose(details.facts.extent, [0.075, 0.075, 0.1], atol=1e-6)
    assert (details.source, details.scale) == ("can.stl", (0.00025,) * 3)
    assert "scale: 0.00025\n" in details.file.read_text()
    # Written by hand into the file, a list and a number mean the same.
    text = details.file.read_text().replace("0.00025", "[0.00025, 0.00025, 0.00025]")
    details.file.write_text(text)
    np.testing.assert_array_equal(load_object("can").inertia, details.spec.inertia)


def test_each_axis_has_its_own_factor(add, box):
    details = add(box, mass=0.6, scale=(0.001, 0.0005, 0.0001))
    np.testing.assert_allclose(details.facts.extent, [0.1, 0.1, 0.03], atol=1e-6)
    np.testing.assert_allclose(details.spec.mesh_origin, [-0.05, -0.05, -0.015], atol=1e-6)
    assert details.scale == (0.001, 0.0005, 0.0001)
    sides = np.array([0.1, 0.1, 0.03])
    moments = 0.6 / 12 * (np.sum(sides**2) - sides**2)
    np.testing.assert_allclose(details.spec.inertia, np.diag(moments), rtol=1e-6, atol=1e-9)


def test_a_scaled_urdf_keeps_its_mass_and_scales_its_offsets(add, tmp_path):
    box = '<collision><origin xyz="0 0 {}"/><geometry><box size="1 2 3"/></geometry></collision>'
    path = tmp_path / "two.urdf"
    path.write_text(
        '<robot name="two"><link name="l"><inertial><mass value="0.5"/></inertial>'
        f"{box.format(0)}{box.format(6)}</link></robot>"
    )
    details = add(path, scale=(0.01,), center=False)
    np.testing.assert_allclose(details.facts.extent, [0.01, 0.02, 0.09], atol=1e-9)
    assert (details.spec.mass, details.source) == (0.5, "two.urdf")
    np.testing.assert_allclose(details.spec.center_of_mass, [0, 0, 0.03], atol=1e-9)


def test_a_urdf_is_in_metres_unless_the_user_says_else(own, add, tmp_path):
    path = tmp_path / "long.urdf"
    path.write_text(
        '<robot name="r"><link name="l"><inertial><mass value="0.5"/></inertial><collision>'
        '<geometry><box size="20 20 200"/></geometry></collision></link></robot>'
    )
    with pytest.raises(DrGraspError, match=r"20 x 20 x 200 m: .*; if it is in millimetres, say"):
        add(path)
    assert not own.exists() and add.said == []
    assert add(path, unit="mm").facts.extent[2] == pytest.approx(0.2)


def test_a_scale_of_the_wrong_size_is_refused_with_the_one_that_would_do(own, add, tmp_path):
    can = write_can(tmp_path / "can.stl")
    expected = "300 x 300 x 400 m: expected 0.003 to 1 m .*; if it is in millimetres, say --scale"
    with pytest.raises(DrGraspError, match=expected + " 0.001$"):
        add(can, mass=0.1, scale=(1.0,))
    large = tmp_path / "large.stl"
    trimesh.load_mesh(can).apply_scale(10).export(large)
    with pytest.raises(DrGraspError, match=r"3e\+03 x 3e\+03 x 4e\+03 m: .*; say --scale$"):
        add(large, mass=0.1)
    with pytest.raises(DrGraspError, match="scale: expected no unit beside it, got both"):
        add(can, mass=0.1, scale=(0.001,), unit="mm")
    assert not own.exists()


def write_hammer(path):
    """A handle of 0.05 kg and a head of 0.45 kg, 0.15 m apart."""
    path.write_text(
        '<robot name="hammer"><link name="handle"><inertial><mass value="0.05"/></inertial>'
        '<collision><geometry><box size="0.03 0.03 0.24"/></geometry></collision></link>'
        '<link name="head"><inertial><mass value="0.45"/></inertial>'
        '<collision><geometry><box size="0.1 0.03 0.06"/></geometry></collision></link>'
        '<joint name="j" type="fixed"><origin xyz="0 0 0.15"/><parent link="handle"/>'
        '<child link="head"/></joint></robot>'
    )
    return path


def test_each_link_keeps_its_mass_and_an_explicit_mass_scales_them(own, add, tmp_path):
    hammer = write_hammer(tmp_path / "hammer.urdf")
    details = add(hammer)
    np.testing.assert_allclose(details.spec.center_of_mass, [0, 0, 0.105], atol=1e-12)
    assert details.inertia_from == "each link's mass over its own shape"
    across = 0.045 * 0.15**2 + (0.05 * (0.03**2 + 0.24**2) + 0.45 * (0.03**2 + 0.06**2)) / 12
    assert details.spec.inertia[0, 0] == pytest.approx(across, rel=1e-9)
    heavier = add(hammer, mass=1.5, replace=True).spec
    np.testing.assert_array_equal(heavier.center_of_mass, details.spec.center_of_mass)
    np.testing.assert_allclose(heavier.inertia, 3 * details.spec.inertia, rtol=1e-9, atol=1e-15)
    # A file that names the URDF itself says the same, with the mass that it names.
    (own / "objects" / "other.yaml").write_text(
        f"{{description: It, mesh: {hammer}, mass: 1.5, lateral_friction: 1, center: true}}"
    )
    other = load_object("other")
    np.testing.assert_allclose(other.center_of_mass, heavier.center_of_mass, atol=1e-12)
    np.testing.assert_allclose(other.inertia, heavier.inertia, rtol=1e-9, atol=1e-15)


def test_links_that_weigh_far_from_the_object_are_refused_as_such(own, add, tmp_path):
    path = tmp_path / "far.urdf"
    path.write_text(
        '<robot name="far"><link name="base"><inertial><origin xyz="0 0 -0.5"/><mass value="0.1"/>'
        '</inertial></link><link name="block"><inertial><mass value="0.1"/></inertial><collision>'
        '<geometry><box size="0.05 0.05 0.05"/></geometry></collision></link><joint name="j" '
        'type="fixed"><parent link="base"/><child link="block"/></joint></robot>'
    )
    message = r"center_of_mass: .* got 0, 0, -0.25 \(each link's mass over its own shape\)$"
    with pytest.raises(SettingsError, match=message):
        add(path)
    assert not own.exists()


def test_who_knows_centre_and_inertia_says_them(add, tmp_path, box):
    given = {"center_of_mass": (0.05, 0.1, 0.1), "inertia": (0.004, 1e-4, 0, 0.005, 2e-4, 0.003)}
    details = add(box, name="carton", mass=0.6, unit="mm", **given)
    # The mesh file's origin is a corner, 0.05, 0.1 and 0.15 m from the middle.
    np.testing.assert_allclose(details.spec.center_of_mass, [0, 0, -0.05], atol=1e-9)
    tensor = [[0.004, 1e-4, 0], [1e-4, 0.005, 2e-4], [0, 2e-4, 0.003]]
    np.testing.assert_array_equal(details.spec.inertia, tensor)
    assert details.inertia_from == "center_of_mass as given; inertia as given"
    only = add(box, name="carton", mass=0.6, unit="mm", inertia=(0.004, 0.005, 0.003), replace=True)
    np.testing.assert_array_equal(only.spec.inertia, np.diag([0.004, 0.005, 0.003]))
    np.testing.assert_allclose(only.spec.center_of_mass, 0, atol=1e-9)
    # What the user says goes before the links, and the rest is theirs.
    hammer = write_hammer(tmp_path / "hammer.urdf")
    links = add(hammer).spec
    moved = add(hammer, center_of_mass=(0, 0, 0.1), replace=True)
    np.testing.assert_allclose(moved.spec.center_of_mass, [0, 0, 0.07], atol=1e-12)
    np.testing.assert_allclose(moved.spec.inertia, links.inertia, atol=1e-15)
    assert moved.inertia_from.endswith("own shape; center_of_mass as given")


def test_replacing_is_seen_at_once_and_leaves_no_old_mesh(own, add, box):
    first = add(box, name="carton", mass=0.1).spec
    trimesh.creation.box((100, 100, 100)).export(box)
    with pytest.raises(DrGraspError, match=r"you have an object 'carton' already: .* --force"):
        add(box, name="carton", mass=0.2)
    assert load_object("carton") is first
    add(box, name="carton", mass=0.2, replace=True)
    again = object_details("carton")
    assert load_object("carton") is again.spec and again.spec.mass == 0.2
    np.testing.assert_allclose(again.facts.extent, 0.1, atol=1e-6)
    assert files(own) == ["objects/carton.yaml", f"objects/meshes/{again.mesh_file.name}"]


def test_a_mesh_that_another_file_uses_stays(own, add, box):
    details = add(box, name="carton", mass=0.1)
    text = details.file.read_text()
    (own / "objects" / "heavy.yaml").write_text(text.replace("mass: 0.1", "mass: 10"))
    remove_object("carton")
    assert load_object("heavy").mass == 10


def test_of_an_obj_only_the_geometry_is_copied(add, tmp_path):
    path = tmp_path / "Old Tin #3.obj"
    mesh = trimesh.creation.box((0.1, 0.1, 0.2))
    lines = ["mtllib lost.mtl", "usemtl red", "o T\xf6pfchen"]
    lines += [f"v {x} {y} {z} 1 0 0" for x, y, z in mesh.vertices]
    lines += ["vt 0 0", "vn 0 0 1"]
    lines += [f"f {a}/1/1 {b}/1/1 \\\n {c}/1/1" for a, b, c in mesh.faces + 1]
    path.write_bytes("\n".join(lines).encode("latin-1"))
    details = add(path, mass=0.1)
    assert details.spec.name == "old_tin_3"
    text = details.mesh_file.read_text()
    assert {line.split()[0] for line in text.splitlines()} == {"o", "v", "f"} and "/" not in text
    assert details.facts.volume == pytest.approx(0.002)
    assert details.spec.description == "From Old Tin #3.obj"


def test_a_urdf_brings_its_mass_and_friction(add):
    path = resolve_uri("pybullet_data://random_urdfs/001/001.urdf")
    spec = add(path, name="blob", center=False).spec
    ours = load_object("procedural_001")
    assert (spec.mass, spec.lateral_friction, spec.rolling_friction) == (0.1, 1.0, 0.0)
    assert len(spec.pieces) == len(ours.pieces)
    np.testing.assert_allclose(spec.inertia, ours.inertia, rtol=1e-4, atol=1e-9)
    np.testing.assert_array_equal(spec.mesh_origin, 0)
    changed = add(path, name="blob", mass=0.3, lateral_friction=0.4, replace=True).spec
    assert (changed.mass, changed.lateral_friction) == (0.3, 0.4)


def test_a_file_called_like_a_built_in_object_gets_a_number(add, box):
    path = box.with_name("mug.stl")
    box.rename(path)
    assert add(path, mass=0.1).spec.name == "mug_2"
    with pytest.raises(DrGraspError, match="you have an object 'mug_2' already"):
        add(path, mass=0.1)
    (mug,) = [family for family in object_families(pytest.fail) if family.first == "mug"]
    assert mug.description.startswith("Coffee mug")


def test_a_file_whose_name_is_no_text_is_added(add, box):
    path = Path(os.fsdecode(bytes(box.parent) + b"/caf\xe9.stl"))
    box.rename(path)
    details = add(path, mass=0.1)
    assert (details.spec.name, details.source) == ("caf", r"caf\udce9.stl")
    assert details.spec.description == r"From caf\udce9.stl"


def test_a_mass_in_grams_is_noticed(add, box):
    trimesh.creation.box((50, 50, 50)).export(box)
    add(box, name="cube", mass=120)
    expected = "cube: 120 kg in 125 cm3 is heavier than any metal: expected a mass in kilograms"
    assert expected in add.said


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({}, "mass: expected one in kilograms, as .*box.stl names none"),
        ({"mass": 0.0}, "mass: expected greater than 0, got 0"),
        ({"mass": -1.0}, "mass: expected greater than 0, got -1"),
        ({"mass": float("nan")}, "mass: expected a finite number, got nan"),
        ({"mass": float("inf")}, "mass: expected a finite number, got inf"),
        ({"lateral_friction": 0.0}, "lateral_friction: expected greater than 0, got 0"),
        (
            {"lateral_friction": float("nan")},
            "lateral_friction: expected a finite number, got nan",
        ),
        (
            {"rolling_friction": -0.1},
            "rolling_friction: expected greater than or equal to 0, got -0.1",
        ),
        ({"spinning_friction": float("inf")}, "spinning_friction: expected .*, got inf"),
        ({"scale": (0.0,)}, "scale.0: expected above 0, got 0"),
        ({"scale": (0.001, -0.001, 0.001)}, "scale.1: expected .*: a mirrored object is another"),
        ({"scale": (0.001, 0.001)}, "scale: expected one or three numbers, got 2"),
        ({"scale": (float("nan"),)}, "scale.0: expected a finite number, got nan"),
        ({"scale": (1e7,)}, "scale.0: expected less than or equal to 1000000, got 1"),
        ({"inertia": (1e-3, 1e-3)}, "inertia: expected three or six numbers, got 2"),
        ({"inertia": (4e-5, 1e-5, 1e-5)}, "inertia: .*, got 1e-05, 1e-05, 4e-05 about the princ"),
        ({"inertia": (1e-5, 1e-5, 0)}, "inertia: expected moments above 0, got 0, 1e-05, 1e-05"),
        ({"inertia": (1, 2, 0, 1, 0, 1)}, "inertia: expected moments above 0, got -1, 1, 3"),
        ({"inertia": (float("nan"), 1, 1)}, "inertia.0: expected a finite number, got nan"),
        ({"inertia": (400.0, 500.0, 300.0)}, "inertia: expected moments of at most 0.0035 kg m"),
        ({"center_of_mass": (0.0, 0.0)}, "center_of_mass"),
        (
            {"center_of_mass": (50.0, 100.0, 150.0)},
            "center_of_mass: expected a place in the object, .*, 0 to 0.1, 0 to 0.2, 0 to 0.3 m",
        ),
        ({"unit": "ft"}, "unknown unit 'ft'; expected one of cm, in, m, mm"),
        ({"collision": "x"}, "collision: expected 'auto', 'coacd', 'groups' or 'hull', got 'x'"),
        ({"name": "My Carton"}, "lower-case letters.*, got 'My Carton'; try my_carton"),
        ({"name": ""}, "name: expected .*, got ''; say --name"),
        ({"name": "../carton"}, r"name: expected .*, got '\.\./carton'; try carton"),
        ({"name": "a" * 65}, "name: expected up to 64"),
        ({"name": "mug"}, "name: 'mug' is a built-in object"),
        ({"name": "mug", "replace": True}, "name: 'mug' is a built-in object"),
        ({"name": "procedural"}, "name: 'procedural' is a built-in object"),
        ({"name": "procedural_012"}, "name: 'procedural_012' is a built-in object"),
    ],
)
def test_bad_settings_are_refused_before_anything_is_written(own, add, box, settings, message):
    given = {"mass": 0.1, "name": "carton", **settings} if settings else {}
    with pytest.raises(DrGraspError, match=message):
        add(box, **given)
    assert not own.exists()


def write_flat(path):
    trimesh.Trimesh([[0, 0, 0], [1, 0, 0], [1, 1, 0]], [[0, 1, 2]]).export(path)


def write_nan(path):
    triangles = trimesh.creation.box().triangles.copy()
    triangles[3, 0, 0] = np.nan
    faces = [struct.pack("<12fH", 0, 0, 0, *face.ravel(), 0) for face in triangles]
    path.write_bytes(bytes(80) + struct.pack("<I", len(faces)) + b"".join(faces))


@pytest.mark.parametrize(
    ("name", "write", "message"),
    [
        ("absent.stl", lambda path: None, "expected a mesh, got No such file or directory"),
        ("empty.stl", lambda path: path.touch(), "expected a mesh with faces, got an empty one"),
        ("folder.stl", lambda path: path.mkdir(), "expected a mesh, got Is a directory"),
        ("part.step", lambda path: path.touch(), r"ends in .urdf, .obj, .stl, .ply, got \.step"),
        ("part", lambda path: path.touch(), "got no ending"),
        ("points.obj", lambda path: path.write_text("v 0 0 0\n"), "expected a mesh with faces"),
        ("flat.stl", write_flat, "encloses a volume, got a flat one"),
        ("nan.stl", write_nan, "expected finite vertices"),
        ("text.urdf", lambda path: path.write_text("x"), "expected a URDF, got syntax error"),
    ],
)
def test_bad_files_are_refused_by_name(own, add, tmp_path, name, write, message):
    write(tmp_path / name)
    with pytest.raises(DrGraspError, match=f"{name}: .*{message}"):
        add(tmp_path / name, mass=0.1)
    assert not own.exists()


def test_a_place_that_cannot_be_written_is_named(own, add, box):
    own.write_text("a file where a folder should be")
    with pytest.raises(DrGraspError, match=r"carton.yaml: cannot be written: .* DR_GRASP_CONFIG"):
        add(box, name="carton", mass=0.1)


@pytest.mark.skipif(os.geteuid() == 0, reason="nothing is read-only to root")
def test_a_read_only_place_is_named(own, add, box):
    own.mkdir()
    own.chmod(0o500)
    with pytest.raises(DrGraspError, match="cannot be written: Permission denied"):
        add(box, name="carton", mass=0.1)
