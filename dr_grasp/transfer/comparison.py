"""Compares predictors of grasps' success on the same grasps, so that "better" means something.

Two predictors of the same grasps err together: intervals of each may overlap widely where nearly
every resample has the same one ahead. So it is the difference that gets the interval, from
resamples of whole grasps, in which both are computed (a paired cluster bootstrap; see `bootstrap`).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from dr_grasp.core.arrays import FloatArray
from dr_grasp.errors import DrGraspError, UnknownNameError
from dr_grasp.transfer.bootstrap import Cells, Statistic, percentiles
from dr_grasp.transfer.statistics import RESAMPLES, Estimate


@dataclass(frozen=True, slots=True, eq=False)
class TriedGrasps:
    """Grasps that were tried, what was predicted of them, and what came of it.

    Attributes:
        predicted: Of each predictor by its name, shape (g,): more means that a grasp should hold
            more often.
        held: Shape (g,), number of attempts in which each grasp held.
        attempts: Shape (g,), number of attempts of each grasp, at least 1.
    """

    predicted: Mapping[str, FloatArray]
    held: FloatArray
    attempts: FloatArray

    def __post_init__(self) -> None:
        """Check that all are of the same grasps.

        Raises:
            DrGraspError: There are no grasps, numbers of some grasps are missing or not finite, or
                a grasp was not tried.
        """
        shape = self.attempts.shape
        if len(shape) != 1 or not shape[0]:
            raise DrGraspError(f"attempts: expected one number a grasp, got shape {shape}")
        for name, values in (("held", self.held), *self.predicted.items()):
            if values.shape != shape:
                raise DrGraspError(f"{name}: expected shape {shape}, got {values.shape}")
            if not np.isfinite(values).all():
                raise DrGraspError(f"{name}: expected finite numbers")
        if self.attempts.min() < 1:
            raise DrGraspError("attempts: expected at least 1 of each grasp, got 0")


def estimate(
    groups: Sequence[TriedGrasps],
    statistic: Statistic,
    predictor: str,
    against: str | None = None,
    *,
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> Estimate:
    """Estimate how good a predictor is, or how much better than another on the same grasps.

    Of several groups, such as the grasps of each arm, it is the mean over groups; grasps are
    resampled within their group.

    Args:
        groups: At least one group; no grasp may be in two, since groups count as independent.
        statistic: Such as `bootstrap.rho` or `bootstrap.auc`.
        predictor: Name of the predictor.
        against: Name of the predictor to subtract; None to subtract nothing.
        resamples: Number of samples that the bootstrap draws.
        seed: Seed of the draws: the same seed draws the same grasps for every predictor.

    Raises:
        UnknownNameError: A group has no such predictor.
    """
    names = [name for name in (predictor, against) if name is not None]
    found: FloatArray = np.zeros(1)
    drawn: FloatArray = np.zeros(resamples)
    for number, group in enumerate(groups):
        rng = np.random.default_rng([seed, number])
        grasps = len(group.attempts)
        weights = rng.multinomial(grasps, np.full(grasps, 1 / grasps), resamples).astype(float)
        for name, sign in zip(names, (1.0, -1.0), strict=False):
            if name not in group.predicted:
                raise UnknownNameError("predictor", name, group.predicted)
            order = np.argsort(group.predicted[name], kind="stable")
            cells = Cells(
                group.predicted[name][order],
                group.held[order],
                group.attempts[order],
                np.ones(grasps, np.int64),
            )
            found = found + sign * statistic(cells, cells.observed) / len(groups)
            drawn = drawn + sign * statistic(cells, weights[:, order]) / len(groups)
    (value,) = found.tolist()
    if not math.isfinite(value):
        return Estimate(None, reason="all grasps are the same, or equally good")
    ends = percentiles(drawn, sum(len(group.attempts) for group in groups))
    if ends is None:
        return Estimate(value, reason="too few grasps differ for an interval")
    return Estimate(value, *ends)
