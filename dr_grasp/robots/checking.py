"""Checks that a grasp fits its robot, once, before anything moves or is simulated."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence

import numpy as np

from dr_grasp.core.arrays import FloatArray
from dr_grasp.core.fitness import GraspOrRefusal, RefusedGrasp
from dr_grasp.core.geometry import Pose, Table
from dr_grasp.core.trajectory import GraspTrajectory, Waypoints
from dr_grasp.errors import DrGraspError, InvalidGraspError
from dr_grasp.objects.object_spec import load_object
from dr_grasp.robots.joints import JointLimits
from dr_grasp.robots.robot_spec import RobotSpec

POSITION_TOLERANCE = 1e-6
"""Rounding in files must not turn a posture at a limit into a refused one [rad or m]."""

FARTHEST_ABOVE_TABLE_M = 0.5
"""The origin of a mesh may lie anywhere in or near the object, but not further off [m]."""

VELOCITY_TOLERANCE = 1.01
"""Factor on the velocity limit: time stamps are often rounded to milliseconds."""


def check_grasp(grasp: GraspTrajectory, robot: RobotSpec) -> None:
    """Refuse a grasp that its robot cannot be asked to do.

    Raises:
        InvalidGraspError: Wrong joints, or positions or velocities beyond the URDF's limits. The
            message begins with the grasp's id and the field.
    """
    if grasp.robot != robot.name:
        raise InvalidGraspError(
            f"grasp {grasp.id}: robot: expected {robot.name}, got {grasp.robot}"
        )
    check_place(f"grasp {grasp.id}: object_in_base position", grasp.object_in_base, robot.table)
    for field, joints, expected in (
        ("approach", grasp.approach.joints, robot.arm_joints),
        ("lift", grasp.lift.joints, robot.arm_joints),
        ("close", grasp.close.joints, robot.hand_joints),
    ):
        if joints != expected:
            raise InvalidGraspError(
                f"grasp {grasp.id}: {field} joints: expected {', '.join(expected)}, "
                f"got {', '.join(joints)}"
            )
    for field, values, limits in (
        ("approach positions", grasp.approach.positions, robot.arm_limits),
        ("lift positions", grasp.lift.positions, robot.arm_limits),
        ("close preshape", grasp.close.preshape[None], robot.hand_limits),
        ("close positions", grasp.close.positions[None], robot.hand_limits),
    ):
        joints = robot.hand_joints if field.startswith("close") else robot.arm_joints
        _check_positions(f"grasp {grasp.id}: {field}", joints, values, limits)
    for field, waypoints in (("approach", grasp.approach), ("lift", grasp.lift_from_grasp)):
        _check_velocities(f"grasp {grasp.id}: {field} velocity", waypoints, robot.arm_limits)


def check_each(
    grasps: Iterable[GraspOrRefusal],
    robot_of: Callable[[GraspTrajectory], RobotSpec],
) -> Iterator[GraspOrRefusal]:
    """Check grasps as they come: id, robot, object, joints and limits.

    Args:
        grasps: Any number of grasps, and refusals, which are passed on.
        robot_of: Gives the robot of a grasp; may raise DrGraspError.

    Yields:
        Each grasp, or its refusal.
    """
    ids: set[str] = set()
    for index, grasp in enumerate(grasps):
        if isinstance(grasp, RefusedGrasp):
            yield grasp
            continue
        try:
            if grasp.id in ids:
                raise DrGraspError("id: expected unique ids, got it a second time")
            ids.add(grasp.id)
            check_grasp(grasp, robot_of(grasp))
            load_object(grasp.object)
        except DrGraspError as error:
            reason = str(error).removeprefix(f"grasp {grasp.id}: ")
            yield RefusedGrasp(index, grasp.id, f"grasp {grasp.id}: {reason}")
        else:
            yield grasp


def check_place(where: str, object_in_base: Pose, table: Table) -> None:
    """Refuse a place of an object that is not on the table; the message begins with `where`.

    Raises:
        InvalidGraspError: It is beside the table, or far above or below its top.
    """
    x, y, z = (float(value) for value in object_in_base.position)
    half = [length / 2 for length in table.size[:2]]
    on_table = all(
        abs(value - center) <= reach
        for value, center, reach in zip((x, y), table.center_xy, half, strict=True)
    )
    if not on_table or abs(z - table.top_z) > FARTHEST_ABOVE_TABLE_M:
        raise InvalidGraspError(
            f"{where}: expected on the table (x, y within {half[0]:g}, {half[1]:g} m of "
            f"{table.center_xy}, z near {table.top_z:g} m), got ({x:.4g}, {y:.4g}, {z:.4g}); is it "
            "in metres, and in the robot's base frame?"
        )


def _check_positions(
    where: str, joints: Sequence[str], values: FloatArray, limits: Sequence[JointLimits]
) -> None:
    for column, (joint, limit) in enumerate(zip(joints, limits, strict=True)):
        low, high = limit.lower - POSITION_TOLERANCE, limit.upper + POSITION_TOLERANCE
        outside = (values[:, column] < low) | (values[:, column] > high)
        if outside.any():
            index = int(np.argmax(outside))
            raise InvalidGraspError(
                f"{where}: expected {joint} within [{limit.lower:g}, {limit.upper:g}], "
                f"got {values[index, column]:.6g} at waypoint {index}"
            )


def _check_velocities(where: str, waypoints: Waypoints, limits: Sequence[JointLimits]) -> None:
    if len(waypoints.times_s) < 2:
        return
    speeds = np.abs(np.diff(waypoints.positions, axis=0)) / np.diff(waypoints.times_s)[:, None]
    for column, (joint, limit) in enumerate(zip(waypoints.joints, limits, strict=True)):
        index = int(np.argmax(speeds[:, column]))
        if speeds[index, column] > limit.velocity * VELOCITY_TOLERANCE:
            raise InvalidGraspError(
                f"{where}: expected {joint} within {limit.velocity:g} per second, "
                f"got {speeds[index, column]:.4g} before {waypoints.times_s[index + 1]:g} s"
            )
