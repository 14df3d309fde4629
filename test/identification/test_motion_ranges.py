"""What fits of motion and of poses mean for a profile."""

import math
from dataclasses import replace

import numpy as np
import pytest

from dr_grasp.identification.control import ControlFit
from dr_grasp.identification.findings import Estimate
from dr_grasp.identification.motion_ranges import (
    control_findings,
    in_degrees,
    perception_findings,
    zeros_findings,
)
from dr_grasp.identification.perception import PerceptionFit
from dr_grasp.identification.wording import label_text, range_text
from dr_grasp.identification.zeros import ZerosFit
from dr_grasp.robots.robot_spec import load_robot
from dr_grasp.scoring.profiles import load_profile

OLD = load_profile("default")


def by_key(findings):
    return {finding.key: finding for finding in findings}


def about(value, half):
    return Estimate(value, value - half, value + half)


CONTROL = ControlFit(
    delay_s=about(0.02, 0.002),
    lag_s=Estimate(0.001, -0.002, 0.004),
    joints_agree=True,
    jitter_std=Estimate(0.0001, 0.00005, 0.0002),
    resting=(),
    noise=(),
    attempts=12,
    traces=(),
)


def test_intervals_of_delay_and_lag_are_their_ranges():
    found = by_key(control_findings(CONTROL, OLD.joints))
    assert found["joints.delay_s"].new == pytest.approx((0.018, 0.022))
    assert found["joints.lag_s"].new == (0.0, 0.004)  # never negative
    assert all(finding.fitted and "12 attempts" in finding.reason for finding in found.values())


def test_drives_later_than_any_that_is_simulated_keep_what_a_profile_may_have():
    found = by_key(control_findings(replace(CONTROL, delay_s=about(0.499, 0.004)), OLD.joints))
    delay, lag = found["joints.delay_s"], found["joints.lag_s"]
    assert not delay.fitted and delay.new is delay.old is None and "same clock" in delay.reason
    assert delay.interval == pytest.approx((0.495, 0.503)) and lag.fitted


def test_what_delay_and_lag_do_not_explain_is_said():
    lag = by_key(control_findings(replace(CONTROL, noise=(0.001, 0.02)), OLD.joints))
    assert "leave 20.0 mrad unexplained" in lag["joints.lag_s"].reason


def test_jitter_is_an_upper_bound_that_only_lowers_it():
    jitter = by_key(control_findings(CONTROL, OLD.joints))["joints.jitter_std"]
    assert jitter.fitted and jitter.new == (0.0002, 0.0002)
    noisy = replace(CONTROL, jitter_std=Estimate(0.0006, 0.0004, 0.0008))
    jitter = by_key(control_findings(noisy, OLD.joints))["joints.jitter_std"]
    assert not jitter.fitted and jitter.new == (0.0005, 0.0005)
    assert jitter.interval == (0.0004, 0.0008) and "noise of the encoders" in jitter.reason


def test_errors_of_joints_are_shown_in_degrees():
    robot = load_robot("franka")
    zeros = zeros_findings(None, replace(OLD.joints, offset_mean=(0.001,) * 7), robot)
    found = by_key(in_degrees((*control_findings(CONTROL, OLD.joints), *zeros), robot))
    first = found["joints.offset_mean.0"]
    # 0.001 of half of 2 * 2.8973 rad, in degrees.
    assert range_text(first, first.new) == "0.166" and label_text(first).endswith("joint1 (deg)")
    jitter = found["joints.jitter_std"]
    angle = 0.0002 * math.degrees(float(robot.arm_half_ranges.mean()))
    assert range_text(jitter, jitter.new) == f"{angle:.3f}"
    assert label_text(jitter) == "jitter of commands, mean of the joints (deg)"
    assert label_text(found["joints.delay_s"]).endswith("(ms)")
    assert range_text(first, (-1e-7, -1e-7)) == "0"


PERCEPTION = PerceptionFit(
    position_mean_m=(about(0.001, 0.002), about(0.004, 0.001)),
    position_std_m=Estimate(0.002, 0.0016, 0.0026),
    axis_std_m=(about(0.002, 0.0005),) * 2,
    rotation_mean_rad=(about(0.0, 0.001),) * 3,
    rotation_std_rad=(Estimate(0.01, 0.007, 0.016),) * 3,
    draws=11,
    reading_std_m=None,
)


