from xml.etree import ElementTree

import numpy as np
import pytest

from dr_grasp.errors import ModelError, SettingsError, UnknownNameError
from dr_grasp.resources import resolve_uri
from dr_grasp.robots.spec import load_robot, robot_names

URDF = "package://example-robot-data/robots/panda_description/urdf/panda.urdf"


def test_limits_are_those_of_the_urdf(franka):
    root = ElementTree.parse(resolve_uri(URDF)).getroot()
    named = {joint.get("name"): joint.find("limit") for joint in root.iter("joint")}
    for joint, limits in (
        *zip(franka.arm_joints, franka.arm_limits, strict=True),
        *zip(franka.hand_joints, franka.hand_limits, strict=True),
    ):
        expected = [
            float(named[joint].get(key)) for key in ("lower", "upper", "velocity", "effort")
        ]
        assert [limits.lower, limits.upper, limits.velocity, limits.effort] == expected
        assert limits.half_range == (limits.upper - limits.lower) / 2


def test_the_franka_is_the_franka(franka):
    assert franka.arm_joints == tuple(f"panda_joint{i}" for i in range(1, 8))
    # Joint 4 of the Panda only bends one way (data sheet: -3.07 to -0.07 rad).
    assert franka.arm_limits[3].upper < 0
    assert franka.home_within_limits()
    (mimic,) = franka.model.mimics
    assert (mimic.joint, mimic.follows) == ("panda_finger_joint2", "panda_finger_joint1")
    assert (mimic.multiplier, mimic.offset) == (1.0, 0.0)
    assert abs(franka.approach_axis @ franka.closing_axis) < 1e-12
    np.testing.assert_allclose(franka.arm_half_ranges[0], 2.8973, atol=1e-3)


def test_neighbours_may_touch_and_so_may_what_the_srdf_lists(franka):
    allowed = franka.model.allowed_collisions
    assert frozenset({"panda_link1", "panda_link2"}) in allowed
    assert frozenset({"panda_link5", "panda_link7"}) in allowed
    assert frozenset({"panda_hand", "panda_link0"}) not in allowed


def test_all_robots_load():
    assert "franka" in robot_names()
    for name in robot_names():
        assert load_robot(name).name == name


def test_unknown_robot_lists_the_valid_names():
    with pytest.raises(UnknownNameError, match=r"unknown robot 'pr2'; expected one of .*franka"):
        load_robot("pr2")


@pytest.fixture
def edited(configuration, tmp_path):
    """Loads a robot whose file is that of the Franka, changed in one place."""

    def load(old, new):
        text = (configuration / "robots" / "franka.yaml").read_text()
        assert old in text
        # Robots are kept by name, so that each edit needs its own.
        name = f"edited_{tmp_path.name}"
        (configuration / "robots" / f"{name}.yaml").write_text(text.replace(old, new))
        return load_robot(name)

    return load


def test_a_robot_is_its_file_alone(edited):
    robot = edited("close_duration_s: 0.5", "close_duration_s: 0.75")
    assert robot.close_duration_s == 0.75 and robot.name.startswith("edited_")


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("  force: 30.0", "  farce: 30.0", "hand.farce: expected no such key"),
        ("  force: 30.0", "  force: 30.0\n  grip: 1", "hand.grip: expected no such key"),
        ("  force: 30.0", "  force: -1", "hand.force: expected greater than 0, got -1"),
        ("[panda_joint1,", "[joint1,", "arm.joints: not in the URDF: joint1"),
        ("[panda_finger_joint1]", "[thumb]", "hand.joints: not in the URDF: thumb"),
        ("panda_hand_tcp", "tool", "hand.tcp_link: not in the URDF: tool"),
        ("base_link: panda_link0", "base_link: base", "base_link: not in the URDF: base"),
        ("panda_leftfinger,", "left,", "hand.links: not in the URDF: left"),
        ("open: [0.04]", "open: [0.04, 0.04]", "hand.open: expected 1 numbers, got 2"),
        ("home: [0.0, ", "home: [", "arm.home: expected 7 numbers, got 6"),
        ("home: [0.0, ", "home: [9.0, ", "arm.home: expected within the URDF's limits, got"),
        ("[0.0, 1.0, 0.0]", "[0.0, 0.0, 0.0]", "hand.closing_axis: expected a direction"),
        ("[0.0, 1.0, 0.0]", "[0.0, 0.1, 1.0]", "hand.closing_axis: expected perpendicular"),
    ],
)
def test_a_file_that_does_not_fit_is_refused_by_its_key(edited, old, new, message):
    with pytest.raises(SettingsError, match=message):
        edited(old, new)


LINKS = """<robot name="r"><link name="base"><collision><geometry>
<mesh filename="{mesh}"/></geometry></collision></link><link name="tip"/>
<joint name="j" type="revolute"><parent link="base"/><child link="tip"/>{limit}</joint></robot>"""
LIMIT = '<limit lower="-1" upper="1" velocity="1" effort="1"/>'


@pytest.mark.parametrize(
    ("urdf", "message"),
    [
        (LINKS.format(mesh="absent.stl", limit=LIMIT), r"absent\.stl: file not found"),
        (LINKS.format(mesh="empty.stl", limit=LIMIT), r"empty\.stl: .* got an empty file"),
        (LINKS.format(mesh="some.stl", limit=""), "joint j: expected a <limit>, got none"),
        ("<robot", r"model\.urdf: expected XML"),
        ("", r"model\.urdf: expected a model, got an empty file"),
    ],
)
def test_a_broken_model_is_refused(edited, tmp_path, urdf, message):
    (tmp_path / "empty.stl").touch()
    (tmp_path / "some.stl").write_text("solid")
    (tmp_path / "model.urdf").write_text(urdf)
    with pytest.raises(ModelError, match=message):
        edited(URDF, str(tmp_path / "model.urdf"))


def test_a_missing_model_is_refused(edited):
    with pytest.raises(ModelError, match=r"package://nobody/robot\.urdf: file not found"):
        edited(URDF, "package://nobody/robot.urdf")
