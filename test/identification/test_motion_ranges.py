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


def test_a_mean_changes_only_where_its_interval_leaves_out_the_old_one():
    found = by_key(perception_findings(PERCEPTION, OLD.object_pose))
    x, y = (found[f"object_pose.position_mean_m.{place}"] for place in range(2))
    assert not x.fitted and x.new == (0, 0) and "within the interval" in x.reason
    assert y.fitted and y.new == (0.004, 0.004)


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
