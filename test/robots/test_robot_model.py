"""Descriptions into models: names, parked joints, chains of mimics, meshes of any format."""

from pathlib import Path
from xml.etree import ElementTree

import mujoco
import numpy as np
import pybullet as bullet
import pytest
import trimesh
from scipy.spatial.transform import Rotation

from dr_grasp.errors import ModelError
from dr_grasp.robots import preparation
from dr_grasp.robots.description import DescriptionSource
from dr_grasp.robots.joints import JointLimits
from dr_grasp.robots.robot_model import load_model

LIMIT = '<limit lower="-2" upper="2" velocity="1.5" effort="7"/>'


def link(name, mesh=None):
    geometry = f'<geometry><mesh filename="{mesh}" scale="2 2 2"/></geometry>'
    return f'<link name="{name}">{f"<collision>{geometry}</collision>" if mesh else ""}</link>'


def joint(name, parent, child, inside=LIMIT, kind="revolute", axis="0 0 1"):
    return (
        f'<joint name="{name}" type="{kind}"><origin xyz="0.1 0 0" rpy="0.2 -0.3 0.4"/>'
        f'<parent link="{parent}"/><child link="{child}"/><axis xyz="{axis}"/>{inside}</joint>'
    )


def mimic(follows, multiplier, offset=0.0):
    return f'{LIMIT}<mimic joint="{follows}" multiplier="{multiplier}" offset="{offset}"/>'


@pytest.fixture
def load(tmp_path):
    """Loads a model from pieces of a URDF."""

    def load(*pieces, driven=("j",), parked=None, srdf=None, names=None, file="model.urdf"):
        (tmp_path / file).write_text(f'<robot name="r">{"".join(pieces)}</robot>')
        if srdf is not None:
            (tmp_path / "model.srdf").write_text(srdf)
            srdf = "model.srdf"
        source = DescriptionSource(file, srdf, {}, names or {}, tmp_path)
        return load_model(source, driven, parked or {})

    return load


def prepared(model):
    return ElementTree.parse(model.urdf).getroot()


def test_limits_links_and_the_root(load):
    model = load(link("a"), link("b"), joint("j", "a", "b"))
    assert (model.root_link, model.links) == ("a", ("a", "b"))
    limits = model.limits["j"]
    assert (limits.lower, limits.upper, limits.velocity, limits.effort) == (-2, 2, 1.5, 7)


@pytest.mark.parametrize(("kind", "moved"), [("revolute", False), ("prismatic", True)])
def test_a_parked_joint_is_fixed_where_it_stands(load, kind, moved):
    model = load(
        *(link(name) for name in "abc"),
        joint("j", "a", "b"),
        joint("k", "b", "c", kind=kind, axis="0 1 0"),
        parked={"k": 0.7},
    )
    assert set(model.limits) == {"j"}
    parked = prepared(model).find("joint[@name='k']")
    assert parked.get("type") == "fixed"
    assert [child.tag for child in parked] == ["origin", "parent", "child"]
    numbers = {
        key: [float(x) for x in parked.find("origin").get(key).split()] for key in ("xyz", "rpy")
    }
    before = Rotation.from_euler("xyz", [0.2, -0.3, 0.4])
    turn = Rotation.identity() if moved else Rotation.from_euler("y", 0.7)
    shift = before.apply([0, 0.7, 0]) if moved else np.zeros(3)
    np.testing.assert_allclose(numbers["xyz"], np.array([0.1, 0, 0]) + shift, atol=1e-12)
    after = Rotation.from_euler("xyz", numbers["rpy"])
    assert (after.inv() * (before * turn)).magnitude() < 1e-12


