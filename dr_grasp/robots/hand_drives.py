"""The drives of a hand: force, speed and inertia of each joint."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from dr_grasp.core.arrays import FloatArray, frozen
from dr_grasp.errors import SettingsError
from dr_grasp.robots.robot_model import RobotModel
from dr_grasp.robots.robot_settings import HandSettings

SHORTEST_START_S = 1.0 / 3000.0
"""Time in which a drive with its full force reaches its speed, by its own inertia.

On links as light as those of URDFs, PyBullet's solver exerts no more than their inertia times
their speed times 12,000/s (50 iterations of 240 steps): 13 of 20 N on Baxter, with two thirds of a
millimetre between coupled fingers under load. With four times what that would take, it conveys all,
and a joint that is pressed against its limit stays there. Real drives are slower by far."""


@dataclass(frozen=True, slots=True, eq=False)
class HandDrives:
    """Drives of the n hand joints: first the driven ones, then those that mimic, as in the model.

    Attributes:
        force: Force [N] or torque [N m] of each drive when closing.
        force_shares: Shape (n,), the share of that force that each joint gets.
        velocities: Shape (n,), largest speeds [rad/s or m/s].
        inertias: Shape (n,), inertia of rotor and gear, reflected to each joint [kg or kg m^2].
    """

    force: float
    force_shares: FloatArray
    velocities: FloatArray
    inertias: FloatArray


def hand_drives(path: str, hand: HandSettings, model: RobotModel) -> HandDrives:
    """Derive a hand's drives from its settings and its model.

    Args:
        path: The robot's file, for messages.
        hand: The file's section `hand`.
        model: The robot's model.

    Raises:
        SettingsError: The force is larger than the URDF's effort.
    """
    force, shares = _force(path, hand, model), _shares(hand, model)
    speed = math.inf if hand.closing_speed is None else hand.closing_speed
    driven = {joint: min(speed, model.limits[joint].velocity) for joint in hand.joints}
    followers = [abs(mimic.multiplier) * driven[mimic.follows] for mimic in model.mimics]
    velocities = np.array([*driven.values(), *followers])
    if hand.drive_inertia is not None:
        inertias = np.full_like(velocities, hand.drive_inertia)
    else:
        # A mimic of multiplier 0 does not move.
        moves = velocities > 0
        inertias = np.where(moves, force * shares * SHORTEST_START_S, 0.0)
        inertias[moves] /= velocities[moves]
    return HandDrives(force, shares, frozen(velocities), frozen(inertias))


def _force(path: str, hand: HandSettings, model: RobotModel) -> float:
    effort = min(model.limits[joint].effort for joint in hand.joints)
    if hand.force is None:
        return effort
    if hand.force > effort:
        raise SettingsError(
            f"{path}: hand.force: expected at most the URDF's effort {effort:g}, got {hand.force:g}"
        )
    return hand.force


def _shares(hand: HandSettings, model: RobotModel) -> FloatArray:
    follows = [mimic.follows for mimic in model.mimics]
    if not hand.force_is_shared:
        return frozen(np.ones(len(hand.joints) + len(follows)))
    moved = {joint: 1 + follows.count(joint) for joint in hand.joints}
    return frozen([1.0 / moved[joint] for joint in (*hand.joints, *follows)])
