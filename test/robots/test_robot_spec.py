import re
from dataclasses import replace
from xml.etree import ElementTree

import numpy as np
import pytest

from dr_grasp.common.resources import resolve_uri
from dr_grasp.core.geometry import Pose
from dr_grasp.errors import ModelError, SettingsError, UnknownNameError
from dr_grasp.robots.robot_spec import load_robot, robot_names
from dr_grasp.robots.ros_description import srdf

URDF = "package://example-robot-data/robots/panda_description/urdf/panda.urdf"


def test_a_grasps_provenance_names_its_synergy(franka):
    """An imported grasp may name none that the robot has."""
    first, other = franka.synergies[0], replace(franka.synergies[0], name="wide")
    robot = replace(franka, synergies=(first, other))
    assert robot.synergy_of({"synergy": "wide"}) is other
    assert robot.synergy_of({"synergy": "bite"}) is robot.synergy_of({}) is first


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


def test_the_franka_is_the_franka(franka):
    assert franka.arm_joints == tuple(f"panda_joint{i}" for i in range(1, 8))
    # Joint 4 of the Panda only bends one way (data sheet: -3.07 to -0.07 rad).
    assert franka.arm_limits[3].upper < 0
    (mimic,) = franka.model.mimics
    assert (mimic.joint, mimic.follows) == ("panda_finger_joint2", "panda_finger_joint1")
    assert (mimic.multiplier, mimic.offset) == (1.0, 0.0)
    (pinch,) = franka.synergies
    assert pinch.grip_in_tcp == Pose.identity()
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
        ("[panda_joint1,", "[joint1,", "driven joints not in the URDF: joint1"),
        ("[panda_finger_joint1]", "[thumb]", "driven joints not in the URDF: thumb"),
        ("panda_hand_tcp", "tool", "hand.tcp_link: not in the URDF: tool"),
        (
            "base_link: panda_link0",
            "base_link: base",
            "base_link: expected .* panda_link0, got base",
        ),
        ("panda_leftfinger,", "left,", "hand.links: not in the URDF: left"),
        ("[panda_finger_joint1]", "[]", "hand.joints: expected at least 1, got none"),
        (
            "links: [panda_hand, panda_leftfinger, panda_rightfinger]",
            "links: [panda_hand_tcp]",
            "hand.links: expected links of which one has a <collision>, got panda_hand_tcp",
        ),
        (
            "  force: 30.0",
            "  force: 30.0\n  closing_speed: 0",
            "hand.closing_speed: expected greater",
        ),
        ("      reach_m: 0.0095\n", "", "pinch.reach_m: expected a value, got nothing"),
        ("object_xy:", "parked: {tail: 1}\nobject_xy:", "parked joints not in the URDF: tail"),
        ("object_xy:", "names: {a: b}\nobject_xy:", "expected joints or links named b, got none"),
        ("open: [0.04]", "open: [0.04, 0.04]", "pinch.open: expected 1 numbers, got 2"),
        ("home: [0.0, ", "home: [", "arm.home: expected 7 numbers, got 6"),
        ("home: [0.0, ", "home: [9.0, ", "arm.home: expected panda_joint1 within the URDF's"),
        ("[0.0, 1.0, 0.0]", "[0.0, 0.0, 0.0]", "pinch.closing_axis: expected a direction"),
        ("[0.0, 1.0, 0.0]", "[0.0, 0.1, 1.0]", "pinch.closing_axis: expected perpendicular"),
    ],
)
def test_a_file_that_does_not_fit_is_refused_by_its_key(edited, old, new, message):
    with pytest.raises((SettingsError, ModelError), match=message):
        edited(old, new)


def test_a_robot_of_ours_can_stand_on_the_users_own_description(configuration, tmp_path):
    text = resolve_uri(URDF).read_text()
    (tmp_path / "fr3.urdf").write_text(
        re.sub(r"panda_(joint\d|finger_joint1|hand_tcp)", r"fr3_\1", text)
    )
    name = f"mine_{tmp_path.name}"
    names = [f"panda_joint{i}" for i in range(1, 9)] + ["panda_finger_joint1", "panda_hand_tcp"]
    mapped = ", ".join(f"{one}: {one.replace('panda', 'fr3')}" for one in names)
    (configuration / "robots" / f"{name}.yaml").write_text(
        f"extends: franka\nurdf: {tmp_path / 'fr3.urdf'}\nnames: {{{mapped}}}\n"
        "hand: {force: 40.0}\n"
    )
    franka, mine = load_robot("franka"), load_robot(name)
    assert mine.arm_joints == franka.arm_joints  # so that the same grasp files fit
    assert mine.arm_limits == franka.arm_limits
    assert mine.model.mimics == franka.model.mimics
    assert mine.model.allowed_collisions == franka.model.allowed_collisions
    assert (mine.hand_force, franka.hand_force) == (40.0, 30.0)
    assert mine.close_duration_s == franka.close_duration_s


def test_a_robot_cannot_extend_itself(configuration):
    (configuration / "robots" / "loop.yaml").write_text("extends: loop\n")
    with pytest.raises(SettingsError, match=r"loop\.yaml: extends: expected another robot"):
        load_robot("loop")


@pytest.fixture
def own_robots(configuration, tmp_path, monkeypatch):
    """The user's own robots, beside a copy of ours."""
    monkeypatch.setenv("DR_GRASP_CONFIG", str(tmp_path / "own"))
    (tmp_path / "own" / "robots").mkdir(parents=True)
    return tmp_path / "own" / "robots"