def test_mimics_of_mimics_follow_the_driven_joint(load):
    model = load(
        *(link(name) for name in "abcde"),
        joint("j", "a", "b"),
        joint("k", "b", "c", mimic("j", 2.0, 0.1)),
        joint("l", "c", "d", mimic("k", -3.0, 0.5)),
        joint("m", "d", "e", mimic("n", 1.0)),
        link("f"),
        joint("n", "e", "f"),
    )
    found = {one.joint: (one.follows, one.multiplier, one.offset) for one in model.mimics}
    # l = -3 k + 0.5 = -3 (2 j + 0.1) + 0.5; m follows a joint that nobody drives.
    assert found == {"k": ("j", 2.0, 0.1), "l": ("j", -6.0, pytest.approx(0.2))}
    assert set(model.limits) == {"j", "k", "l"}


def test_one_rigid_body_and_its_neighbours_may_touch(load):
    model = load(
        *(link(name) for name in "abcde"),
        joint("f1", "a", "b", "", "fixed"),
        joint("j", "b", "c"),
        joint("f2", "c", "d", "", "fixed"),
        joint("i", "d", "e"),
        driven=("j", "i"),
        srdf='<robot><disable_collisions link1="a" link2="e" reason="Never"/></robot>',
    )
    assert model.standing_links == {"a", "b"}
    pairs = {"".join(sorted(pair)) for pair in model.allowed_collisions}
    assert pairs == {"ab", "cd", "ac", "ad", "bc", "bd", "ce", "de", "ae"}


def test_names_of_the_file_become_ours(load):
    model = load(
        *(link(name) for name in ("x_base", "x_tip", "x_end")),
        joint("x_1", "x_base", "x_tip"),
        joint("x_2", "x_tip", "x_end", mimic("x_1", 1.0)),
        names={"base": "x_base", "tip": "x_tip", "one": "x_1", "two": "x_2"},
        driven=("one",),
        srdf='<robot><disable_collisions link1="x_base" link2="x_end" reason="Never"/></robot>',
    )
    assert model.links == ("base", "tip", "x_end")
    assert set(model.limits) == {"one", "two"}
    assert model.mimics[0].follows == "one"
    assert frozenset({"base", "x_end"}) in model.allowed_collisions


def test_a_collision_mesh_of_any_format_becomes_its_hull(load, tmp_path):
    shape = trimesh.creation.annulus(0.1, 0.2, 0.1)
    shape.apply_translation([1, 0, 0])
    files = set()
    for name in ("m.dae", "m.obj", "m.stl", "m.ply"):
        shape.export(tmp_path / name)
        model = load(link("a", name), link("b"), joint("j", "a", "b"))
        element = prepared(model).find("link/collision/geometry/mesh")
        assert element.get("scale") is None
        hull = trimesh.load_mesh(element.get("filename"))
        assert hull.is_convex
        np.testing.assert_allclose(hull.bounds, 2 * shape.bounds, atol=1e-6)
        files.add(Path(element.get("filename")).name)
    assert len(files) == 4  # MuJoCo takes two files of one name for one mesh


def in_collada(shape, unit, up="Z_UP"):
    """A COLLADA file of a shape with an <asset> that says these."""
    text = trimesh.exchange.dae.export_collada(shape).decode()
    assert "<up_axis>Y_UP</up_axis>" in text and "<unit" not in text
    return text.replace("<up_axis>Y_UP</up_axis>", f"{unit}<up_axis>{up}</up_axis>")


@pytest.mark.parametrize("up", ["X_UP", "Y_UP", "Z_UP"])
@pytest.mark.parametrize(
    ("unit", "metres"),
    [("", 1.0), ('<unit name="meter" meter="1"/>', 1.0), ('<unit meter="0.001"/>', 0.001)],
)
def test_the_unit_of_collada_counts_and_what_it_says_is_up_does_not(
    load, tmp_path, unit, metres, up
):
    shape = trimesh.creation.box((1.0, 2.0, 3.0))
    shape.apply_translation([4, 5, 6])
    (tmp_path / "m.dae").write_text(in_collada(shape, unit, up))
    model = load(link("a", "m.dae"), link("b"), joint("j", "a", "b"))
    hull = trimesh.load_mesh(prepared(model).find("link/collision/geometry/mesh").get("filename"))
    # URDF's scale, which is 2, comes on top.
    np.testing.assert_allclose(hull.bounds, 2 * metres * shape.bounds, rtol=1e-6)


