"""Measures a grasp."""

from __future__ import annotations

from collections.abc import Collection

from dr_grasp.core.metric import Metric
from dr_grasp.core.perturbation import Profile
from dr_grasp.core.trajectory import GraspTrajectory
from dr_grasp.simulation.rollout_runner import RolloutRunner


def measure(
    runner: RolloutRunner,
    grasp: GraspTrajectory,
    metrics: Collection[Metric],
    profile: Profile,
    seed: int,
) -> dict[Metric, float]:
    """Measure metrics of a grasp; none is known yet."""
    return {}
