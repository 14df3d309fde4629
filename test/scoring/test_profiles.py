import math
from dataclasses import replace

import pytest

from dr_grasp.common.resources import config_names, user_directory
from dr_grasp.core.perturbation import Criterion
from dr_grasp.errors import InvalidGraspError, SettingsError, UnknownNameError
from dr_grasp.provenance.fingerprint import fingerprint
from dr_grasp.scoring.profiles import check_profile, load_profile, profile_at, read_profile

OSDR, JSDR, FDR, MDR = Criterion


def test_huber2023_has_the_constants_of_the_reference():
    profile = load_profile("huber2023")
    assert profile.object_pose.position_std_m == 0.005
    assert profile.object_pose.rotation_std_rad == pytest.approx([math.radians(0.2)] * 3, rel=1e-6)
    assert profile.joints.jitter_std == 0.002
    assert profile.joints.offset_std == 0.0
    assert profile.dynamics.rolling_friction == (0.01, 0.04)
    assert profile.dynamics.spinning_friction == (0.1, 0.4)
    assert profile.dynamics.lateral_friction_scale is None
    assert profile.dynamics.mass_scale is None
    assert profile.dynamics.center_of_mass_std_m == 0.0
    assert profile.trials == {OSDR: 200, JSDR: 200, FDR: 50, MDR: 100}
    assert sum(profile.trials.values()) == 550


def test_the_default_doubts_what_the_reference_does_not():
    profile = load_profile("default")
    low, high = profile.dynamics.lateral_friction_scale
    assert low < 1 < high
    low, high = profile.dynamics.mass_scale
    assert low < 1 < high
    assert profile.dynamics.center_of_mass_std_m > 0
    assert profile.joints.offset_std > 0 and profile.joints.jitter_std > 0


def test_all_profiles_load():
    assert {"default", "huber2023"} <= set(config_names("profiles"))
    for name in config_names("profiles"):
        profile = load_profile(name)
        assert profile.name == name and set(profile.trials) == set(Criterion)


def test_an_unknown_profile_lists_the_valid_ones():
    message = r"unknown profile 'none'; expected one of default, .*huber2023"
    with pytest.raises(UnknownNameError, match=message):
        load_profile("none")


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (
            "jitter_std: 0.002",
            "jitter_variance: 0.002",
            "joints.jitter_variance: expected no such key",
        ),
        ("jitter_std: 0.002", "jitter_std: -0.1", "joints.jitter_std: expected greater"),
        ("osdr: 200", "osdr: 0", "trials.osdr: expected greater than 0, got 0"),
        ("osdr: 200", "osdr: 1000001", "trials.osdr: expected less than or equal to 1000000"),
        ("osdr: 200", "osdr: 200, gdr: 5", "trials.gdr: expected no such key"),
        (
            "spinning_friction: [0.1, 0.4]",
            "spinning_friction: [0.4, 0.1]",
            r"dynamics: .*spinning_friction: expected low <= high, got \[0.4, 0.1\]",
        ),
        ("mass_scale: null", "mass_scale: [0.0, 1.0]", "dynamics.mass_scale.0: expected"),
        ("rolling_friction: [0.01,", "rolling_friction: [-0.01,", "rolling_friction.0: expected"),
    ],
)
def test_a_profile_that_does_not_fit_is_refused_by_its_key(configuration, old, new, message):
    text = (configuration / "profiles" / "huber2023.yaml").read_text()
    assert old in text
    (configuration / "profiles" / "bad.yaml").write_text(text.replace(old, new))
    with pytest.raises(SettingsError, match=message):
        load_profile("bad")


def of_one_robot(folder, *, robot="franka", means=7, delay="[0.01, 0.03]"):
    text = (folder / "profiles" / "default.yaml").read_text()
    text = text.replace(
        "  offset_std: 0.001\n",
        f"  offset_std: 0.001\n  offset_mean: {[0.001] * means}\n  delay_s: {delay}\n",
    )
    path = folder / "own.yaml"
    path.write_text(text + (f"robot: {robot}\n" if robot else ""))
    return path