def test_a_collision_mesh_may_be_in_two_files(load, tmp_path):
    shape = trimesh.creation.box((1.0, 2.0, 3.0))
    for name, content in trimesh.exchange.gltf.export_gltf(trimesh.Scene(shape)).items():
        (tmp_path / name).write_bytes(content)
    model = load(link("a", "model.gltf"), link("b"), joint("j", "a", "b"))
    hull = trimesh.load_mesh(prepared(model).find("link/collision/geometry/mesh").get("filename"))
    np.testing.assert_allclose(hull.bounds, 2 * shape.bounds)


def test_meshes_of_the_same_content_have_a_hull_each(load, tmp_path):
    for name in ("left", "right"):
        trimesh.creation.box((1.0, 2.0, 3.0)).export(tmp_path / f"{name}.stl")
    model = load(link("a", "left.stl"), link("b", "right.stl"), joint("j", "a", "b"))
    hulls = [Path(mesh.get("filename")) for mesh in prepared(model).iter("mesh")]
    assert [hull.stem.partition("_")[0] for hull in hulls] == ["left", "right"]
    assert all(hull.is_file() for hull in hulls)


def test_another_recipe_makes_another_hull(load, tmp_path, monkeypatch):
    trimesh.creation.box((1.0, 2.0, 3.0)).export(tmp_path / "m.stl")
    pieces = [link("a", "m.stl"), link("b"), joint("j", "a", "b")]
    before = load(*pieces).urdf.read_text()
    monkeypatch.setattr(preparation, "HULL_RECIPE", preparation.HULL_RECIPE + 1)
    assert load(*pieces).urdf.read_text() != before


def test_xacro_takes_arguments_that_are_addresses(tmp_path):
    (tmp_path / "arm.urdf").write_text(
        f'<robot name="arm">{link("a")}{link("b")}{joint("j", "a", "b")}</robot>'
    )
    (tmp_path / "r.urdf.xacro").write_text(
        '<robot name="r" xmlns:xacro="http://www.ros.org/wiki/xacro"><xacro:arg name="arm" '
        'default=""/><xacro:include filename="$(arg arm)"/><link name="$(arg tool)"/>'
        '<joint name="t" type="fixed"><parent link="b"/><child link="$(arg tool)"/></joint></robot>'
    )
    arguments = {"arm": f"file://{tmp_path / 'arm.urdf'}", "tool": "hook"}
    source = DescriptionSource("r.urdf.xacro", None, arguments, {}, tmp_path)
    assert load_model(source, ["j"], {}).links == ("a", "b", "hook")
    source = DescriptionSource("r.urdf.xacro", None, {"tool": "hook"}, {}, tmp_path)
    with pytest.raises(ModelError, match=r"r\.urdf\.xacro: xacro: "):
        load_model(source, ["j"], {})


ARM = link("a"), link("b")


@pytest.mark.parametrize(
    ("pieces", "message"),
    [
        ([link("a", "absent.stl"), *ARM[1:], joint("j", "a", "b")], r"absent\.stl: file not found"),
        ([link("a", "empty.stl"), *ARM[1:], joint("j", "a", "b")], "got an empty file"),
        ([link("a", "words.stl"), *ARM[1:], joint("j", "a", "b")], r"words\.stl: expected a mesh"),
        ([link("a", "flat.stl"), *ARM[1:], joint("j", "a", "b")], r"flat\.stl: expected a mesh"),
        ([link("a", "inch.dae"), *ARM[1:], joint("j", "a", "b")], r"inch\.dae: <unit> meter: exp"),
        ([*ARM, joint("j", "a", "b", "")], r"model\.urdf: joint j: expected a <limit>, got none"),
        ([*ARM, joint("i", "a", "b")], r"model\.urdf: driven joints not in the URDF: j"),
        ([*ARM, joint("j", "a", "b", "", "fixed")], "driven joints fixed in the URDF: j"),
        ([*ARM, link("c"), joint("j", "a", "b")], "expected one root link, got a, c"),
        (["<"], r"model\.urdf: expected XML"),
    ],
)
def test_a_broken_model_is_refused(load, tmp_path, pieces, message):
    (tmp_path / "empty.stl").touch()
    (tmp_path / "words.stl").write_text("solid")
    trimesh.Trimesh([[0, 0, 0], [1, 0, 0], [0, 1, 0]], [[0, 1, 2]]).export(tmp_path / "flat.stl")
    inch = in_collada(trimesh.creation.box(), '<unit name="inch" meter="0"/>')
    (tmp_path / "inch.dae").write_text(inch)
    with pytest.raises(ModelError, match=message):
        load(*pieces)


