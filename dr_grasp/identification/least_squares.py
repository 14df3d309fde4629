"""Gauss-Newton with robust losses by `mujoco.sysid`, and covariances of clustered residuals."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from contextlib import redirect_stdout
from dataclasses import dataclass
from io import StringIO

import numpy as np
from mujoco import sysid
from scipy import stats

from dr_grasp.core.arrays import FloatArray, frozen

COVERAGE = 0.9
"""Coverage of all intervals of an identification."""


@dataclass(frozen=True, slots=True)
class Bounded:
    """A number to be fitted.

    Attributes:
        start: Where the fit begins.
        low: Smallest value.
        high: Largest value.
        scale: A step that changes something: of the order of what the number may be off by.
    """

    start: float
    low: float
    high: float
    scale: float


def fit(
    numbers: Mapping[str, Bounded],
    residual: Callable[[FloatArray], FloatArray],
    *,
    loss: str = "linear",
    loss_scale: float = 1.0,
) -> FloatArray:
    """Fit numbers by least squares.

    Args:
        numbers: The numbers by name, k of them.
        residual: Gives the residuals at values of the numbers, shape (k,).
        loss: What large residuals count, as `scipy.optimize.least_squares` names it.
        loss_scale: Residuals beyond it are large.

    Returns:
        Shape (k,), the values that fit best.
    """
    parameters = sysid.ParameterDict()
    for name, number in numbers.items():
        parameters.add(sysid.Parameter(name, number.start, number.low, number.high))
    # It prints each iteration, and hands on no argument that silences the optimiser.
    with redirect_stdout(StringIO()):
        _, result = sysid.optimize(
            parameters,
            lambda values, _: ([residual(values)], None, None),
            optimizer="scipy",
            verbose=False,
            x_scale=np.array([number.scale for number in numbers.values()]),
            loss=loss,
            f_scale=loss_scale,
        )
    return frozen(result.x)


def slopes(
    values: FloatArray, scales: Sequence[float], residual: Callable[[FloatArray], FloatArray]
) -> FloatArray:
    """Derivatives of residuals by central differences, shape (m, k).

    Args:
        values: Shape (k,), where.
        scales: A thousandth of it is the step of each number.
        residual: Gives the residuals, shape (m,).
    """
    columns = []
    for index, scale in enumerate(scales):
        step = np.zeros(len(values))
        step[index] = scale / 1000.0
        columns.append((residual(values + step) - residual(values - step)) / (2 * step[index]))
    return np.stack(columns, axis=1)


def cauchy_weights(residuals: FloatArray, scale: float) -> FloatArray:
    """Weights that the loss "cauchy" gives to residuals, of the same shape."""
    return np.asarray(1.0 / (1.0 + (residuals / scale) ** 2))


def clustered_covariance(
    jacobian: FloatArray,
    residuals: FloatArray,
    weights: FloatArray,
    clusters: Sequence[Hashable],
) -> tuple[FloatArray, int]:
    """Covariance of fitted numbers if residuals of one cluster may depend on each other.

    This is the sandwich of Liang and Zeger 1986, with the correction for few clusters. Residuals of
    a motion depend on each other from one sample to the next, and so do repeated attempts: the
    usual covariance would be many times too small.

    Args:
        jacobian: Shape (m, k), derivatives of residuals at the fitted numbers.
        residuals: Shape (m,).
        weights: Shape (m,), weight of each residual.
        clusters: The cluster of each residual, m of them.

    Returns:
        Shape (k, k), the covariance; and the number of clusters.
    """
    groups: dict[Hashable, list[int]] = {}
    for index, cluster in enumerate(clusters):
        groups.setdefault(cluster, []).append(index)
    weighted = jacobian * weights[:, None]
    scores = np.array(
        [weighted[rows].T @ residuals[rows] for rows in map(np.asarray, groups.values())]
    )
    bread = np.linalg.pinv(jacobian.T @ weighted)
    count = len(groups)
    correction = count / max(1, count - 1)
    return np.asarray(bread @ (correction * scores.T @ scores) @ bread), count


def half_width(std: float, clusters: int) -> float:
    """Half the width of an interval of `COVERAGE` by Student's t."""
    return float(std * stats.t.ppf((1.0 + COVERAGE) / 2.0, max(1, clusters - 1)))