def test_others_extend_the_users_variant_of_a_robot_of_ours(configuration, own_robots, tmp_path):
    # Robots are kept by name: this one is no other test's.
    name = f"twice_{tmp_path.name}"
    ours = configuration / "robots" / f"{name}.yaml"
    ours.write_text((configuration / "robots" / "franka.yaml").read_text())
    (own_robots / ours.name).write_text(f"extends: {name}\nhand: {{force: 40.0}}\n")
    (own_robots / f"more_{name}.yaml").write_text(f"extends: {name}\ndescription: more\n")
    more = load_robot(f"more_{name}")
    assert (more.description, more.hand_force) == ("more", 40.0)
    assert load_robot(name).hand_force == 40.0
    assert more.close_duration_s == load_robot("franka").close_duration_s


def test_a_chain_may_be_of_any_length(own_robots, tmp_path):
    name = f"link_{tmp_path.name}"
    (own_robots / f"{name}_0.yaml").write_text("extends: franka\nhand: {force: 40.0}\n")
    for link in range(1, 12):
        (own_robots / f"{name}_{link}.yaml").write_text(
            f"extends: {name}_{link - 1}\ndescription: {link}th\n"
        )
    last = load_robot(f"{name}_11")
    assert (last.description, last.hand_force) == ("11th", 40.0)


@pytest.mark.parametrize(
    ("bases", "asked", "chain"),
    [
        ({"a": "b", "b": "a"}, "a", "a -> b -> a"),
        ({"a": "b", "b": "c", "c": "b"}, "a", "a -> b -> c -> b"),
        ({"franka": "mine", "mine": "franka"}, "mine", "mine -> franka -> mine"),
    ],
)
def test_robots_that_extend_each_other_are_refused(own_robots, bases, asked, chain):
    for name, base in bases.items():
        (own_robots / f"{name}.yaml").write_text(f"extends: {base}\n")
    with pytest.raises(SettingsError) as refusal:
        load_robot(asked)
    assert str(refusal.value) == (
        f"{own_robots / asked}.yaml: extends: expected a chain that ends, got {chain}"
    )


def test_a_robot_loads_whatever_is_wrong_with_others(own_robots, tmp_path):
    name = f"whole_{tmp_path.name}"
    (own_robots / "half.yaml").write_text("description: [")
    (own_robots / f"{name}.yaml").write_text("extends: franka\n")
    assert load_robot(name).name == name


def test_a_missing_base_is_refused(configuration):
    (configuration / "robots" / "orphan.yaml").write_text("extends: pr2\n")
    with pytest.raises(UnknownNameError, match="unknown robot 'pr2'"):
        load_robot("orphan")


def test_a_slow_hand_is_slower_than_its_limits(franka):
    baxter = load_robot("baxter")
    assert baxter.hand_velocities.tolist() == [0.05]
    assert baxter.hand_limits[0].velocity == 5.0
    assert franka.hand_velocities.tolist() == [franka.hand_limits[0].velocity]


@pytest.mark.parametrize("name", robot_names())
def test_every_synergy_is_within_limits_and_its_hand_has_time_to_close(name):
    robot = load_robot(name)
    for synergy in robot.synergies:
        for posture in (synergy.open, synergy.closed, synergy.preshape(0.5)):
            for limit, q in zip(robot.hand_limits, posture, strict=True):
                assert limit.lower - 1e-9 <= q <= limit.upper + 1e-9
        travel = np.abs(synergy.closed - synergy.open) / robot.hand_velocities
        assert travel.max() <= robot.close_duration_s
        np.testing.assert_array_equal(synergy.preshape(1.0), synergy.open)
        np.testing.assert_array_equal(synergy.preshape(0.0), synergy.closed)
        assert robot.synergy(synergy.name) is synergy
    with pytest.raises(UnknownNameError, match="unknown synergy 'bite'; expected one of"):
        robot.synergy("bite")


def test_the_opening_of_a_width_is_linear_and_never_beyond_the_hand(franka):
    (pinch,) = franka.synergies
    assert [pinch.opening(width) for width in (0.0, 0.02, 0.08, 0.5)] == [0.0, 0.25, 1.0, 1.0]
    assert pinch.opening(-0.1) == 0.0


def test_a_missing_model_is_refused(edited):
    with pytest.raises(ModelError, match=r"package://nobody/robot\.urdf: file not found"):
        edited(URDF, "package://nobody/robot.urdf")


def test_a_robots_file_may_allow_links_to_touch(edited):
    pair = "allowed_collisions: [[panda_hand, panda_link0]]"
    robot = edited("base_link:", f"{pair}\nbase_link:")
    allowed = robot.model.allowed_collisions
    assert frozenset({"panda_hand", "panda_link0"}) in allowed
    assert allowed - load_robot("franka").model.allowed_collisions == {
        frozenset({"panda_hand", "panda_link0"})
    }
    pairs = {
        frozenset({pair.get("link1"), pair.get("link2")})
        for pair in ElementTree.fromstring(srdf(robot, "arm")).iter("disable_collisions")
    }
    assert frozenset({"panda_hand", "panda_link0"}) in pairs


@pytest.mark.parametrize(
    ("pairs", "error", "message"),
    [
        ("[[panda_hand, pandahand]]", ModelError, "expected links of package://.*, got pandahand$"),
        ("[[panda_hand, panda_hand]]", SettingsError, "expected two links, got panda_hand twice"),
        ("[[panda_hand]]", SettingsError, r"allowed_collisions\.0"),
    ],
)
def test_a_pair_that_is_none_is_refused(edited, pairs, error, message):
    with pytest.raises(error, match=rf"allowed_collisions.*{message}|{message}"):
        edited("base_link:", f"allowed_collisions: {pairs}\nbase_link:")