def refused(load, *pieces, **options):
    """The message with which a model is refused, one line."""
    with pytest.raises(ModelError) as caught:
        load(*pieces, **options)
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize(
    ("limit", "problem"),
    [
        ('lower="-1" upper="1" velocity="0" effort="7"', "velocity: expected above 0, got 0"),
        ('lower="-1" upper="1" velocity="-2" effort="7"', "velocity: expected above 0, got -2"),
        ('lower="-1" upper="1" effort="7"', "velocity: expected above 0, got none"),
        ('lower="-1" upper="1" velocity="1" effort="0"', "effort: expected above 0, got 0"),
        ('lower="-1" upper="1" velocity="1"', "effort: expected above 0, got none"),
        ('lower="2" upper="1" velocity="1" effort="7"', "upper: expected above lower, 2, got 1"),
        ('lower="2" velocity="1" effort="7"', "upper: expected above lower, 2, got 0"),
        ('velocity="1" effort="7"', "upper: expected above lower, 0, got 0"),
    ],
)
def test_a_driven_joint_without_way_speed_or_effort_is_refused(load, limit, problem):
    message = refused(load, *ARM, joint("j", "a", "b", f"<limit {limit}/>"))
    assert message == f"model.urdf: joint j: <limit> {problem}"


def test_a_driven_continuous_joint_needs_speed_and_effort_alone(load):
    limit = '<limit lower="0" upper="0" velocity="{}" effort="7"/>'
    limits = load(*ARM, joint("j", "a", "b", limit.format(1), "continuous")).limits["j"]
    assert (limits.lower, limits.upper) == (-np.pi, np.pi)
    assert "velocity" in refused(load, *ARM, joint("j", "a", "b", limit.format(0), "continuous"))


def following(load, limit, drive=LIMIT, kind="revolute", multiplier=-2.0, offset=0.5):
    """The model of a driven joint j and a joint k that follows it; and the line on k."""
    follows = f'{limit}<mimic joint="j" multiplier="{multiplier}" offset="{offset}"/>'
    model = load(
        *(link(name) for name in "abc"), joint("j", "a", "b", drive),
        joint("k", "b", "c", follows, kind),
    )  # fmt: skip
    return model, on_joints(model)


def on_joints(model):
    """The model's lines but for those on links; links without mass are not meant here."""
    return tuple(note for note in model.notes if ": link " not in note)


@pytest.mark.parametrize("kind", ["revolute", "prismatic"])
@pytest.mark.parametrize("limit", ["", "<limit/>", '<limit velocity="0.1" effort="0"/>'])
def test_a_follower_needs_no_limit(load, limit, kind):
    model, notes = following(load, limit, kind=kind)
    assert notes == ()
    # j goes from -2 to 2, with 1.5 a second and an effort of 7.
    assert model.limits["k"] == JointLimits(-3.5, 4.5, 3.0, 7.0)
    written = prepared(model).find("joint[@name='k']/limit")
    assert written.attrib == {"lower": "-3.5", "upper": "4.5", "velocity": "3.0", "effort": "7.0"}


@pytest.mark.parametrize("limit", ["", '<limit lower="0" upper="0" velocity="0.1" effort="0"/>'])
def test_a_continuous_follower_turns_as_far_as_it_must(load, limit):
    model, notes = following(load, limit, kind="continuous")
    assert notes == ()
    assert model.limits["k"] == JointLimits(-3.5, 4.5, 3.0, 7.0)
    model, notes = following(load, limit, kind="continuous", multiplier=1.0, offset=0.0)
    assert model.limits["k"] == JointLimits(-np.pi, np.pi, 1.5, 7.0)


