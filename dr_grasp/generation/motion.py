"""From a grasp pose to the arm's motion: reach, lift, and their time stamps."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

import numpy as np
from scipy.interpolate import CubicSpline

from dr_grasp.core.arrays import FloatArray, frozen
from dr_grasp.core.geometry import Pose
from dr_grasp.core.trajectory import Waypoints
from dr_grasp.robots.robot_spec import RobotSpec, Synergy
from dr_grasp.simulation.bullet.world import BulletWorld

POSITION_ERROR_M = 5e-4
ROTATION_ERROR_RAD = 5e-3


@dataclass(frozen=True, slots=True)
class MotionSettings:
    """Shape and pace of the motion.

    Attributes:
        standoff_m: Length of the straight last part of the approach [m].
        lift_m: How far the hand rises [m].
        reach_s: Time for the free motion to the standoff, if the joints can keep it [s].
        approach_s: Time for the straight part [s].
        lift_s: Time for the lift [s].
        hold_s: Time of the hold [s].
        waypoint_s: Time between waypoints [s].
        speed_share: Share of the joints' velocity limits that is used.
        seeds: Starting points tried for inverse kinematics.
    """

    standoff_m: float = 0.10
    lift_m: float = 0.20
    reach_s: float = 1.2
    approach_s: float = 0.8
    lift_s: float = 1.0
    hold_s: float = 1.0
    waypoint_s: float = 0.05
    speed_share: float = 0.8
    seeds: int = 4


@dataclass(frozen=True, slots=True)
class Motion:
    """Approach and lift of one grasp."""

    approach: Waypoints
    lift: Waypoints


class Unreachable(Enum):
    """Why the arm cannot do a grasp."""

    KINEMATICS = "no inverse kinematics within the joints' limits"
    TABLE = "the open hand would touch the table"
    APPROACH = "no continuous straight approach within the joints' limits"
    LIFT = "no continuous lift within the joints' limits"
    LIMITS = "the motion would pass a joint's limits"


def plan_motion(
    world: BulletWorld,
    grip_in_base: Pose,
    synergy: Synergy,
    settings: MotionSettings,
    rng: np.random.Generator,
    *,
    opening: float = 1.0,
) -> Motion | Unreachable:
    """Find the arm's motion to a grip and up again.

    Args:
        world: For the kinematics of its robot.
        grip_in_base: The grip frame when closing.
        synergy: Says where that frame is in the hand.
        settings: Shape and pace.
        rng: Source of starting points for inverse kinematics.
        opening: How far the hand is open, 0 to 1.

    Returns:
        The motion, or why there is none within the arm's limits and clear of the table.
    """
    robot = world.robot
    tcp_in_base = grip_in_base @ synergy.grip_in_tcp.inverse()
    at_grasp = _solve(world, tcp_in_base, settings.seeds, rng)
    if at_grasp is None:
        return Unreachable.KINEMATICS
    if world.hits_support(at_grasp, synergy.preshape(opening)):
        return Unreachable.TABLE
    backwards = -grip_in_base.rotate([0.0, 0.0, 1.0])
    distances = frozen(np.linspace(0, settings.standoff_m, 6))
    away = _follow(world, tcp_in_base, backwards, distances, at_grasp)
    if away is None:
        return Unreachable.APPROACH
    up, distances = frozen([0.0, 0.0, 1.0]), frozen(np.linspace(0, settings.lift_m, 7))
    lift = _follow(world, tcp_in_base, up, distances, at_grasp)
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
    # Times on whole nanoseconds and positions on microradians: exact in files and in messages.
    return Waypoints(robot.arm_joints, frozen(np.round(times, 9)), frozen(np.round(positions, 6)))


def _solve(
    world: BulletWorld, target: Pose, seeds: int, rng: np.random.Generator
) -> FloatArray | None:
    home = world.robot.home
    for attempt in range(seeds):
        start = home if attempt == 0 else frozen(home + rng.normal(0.0, 0.5, len(home)))
        solution = _refine(world, target, start)
        if solution is not None:
            return solution
    return None


def _refine(world: BulletWorld, target: Pose, start: FloatArray) -> FloatArray | None:
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
    world: BulletWorld,
    begin: Pose,
    direction: FloatArray,
    distances_m: FloatArray,
    at_begin: FloatArray,
) -> FloatArray | None:
    """Joint positions at some distances from a pose, straight in one direction; None if lost."""
    path = [at_begin]
    for distance_m in distances_m[1:]:
        pose = Pose(frozen(begin.position + distance_m * direction), begin.quaternion_xyzw)
        solution = _refine(world, pose, path[-1])
        # A jump means that the solver changed to another branch, which the arm cannot follow.
        if solution is None or float(np.abs(solution - path[-1]).max()) > 0.5:
            return None
        path.append(solution)
    return np.stack(path)


def _timed(
    path: FloatArray, duration_s: float, robot: RobotSpec, settings: MotionSettings
) -> tuple[FloatArray, FloatArray]:
    """Run along a joint path from rest to rest, slower than asked if the joints need it."""
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
