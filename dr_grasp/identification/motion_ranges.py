"""The ranges that fits of motion and of objects' poses give a profile, a finding for each."""

from __future__ import annotations

import math
from dataclasses import replace

from dr_grasp.core.noise import JointNoise, ObjectPoseNoise
from dr_grasp.identification.control import (
    FEWEST_MOTIONS,
    LONGEST_DELAY_S,
    LONGEST_LAG_S,
    ControlFit,
)
from dr_grasp.identification.evidence import SAME_RAD
from dr_grasp.identification.findings import Estimate, Finding
from dr_grasp.identification.perception import FEWEST_DRAWS, PerceptionFit
from dr_grasp.identification.zeros import FEWEST_HELD, ZerosFit
from dr_grasp.robots.forward_kinematics import chain_to
from dr_grasp.robots.robot_spec import RobotSpec

HALVES = "half ranges"
"""Unit of joints' errors in a profile: half of each joint's range."""

REPEATED = "the poses before repeat what was believed of it, which is no measurement"
"""Why an angle is not fitted that trackers in a plane do not measure."""

Bounds = tuple[float, float] | None


def kept(key: str, label: str, unit: str, old: Bounds, reason: str) -> Finding:
    """A parameter of which attempts showed nothing."""
    return Finding(key, label, unit, old, old, None, False, reason)


def number(value: float) -> tuple[float, float]:
    """A number, as findings have it."""
    return value, value


def in_degrees(findings: tuple[Finding, ...], robot: RobotSpec) -> tuple[Finding, ...]:
    """Let errors of joints that turn be shown as angles; of all joints at once, of their mean.

    Args:
        findings: What was found.
        robot: The robot.
    """
    sliding = {joint.name for joint in chain_to(robot, robot.tcp_link) if joint.kind == "prismatic"}
    halves = robot.arm_half_ranges

    def shown(finding: Finding) -> Finding:
        place = finding.key.rpartition(".")[2]
        joints = [int(place)] if place.isdecimal() else range(len(halves))
        if finding.unit != HALVES or sliding & {robot.arm_joints[joint] for joint in joints}:
            return finding
        angle = float(halves[list(joints)].mean())
        label = finding.label if place.isdecimal() else f"{finding.label}, mean of the joints"
        return replace(finding, label=label, half_range_rad=angle)

    return tuple(map(shown, findings))


def control_findings(fit: ControlFit | None, old: JointNoise) -> tuple[Finding, ...]:
    """Findings of the drives: the interval of a delay or lag becomes its range.

    Args:
        fit: What joint motion showed; None if there was too little.
        old: The old profile's noise of joints.
    """
    delay = ("joints.delay_s", "delay from command to effect", "s", old.delay_s)
    lag = ("joints.lag_s", "lag of the moving arm", "s", old.lag_s)
    jitter = ("joints.jitter_std", "jitter of commands", HALVES, number(old.jitter_std))
    if fit is None:
        reason = f"expected the motion of {FEWEST_MOTIONS} attempts or more"
        return tuple(kept(*what, reason) for what in (delay, lag, jitter))
    over = f"over {fit.attempts} attempts with motion"
    joints = (
        f"{over}, of which delay and lag leave {1000 * max(fit.noise, default=0.0):.1f} mrad "
        "unexplained in the worst joint (standard deviation)"
    )
    if not fit.joints_agree:
        joints = f"{joints}; the joints differ, and the range has them all"
    too_long = (
        f"{over}: they are later than any that is simulated. Have commands and measurements the "
        "same clock, and did the arm follow the commands?"
    )
    findings = [
        Finding(*what, what[-1], _positive(found), False, too_long)
        if found.high > longest
        else Finding(*what, _positive(found), _positive(found), True, joints)
        for what, found, longest in (
            (delay, fit.delay_s, LONGEST_DELAY_S),
            (lag, fit.lag_s, LONGEST_LAG_S),
        )
    ]
    least = fit.jitter_std.high
    if least < old.jitter_std:
        told = f"{over}: no more can be seen in the measured motion"
        findings.append(Finding(*jitter, number(least), _positive(fit.jitter_std), True, told))
    else:
        told = "measured motion is more restless, but noise of the encoders may be the cause"
        findings.append(
            Finding(*jitter, number(old.jitter_std), _positive(fit.jitter_std), False, told)
        )
    return tuple(findings)


