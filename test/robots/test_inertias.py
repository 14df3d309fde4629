"""Masses and tensors that a description does not give, or that no body can have."""

import logging
from xml.etree import ElementTree

import mujoco
import numpy as np
import pybullet as p
import pytest
import trimesh
from scipy.spatial.transform import Rotation

from dr_grasp.errors import ModelError
from dr_grasp.robots.description import DescriptionSource
from dr_grasp.robots.robot_model import load_model
from dr_grasp.robots.robot_spec import load_robot

LIMIT = '<limit lower="-1" upper="1" velocity="1" effort="1"/>'
BASE = '<link name="base"/>'


def inertia(ixx=0.0, iyy=0.0, izz=0.0, ixy=0.0, ixz=0.0, iyz=0.0):
    return f'<inertia ixx="{ixx}" iyy="{iyy}" izz="{izz}" ixy="{ixy}" ixz="{ixz}" iyz="{iyz}"/>'


def link(name, mass=None, tensor="", shapes="", origin=""):
    inertial = (
        "" if mass is None else f'<inertial>{origin}<mass value="{mass}"/>{tensor}</inertial>'
    )
    return f'<link name="{name}">{inertial}{shapes}</link>'


def shape(what, xyz="0 0 0", rpy="0 0 0"):
    return f'<collision><origin xyz="{xyz}" rpy="{rpy}"/><geometry><{what}/></geometry></collision>'


def joint(child, parent="base", kind="revolute"):
    inside = LIMIT if kind != "fixed" else ""
    return (
        f'<joint name="to_{child}" type="{kind}"><parent link="{parent}"/><child link="{child}"/>'
        f'<axis xyz="0 0 1"/>{inside}</joint>'
    )


@pytest.fixture
def load(tmp_path):
    """Loads a model from pieces of a URDF; all its revolute joints are driven."""

    def load(*pieces):
        text = f'<robot name="r">{"".join(pieces)}</robot>'
        (tmp_path / "r.urdf").write_text(text)
        root = ElementTree.fromstring(text)
        driven = [one.get("name") for one in root.findall("joint") if one.get("type") != "fixed"]
        return load_model(DescriptionSource("r.urdf", folder=tmp_path), driven, {})

    return load


def read_by_bullet(model, name):
    """Mass, centre of mass in the link's frame, and inertia about it along the link's axes."""
    client = p.connect(p.DIRECT)
    try:
        body = p.loadURDF(
            str(model.urdf), useFixedBase=True, flags=p.URDF_USE_INERTIA_FROM_FILE,
            physicsClientId=client,
        )  # fmt: skip
        for index in range(p.getNumJoints(body, physicsClientId=client)):
            if p.getJointInfo(body, index, physicsClientId=client)[12].decode() == name:
                info = p.getDynamicsInfo(body, index, physicsClientId=client)
                turn = Rotation.from_quat(info[4]).as_matrix()
                return info[0], np.array(info[3]), turn @ np.diag(info[2]) @ turn.T
    finally:
        p.disconnect(client)
    raise AssertionError(f"PyBullet knows no link {name}")


def read_by_mujoco(model, name):
    """Likewise."""
    compiled = mujoco.MjModel.from_xml_path(str(model.urdf))
    body = compiled.body(name)
    turn = Rotation.from_quat(np.roll(body.iquat, -1)).as_matrix()
    return float(body.mass[0]), body.ipos, turn @ np.diag(body.inertia) @ turn.T


def read(model, name):
    """What both engines read, which must be the same."""
    bullet, twin = read_by_bullet(model, name), read_by_mujoco(model, name)
    for one, other in zip(bullet, twin, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-6, atol=1e-9)
    return bullet


