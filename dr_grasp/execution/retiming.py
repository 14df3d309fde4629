"""Makes a path slow enough for an arm without changing its shape."""

from __future__ import annotations

import numpy as np

from dr_grasp.core.arrays import FloatArray, frozen
from dr_grasp.core.trajectory import Waypoints


def slowed(
    path: Waypoints, velocities: FloatArray, accelerations: FloatArray, speed: float
) -> Waypoints:
    """Stretch a path's time evenly, until no joint exceeds its share of its limits.

    A planner's own retiming would round corners and resample; this goes through the same points in
    the same proportions of time, which is what was scored. A path that is slow enough stays as it
    is, whatever the share.

    Args:
        path: Of n joints, m waypoints.
        velocities: Shape (n,), limits [rad/s or m/s].
        accelerations: Shape (n,), limits [rad/s^2 or m/s^2].
        speed: Share of both that may be used, in (0, 1].
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
    """Largest speed and acceleration of each joint, both of shape (n,) [rad/s and rad/s^2, or m].

    Those of the cubic polynomials that a controller passes the waypoints by, at `joint_rates`.

    Args:
        path: Of at least two waypoints.
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
    """Velocities at the waypoints, for a controller to pass them smoothly: shape (m, n).

    Central differences, and standstill at both ends. With positions alone a controller would move
    along straight lines, and jerk at each waypoint.
    """
    rates = np.zeros_like(path.positions)
    if len(path.times_s) > 2:
        spans = path.times_s[2:] - path.times_s[:-2]
        rates[1:-1] = (path.positions[2:] - path.positions[:-2]) / spans[:, None]
    return frozen(rates)


def backwards(path: Waypoints) -> Waypoints:
    """The same path from its end to its start, at the same pace."""
    times = path.times_s[-1] - path.times_s[::-1]
    return Waypoints(path.joints, frozen(times), frozen(path.positions[::-1]))
