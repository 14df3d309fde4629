"""The arm's constant joint errors, from where held objects ended."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from dr_grasp.core.arrays import FloatArray
from dr_grasp.core.engine import Engine
from dr_grasp.core.perturbation import Perturbation
from dr_grasp.identification.evidence import Evidence
from dr_grasp.identification.findings import Estimate
from dr_grasp.identification.replica import Replayed, Replica
from dr_grasp.robots.robot_spec import RobotSpec

Run = Callable[[Sequence[Replica]], Sequence[Replayed]]
"""Runs replicas and gives their results in the same order."""

MOST_ROLLOUTS = 400
"""Most rollouts of a fit, if not said otherwise: two minutes of one core."""


@dataclass(frozen=True, slots=True, eq=False)
class ZerosFit:
    """Constant errors of the arm's joints: true minus commanded positions.

    Attributes:
        mean: Shape (n,), posterior mean [rad or m].
        covariance: Shape (n, n), posterior covariance [rad^2].
        offset_mean: The mean in half joint ranges, as `JointNoise.offset_mean`.
        offset_std: One standard deviation for all joints, in half joint ranges, as
            `JointNoise.offset_std`: ranges with it are as wide as the posterior in the directions
            that move the hand.
        estimates: For each arm joint: mean and 90 % interval of the posterior [rad or m].
        attempts: Number of attempts that were compared.
        rollouts: Number of rollouts.
        misfit_before_m: Median distance between simulated and real places of objects at the end,
            without errors of joints [m].
        misfit_after_m: The same with the mean of the posterior [m].
    """

    mean: FloatArray
    covariance: FloatArray
    offset_mean: tuple[float, ...]
    offset_std: float
    estimates: tuple[Estimate, ...]
    attempts: int
    rollouts: int
    misfit_before_m: float
    misfit_after_m: float


def fit_zeros(
    evidence: Evidence,
    robot: RobotSpec,
    run: Run,
    engine: Engine,
    base: Perturbation | None = None,
    *,
    most_rollouts: int = MOST_ROLLOUTS,
    rng: np.random.Generator,
) -> ZerosFit | None:
    """Fit the constant errors of the arm's joints.

    Args:
        evidence: Attempts of the robot.
        robot: The robot.
        run: Runs rollouts.
        engine: The engine of the rollouts.
        base: The world of the rollouts but for joint errors and the object's place: delay and lag,
            if they are known, and the middle of the profile's dynamics; None for the nominal world.
        most_rollouts: Most rollouts.
        rng: Chooses attempts if there are more than rollouts allow.

    Returns:
        The fit; None if fewer than `FEWEST_HELD` attempts tell where a held object was before and
        after.
    """
    raise NotImplementedError
