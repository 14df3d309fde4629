"""The profile that identification writes: what scoring reads of it, and where it came from."""

from dataclasses import replace

import pytest
import yaml

from dr_grasp.core.engine import Engine
from dr_grasp.errors import SettingsError
from dr_grasp.identification.profile_file import profile_from, rounded, write_profile
from dr_grasp.provenance.fingerprint import fingerprint
from dr_grasp.scoring.profiles import load_profile, profile_at, read_profile

from .made import FINDINGS, identification


def test_what_was_fitted_changes_and_the_rest_stays():
    old = load_profile("default")
    new = profile_from(old, FINDINGS, "franka", 7)
    assert new.robot == "franka"
    assert new.object_pose.position_mean_m == (0.0, 0.002)
    assert new.object_pose.rotation_std_rad == (0.0035, 0.0035, 0.02)
    assert new.object_pose.position_std_m == old.object_pose.position_std_m
    assert new.joints.offset_mean == (0, 0, -0.0007, 0, 0, 0, 0)
    assert new.joints.delay_s == (0.0181234567, 0.0219876543)
    assert new.joints.jitter_std == 0.0002
    assert new.dynamics == replace(old.dynamics, lateral_friction_scale=(0.55, 0.9))
    assert profile_from(old, (), "franka", 7) == replace(old, robot="franka")


def test_the_file_is_the_profile(tmp_path):
    findings = tuple(map(rounded, FINDINGS))
    made = profile_from(load_profile("default"), findings, "franka", 7)
    profile = replace(made, name="lab", engine=Engine.MUJOCO)
    path = tmp_path / "lab.yaml"
    write_profile(path, identification(profile=profile, findings=findings))
    assert read_profile(path) == profile
    assert fingerprint(profile_at(path)) == fingerprint(profile)
    assert profile.joints.delay_s == (0.01812, 0.02199)


def test_the_file_says_where_it_came_from(tmp_path):
    path = tmp_path / "lab.yaml"
    write_profile(path, identification())
    told = yaml.safe_load(path.read_text(encoding="utf-8"))["identified"]
    assert told["from_profile"] == "default"
    assert told["from_fingerprint"] == fingerprint(load_profile("default"))
    assert told["bags"] == {"round_0/bag": "0123456789abcdef", "round_1/bag": "fedcba9876543210"}
    asked = ("method", "engine", "seed", "iterations", "rollouts", "attempts")
    assert [told[key] for key in asked] == ["posterior", "mujoco", 3, 1, 2880, 60]
    assert told["checks"] == ["the simulator explains these attempts"]
    assert told["parameters"].keys() == {finding.key for finding in FINDINGS}
    assert told["parameters"]["dynamics.mass_scale"] == {
        "label": "mass",
        "unit": "",
        "old": [0.7, 1.3],
        "new": [0.7, 1.3],
        "interval": [0.5, 1.9],
        "fitted": False,
        "reason": "<mass> & force cannot be told apart",
    }
    assert told["parameters"]["joints.delay_s"]["old"] is None


def test_scoring_ignores_where_it_came_from(tmp_path):
    path = tmp_path / "lab.yaml"
    write_profile(path, identification())
    with_origin = read_profile(path)
    content = yaml.safe_load(path.read_text(encoding="utf-8"))
    del content["identified"]
    path.write_text(yaml.safe_dump(content), encoding="utf-8")
    assert fingerprint(read_profile(path)) == fingerprint(with_origin)


def test_a_profile_that_would_not_load_is_not_written(tmp_path):
    path = tmp_path / "lab.yaml"
    late = replace(load_profile("default").joints, delay_s=(0.1, 0.9))
    wrong = replace(identification().profile, joints=late)
    with pytest.raises(SettingsError, match=r"lab.yaml: joints.delay_s.1: expected less than"):
        write_profile(path, identification(profile=wrong))
    assert not path.exists()