def test_a_profile_is_read_from_a_file_anywhere(configuration):
    profile = read_profile(of_one_robot(configuration))
    assert profile.name == "own" and profile.robot == "franka"
    assert profile.joints.offset_mean == (0.001,) * 7
    assert profile.joints.delay_s == (0.01, 0.03) and profile.joints.lag_s is None
    with pytest.raises(SettingsError, match=r"nowhere.yaml: cannot be read"):
        read_profile(configuration / "nowhere.yaml")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"robot": None}, "document: joints.offset_mean: expected the robot that it is of"),
        ({"delay": "[0.03, 0.01]"}, r"joints.delay_s: expected low <= high, got \[0.03, 0.01\]"),
        ({"delay": "[0.0, 0.6]"}, "joints.delay_s.1: expected less than or equal to 0.5"),
        ({"means": 101}, "joints.offset_mean: expected at most 100, got 101"),
    ],
)
def test_a_profile_of_one_robot_that_does_not_fit_is_refused(configuration, changes, message):
    with pytest.raises(SettingsError, match=message):
        read_profile(of_one_robot(configuration, **changes))


def test_a_profile_of_one_robot_is_for_no_other(configuration, franka):
    check_profile(load_profile("default"), franka)
    check_profile(read_profile(of_one_robot(configuration)), franka)
    other = read_profile(of_one_robot(configuration, robot="baxter"))
    with pytest.raises(SettingsError, match=r"own: expected grasps of baxter, .*, got franka"):
        check_profile(other, franka)
    few = read_profile(of_one_robot(configuration, means=6))
    with pytest.raises(SettingsError, match=r"joints.offset_mean: expected 7 numbers, .* got 6"):
        check_profile(few, franka)


def test_a_profile_may_be_a_file_anywhere(configuration, tmp_path):
    path = tmp_path / "lab.yaml"
    path.write_text((configuration / "profiles" / "huber2023.yaml").read_text())
    assert profile_at(path) == replace(load_profile("huber2023"), name="lab")


def test_a_file_with_the_name_of_another_profile_is_refused(configuration, tmp_path):
    path = tmp_path / "huber2023.yaml"
    known = configuration / "profiles" / "huber2023.yaml"
    path.write_text(known.read_text())
    assert profile_at(path) == load_profile("huber2023")  # the same
    path.write_text(known.read_text().replace("jitter_std: 0.002", "jitter_std: 0.001"))
    with pytest.raises(SettingsError, match=r"expected a name that no other profile has, got that"):
        profile_at(path)


def test_a_file_that_is_not_there_or_cannot_be_named_is_refused(tmp_path):
    with pytest.raises(SettingsError, match=r"lab.yaml: cannot be read: No such file"):
        profile_at(tmp_path / "lab.yaml")
    with pytest.raises(InvalidGraspError, match="profile: expected printable characters"):
        profile_at(tmp_path / "a\nb.yaml")


def test_an_unknown_profile_says_where_ones_own_belongs():
    folder = user_directory() / "profiles"
    with pytest.raises(UnknownNameError, match=f"your own profile belongs in {folder}"):
        load_profile("lab")


ORIGIN = """
identified:
  from_profile: default
  from_fingerprint: 0123456789abcdef
  method: posterior
  engine: mujoco
  seed: 0
  iterations: 1
  rollouts: 2880
  attempts: 60
  software_version: dr_grasp 0.4.0, mujoco 3.17.0
  checks: [the simulator explains these attempts]
  parameters:
    dynamics.mass_scale: {label: mass, unit: "", old: null, new: null, interval: null,
      fitted: false, reason: too few}
  bags: {round_0/bag: 0123456789abcdef}
"""


def test_where_a_profile_came_from_does_not_change_it(configuration):
    text = (configuration / "profiles" / "huber2023.yaml").read_text()
    path = configuration / "profiles" / "huber2023.yaml"
    before = fingerprint(load_profile("huber2023"))
    path.write_text(text + ORIGIN)
    assert fingerprint(load_profile("huber2023")) == before
    path.write_text(text + ORIGIN.replace("seed: 0", "sead: 0"))
    with pytest.raises(SettingsError, match=r"identified\.sead: expected no such key"):
        load_profile("huber2023")