def test_a_follower_has_the_speed_and_effort_of_its_drive(load):
    limit = '<limit lower="-3.5" upper="5" velocity="9" effort="99"/>'
    model, notes = following(load, limit)
    assert notes == ()
    assert model.limits["k"] == JointLimits(-3.5, 5.0, 3.0, 7.0)


@pytest.mark.parametrize(
    ("low", "high", "taken"),
    [
        (0, 0, "-3.5 to 4.5"), (0, 4.5, "-3.5 to 4.5"), (-3.5, 4.4, "-3.5 to 4.5"),
        (-4.5, 3.5, "-4.5 to 4.5"),
    ],
)  # fmt: skip
def test_a_range_that_forbids_to_follow_is_said_and_widened(load, low, high, taken):
    model, notes = following(load, f'<limit lower="{low}" upper="{high}" velocity="1" effort="1"/>')
    assert notes == (
        "model.urdf: joint k: <limit>: expected to include where it must follow j, -3.5 to 4.5, "
        f"got {low} to {high}: taken as {taken}",
    )
    assert f"{model.limits['k'].lower:g} to {model.limits['k'].upper:g}" == taken
    limit = prepared(model).find("joint[@name='k']/limit")
    assert f"{float(limit.get('lower')):g} to {float(limit.get('upper')):g}" == taken


def test_what_a_file_rounds_is_widened_without_a_word(load):
    model, notes = following(load, '<limit lower="-3.495" upper="4.495" velocity="1" effort="1"/>')
    assert notes == ()
    assert (model.limits["k"].lower, model.limits["k"].upper) == (-3.5, 4.5)


@pytest.mark.parametrize("multiplier", [-2.0, 0.3, 0.0])
def test_both_engines_let_a_follower_go_where_its_drive_goes(load, multiplier):
    limit = '<limit lower="0" upper="0.1" velocity="1" effort="1"/>'
    model, _ = following(load, limit, multiplier=multiplier)
    ends = sorted(multiplier * end + 0.5 for end in (-2.0, 2.0))
    client = bullet.connect(bullet.DIRECT)
    try:
        body = bullet.loadURDF(str(model.urdf), physicsClientId=client)
        low, high = bullet.getJointInfo(body, 1, physicsClientId=client)[8:10]
    finally:
        bullet.disconnect(client)
    in_mujoco = mujoco.MjModel.from_xml_path(str(model.urdf)).joint("k").range
    np.testing.assert_allclose([low, high], in_mujoco, atol=1e-6)
    assert low <= ends[0] + 1e-9 and high >= ends[1] - 1e-9


@pytest.mark.parametrize(
    ("k", "l", "got"),
    [
        ("absent", None, ["absent"]),
        ("", None, ["none"]),
        ("k", None, ["a ring of joints that follow each other"]),
        ("l", "k", ["a ring of joints that follow each other"] * 2),
        ("fixed", None, ["fixed"]),
        ("l", "absent", ["absent"] * 2),
    ],
)
def test_what_follows_nothing_is_said_and_stands_still(load, k, l, got):  # noqa: E741
    model = load(
        *(link(name) for name in "abcde"), joint("j", "a", "b"),
        joint("k", "b", "c", mimic(k, 2.0)),
        joint("l", "c", "d", mimic(l, 2.0) if l else LIMIT),
        joint("fixed", "d", "e", "", "fixed"),
    )  # fmt: skip
    assert (set(model.limits), model.mimics) == ({"j"}, ())
    assert on_joints(model) == tuple(
        f"model.urdf: joint {name}: <mimic> joint: expected a joint that moves by itself, got "
        f"{one}: it stands still"
        for name, one in zip("kl", got, strict=False)
    )
    assert prepared(model).find("joint[@name='k']").get("type") == "fixed"