def test_a_moving_link_without_a_mass_gets_that_of_its_shape(load):
    model = load(BASE, joint("arm"), link("arm", shapes=shape('box size="0.1 0.2 0.3"', "0 0 1")))
    mass, center, tensor = read(model, "arm")
    assert mass == pytest.approx(1000.0 * 0.006)
    np.testing.assert_allclose(center, [0, 0, 1], atol=1e-12)
    np.testing.assert_allclose(np.diag(tensor), [0.065, 0.05, 0.025], rtol=1e-9)
    assert model.notes == (
        "r.urdf: link arm: expected a mass, got none: taken as dense as water, 6 kg",
    )


@pytest.mark.parametrize(
    ("what", "volume", "moments"),
    [
        ('sphere radius="0.1"', 4 / 3 * np.pi * 1e-3, [0.004] * 3),
        (
            'cylinder radius="0.1" length="0.4"',
            np.pi * 4e-3,
            [(0.03 + 0.16) / 12, (0.03 + 0.16) / 12, 0.005],
        ),
    ],
)
def test_the_shapes_of_urdf_are_exact(load, what, volume, moments):
    turned = "0 1.5707963267948966 0"  # z to x
    model = load(BASE, joint("arm"), link("arm", shapes=shape(what, rpy=turned)))
    mass, _, tensor = read(model, "arm")
    assert mass == pytest.approx(1000.0 * volume)
    np.testing.assert_allclose(np.diag(tensor) / mass, moments[::-1], rtol=1e-9)


def test_two_shapes_are_one_body(load):
    shapes = shape('box size="0.1 0.1 0.1"', "-0.2 0 0") + shape(
        'box size="0.1 0.1 0.1"', "0.2 0 0"
    )
    mass, center, tensor = read(load(BASE, joint("arm"), link("arm", shapes=shapes)), "arm")
    assert mass == pytest.approx(2.0)
    np.testing.assert_allclose(center, 0.0, atol=1e-12)
    across = 2.0 * (0.01 / 6 + 0.04)
    np.testing.assert_allclose(np.diag(tensor), [2.0 * 0.01 / 6, across, across], rtol=1e-9)


def test_a_mass_of_zero_is_none(load):
    cube = shape('box size="0.1 0.1 0.1"')
    model = load(BASE, joint("arm"), link("arm", 0.0, inertia(), cube))
    assert read(model, "arm")[0] == pytest.approx(1.0)


def test_frames_of_a_body_weigh_nothing_whatever_carries_its_mass(load):
    cube = shape('box size="0.1 0.1 0.1"')
    model = load(
        BASE, joint("dummy"), link("dummy", shapes=cube),
        joint("real", "dummy", "fixed"), link("real", 2.0, inertia(0.1, 0.1, 0.1)),
        joint("tool", "real", "fixed"), link("tool"),
    )  # fmt: skip
    assert model.notes == ()
    masses = [read(model, name)[0] for name in ("dummy", "real", "tool")]
    assert masses == [0.0, 2.0, 0.0]


def test_a_frame_that_moves_weighs_a_gram(load):
    model = load(
        BASE, joint("slide"), link("slide"),
        joint("arm", "slide"), link("arm", 1.0, inertia(0.1, 0.1, 0.1)),
    )  # fmt: skip
    mass, _, tensor = read(model, "slide")
    assert mass == pytest.approx(0.001)
    assert np.linalg.eigvalsh(tensor)[0] > 0
    assert model.notes == (
        "r.urdf: link slide: expected a mass or a shape, got neither: taken to weigh 0.001 kg",
    )


def test_an_impossible_tensor_becomes_the_nearest_possible_one(load):
    # Of second moments 2e-5, 2e-5 and -1e-5 the last becomes zero.
    model = load(BASE, joint("arm"), link("arm", 0.05, inertia(4e-5, 1e-5, 1e-5)))
    mass, _, tensor = read(model, "arm")
    assert mass == 0.05
    np.testing.assert_allclose(np.diag(tensor), [4e-5, 2e-5, 2e-5], rtol=1e-5)
    assert model.notes == (
        "r.urdf: link arm: expected moments of inertia that a body can have, got "
        "1e-05 1e-05 4e-05 kg m^2: taken as 2e-05 2e-05 4e-05",
    )


