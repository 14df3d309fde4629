from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from dr_grasp.common.resources import config_file, config_names
from dr_grasp.common.settings import load_yaml
from dr_grasp.errors import SettingsError, UnknownNameError
from dr_grasp.twin.twin_profile import (
    TwinProfile,
    load_twin_profile,
    object_truth,
    robot_truth,
)


def test_every_profile_that_is_shipped_loads() -> None:
    assert "default" in config_names("twin")
    for name in config_names("twin"):
        assert load_twin_profile(name).description


def test_an_unknown_profile_is_refused_by_name() -> None:
    with pytest.raises(UnknownNameError, match=r"unknown twin profile 'mars'; expected one of .+"):
        load_twin_profile("mars")


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("yaw_std_deg: 1.5", "yaw_std: 1.5", "perception.yaw_std"),
        ("seed: ", "sead: ", "sead: expected no such key"),
        ("[0.6, 1.2]", "[1.2, 0.6]", r"object.friction_factor: .*expected \[low, high\]"),
        ("[0.8, 1.3]", "[0.0, 1.3]", "object.mass_factor.0: .*greater than 0"),
        ("[10.0, 30.0]", "[-10.0, 30.0]", "robot.control_delay_ms.0: .*greater than or equal to 0"),
        ("position_std_m: 0.004", "position_std_m: .nan", "perception.position_std_m: .*finite"),
        ("seed: ", "seed: -", "seed: .*greater than or equal to 0"),
        ("seed: ", "engine: bullet\nseed: ", "engine: .*'mujoco' or 'sapien'"),
    ],
)
def test_a_wrong_profile_is_refused_by_its_key(
    tmp_path: Path, old: str, new: str, message: str
) -> None:
    text = config_file("twin", "default", "twin profile").read_text()
    assert old in text
    path = tmp_path / "wrong.yaml"
    path.write_text(text.replace(old, new))
    with pytest.raises(SettingsError, match=message):
        load_yaml(path, TwinProfile)


def test_the_truth_depends_on_the_profile_and_the_name_alone(
    profile: Callable[..., TwinProfile],
) -> None:
    default = load_twin_profile("default")
    mug = object_truth(default, "mug")
    bar = object_truth(default, "procedural_009")
    assert object_truth(load_twin_profile("default"), "mug") == mug
    assert mug != bar
    elsewhere = default.model_copy(update={"seed": default.seed + 1})
    assert object_truth(elsewhere, "mug") != mug
    franka, baxter = (robot_truth(default, name, 7) for name in ("franka", "baxter"))
    assert np.array_equal(robot_truth(default, "franka", 7).joint_offset, franka.joint_offset)
    assert not np.array_equal(franka.joint_offset, baxter.joint_offset)
    exact = object_truth(profile(), "mug")
    assert (exact.friction_factor, exact.mass_factor) == (1.0, 1.0)
    assert exact.center_of_mass_shift_m == (0.0, 0.0, 0.0)


def test_truths_fill_the_ranges_of_the_profile() -> None:
    default = load_twin_profile("default")
    objects = [object_truth(default, f"procedural_{i:03d}") for i in range(300)]
    robots = [robot_truth(default, f"robot_{i}", 7) for i in range(300)]
    for values, bounds in (
        ([t.friction_factor for t in objects], default.object.friction_factor),
        ([t.mass_factor for t in objects], default.object.mass_factor),
        ([1000 * t.control_delay_s for t in robots], default.robot.control_delay_ms),
        ([t.gripper_force_factor for t in robots], default.robot.gripper_force_factor),
    ):
        span = bounds[1] - bounds[0]
        assert bounds[0] <= min(values) < bounds[0] + 0.1 * span
        assert bounds[1] - 0.1 * span < max(values) <= bounds[1]
    shifts = np.array([t.center_of_mass_shift_m for t in objects])
    assert shifts.std() == pytest.approx(default.object.center_of_mass_std_m, rel=0.1)
    offsets = np.rad2deg([t.joint_offset for t in robots])
    assert offsets.std() == pytest.approx(default.robot.joint_offset_std_deg, rel=0.1)