def test_what_follows_a_parked_joint_is_parked_where_that_takes_it(load):
    slide = {"kind": "prismatic", "axis": "1 0 0"}
    model = load(
        *(link(name) for name in "abcde"), joint("j", "a", "b"), joint("k", "a", "c", **slide),
        joint("l", "a", "d", mimic("k", -2.0, 0.1), **slide),
        joint("m", "a", "e", mimic("k", -2.0, 0.1), **slide),
        parked={"k": 0.3, "m": 0.0},
    )  # fmt: skip
    places = {
        name: np.array(
            [
                float(x)
                for x in prepared(model).find(f"joint[@name='{name}']/origin").get("xyz").split()
            ]
        )
        for name in "jklm"
    }
    along = Rotation.from_euler("xyz", [0.2, -0.3, 0.4]).apply([1, 0, 0])
    for name, moved in (("k", 0.3), ("l", -0.5), ("m", 0.0)):
        np.testing.assert_allclose(places[name], places["j"] + moved * along, atol=1e-12)
    assert on_joints(model) == ()


WORDS = ["abc", "", "nan", "inf", "-inf", "1 2", "1,5"]


@pytest.mark.parametrize("text", WORDS)
@pytest.mark.parametrize("key", ["lower", "upper", "velocity", "effort"])
def test_a_limit_that_is_no_number_is_refused(load, key, text):
    values = {"lower": "-1", "upper": "1", "velocity": "1", "effort": "7", key: text}
    limit = " ".join(f'{name}="{value}"' for name, value in values.items())
    message = refused(load, *ARM, joint("j", "a", "b", f"<limit {limit}/>"))
    expected = f"<limit> {key}: expected 1 finite number, got {text!r}"
    assert message == f"model.urdf: joint j: {expected}"


@pytest.mark.parametrize("text", WORDS)
@pytest.mark.parametrize("key", ["multiplier", "offset"])
def test_a_mimic_that_is_no_number_is_refused(load, key, text):
    follower = joint("k", "b", "c", f'{LIMIT}<mimic joint="j" {key}="{text}"/>')
    message = refused(load, *ARM, link("c"), joint("j", "a", "b"), follower)
    expected = f"<mimic> {key}: expected 1 finite number, got {text!r}"
    assert message == f"model.urdf: joint k: {expected}"


@pytest.mark.parametrize("driven", ["j", "k"])
@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        ('xyz="0.1 0 0"', 'xyz="0 0"', "<origin> xyz: expected 3 finite numbers, got '0 0'"),
        ("0.2 -0.3 0.4", "nan 0 0", "<origin> rpy: expected 3 finite numbers, got 'nan 0 0'"),
        ('xyz="0 0 1"', 'xyz="up"', "<axis> xyz: expected 3 finite numbers, got 'up'"),
    ],
)
def test_a_place_that_is_no_numbers_is_refused_of_driven_and_parked_joints_alike(
    load, driven, old, new, problem
):
    broken = joint("k", "b", "c").replace(old, new)
    message = refused(load, *ARM, link("c"), joint("j", "a", "b"), broken, driven=(driven,))
    assert message == f"model.urdf: joint k: {problem}"


@pytest.mark.parametrize(
    ("inside", "problem"),
    [
        (
            '<collision><geometry><mesh filename="m.stl" scale="1 x 1"/></geometry></collision>',
            "<mesh> scale: expected 3 finite numbers, got '1 x 1'",
        ),
        (
            '<collision><geometry><mesh filename="m.stl" scale="2"/></geometry></collision>',
            "<mesh> scale: expected 3 finite numbers, got '2'",
        ),
        (
            '<inertial><origin xyz="0 0 inf"/><mass value="1"/></inertial>',
            "<origin> xyz: expected 3 finite numbers, got '0 0 inf'",
        ),
        (
            '<collision><geometry><cylinder radius="1" length="1m"/></geometry></collision>',
            "<cylinder> length: expected 1 finite number, got '1m'",
        ),
        (
            '<inertial><mass value="heavy"/></inertial>',
            "<mass> value: expected 1 finite number, got 'heavy'",
        ),
    ],
)
def test_a_link_of_what_is_no_number_is_refused(load, tmp_path, inside, problem):
    trimesh.creation.box().export(tmp_path / "m.stl")
    tip = f'<link name="b">{inside}</link>'
    assert refused(load, ARM[0], tip, joint("j", "a", "b")) == f"model.urdf: link b: {problem}"