@pytest.mark.parametrize(
    ("given", "taken"),
    [
        # Of moments A, B, C the second moments are (A + B + C) / 2 less each; negative ones vanish.
        ({"ixx": 4e-5, "iyy": 1e-5, "izz": 1e-5}, [4e-5, 2e-5, 2e-5]),
        ({"ixx": 1e-3, "iyy": 0.0, "izz": 0.0}, [1e-3, 5e-4, 5e-4]),
        ({"ixx": -1e-3, "iyy": 2e-3, "izz": 2e-3}, [0.0, 2.5e-3, 2.5e-3]),
        # Products larger than moments allow: about the diagonals, 4e-3 and -2e-3.
        ({"ixx": 1e-3, "iyy": 1e-3, "izz": 3e-3, "ixy": 3e-3}, None),
    ],
)
def test_any_impossible_tensor_is_alike_and_possible_in_both_engines(load, given, taken):
    model = load(BASE, joint("arm"), link("arm", 0.5, inertia(**given)))
    _, _, tensor = read(model, "arm")
    moments = np.linalg.eigvalsh(tensor)
    assert moments[0] > 0.0
    assert moments[2] <= moments[0] + moments[1] + 1e-12
    (note,) = model.notes
    assert note.startswith("r.urdf: link arm: expected moments of inertia that a body can have")
    if taken is not None:
        np.testing.assert_allclose(np.diag(tensor), taken, atol=2e-6 * max(taken))


def test_a_rod_without_a_moment_about_its_axis_gets_that_of_a_thin_one(load):
    model = load(BASE, joint("arm"), link("arm", 0.5, inertia(0.0, 1e-3, 1e-3)))
    moments = np.linalg.eigvalsh(read(model, "arm")[2])
    np.testing.assert_allclose(moments, [2e-9, 1e-3, 1e-3], rtol=1e-5)
    assert model.notes == ()  # no more than rounding


@pytest.mark.parametrize("seed", range(20))
def test_both_engines_take_whatever_a_file_says(load, seed):
    rng = np.random.default_rng(seed)
    numbers = rng.normal(size=6) * 10.0 ** rng.uniform(-5, 0)
    _, _, tensor = read(load(BASE, joint("arm"), link("arm", 1.0, inertia(*numbers))), "arm")
    assert np.linalg.eigvalsh(tensor)[0] > 0


@pytest.mark.parametrize("text", ["nan", "inf", "1e9", "", "1 2"])
@pytest.mark.parametrize("key", ["ixx", "iyy", "izz", "ixy", "ixz", "iyz"])
def test_a_moment_that_is_no_finite_number_is_refused(load, key, text):
    tensor = inertia(**{key: text})
    with pytest.raises(
        ModelError, match=rf"^r\.urdf: link arm: <inertia> {key}: expected .*got '{text}'$"
    ):
        load(BASE, joint("arm"), link("arm", 1.0, tensor))


def test_it_is_looked_at_along_its_principal_axes(load):
    turn = Rotation.from_euler("xyz", [0.3, -0.5, 1.1]).as_matrix()
    given = turn @ np.diag([4e-3, 1e-3, 1e-3]) @ turn.T
    (ixx, ixy, ixz), (_, iyy, iyz), (_, _, izz) = given
    origin = '<origin xyz="0.1 0 0" rpy="0.7 0.2 -0.4"/>'
    axes = Rotation.from_euler("xyz", [0.7, 0.2, -0.4]).as_matrix()
    tensor = inertia(ixx, iyy, izz, ixy, ixz, iyz)
    _, center, read_tensor = read(
        load(BASE, joint("arm"), link("arm", 1.0, tensor, "", origin)), "arm"
    )
    expected = axes @ turn @ np.diag([4e-3, 2e-3, 2e-3]) @ turn.T @ axes.T
    np.testing.assert_allclose(read_tensor, expected, atol=1e-7)
    np.testing.assert_allclose(center, [0.1, 0, 0], atol=1e-12)


