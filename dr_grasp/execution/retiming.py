"""Slows a path down to an arm's limits without a change of its shape."""

from __future__ import annotations

import numpy as np

from dr_grasp.core.arrays import FloatArray, frozen
from dr_grasp.core.trajectory import Waypoints


def slowed(
    path: Waypoints, velocities: FloatArray, accelerations: FloatArray, speed: float
) -> Waypoints:
    """Stretch a path's times evenly, until no joint exceeds a share of its limits.

    The path keeps its waypoints and the proportions of their times, which were scored; a planner's
    retiming would round corners and resample. A path that is slow enough is not changed.

    Args:
        path: Path of n joints.
        velocities: Velocity limits, shape (n,) [rad/s or m/s].
        accelerations: Acceleration limits, shape (n,) [rad/s^2 or m/s^2].
        speed: Share of the limits that may be used, in (0, 1].
    """
    if len(path.times_s) < 2:
        return path
    fastest, hardest = extremes(path)
    factor = max(
        1.0,
        float((fastest / velocities).max()) / speed,
        float(np.sqrt((hardest / accelerations).max() / speed)),
    )
    return Waypoints(path.joints, frozen(path.times_s * factor), path.positions)


def extremes(path: Waypoints) -> tuple[FloatArray, FloatArray]:
    """Largest speed and acceleration of each joint on a path.

    A controller is assumed to follow cubic polynomials with `joint_rates` at the waypoints.

    Args:
        path: Path of n joints with at least two waypoints.

    Returns:
        Largest speeds, shape (n,) [rad/s or m/s], and accelerations, (n,) [rad/s^2 or m/s^2].
    """
    rates = joint_rates(path)
    before, after = rates[:-1], rates[1:]
    steps = np.diff(path.times_s)[:, None]
    straight = np.diff(path.positions, axis=0) / steps
    # Cubic Hermite segments: the acceleration changes linearly from one end to the other.
    first = (6.0 * straight - 4.0 * before - 2.0 * after) / steps
    last = (-6.0 * straight + 2.0 * before + 4.0 * after) / steps
    turns = first * last < 0.0  # the speed has an extremum between two waypoints
    jerk = np.where(turns, (last - first) / steps, 1.0)
    between = np.where(turns, np.abs(before - first**2 / (2.0 * jerk)), 0.0)
    fastest = np.maximum(np.abs(rates).max(axis=0), between.max(axis=0))
    hardest = np.maximum(np.abs(first).max(axis=0), np.abs(last).max(axis=0))
    return frozen(fastest), frozen(hardest)


def joint_rates(path: Waypoints) -> FloatArray:
    """Compute velocities at m waypoints for a smooth motion, shape (m, n) [rad/s or m/s].

    They are central differences, and zero at both ends. Without velocities, a controller would move
    along straight lines and jerk at each waypoint.
    """
    rates = np.zeros_like(path.positions)
    if len(path.times_s) > 2:
        spans = path.times_s[2:] - path.times_s[:-2]
        rates[1:-1] = (path.positions[2:] - path.positions[:-2]) / spans[:, None]
    return frozen(rates)


def backwards(path: Waypoints) -> Waypoints:
    """Reverse a path: from its end to its start, at the same speed."""
    times = path.times_s[-1] - path.times_s[::-1]
    return Waypoints(path.joints, frozen(times), frozen(path.positions[::-1]))
