"""Inverse kinematics of arms with too few joints to reach a place in every orientation."""

from __future__ import annotations

import numpy as np

from dr_grasp.core.arrays import FloatArray, frozen
from dr_grasp.core.geometry import Pose
from dr_grasp.simulation.bullet.kinematics import RobotWorld

JOINTS_FOR_EVERY_POSE = 6
"""An arm with fewer reaches a grip only with a tilt of its own about the closing axis. Between two
fingers that tilt is free: they press on the same surfaces."""

POSITION_ERROR_M = 5e-4
ROTATION_ERROR_RAD = 5e-3

MOST_STEPS = 40
LARGEST_STEP = 0.3
"""Largest change of a joint in a step [rad or m]: the model is linear."""

DAMPING = 1e-5
"""Added to the squared Jacobian [m^2]: where the arm is stretched, steps stay small."""

LEVER_M = 0.1
"""Weighs an angle against a distance, as the distance that it moves the end of a hand."""


def solve_tilting(
    world: RobotWorld, grip_in_base: Pose, grip_in_tcp: Pose, start: FloatArray
) -> FloatArray | None:
    """Bring the grip to its place and its closing axis (y) to its direction; moves the robot.

    By damped least squares on the arm's Jacobian; the rotation about the closing axis is left free.

    Args:
        world: World with the robot.
        grip_in_base: Wanted grip frame.
        grip_in_tcp: The grip frame in the hand.
        start: Shape (n,), arm positions to start from [rad or m].

    Returns:
        Shape (n,), arm positions [rad or m]; None if there are none within the limits.
    """
    limits = world.robot.arm_limits
    wanted = grip_in_base.rotate([0.0, 1.0, 0.0])
    positions = np.array(start)
    for _ in range(MOST_STEPS):
        tcp = world.forward_kinematics(frozen(positions))
        grip = tcp @ grip_in_tcp
        closing = grip.rotate([0.0, 1.0, 0.0])
        away, turn = grip_in_base.position - grip.position, np.cross(closing, wanted)
        if (
            np.linalg.norm(away) < POSITION_ERROR_M
            and np.linalg.norm(turn) < ROTATION_ERROR_RAD
            and closing @ wanted > 0
        ):
            within = all(
                limit.lower <= position <= limit.upper
                for limit, position in zip(limits, positions, strict=True)
            )
            return frozen(positions) if within else None
        linear, angular = np.split(world.jacobian(), 2)
        linear = linear + np.cross(angular.T, grip.position - tcp.position).T
        angular = angular - np.outer(closing, closing @ angular)
        jacobian = np.vstack([linear, LEVER_M * angular])
        error = np.concatenate([away, LEVER_M * turn])
        square = jacobian @ jacobian.T + DAMPING * np.eye(6)
        step = jacobian.T @ np.linalg.solve(square, error)
        positions += np.clip(step, -LARGEST_STEP, LARGEST_STEP)
    return None
