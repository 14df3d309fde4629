"""How hard a held object can be pulled before it slips in the hand."""

from __future__ import annotations

from itertools import count
from typing import Final

import numpy as np

from dr_grasp.core.arrays import FloatArray, frozen
from dr_grasp.core.outcome import Outcome
from dr_grasp.core.perturbation import Perturbation
from dr_grasp.core.trajectory import GraspTrajectory, Phase
from dr_grasp.simulation.motors import RATE_HZ
from dr_grasp.simulation.rollout_runner import RolloutRunner
from dr_grasp.simulation.scene import GRAVITY

LARGEST_TUG = 20.0
"""The largest force with which is pulled, in multiples of the object's weight."""

TUG_RATE = 5.0
"""How fast the force grows, in multiples of the weight in a second. While an object slips by
`SLIP_M`, the force grows by half its weight: by so much the result is too large."""

SLIP_M = 0.01
"""An object that has moved farther than this in the hand has slipped [m]. The judge lets an object
slip by 5 cm; but what slipped by a centimetre is no longer held as planned."""

DIRECTIONS: Final = tuple(frozen(axis) for axis in (*-np.eye(3)[::-1], *np.eye(3)))
"""Along the axes of the base frame, downwards first: there the weight helps to pull."""


def tug(runner: RolloutRunner, grasp: GraspTrajectory) -> float:
    """The largest force on the held object that it withstands in the weakest of six directions.

    The force acts on the centre of mass, beside the weight, when the object has been lifted.

    Args:
        runner: Runs rollouts of the grasp's robot and object.
        grasp: The grasp, checked against the robot.

    Returns:
        The force in multiples of the object's weight, at most `LARGEST_TUG`; 0 if the grasp does
        not hold undisturbed.
    """
    if runner.run(grasp, Perturbation.none()).outcome is not Outcome.SUCCESS:
        return 0.0
    least = LARGEST_TUG
    for direction in DIRECTIONS:
        least = withstood(runner, grasp, direction, least)
    return least


def withstood(
    runner: RolloutRunner, grasp: GraspTrajectory, direction: FloatArray, most: float
) -> float:
    """Pull in one direction until the object slips; gives the force in multiples of the weight.

    Args:
        runner: Runs rollouts of the grasp's robot and object.
        grasp: The grasp, checked against the robot.
        direction: Shape (3,), unit vector in the base frame.
        most: The largest force, in multiples of the weight.
    """
    if runner.run(grasp, Perturbation.none(), Phase.LIFT).outcome is not Outcome.UNKNOWN:
        return 0.0
    world = runner.world
    world.follow(grasp.lift.positions[-1:], np.zeros((1, len(grasp.lift.joints))))
    world.drive(0)  # as in the hold: the arm stays where the lift ends
    pull = world.object.mass * GRAVITY * direction
    held, force = world.object_in_hand(), 0.0
    for step in count(1):
        larger = min(step * TUG_RATE / RATE_HZ, most)
        world.push(frozen(larger * pull))
        world.advance()
        slip = float(np.linalg.norm(world.object_in_hand() - held))
        if not slip <= SLIP_M:  # nor is it a number where the simulation diverges
            return force
        if larger == most:
            return most
        force = larger
    raise AssertionError("the force grows until it is the largest")
