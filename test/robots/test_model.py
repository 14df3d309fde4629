"""Descriptions into models: names, parked joints, chains of mimics, meshes of any format."""

from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
import trimesh
from scipy.spatial.transform import Rotation

from dr_grasp.errors import ModelError
from dr_grasp.robots.description import DescriptionSource
from dr_grasp.robots.model import load_model

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


def test_a_frame_weighs_nothing_and_a_moved_link_keeps_what_it_says(load):
    model = load(
        link("a"), link("b"), link("c"), joint("j", "a", "b"), joint("f", "b", "c", "", "fixed")
    )
    masses = {one.get("name"): one.find("inertial/mass") for one in prepared(model).findall("link")}
    assert masses["b"] is None
    assert (masses["a"].get("value"), masses["c"].get("value")) == ("0", "0")


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
        ([*ARM, joint("j", "a", "b", "")], "joint j: expected a <limit>, got none"),
        ([*ARM, joint("i", "a", "b")], r"model\.urdf: driven joints not in the URDF: j"),
        ([*ARM, joint("j", "a", "b", "", "fixed")], "driven joints not in the URDF: j"),
        ([*ARM, link("c"), joint("j", "a", "b")], "expected one root link, got a, c"),
        (["<"], r"model\.urdf: expected XML"),
    ],
)
def test_a_broken_model_is_refused(load, tmp_path, pieces, message):
    (tmp_path / "empty.stl").touch()
    (tmp_path / "words.stl").write_text("solid")
    trimesh.Trimesh([[0, 0, 0], [1, 0, 0], [0, 1, 0]], [[0, 1, 2]]).export(tmp_path / "flat.stl")
    with pytest.raises(ModelError, match=message):
        load(*pieces)
