"""URDF objects: rigid links become parts of one surface in the root link's frame."""

import numpy as np
import pytest
import trimesh

from dr_grasp.common.resources import resolve_uri
from dr_grasp.errors import ModelError
from dr_grasp.objects.mesh_files import as_obj, file_source, joined
from dr_grasp.objects.meshes import prepare_meshes
from dr_grasp.objects.urdf import read_urdf

HAMMER = """
<robot name="hammer">
  <link name="handle">
    <contact><lateral_friction value="0.8"/><spinning_friction value="0.02"/></contact>
    <inertial>
      <mass value="0.2"/>
      <inertia ixx="9" ixy="0" ixz="0" iyy="9" iyz="0" izz="9"/>
    </inertial>
    <visual><geometry><sphere radius="5"/></geometry></visual>
    <collision><geometry><box size="0.02 0.02 0.2"/></geometry></collision>
  </link>
  <link name="head">
    <inertial>
      <mass value="0.3"/>
      <inertia ixx="1" ixy="0" ixz="0" iyy="1" iyz="0" izz="1"/>
    </inertial>
    <collision>
      <origin xyz="0 0 0.01" rpy="0 1.5707963267948966 0"/>
      <geometry><mesh filename="head.stl" scale="0.001 0.001 0.001"/></geometry>
    </collision>
  </link>
  <joint name="glue" type="fixed">
    <parent link="handle"/><child link="head"/>
    <origin xyz="0 0 0.11"/>
  </joint>
</robot>
"""


def urdf_source(path):
    return read_urdf(path).source(str(path))


@pytest.fixture
def hammer(tmp_path):
    trimesh.creation.box((40, 40, 100)).export(tmp_path / "head.stl")
    (tmp_path / "hammer.urdf").write_text(HAMMER)
    return tmp_path / "hammer.urdf"


def change(path, old, new):
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))
    return path


def test_links_are_put_together_where_their_joints_say(hammer):
    urdf = read_urdf(hammer)
    assert len(urdf.parts) == 2
    handle, head = urdf.parts
    np.testing.assert_allclose(handle.bounds, [[-0.01, -0.01, -0.1], [0.01, 0.01, 0.1]])
    np.testing.assert_allclose(head.bounds, [[-0.05, -0.02, 0.1], [0.05, 0.02, 0.14]], atol=1e-9)
    assert urdf.properties == {"mass": 0.5, "lateral_friction": 0.8, "spinning_friction": 0.02}


def test_parts_that_are_convex_are_the_pieces_and_inertia_is_that_of_the_mesh(cache, hammer):
    prepared = prepare_meshes(urdf_source(hammer), 1.0, "auto")
    assert len(prepared.pieces) == 2
    volume = 0.02 * 0.02 * 0.2 + 0.04 * 0.04 * 0.1
    assert prepared.facts.volume == pytest.approx(volume)
    center = 0.04 * 0.04 * 0.1 * 0.12 / volume
    np.testing.assert_allclose(prepared.facts.center, [0, 0, center], atol=1e-9)
    assert np.linalg.eigvalsh(prepared.inertia(0.5)).max() < 0.5 * 0.2**2


def test_as_obj_and_back_nothing_is_lost(cache, tmp_path, hammer):
    (tmp_path / "copy.obj").write_bytes(as_obj(read_urdf(hammer).parts))
    original, copy = (
        prepare_meshes(source, 1.0, "auto")
        for source in (urdf_source(hammer), file_source(tmp_path / "copy.obj"))
    )
    assert original.facts == copy.facts
    for mine, theirs in zip(original.piece_points(), copy.piece_points(), strict=True):
        np.testing.assert_array_equal(mine, theirs)


def test_a_changed_mesh_of_a_urdf_is_seen(cache, hammer):
    before = prepare_meshes(urdf_source(hammer), 1.0, "auto")
    trimesh.creation.box((40, 40, 50)).export(hammer.with_name("head.stl"))
    assert prepare_meshes(urdf_source(hammer), 1.0, "auto").facts.volume < before.facts.volume


def test_looks_count_where_there_is_nothing_else(hammer):
    change(hammer, "collision>", "visual>")
    assert joined(read_urdf(hammer).parts).extents == pytest.approx([10, 10, 10], rel=0.01)


def test_a_procedural_urdf_says_what_our_file_says():
    urdf = read_urdf(resolve_uri("pybullet_data://random_urdfs/001/001.urdf"))
    assert len(urdf.parts) == 5
    assert (urdf.properties["mass"], urdf.properties["lateral_friction"]) == (0.1, 1.0)


