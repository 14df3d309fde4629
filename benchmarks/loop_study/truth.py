"""What is true in a hidden laboratory, of each parameter that identification fits."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from dr_grasp.core.arrays import frozen
from dr_grasp.core.perturbation import Profile
from dr_grasp.core.trajectory import GraspTrajectory
from dr_grasp.robots.forward_kinematics import link_in_base
from dr_grasp.robots.robot_spec import load_robot
from dr_grasp.twin.twin_profile import object_truth, robot_truth
from dr_grasp.twin.world import ARM_BANDWIDTH
from loop_study.plan import Laboratory
from loop_study.work import twin_of

INSIDE = 1.645
"""Half of the 90 % range of a normal distribution, in standard deviations."""


def covered(
    laboratory: Laboratory,
    arm: str,
    objects: Sequence[str],
    profile: Profile,
    finding: dict[str, Any],
) -> Iterator[bool]:
    """Whether each true value of a fitted parameter lies in its 90 % range.

    A parameter that each object has for itself, those that were not tried included, is compared
    with the range from which worlds are drawn; one that the laboratory has once with the interval
    that was found.

    Args:
        laboratory: The laboratory.
        arm: Name of the robot.
        objects: Names of all objects.
        profile: The identified profile.
        finding: What was found of the parameter.
    """
    twin, robot = twin_of(laboratory), load_robot(arm)
    of_robot = robot_truth(twin, arm, len(robot.arm_joints))
    of_objects = [object_truth(twin, obj) for obj in objects]
    key = finding["key"]
    each = {
        "dynamics.lateral_friction_scale": [one.friction_factor for one in of_objects],
        "dynamics.mass_scale": [one.mass_factor for one in of_objects],
        "dynamics.spinning_friction": [one.torsional_friction_m for one in of_objects],
    }
    once = {
        "joints.delay_s": of_robot.control_delay_s,
        "joints.lag_s": 2.0 / ARM_BANDWIDTH,
        "dynamics.gripper_force_scale": of_robot.gripper_force_factor,
        "object_pose.position_std_m": twin.perception.position_std_m,
        "object_pose.position_mean_m.0": 0.0,
        "object_pose.position_mean_m.1": 0.0,
        "object_pose.rotation_mean_rad.2": 0.0,
        "object_pose.rotation_std_rad.2": math.radians(twin.perception.yaw_std_deg),
    }
    if key in each:
        low, high = finding["new"]
        margin = 0.05 * (high - low)
        yield from (low + margin <= value <= high - margin for value in each[key])
    elif key in once:
        low, high = finding["interval"]
        yield low <= once[key] <= high
    elif key == "dynamics.center_of_mass_std_m":
        reach = INSIDE * finding["new"][1]
        shifts = np.array([one.center_of_mass_shift_m for one in of_objects])
        yield from (bool(inside) for inside in (np.abs(shifts) <= reach).ravel())
    elif key.startswith("joints.offset_mean."):
        joint = int(key.rpartition(".")[2])
        true = of_robot.joint_offset[joint] / robot.arm_half_ranges[joint]
        off = abs(true - profile.joints.offset_mean[joint])
        yield bool(off <= INSIDE * profile.joints.offset_std)


def hand_error_m(
    laboratory: Laboratory, grasps: Sequence[GraspTrajectory], profile: Profile
) -> float:
    """How far the hand is from where a profile expects it where it closes, in the mean [m].

    Args:
        laboratory: The laboratory, whose arm has constant joint errors.
        grasps: Grasps of one robot.
        profile: The profile, which may know some of these errors.
    """
    robot = load_robot(grasps[0].robot)
    true = robot_truth(twin_of(laboratory), robot.name, len(robot.arm_joints)).joint_offset
    known = np.array(profile.joints.offset_mean or np.zeros(len(true))) * robot.arm_half_ranges
    errors = []
    for grasp in grasps:
        closing = grasp.approach.positions[-1]
        places = [
            link_in_base(robot, robot.tcp_link, frozen(closing + offset)).position
            for offset in (true, known)
        ]
        errors.append(float(np.linalg.norm(places[0] - places[1])))
    return float(np.mean(errors))