def perception_findings(fit: PerceptionFit | None, old: ObjectPoseNoise) -> tuple[Finding, ...]:
    """Findings of objects' poses.

    A spread is that of the next error given those that were seen, which is that of Student's t: few
    errors give a wider one. A mean is that of a normal posterior: before the attempts, it is the
    old one, with a standard deviation of the old spread, or of the one seen if that is larger. To
    change only means that are significant would be worse: of those, intervals are wrong too often.

    Args:
        fit: Where objects stood; None if that is not known.
        old: The old profile's noise of poses.
    """
    spread = ("object_pose.position_std_m", "spread of objects along x and y", "m")
    means = [
        (f"object_pose.position_mean_m.{place}", f"mean error of objects along {axis}", "m")
        for place, axis in enumerate("xy")
    ]
    turns = ("roll", "pitch", "yaw")
    turned = [
        (f"object_pose.rotation_mean_rad.{place}", f"mean error of objects' {axis}", "rad")
        for place, axis in enumerate(turns)
    ]
    spreads = [
        (f"object_pose.rotation_std_rad.{place}", f"spread of objects' {axis}", "rad")
        for place, axis in enumerate(turns)
    ]
    olds = [*old.position_mean_m, old.position_std_m, *old.rotation_mean_rad, *old.rotation_std_rad]
    names = [*means, spread, *turned, *spreads]
    if fit is None:
        reason = (
            f"expected {FEWEST_DRAWS} attempts or more with the object's pose before, measured by "
            "another means than that by which the grasp was planned"
        )
        return tuple(
            kept(*name, number(value), reason) for name, value in zip(names, olds, strict=True)
        )
    found = [
        *(
            _mean(name, value, was, seen, old.position_std_m, fit.draws)
            for name, value, was, seen in zip(
                means, fit.position_mean_m, old.position_mean_m, fit.axis_std_m, strict=True
            )
        ),
        _spread(spread, fit.position_std_m, old.position_std_m, fit.draws),
        *(
            _mean(name, value, was, seen, spread_was, fit.draws)
            for name, value, was, seen, spread_was in zip(
                turned,
                fit.rotation_mean_rad,
                old.rotation_mean_rad,
                fit.rotation_std_rad,
                old.rotation_std_rad,
                strict=True,
            )
        ),
        *(
            _spread(name, value, was, fit.draws)
            for name, value, was in zip(
                spreads, fit.rotation_std_rad, old.rotation_std_rad, strict=True
            )
        ),
    ]
    return tuple(
        replace(finding, new=finding.old, fitted=False, interval=None, reason=REPEATED)
        if finding.interval is not None and max(map(abs, finding.interval)) < SAME_RAD
        else finding
        for finding in found
    )


def zeros_findings(fit: ZerosFit | None, old: JointNoise, robot: RobotSpec) -> tuple[Finding, ...]:
    """Findings of the arm's constant joint errors.

    Args:
        fit: What the ends of held objects showed; None if there were too few.
        old: The old profile's noise of joints.
        robot: The robot.
    """
    halves = robot.arm_half_ranges.tolist()
    olds = old.offset_mean or (0.0,) * len(halves)
    names = [
        (f"joints.offset_mean.{place}", f"constant error of {joint}", HALVES)
        for place, joint in enumerate(robot.arm_joints)
    ]
    spread = ("joints.offset_std", "spread of constant joint errors", HALVES)
    before = number(old.offset_std)
    if fit is None:
        reason = (
            f"expected {FEWEST_HELD} attempts or more that held, with the object's pose before and "
            "after"
        )
        return (
            *(kept(*name, number(was), reason) for name, was in zip(names, olds, strict=True)),
            kept(*spread, before, reason),
        )
    told = (
        f"over {fit.attempts} attempts that held: objects ended {1000 * fit.misfit_before_m:.1f} "
        f"mm from where they would without it, and {1000 * fit.misfit_after_m:.1f} mm with it"
    )
    if fit.misfit_after_m >= fit.misfit_before_m:
        told = f"{told}: joint errors do not explain it"
        return (
            *(kept(*name, number(was), told) for name, was in zip(names, olds, strict=True)),
            kept(*spread, before, told),
        )
    means = [
        Finding(
            *name,
            number(was),
            number(new),
            (found.low / half, found.high / half),
            True,
            told,
        )
        for name, was, new, found, half in zip(
            names, olds, fit.offset_mean, fit.estimates, halves, strict=True
        )
    ]
    left = "what these attempts leave unknown of the joints' errors, in the mean over joints"
    return (*means, Finding(*spread, before, number(fit.offset_std), None, True, left))


def _mean(
    name: tuple[str, str, str],
    found: Estimate,
    old: float,
    spread: Estimate,
    old_spread: float,
    draws: int,
) -> Finding:
    before, error = max(old_spread, spread.value) ** 2, spread.value**2 / draws
    new = old + (found.value - old) * (before / (before + error) if before > 0.0 else 1.0)
    reason = f"over {draws} independent errors"
    if found.low <= old <= found.high:
        reason = f"{reason}; they may as well have the old mean"
    return Finding(*name, number(old), number(new), _ends(found), True, reason)


def _spread(name: tuple[str, str, str], found: Estimate, old: float, draws: int) -> Finding:
    wider = math.sqrt((1 + 1 / draws) * (draws - 1) / (draws - 3))
    over = f"over {draws} independent errors"
    return Finding(*name, number(old), number(wider * found.value), _positive(found), True, over)


def _ends(found: Estimate) -> tuple[float, float]:
    return found.low, found.high


def _positive(found: Estimate) -> tuple[float, float]:
    """The interval of what cannot be negative."""
    return max(found.low, 0.0), max(found.high, 0.0)