@pytest.mark.parametrize("tensor", [inertia(), inertia(-1e-3, -1e-3, -1e-3), ""])
def test_where_a_tensor_says_nothing_the_shape_does(load, tensor):
    turned = '<origin xyz="0 0 0.5" rpy="0 0 1.5707963267948966"/>'
    box = shape('box size="0.1 0.2 0.3"')
    model = load(BASE, joint("arm"), link("arm", 3.0, tensor, box, turned))
    mass, center, found = read(model, "arm")
    assert mass == 3.0
    np.testing.assert_allclose(center, [0, 0, 0.5], atol=1e-12)  # the mass and its place are given
    np.testing.assert_allclose(np.diag(found), 3.0 / 12 * np.array([0.13, 0.1, 0.05]), rtol=1e-9)
    (note,) = model.notes
    assert note.startswith("r.urdf: link arm: expected moments of inertia that a body can have")


def test_a_point_mass_on_a_body_that_has_an_inertia_is_left_alone(load):
    model = load(
        BASE, joint("arm"), link("arm", 1.0, inertia(0.1, 0.1, 0.1)),
        joint("flange", "arm", "fixed"), link("flange", 1e-4, inertia(1e-21, ixz=1e-20)),
    )  # fmt: skip
    assert model.notes == ()
    mass, _, tensor = read(model, "flange")
    assert mass == 1e-4
    assert not tensor.any()


def test_a_heavy_link_without_an_inertia_is_no_point(load):
    box = shape('box size="0.1 0.1 0.5"')
    model = load(
        BASE, joint("arm"), link("arm", 5.0, "", box),
        joint("flange", "arm", "fixed"), link("flange", 0.01, inertia(1e-6, 1e-6, 1e-6)),
    )  # fmt: skip
    np.testing.assert_allclose(
        np.diag(read(model, "arm")[2]), 5.0 / 12 * np.array([0.26, 0.26, 0.02]), rtol=1e-9
    )
    (note,) = model.notes
    assert note.startswith("r.urdf: link arm: expected moments of inertia that a body can have")


def test_a_marker_does_not_stand_for_the_mass_of_its_body(load):
    model = load(
        BASE, joint("arm"), link("arm", shapes=shape('box size="0.1 0.1 0.5"')),
        joint("marker", "arm", "fixed"), link("marker", 1e-4, inertia(1e-9, 1e-9, 1e-9)),
    )  # fmt: skip
    assert read(model, "arm")[0] == pytest.approx(5.0)
    assert read(model, "marker")[0] == 1e-4


def test_a_mass_without_a_shape_is_a_ball_as_dense_as_water(load):
    model = load(BASE, joint("arm"), link("arm", 3.0))
    radius = (3.0 * 3.0 / (4.0 * np.pi * 1000.0)) ** (1 / 3)
    expected = [0.4 * 3.0 * radius**2] * 3
    np.testing.assert_allclose(np.diag(read(model, "arm")[2]), expected, rtol=1e-9)


def test_a_shape_of_next_to_nothing_weighs_a_gram(load):
    model = load(BASE, joint("arm"), link("arm", shapes=shape('sphere radius="0.0001"')))
    mass, _, tensor = read(model, "arm")
    assert mass == 0.001
    assert np.linalg.eigvalsh(tensor)[0] > 0


def test_products_of_inertia_may_be_left_out(load):
    short = '<inertia ixx="0.1" iyy="0.1" izz="0.1"/>'
    model = load(BASE, joint("arm"), link("arm", 1.0, short))
    assert model.notes == ()
    np.testing.assert_allclose(read(model, "arm")[2], 0.1 * np.eye(3), atol=1e-12)


