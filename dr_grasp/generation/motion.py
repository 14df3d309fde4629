"""Plans the arm's motion to a grasp pose and the lift, with time stamps."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

import numpy as np
from scipy.interpolate import CubicSpline

from dr_grasp.core.arrays import FloatArray, frozen
from dr_grasp.core.geometry import Pose
from dr_grasp.core.trajectory import Waypoints
from dr_grasp.generation.few_joints import (
    JOINTS_FOR_EVERY_POSE,
    POSITION_ERROR_M,
    ROTATION_ERROR_RAD,
    solve_tilting,
)
from dr_grasp.robots.robot_settings import LIFT_M, STANDOFF_M
from dr_grasp.robots.robot_spec import RobotSpec, Synergy
from dr_grasp.simulation.bullet.kinematics import RobotWorld


@dataclass(frozen=True, slots=True)
class MotionSettings:
    """Lengths and durations of the arm's motion.

    Attributes:
        standoff_m: Length of the straight last part of the approach [m].
        lift_m: Height of the lift [m].
        reach_s: Time for the free motion to the standoff, if joints are fast enough [s].
        approach_s: Time for the straight part [s].
        lift_s: Time for the lift [s].
        hold_s: Time of the hold [s].
        waypoint_s: Time between waypoints [s].
        speed_share: Largest joint speed as a share of the joint's velocity limit.
        seeds: Number of starting points for inverse kinematics.
    """

    standoff_m: float = STANDOFF_M
    lift_m: float = LIFT_M
    reach_s: float = 1.2
    approach_s: float = 0.8
    lift_s: float = 1.0
    hold_s: float = 1.0
    waypoint_s: float = 0.05
    speed_share: float = 0.8
    seeds: int = 4


@dataclass(frozen=True, slots=True)
class Motion:
    """The arm's motion in the approach and in the lift of one grasp."""

    approach: Waypoints
    lift: Waypoints


class Unreachable(Enum):
    """Reason why the arm cannot execute a grasp."""

    KINEMATICS = "no inverse kinematics within the joints' limits"
    TABLE = "the open hand would touch the table"
    APPROACH = "no continuous straight approach within the joints' limits"
    LIFT = "no continuous lift within the joints' limits"
    LIMITS = "the motion would pass a joint's limits"


def plan_motion(
    world: RobotWorld,
    grip_in_base: Pose,
    synergy: Synergy,
    settings: MotionSettings,
    rng: np.random.Generator,
    *,
    opening: float = 1.0,
) -> Motion | Unreachable:
    """Plan the arm's motion to a grip and its lift.

    An arm of fewer than six joints approaches with a tilt of its own; see `solve_tilting`.

    Args:
        world: World with the robot; its kinematics and its table are used.
        grip_in_base: Pose of the grip frame when the hand closes.
        synergy: How the hand closes; contains the grip frame's pose in the hand.
        settings: Lengths and durations of the motion.
        rng: Random generator, for the starting points of inverse kinematics.
        opening: Opening of the hand in the approach, 0 (closed) to 1 (fully open).

    Returns:
        The motion; or the reason why there is none within the arm's limits and clear of the table.
    """
    robot = world.robot
    grip_in_tcp = synergy.grip_in_tcp
    tcp_in_base = grip_in_base @ grip_in_tcp.inverse()
    at_grasp = _solve(world, tcp_in_base, grip_in_tcp, settings.seeds, rng)
    if at_grasp is None:
        return Unreachable.KINEMATICS
    if _tilts(robot):
        tcp_in_base = world.forward_kinematics(at_grasp)
        grip_in_base = tcp_in_base @ grip_in_tcp
    if world.hits_support(at_grasp, synergy.preshape(opening)):
        return Unreachable.TABLE
    backwards = -grip_in_base.rotate([0.0, 0.0, 1.0])
    distances = frozen(np.linspace(0, settings.standoff_m, 6))
    away = _follow(world, tcp_in_base, grip_in_tcp, backwards, distances, at_grasp)
    if away is None:
        return Unreachable.APPROACH
    up, distances = frozen([0.0, 0.0, 1.0]), frozen(np.linspace(0, settings.lift_m, 7))
    lift = _follow(world, tcp_in_base, grip_in_tcp, up, distances, at_grasp)
    if lift is None:
        return Unreachable.LIFT
    path = away[::-1]
    first = _timed(np.stack([robot.home, path[0]]), settings.reach_s, robot, settings)
    second = _timed(path, settings.approach_s, robot, settings)
    times = np.concatenate([first[0], first[0][-1] + second[0][1:]])
    positions = np.concatenate([first[1], second[1][1:]])
    return Motion(
        _waypoints(robot, times, positions),
        _waypoints(robot, *_timed(lift, settings.lift_s, robot, settings)),
    )