@pytest.mark.parametrize(
    ("shape", "extent", "volume"),
    [
        ('<box size="0.1 0.2 0.3"/>', [0.1, 0.2, 0.3], 0.006),
        ('<sphere radius="0.1"/>', [0.2] * 3, 4 / 3 * np.pi * 1e-3),
        ('<cylinder radius="0.1" length="0.3"/>', [0.2, 0.2, 0.3], np.pi * 0.003),
        (
            '<capsule radius="0.1" length="0.3"/>',
            [0.2, 0.2, 0.5],
            np.pi * 0.003 + 4 / 3 * np.pi * 1e-3,
        ),
        ('<mesh filename="head.stl" scale="-0.001 0.002 0.001"/>', [0.04, 0.08, 0.1], 3.2e-4),
    ],
)
def test_shapes_are_centred_and_of_their_size(cache, hammer, shape, extent, volume):
    hammer.write_text(
        f'<robot name="r"><link name="l"><collision><geometry>{shape}</geometry></collision>'
        "</link></robot>"
    )
    facts = prepare_meshes(urdf_source(hammer), 1.0, "auto").facts
    np.testing.assert_allclose(facts.extent, extent, rtol=0.01)
    assert facts.volume == pytest.approx(volume, rel=0.03)
    assert facts.center == pytest.approx([0, 0, 0], abs=1e-4)
    assert read_urdf(hammer).properties == {}


def test_meshes_of_a_package_are_found_beside_the_urdf(tmp_path):
    (tmp_path / "things" / "urdf").mkdir(parents=True)
    (tmp_path / "things" / "meshes").mkdir()
    trimesh.creation.box((1, 1, 1)).export(tmp_path / "things" / "meshes" / "a.stl")
    path = tmp_path / "things" / "urdf" / "a.urdf"
    path.write_text(
        '<robot name="r"><link name="l"><collision><geometry>'
        '<mesh filename="package://things/meshes/a.stl"/></geometry></collision></link></robot>'
    )
    assert len(read_urdf(path).parts) == 1


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('type="fixed"', 'type="revolute"', "joint 'glue' is revolute: expected a rigid object"),
        ('"head.stl"', '"lost.stl"', r"hammer.urdf: mesh lost.stl: file not found"),
        ('"head.stl"', '"package://lost/a.stl"', "mesh package://lost/a.stl: file not found"),
        ('<child link="head"/>', '<child link="hand"/>', "expected to join two links of a tree"),
        ('<parent link="handle"/>', '<parent link="head"/>', "got a ring through 'head'"),
        ("</robot>", '<link name="third"/></robot>', "expected one rigid body, got 2"),
        ("</robot>", "", "expected a URDF, got no element found"),
        ("robot", "sdf", "expected a URDF of at least one link, got <sdf>"),
        ("</robot>", "<deformable/></robot>", "expected a rigid object, got a <deformable>"),
        ("0.02 0.02 0.2", "0.02 0.02", "<box> size: expected 3 finite numbers, got '0.02 0.02'"),
        ("0.02 0.02 0.2", "0.02 x 0.2", "<box> size: expected 3 finite numbers"),
        ("0.02 0.02 0.2", "0.02 0 0.2", "<box> size: expected above 0, got '0.02 0 0.2'"),
        ("0 0 0.11", "0 0 nan", "<origin> xyz: expected 3 finite numbers"),
        ('mass value="0.2"', 'mass value="a"', "<mass> value: expected 1 finite number, got 'a'"),
        (
            'mass value="0.2"',
            'mass value="-1"',
            "link 'handle': <mass>: expected at least 0, got -1",
        ),
        ("<mesh ", "<blob ", "link 'head': expected a box, sphere, cylinder, capsule or mesh"),
    ],
)
def test_what_is_no_rigid_object_is_refused_in_a_line(hammer, old, new, message):
    with pytest.raises(ModelError, match=message) as refusal:
        read_urdf(change(hammer, old, new))
    assert str(refusal.value).startswith(str(hammer))
    assert "\n" not in str(refusal.value)


def test_faces_are_bounded_in_all_of_a_urdf(hammer, monkeypatch):
    monkeypatch.setattr("dr_grasp.objects.urdf.MOST_FACES_READ", 20)
    with pytest.raises(ModelError, match="at most 20 faces, got 24 up to link 'head'"):
        read_urdf(hammer)
    # The ball that is only to be seen has more; the object can do without it.
    monkeypatch.setattr("dr_grasp.objects.urdf.MOST_FACES_READ", 24)
    assert [len(link.looks) for link in read_urdf(hammer).links] == [0, 0]


def test_a_urdf_without_geometry_is_refused(hammer):
    hammer.write_text('<robot name="r"><link name="l"/></robot>')
    with pytest.raises(ModelError, match="expected links with geometry, got none"):
        read_urdf(hammer)
