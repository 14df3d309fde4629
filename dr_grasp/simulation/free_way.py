"""Finds how long an arm approaches through free air, which a rollout need not simulate."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from dr_grasp.core.arrays import FloatArray, IntArray, frozen
from dr_grasp.core.perturbation import Perturbation
from dr_grasp.core.trajectory import GraspTrajectory, Phase, Schedule
from dr_grasp.simulation.bullet.kinematics import RobotWorld
from dr_grasp.simulation.motors import ARM_POSITION_GAIN

WITHIN_M = 0.3
"""Largest distance that is measured [m]; a rollout whose noise moves anything farther is simulated
in full."""

STRIDE = 4
"""Steps between two measurements of the robot's distance from its surroundings: 17 ms."""

SELF_STRIDE = 3
"""Distances between the robot's own links, which take long, are measured every third time only."""

SLACK_M = 0.005
"""Distance that must be left [m] after all errors of the robot's and the object's positions."""

LEAD = 12
"""Steps simulated before the first possible contact, in which the hand and the motors settle."""

HAND_M = 0.2
"""Largest distance of any part of the hand, or of another link, from its frame's origin [m]."""

JITTER_SIGMAS = 4.0
"""Jitter beyond so many standard deviations to a side, one of 30,000 draws, is neglected."""


@dataclass(frozen=True, slots=True, eq=False)
class FreeWay:
    """Distances of the undisturbed robot on its approach from all that it might hit.

    Attributes:
        steps: Shape (k,), steps before which distances from the surroundings were measured.
        outer: Shape (k, 1), distance from object, table and ground, at most `WITHIN_M` [m].
        self_steps: Shape (l,), steps before which distances within the robot were measured.
        inner: Shape (l, pairs), distances of links that must not touch, at most `WITHIN_M` [m].
        jacobian: Shape (6, n), Jacobian of the tool centre point where the hand closes.
        pair_levers: Shape (pairs, n), how far a joint moves two links against each other per unit.
    """

    steps: IntArray
    outer: FloatArray
    self_steps: IntArray
    inner: FloatArray
    jacobian: FloatArray
    pair_levers: FloatArray

    def last_free_step(self, errors: ArmErrors, object_error_m: float) -> int:
        """Find the last step before which the robot touches nothing; a rollout may begin there.

        Args:
            errors: How far noise may move the arm's joints.
            object_error_m: How far any point of the object may be from its believed place [m].
        """
        outer_error = errors.of_hand(self.jacobian) + object_error_m + SLACK_M
        inner_error = errors.of_pairs(self.pair_levers) + SLACK_M
        if max(outer_error, float(inner_error.max(initial=0.0))) >= WITHIN_M:
            return 0
        first = min(
            _first_near(self.outer, outer_error, self.steps),
            _first_near(self.inner, inner_error, self.self_steps),
        )
        return max(0, first - LEAD)


def _first_near(distance: FloatArray, error: Any, steps: IntArray) -> int:
    """The first step at which a distance may be less than an error; the last if there is none."""
    # An arm moves smoothly: between two measurements no distance falls below both by more than half
    # of their difference.
    change = np.abs(np.diff(distance, axis=0))
    near = (np.minimum(distance[:-1], distance[1:]) - change / 2.0 <= error).any(axis=1)
    return int(steps[np.argmax(near)] if near.any() else steps[-1])


@dataclass(frozen=True, slots=True, eq=False)
class ArmErrors:
    """How far the joints of an arm may be from their planned positions under a perturbation.

    Attributes:
        constant: Shape (n,), offsets that stay the same for a whole rollout [rad or m].
        changing: Shape (n,), largest deviations that jitter makes [rad or m].
    """

    constant: FloatArray
    changing: FloatArray

    @classmethod
    def of(cls, perturbation: Perturbation, half_ranges: FloatArray) -> ArmErrors:
        """Compute the errors that a perturbation may cause.

        Args:
            perturbation: Perturbation of the commands.
            half_ranges: Shape (n,), half of each arm joint's range [rad or m].
        """
        offset = perturbation.joint_offset if perturbation.joint_offset.size else 0.0
        # The motors are a low-pass filter for jitter: see `tracked_positions`.
        passed = (ARM_POSITION_GAIN / (2.0 - ARM_POSITION_GAIN)) ** 0.5
        jitter = JITTER_SIGMAS * perturbation.jitter_std * passed
        return cls(frozen(offset * half_ranges), frozen(jitter * half_ranges))

    def of_hand(self, jacobian: FloatArray) -> float:
        """How far any part of the hand may be from its planned place [m]."""
        constant = jacobian @ self.constant
        changing = jacobian**2 @ self.changing**2
        return float(
            np.linalg.norm(constant[:3])
            + np.sqrt(changing[:3].sum())
            + HAND_M * (np.linalg.norm(constant[3:]) + np.sqrt(changing[3:].sum()))
        )

    def of_pairs(self, levers: FloatArray) -> FloatArray:
        """How far two links may be nearer to each other than planned, shape (pairs,) [m]."""
        return frozen(levers @ np.abs(self.constant) + np.sqrt(levers**2 @ self.changing**2))


def find_free_way(world: RobotWorld, grasp: GraspTrajectory, plan: Schedule) -> FreeWay:
    """Measure distances on a grasp's approach, planned at `RATE_HZ`; moves the robot and object."""
    world.start_object(grasp.object_in_base, Perturbation.none())
    count = int((plan.phases == Phase.APPROACH).sum())
    steps = np.unique([*range(0, count, STRIDE), count])
    rare = np.unique([*range(0, len(steps), SELF_STRIDE), len(steps) - 1])
    arm = np.vstack([grasp.approach.at([0.0]), plan.arm])[steps]
    outer = np.zeros(len(steps))
    inner = np.zeros((len(rare), len(world.pairs_apart)))
    for row, posture in enumerate(arm):
        world.reset_robot(posture, grasp.close.preshape)
        outer[row] = world.clearance(WITHIN_M)
        if row in rare:
            inner[np.searchsorted(rare, row)] = world.self_clearance(WITHIN_M)
    return FreeWay(
        steps,
        frozen(outer[:, None]),
        steps[rare],
        frozen(inner),
        world.jacobian(),
        world.pair_levers(HAND_M),
    )