def _waypoints(robot: RobotSpec, times: FloatArray, positions: FloatArray) -> Waypoints:
    # Times are rounded to nanoseconds and positions to microradians: exact in files and messages.
    return Waypoints(robot.arm_joints, frozen(np.round(times, 9)), frozen(np.round(positions, 6)))


def _tilts(robot: RobotSpec) -> bool:
    return len(robot.arm_joints) < JOINTS_FOR_EVERY_POSE


def _solve(
    world: RobotWorld, target: Pose, grip_in_tcp: Pose, seeds: int, rng: np.random.Generator
) -> FloatArray | None:
    home = world.robot.home
    for attempt in range(seeds):
        start = home if attempt == 0 else frozen(home + rng.normal(0.0, 0.5, len(home)))
        solution = _refine(world, target, grip_in_tcp, start)
        if solution is not None:
            return solution
    return None


def _refine(
    world: RobotWorld, target: Pose, grip_in_tcp: Pose, start: FloatArray
) -> FloatArray | None:
    if _tilts(world.robot):
        return solve_tilting(world, target @ grip_in_tcp, grip_in_tcp, start)
    solution = start
    for _ in range(8):
        solution = world.inverse_kinematics_step(target, solution)
        reached = world.forward_kinematics(solution)
        position_error = np.linalg.norm(reached.position - target.position)
        rotation_error = (reached.rotation.inv() * target.rotation).magnitude()
        if position_error < POSITION_ERROR_M and rotation_error < ROTATION_ERROR_RAD:
            within = all(
                limit.lower <= q <= limit.upper
                for limit, q in zip(world.robot.arm_limits, solution, strict=True)
            )
            return solution if within else None
    return None


def _follow(
    world: RobotWorld,
    begin: Pose,
    grip_in_tcp: Pose,
    direction: FloatArray,
    distances_m: FloatArray,
    at_begin: FloatArray,
) -> FloatArray | None:
    """Joint positions along a straight line from a pose, shape (k, n); None if there are none."""
    path = [at_begin]
    for distance_m in distances_m[1:]:
        pose = Pose(frozen(begin.position + distance_m * direction), begin.quaternion_xyzw)
        solution = _refine(world, pose, grip_in_tcp, path[-1])
        # A jump means that the solver changed to another branch, which the arm cannot follow.
        if solution is None or float(np.abs(solution - path[-1]).max()) > 0.5:
            return None
        path.append(solution)
    return np.stack(path)


def _timed(
    path: FloatArray, duration_s: float, robot: RobotSpec, settings: MotionSettings
) -> tuple[FloatArray, FloatArray]:
    """Times and positions along a joint path from rest to rest, slower if the joints need it."""
    curve = CubicSpline(np.linspace(0, 1, len(path)), path, axis=0)
    velocity_limits = np.array([limit.velocity for limit in robot.arm_limits])
    while True:
        count = max(2, round(duration_s / settings.waypoint_s))
        times = np.arange(count + 1) * settings.waypoint_s
        share = np.linspace(0, 1, count + 1)
        # Minimum-jerk time scaling (Flash and Hogan 1985).
        positions = curve(share**3 * (10 - 15 * share + 6 * share**2))
        speed = np.abs(np.diff(positions, axis=0)).max(axis=0) / settings.waypoint_s
        excess = float((speed / (settings.speed_share * velocity_limits)).max())
        if excess <= 1.0:
            return frozen(times), frozen(positions)
        duration_s *= max(excess, 1.05)