@pytest.mark.parametrize(
    ("shapes", "message"),
    [
        ("<collision><geometry/></collision>", "expected one of mesh, box, .*, got none"),
        (shape("plane"), "expected one of mesh, box, sphere, cylinder, capsule, got plane"),
        (shape("box"), "<box> size: expected above 0, got none"),
        (shape('cylinder radius="0.1"'), "<cylinder> length: expected above 0, got none"),
        (shape('sphere radius="0"'), "<sphere> radius: expected above 0, got 0"),
        (shape('box size="-0.1 0.1 0.1"'), "<box> size: expected above 0, got -0.1 0.1 0.1"),
    ],
)
def test_what_cannot_be_weighed_is_refused(load, shapes, message):
    with pytest.raises(ModelError, match=rf"^r\.urdf: link arm: {message}"):
        load(BASE, joint("arm"), link("arm", shapes=shapes))


def test_a_mesh_and_a_capsule_are_weighed_too(load, tmp_path):
    trimesh.creation.box((0.1, 0.1, 0.1)).export(tmp_path / "cube.stl")
    cube = shape(f'mesh filename="{tmp_path / "cube.stl"}" scale="1 2 1"')
    capsule = shape('capsule radius="0.05" length="0.1"', "1 0 0")
    model = load(BASE, joint("arm"), link("arm", shapes=cube + capsule))
    of_capsule = 1000.0 * (np.pi * 0.05**2 * 0.1 + 4 / 3 * np.pi * 0.05**3)
    mass, center, _ = read(model, "arm")
    assert mass == pytest.approx(2.0 + of_capsule)
    np.testing.assert_allclose(center, [of_capsule / mass, 0, 0], atol=1e-9)


def test_a_flat_plate_is_possible_and_survives_rounding(load):
    model = load(BASE, joint("arm"), link("arm", 1.0, inertia(0.01, 0.02, 0.03)))
    assert model.notes == ()
    np.testing.assert_allclose(np.diag(read(model, "arm")[2]), [0.01, 0.02, 0.03], rtol=1e-5)


def test_what_stands_still_is_not_spoken_of(load):
    model = load(
        link("base", 1.0, inertia(4.0, 1.0, 1.0)), joint("arm"),
        link("arm", 1.0, inertia(0.1, 0.1, 0.1)),
    )  # fmt: skip
    assert model.notes == ()
    mujoco.MjModel.from_xml_path(str(model.urdf))


def test_neither_is_a_shape_that_stands_still(load):
    model = load(link("base", 1.0, "", shape("plane")), joint("arm"), link("arm", 1.0))
    assert [note.split(": ")[1] for note in model.notes] == ["link arm"]


def test_a_negative_mass_is_refused(load):
    with pytest.raises(
        ModelError, match=r"^r\.urdf: link arm: <mass> value: expected at least 0, got -1$"
    ):
        load(BASE, joint("arm"), link("arm", -1.0, inertia(1.0, 1.0, 1.0)))


def test_each_is_said_when_the_robot_is_loaded(configuration, caplog):
    (configuration / "robots" / "light.urdf").write_text(
        '<robot name="light">'
        + BASE + joint("arm") + link("arm", 1.0, inertia(4.0, 1.0, 1.0))
        + joint("finger", "arm") + link("finger", shapes=shape('box size="0.01 0.01 0.05"'))
        + "</robot>"
    )  # fmt: skip
    (configuration / "robots" / "light.yaml").write_text(
        """
description: two links
urdf: light.urdf
base_link: base
arm: {joints: [to_arm], home: [0.0]}
hand:
  joints: [to_finger]
  close_duration_s: 0.5
  tcp_link: finger
  links: [finger]
  friction: 1.0
  synergies:
    pinch: {open: [0.1], closed: [0.0], reach_m: 0.01, approach_axis: [0, 0, 1],
            closing_axis: [0, 1, 0], largest_width_m: 0.08}
table: {center_xy: [0.5, 0.0], size: [0.5, 0.5, 0.05], top_z: 0.0}
object_xy: [0.5, 0.0]
"""
    )
    with caplog.at_level(logging.WARNING, "dr_grasp"):
        robot = load_robot("light")
    assert [record.getMessage() for record in caplog.records] == list(robot.model.notes)
    assert [note.split(": ")[1] for note in robot.model.notes] == ["link arm", "link finger"]