def test_limits_of_a_robots_file_take_the_place_of_those_of_the_urdf(tmp_path):
    """As of the arms in ManiSkill: no speed, no effort, or zeros for them."""
    limits = '<limit lower="-2" upper="2" velocity="0"/>'
    (tmp_path / "model.urdf").write_text(
        f'<robot name="r">{link("a")}{link("b")}{joint("j", "a", "b", limits)}</robot>'
    )
    given = {"j": {"velocity": 1.5, "effort": 7.0}}
    source = DescriptionSource("model.urdf", folder=tmp_path, limits=given)
    assert load_model(source, ["j"], {}).limits["j"] == JointLimits(-2, 2, 1.5, 7)
    source = DescriptionSource("model.urdf", folder=tmp_path, limits={"k": {"effort": 1.0}})
    with pytest.raises(ModelError, match=r"limits: expected joints of the file, got k$"):
        load_model(source, ["j"], {})


def test_a_concave_link_is_cut_into_pieces(tmp_path):
    """A fork of two prongs, with room between them, which its hull would fill."""
    prongs = [trimesh.creation.box([0.01, 0.02, 0.05]) for _ in range(2)]
    prongs[1].apply_translation([0.04, 0, 0])
    trimesh.util.concatenate(prongs).export(tmp_path / "fork.stl")
    (tmp_path / "model.urdf").write_text(
        f'<robot name="r">{link("a")}{link("b", "fork.stl")}{joint("j", "a", "b")}</robot>'
    )
    source = DescriptionSource("model.urdf", folder=tmp_path, concave_links=("b",))
    model = load_model(source, ["j"], {})
    files = [mesh.get("filename") for mesh in prepared(model).iter("mesh")]
    boxes = sorted(trimesh.load(file).bounds.ravel().tolist() for file in files)
    np.testing.assert_allclose(boxes[0], [-0.01, -0.02, -0.05, 0.01, 0.02, 0.05], atol=1e-6)
    np.testing.assert_allclose(boxes[1], [0.07, -0.02, -0.05, 0.09, 0.02, 0.05], atol=1e-6)
    compiled = mujoco.MjSpec.from_file(str(model.urdf)).compile()
    assert compiled.ngeom == compiled.nmesh == 2


def test_a_visual_mesh_that_pybullet_does_not_read_becomes_one_that_it_reads(load, tmp_path):
    """As of the Panda in ManiSkill, whose looks are glTF."""
    trimesh.creation.box([0.1, 0.2, 0.3]).export(tmp_path / "looks.glb")
    looks = '<visual><geometry><mesh filename="looks.glb" scale="2 2 2"/></geometry></visual>'
    model = load(f'<link name="a">{looks}</link>', link("b"), joint("j", "a", "b"))
    (mesh,) = prepared(model).iter("mesh")
    assert mesh.get("scale") == "2 2 2"
    extents = trimesh.load(mesh.get("filename")).extents
    np.testing.assert_allclose(extents, [0.1, 0.2, 0.3], atol=1e-6)
    client = bullet.connect(bullet.DIRECT)
    assert bullet.loadURDF(str(model.urdf), physicsClientId=client) == 0
    bullet.disconnect(client)


@pytest.mark.parametrize(
    ("text", "got"), [("<mujoco/>", "<mujoco>, which is MJCF"), ("<sdf/>", "<sdf>")]
)
def test_another_format_is_called_by_its_name(tmp_path, text, got):
    (tmp_path / "model.xml").write_text(text)
    with pytest.raises(ModelError, match=f"expected a URDF, got {got}$"):
        load_model(DescriptionSource("model.xml", folder=tmp_path), ["j"], {})