def test_a_mean_is_between_the_old_one_and_that_of_the_attempts():
    """Old 0 within 5 mm, seen 4 mm within 2 mm / sqrt(11): weights 1 / 25 and 11 / 4."""
    found = by_key(perception_findings(PERCEPTION, OLD.object_pose))
    x, y = (found[f"object_pose.position_mean_m.{place}"] for place in range(2))
    assert y.fitted and y.new[0] == y.new[1] == pytest.approx(0.004 * 2.75 / (2.75 + 0.04))
    assert y.interval == pytest.approx((0.003, 0.005)) and y.reason == "over 11 independent errors"
    assert x.fitted and 0 < x.new[0] < 0.001 and "may as well have the old mean" in x.reason
    # A profile that doubts nothing lets attempts count by their own spread: as 11 of 12 errors.
    sure = replace(OLD.object_pose, position_std_m=0.0)
    y = by_key(perception_findings(PERCEPTION, sure))["object_pose.position_mean_m.1"]
    assert y.new[0] == pytest.approx(0.004 * 11 / 12)


def test_means_are_nearer_to_the_truth_than_those_seen():
    """Where the old spread is that of true means, which the posterior takes for granted."""
    rng = np.random.default_rng(2)
    spread, true = 0.01, rng.normal(0.0, OLD.object_pose.position_std_m, 500)
    seen = true + rng.normal(0.0, spread / math.sqrt(11), len(true))
    fits = [
        replace(
            PERCEPTION,
            position_mean_m=(about(mean, 0.005),) * 2,
            axis_std_m=(about(spread, 0.002),) * 2,
        )
        for mean in seen
    ]
    wide = replace(OLD.object_pose, position_std_m=spread)
    new = [by_key(perception_findings(fit, wide))["object_pose.position_mean_m.0"].new[0]
           for fit in fits]  # fmt: skip
    assert np.mean((np.array(new) - true) ** 2) < np.mean((seen - true) ** 2)


def test_angles_that_no_tracker_measured_stay_as_they_were():
    flat = replace(
        PERCEPTION,
        rotation_mean_rad=(about(0.0, 0.0), about(0.0, 0.0), about(0.01, 0.001)),
        rotation_std_rad=(about(0.0, 0.0), about(0.0, 0.0), about(0.01, 0.002)),
    )
    found = by_key(perception_findings(flat, OLD.object_pose))
    for place, fitted in enumerate((False, False, True)):
        for key in ("rotation_mean_rad", "rotation_std_rad"):
            finding = found[f"object_pose.{key}.{place}"]
            assert finding.fitted is fitted
            assert fitted or (finding.new == finding.old and "no measurement" in finding.reason)


def test_a_spread_of_few_draws_is_wider_than_theirs():
    """The next draw is distributed as Student's t with 10 degrees of freedom: simulated here."""
    rng = np.random.default_rng(0)
    seen = rng.normal(size=(200_000, 11))
    next_one = rng.normal(size=len(seen))
    off = (next_one - seen.mean(axis=1)) / seen.std(axis=1, ddof=1)
    spread = by_key(perception_findings(PERCEPTION, OLD.object_pose))["object_pose.position_std_m"]
    assert spread.new[0] / 0.002 == pytest.approx(off.std(), rel=0.01)
    assert spread.new[0] / 0.002 == pytest.approx(math.sqrt(12 / 11 * 10 / 8))


def zeros(before_m, after_m):
    return ZerosFit(
        mean=np.full(7, 0.001),
        covariance=np.eye(7) * 1e-8,
        offset_mean=(0.0004,) * 7,
        offset_std=0.0003,
        estimates=(about(0.001, 0.0002),) * 7,
        attempts=40,
        rollouts=300,
        misfit_before_m=before_m,
        misfit_after_m=after_m,
    )


def test_joint_errors_are_means_and_one_spread(franka):
    found = by_key(zeros_findings(zeros(0.003, 0.001), OLD.joints, franka))
    mean = found["joints.offset_mean.3"]
    half = franka.arm_half_ranges[3]
    assert mean.fitted and mean.new == (0.0004, 0.0004) and "panda_joint4" in mean.label
    assert mean.interval == pytest.approx((0.0008 / half, 0.0012 / half))
    assert "3.0 mm" in mean.reason and "1.0 mm" in mean.reason
    assert found["joints.offset_std"].new == (0.0003, 0.0003)


def test_joint_errors_that_explain_nothing_are_not_taken(franka):
    found = zeros_findings(zeros(0.003, 0.0031), OLD.joints, franka)
    assert len(found) == 8 and not any(finding.fitted for finding in found)
    assert all("joint errors do not explain it" in finding.reason for finding in found)


def test_without_evidence_all_stays_and_says_what_is_missing(franka):
    nothing = (
        *control_findings(None, OLD.joints),
        *perception_findings(None, OLD.object_pose),
        *zeros_findings(None, OLD.joints, franka),
    )
    assert len(nothing) == 3 + 9 + 8
    for finding in nothing:
        assert not finding.fitted and finding.new == finding.old and finding.interval is None
        assert "expected " in finding.reason
