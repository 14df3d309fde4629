"""Attempts whose motion and poses are computed, with known truth."""

from dataclasses import replace

import numpy as np

from dr_grasp.core.attempt import GraspAttempt
from dr_grasp.core.geometry import Pose
from dr_grasp.core.outcome import Outcome
from dr_grasp.core.trajectory import Waypoints
from dr_grasp.identification.evidence import Evidence, Tried


def attempt_of(grasp, name="a0", **changes):
    attempt = GraspAttempt(name, 10**18, "moveit", 0, 0, grasp, None, Outcome.SUCCESS)
    return replace(attempt, **changes)


def evidence_of(attempts, **changes):
    tried = tuple(Tried(a, a.outcome, bool(a.outcome.held), "bag") for a in attempts)
    return Evidence(tried[0].attempt.robot, tried, {"bag": "0123"}, **changes)


STEP_S = 0.002


def critically_damped(commanded, times_s, delay_s, omegas):
    """Solve the joints' equations of motion by Runge-Kutta, not by the filters of the fit."""
    omegas = np.asarray(omegas)
    grid = np.arange(0.0, times_s[-1] + STEP_S, STEP_S / 2)
    aims = commanded.at(grid - delay_s)

    def slope(state, aim):
        return np.stack([state[1], omegas**2 * (aim - state[0]) - 2 * omegas * state[1]])

    state = np.stack([aims[0], 0 * aims[0]])
    solved = [state[0]]
    for now, middle, after in zip(aims[:-2:2], aims[1:-1:2], aims[2::2], strict=True):
        first = slope(state, now)
        second = slope(state + STEP_S / 2 * first, middle)
        third = slope(state + STEP_S / 2 * second, middle)
        last = slope(state + STEP_S * third, after)
        state = state + STEP_S / 6 * (first + 2 * second + 2 * third + last)
        solved.append(state[0])
    return Waypoints(commanded.joints, grid[: 2 * len(solved) : 2], solved).at(times_s)


def way(rng, joints, count=5):
    """Random waypoints 0.4 s apart, of which the last is held for half a second."""
    positions = np.cumsum(rng.uniform(-0.4, 0.4, (count, len(joints))), axis=0)
    times = np.append(0.4 * np.arange(count), 0.4 * (count - 1) + 0.5)
    return Waypoints(joints, times, np.vstack([positions, positions[-1:]]))


def at_place(believed, x=0.0, y=0.0, yaw=0.0):
    return believed.perturbed([x, y, 0.0], [0.0, 0.0, yaw])


def turned(pose, rpy):
    return Pose(pose.position, pose.perturbed([0, 0, 0], rpy).quaternion_xyzw)
