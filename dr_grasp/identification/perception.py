"""Mean and spread of the error of objects' poses, from where objects really stood.

Each attempt draws its own error, so they are independent, and normal intervals are exact. A reading
of an object's pose has noise of its own, which is not taken off the spread: ranges become wider for
it, never narrower. How large it is shows where nobody touched the object between two readings.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import stats

from dr_grasp.core.arrays import FloatArray, frozen
from dr_grasp.core.attempt import TWIN, GraspAttempt
from dr_grasp.core.outcome import Outcome
from dr_grasp.identification.evidence import Evidence, measured_place
from dr_grasp.identification.findings import Estimate
from dr_grasp.identification.least_squares import COVERAGE

FEWEST_DRAWS = 10
"""Fewest independent errors that are fitted: of 10, the 90 % interval of a standard deviation is
from 0.7 to 1.6 of it; of 5, to 2.4 of it."""

FEWEST_UNTOUCHED = 3
"""Fewest objects that nobody touched from which the noise of readings is told."""


@dataclass(frozen=True, slots=True)
class PerceptionFit:
    """Error of objects' poses: where they really stood, minus where they were believed to stand.

    Attributes:
        position_mean_m: Means of x and y in the base frame [m].
        position_std_m: Standard deviation about these means, of x and y together [m].
        axis_std_m: The same of x and y each [m].
        rotation_mean_rad: Means of roll, pitch and yaw about fixed axes [rad].
        rotation_std_rad: Standard deviations of roll, pitch and yaw [rad].
        draws: Number of independent errors.
        reading_std_m: Standard deviation of the noise of one reading of an object's position along
            an axis, from objects that nobody touched [m]; None if too few attempts show it. It is
            part of `position_std_m`.
    """

    position_mean_m: tuple[Estimate, Estimate]
    position_std_m: Estimate
    axis_std_m: tuple[Estimate, Estimate]
    rotation_mean_rad: tuple[Estimate, Estimate, Estimate]
    rotation_std_rad: tuple[Estimate, Estimate, Estimate]
    draws: int
    reading_std_m: float | None


def fit_perception(evidence: Evidence) -> PerceptionFit | None:
    """Fit the error of objects' poses.

    Args:
        evidence: Attempts of one robot.

    Returns:
        The fit; None where fewer than `FEWEST_DRAWS` attempts say where the object really stood:
        the pose before is missing, or the one that was believed.
    """
    errors = pose_errors(evidence)
    if len(errors) < FEWEST_DRAWS:
        return None
    x, y, roll, pitch, yaw = errors.T
    squares = ((errors[:, :2] - errors[:, :2].mean(axis=0)) ** 2).sum()
    return PerceptionFit(
        position_mean_m=(_mean(x), _mean(y)),
        position_std_m=_std(float(squares), 2 * (len(errors) - 1)),
        axis_std_m=(_std_of(x), _std_of(y)),
        rotation_mean_rad=(_mean(roll), _mean(pitch), _mean(yaw)),
        rotation_std_rad=(_std_of(roll), _std_of(pitch), _std_of(yaw)),
        draws=len(errors),
        reading_std_m=_reading_std(evidence),
    )


def pose_errors(evidence: Evidence) -> FloatArray:
    """Errors of all attempts that show one: x, y [m], roll, pitch and yaw [rad], shape (k, 5)."""
    attempts = (*(tried.attempt for tried in evidence.attempts), *evidence.moved)
    errors = {_draw(attempt): _error(attempt) for attempt in attempts}
    known = [error for error in errors.values() if error is not None]
    return np.array(known).reshape(-1, 5)


def _draw(attempt: GraspAttempt) -> tuple[object, ...]:
    """What tells an independent error: the twin draws the same for the same seed and index."""
    if attempt.backend == TWIN:
        return TWIN, attempt.seed, attempt.attempt_index
    return attempt.backend, attempt.attempt_id


def _error(attempt: GraspAttempt) -> FloatArray | None:
    believed, real = attempt.grasp.object_in_base, measured_place(attempt)
    if real is None:
        return None
    turn = real.rotation * believed.rotation.inv()
    shift = real.position - believed.position
    return frozen([*shift[:2], *turn.as_euler("xyz")])


def _mean(values: FloatArray) -> Estimate:
    """Mean, with the interval of Student's t."""
    mean, error = float(values.mean()), float(stats.sem(values))
    half = error * float(stats.t.ppf((1.0 + COVERAGE) / 2.0, len(values) - 1))
    return Estimate(mean, mean - half, mean + half)


def _std_of(values: FloatArray) -> Estimate:
    return _std(float(((values - values.mean()) ** 2).sum()), len(values) - 1)


def _std(squares: float, freedom: int) -> Estimate:
    """Standard deviation of a sum of squares, with the interval by the chi-square distribution."""
    low, high = stats.chi2.ppf([(1.0 - COVERAGE) / 2.0, (1.0 + COVERAGE) / 2.0], freedom)
    return Estimate(
        float(np.sqrt(squares / freedom)),
        float(np.sqrt(squares / high)),
        float(np.sqrt(squares / low)),
    )


def _reading_std(evidence: Evidence) -> float | None:
    """Noise of a reading of x or y: two readings of an object that the hand missed differ by it."""
    moves = [
        tried.attempt.object_after.position[:2] - tried.attempt.object_before.position[:2]
        for tried in evidence.attempts
        if tried.outcome is Outcome.MISSED
        and tried.attempt.object_before is not None
        and tried.attempt.object_after is not None
    ]
    if len(moves) < FEWEST_UNTOUCHED:
        return None
    # By the median, since a hand that missed may still have brushed the object.
    return float(1.4826 * np.median(np.abs(moves)) / np.sqrt(2.0))
