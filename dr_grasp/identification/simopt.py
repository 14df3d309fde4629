"""SimOpt: moves a distribution of worlds to where simulation looks like reality.

Chebotar et al. 2019 (arXiv 1810.05687). In each iteration worlds are drawn from the distribution,
the discrepancy of each from reality is measured, and the distribution moves to the better ones, by
no more than a bound on the Kullback-Leibler divergence. The update is CMA-ES's instead of REPS's.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import cma
import numpy as np

from dr_grasp.core.arrays import FloatArray, frozen
from dr_grasp.identification.outcomes import Group, Outcomes
from dr_grasp.identification.worlds import Belief

LARGEST_STEP = 1.0
"""Bound on the divergence of the new from the old distribution in one iteration [nats], for each
object's seven parameters."""

MISMATCH = 3.0
"""What it costs if an attempt held in simulation and not really, or the other way round: as much as
features that are ten times their scale apart."""

LEAST_PARTS = 30
"""Halvings until a step obeys the bound."""


def discrepancy(observed: Outcomes, simulated: Outcomes) -> FloatArray:
    """How unlike reality each world is, shape (attempts, worlds): a weighted L1 and L2 norm.

    Both norms have the same weight; features that are unknown on either side cost nothing.

    Args:
        observed: The real outcomes, in one world.
        simulated: The outcomes in simulated worlds.
    """
    apart = np.nan_to_num(simulated.features - observed.features[:, :1])
    cost = np.abs(apart).mean(axis=2) + (apart**2).mean(axis=2)
    return np.asarray(cost + MISMATCH * (simulated.held != observed.held[:, :1]))


def updated(
    mean: FloatArray, covariance: FloatArray, worlds: FloatArray, costs: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Move a normal distribution to the better of worlds that were drawn from it.

    Args:
        mean: Shape (n,), mean of the distribution.
        covariance: Shape (n, n), its covariance.
        worlds: Shape (worlds, n), what was drawn from it, at least 3.
        costs: Shape (worlds,), the discrepancy of each.

    Returns:
        The new mean and covariance, at most `LARGEST_STEP` away.
    """
    root = np.linalg.cholesky(covariance)
    whitened = np.linalg.solve(root, (worlds - mean).T).T
    options = {
        "popsize": len(worlds),
        "verbose": -9,
        "CMA_mirrors": 0,
        # It asks for worlds before it is told of any. These are not used; nor is NumPy's generator
        # of the whole process, which it would seed and draw from.
        "seed": np.nan,
        "randn": lambda *shape: np.zeros(shape),
    }
    strategy: Any = cma.CMAEvolutionStrategy(np.zeros(len(mean)), 1.0, options)
    strategy.ask()
    strategy.tell(list(whitened), costs.tolist())
    shift = np.asarray(strategy.mean, dtype=np.float64)
    shape = strategy.sigma**2 * np.asarray(strategy.sm.covariance_matrix, dtype=np.float64)
    part = 1.0
    for _ in range(LEAST_PARTS):
        step, spread = part * shift, (1 - part) * np.eye(len(mean)) + part * shape
        if _divergence(step, spread) <= LARGEST_STEP:
            break
        part /= 2
    return mean + root @ step, root @ spread @ root.T


def moved(belief: Belief, groups: Sequence[Group], worlds: FloatArray, costs: FloatArray) -> Belief:
    """Move a belief to the better of worlds that were drawn from it.

    Attempts with an object depend on its own parameters and on the robot's alone. So each object's
    distribution is updated by the costs of its own attempts; the robot's parameters are updated
    with each, and the updates averaged, weighted by precision.

    Args:
        belief: The distribution.
        groups: The attempts of each grasp.
        worlds: Shape (worlds, n), what was drawn from it.
        costs: Shape (attempts, worlds), the discrepancy of each attempt in each world.
    """
    space = belief.space
    mean, covariance = np.array(belief.mean), np.zeros_like(belief.covariance)
    of_robot = [i for i, found in enumerate(space.parameters) if not found.item]
    robots = []
    for item in sorted({group.grasp.object for group in groups}):
        columns = space.columns(item)
        attempts = [i for group in groups if group.grasp.object == item for i in group.attempts]
        part = np.ix_(columns, columns)
        new_mean, new_covariance = updated(
            belief.mean[columns],
            belief.covariance[part],
            worlds[:, columns],
            costs[attempts].mean(axis=0),
        )
        mean[columns], covariance[part] = new_mean, new_covariance
        last = len(columns) - len(of_robot)
        robots.append((new_mean[last:], np.diag(new_covariance)[last:]))
    means, variances = (np.array([robot[k] for robot in robots]) for k in range(2))
    mean[of_robot] = (means / variances).sum(axis=0) / (1 / variances).sum(axis=0)
    covariance[of_robot], covariance[:, of_robot] = 0.0, 0.0
    covariance[of_robot, of_robot] = 1 / (1 / variances).mean(axis=0)
    return Belief(space, frozen(mean), frozen(covariance))


def _divergence(shift: FloatArray, shape: FloatArray) -> float:
    """Kullback-Leibler divergence of N(shift, shape) from N(0, 1) [nats]."""
    sign, log = np.linalg.slogdet(shape)
    if sign <= 0:
        return float("inf")
    return float((np.trace(shape) + shift @ shift - len(shift) - log) / 2)
