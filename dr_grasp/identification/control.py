"""Delay, lag and jitter of an arm's drives, from commanded and measured joint motion alone.

The model is that of `simulation.motors.late`, in continuous time: a joint follows what was
commanded a delay earlier, like a critically damped system of second order.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass

import numpy as np
from scipy import stats

from dr_grasp.core.arrays import FloatArray, frozen
from dr_grasp.identification.evidence import Evidence
from dr_grasp.identification.findings import Estimate, Trace
from dr_grasp.identification.free_motion import Motion, free_motions
from dr_grasp.identification.least_squares import (
    COVERAGE,
    Bounded,
    cauchy_weights,
    clustered_covariance,
    fit,
    half_width,
    slopes,
)
from dr_grasp.robots.robot_spec import RobotSpec
from dr_grasp.simulation.motors import ARM_POSITION_GAIN, RATE_HZ

FEWEST_MOTIONS = 5
"""Fewest attempts with motion that are fitted: of fewer, no interval of 90 % about a median is
known without an assumption (the smallest and the largest of 5 hold it in 94 of 100 cases)."""

LONGEST_DELAY_S = LONGEST_LAG_S = 0.5
"""The longest delay and lag that are tried [s]; that of a profile is no longer."""

RESOLUTION_S = 1.0 / RATE_HZ
"""No interval is narrower than this to each side [s]: the time between commands in simulation. A
command's time is known no better: controllers take it at their next cycle, of 1 to 5 ms."""

SMALLEST_SCALE = 1e-4
"""Residuals below this are small [rad or m]: what encoders and interpolation of records tell."""

_COMMAND_SHARE = float(np.sqrt(ARM_POSITION_GAIN / (2.0 - ARM_POSITION_GAIN)))
"""Share of white noise on commands that simulated joints follow: of a first-order filter."""


@dataclass(frozen=True, slots=True, eq=False)
class ControlFit:
    """How an arm's drives follow commands.

    Attributes:
        delay_s: Time from a command to its effect [s]: of all joints, or if joints differ, an
            interval that holds those of all joints.
        lag_s: Time by which the moving arm is behind its delayed commands [s]; as `delay_s`.
        joints_agree: Whether one delay and one lag explain all joints.
        jitter_std: Standard deviation of white noise on commands that would move the simulated arm
            as restlessly as the real one, in half joint ranges: the middle joint's, and that of the
            calmest and the most restless. An upper bound, since noise of encoders looks the same.
        resting: For each arm joint, in the robot's order: measured minus commanded position at
            rest, as gravity and friction cause it [rad or m]. Errors of encoders are not in it.
        noise: For each arm joint: standard deviation of measured positions about what delay and
            lag explain, but for the few that something pushed [rad or m].
        attempts: Number of attempts that were compared.
        traces: Some motions, of joints that moved, to be drawn.
    """

    delay_s: Estimate
    lag_s: Estimate
    joints_agree: bool
    jitter_std: Estimate
    resting: tuple[Estimate, ...]
    noise: tuple[float, ...]
    attempts: int
    traces: tuple[Trace, ...]


def fit_control(
    evidence: Evidence,
    robot: RobotSpec,
    old_delay_s: float = 0.0,
    old_lag_s: float = 0.0,
) -> ControlFit | None:
    """Fit how an arm's drives follow commands.

    Args:
        evidence: Attempts of the robot.
        robot: The robot.
        old_delay_s: Delay of the old profile, for the traces [s].
        old_lag_s: Lag of the old profile, for the traces [s].

    Returns:
        The fit; None where fewer than `FEWEST_MOTIONS` attempts recorded motion.
    """
    motions = free_motions(evidence, robot)
    if len(motions) < FEWEST_MOTIONS:
        return None
    count = len(robot.arm_joints)
    shared = _fit_lateness(motions, slice(0, count))
    each = [_fit_lateness(motions, slice(joint, joint + 1), shared[0]) for joint in range(count)]
    values = shared[0]
    delay_s, delays_agree = _joined(shared[1][0], [joint[1][0] for joint in each])
    lag_s, lags_agree = _joined(shared[1][1], [joint[1][1] for joint in each])
    residuals = [m.measured - m.followed(values, slice(0, count)) for m in motions]
    noise = _robust_std(np.vstack(residuals))
    white = _robust_std(np.vstack([np.diff(r, axis=0) for r in residuals])) / np.sqrt(2.0)
    jitter = np.sort(white / _COMMAND_SHARE / robot.arm_half_ranges)
    return ControlFit(
        delay_s=delay_s,
        lag_s=lag_s,
        joints_agree=delays_agree and lags_agree,
        jitter_std=Estimate(float(np.median(jitter)), float(jitter[0]), float(jitter[-1])),
        resting=_resting(motions, count),
        noise=tuple(noise.tolist()),
        attempts=len(motions),
        traces=_traces(motions, robot, (old_delay_s, old_lag_s), (values[0], values[1])),
    )


def _fit_lateness(
    motions: Sequence[Motion], joints: slice, start: FloatArray | None = None
) -> tuple[FloatArray, tuple[Estimate, Estimate]]:
    """Delay and lag of some joints, shape (2,), and their intervals."""

    def residual(values: FloatArray) -> FloatArray:
        rows = [m.measured[:, joints] - m.followed(values, joints) for m in motions]
        return np.concatenate([row.ravel() for row in rows])

    scale = 0.01

    def numbers(delay_s: float, lag_s: float) -> dict[str, Bounded]:
        return {
            "delay": Bounded(float(delay_s), 0.0, LONGEST_DELAY_S, scale),
            "lag": Bounded(float(lag_s), 0.0, LONGEST_LAG_S, scale),
        }

    if start is None:
        # All residuals count at first, in case that the start is far off.
        first = numbers(0.02, 0.02)
        start = fit(first, residual, loss="soft_l1", loss_scale=10 * SMALLEST_SCALE)
    at_start = residual(start)
    loss_scale = max(SMALLEST_SCALE, 3.0 * float(_robust_std(at_start[:, None])[0]))
    values = fit(numbers(*start), residual, loss="cauchy", loss_scale=loss_scale)
    at_end = residual(values)
    repeated = len({motion.grasp for motion in motions}) >= FEWEST_MOTIONS
    clusters: list[Hashable] = []
    for number, motion in enumerate(motions):
        samples = motion.measured[:, joints].size
        clusters += [motion.grasp if repeated else number] * samples
    covariance, count = clustered_covariance(
        slopes(values, (scale, scale), residual),
        at_end,
        cauchy_weights(at_end, loss_scale),
        clusters,
    )
    halves = [half_width(std, count) for std in np.sqrt(np.diag(covariance))]
    delay, lag = (
        _at_least_zero(float(value), max(half, RESOLUTION_S))
        for value, half in zip(values, halves, strict=True)
    )
    return values, (delay, lag)


def _at_least_zero(value: float, half: float) -> Estimate:
    return Estimate(value, max(0.0, value - half), value + half)


def _joined(shared: Estimate, each: Sequence[Estimate]) -> tuple[Estimate, bool]:
    """The estimate of all joints, with those that contradict it; and whether none does."""
    others = [e.value for e in each if e.high < shared.low or e.low > shared.high]
    low, high = min([shared.low, *others]), max([shared.high, *others])
    return Estimate(shared.value, low, high), not others


def _robust_std(columns: FloatArray) -> FloatArray:
    """Standard deviation of each column by its median, which a few far values do not change."""
    return np.asarray(stats.median_abs_deviation(columns, axis=0, scale="normal"))


def _resting(motions: Sequence[Motion], count: int) -> tuple[Estimate, ...]:
    """Medians over grasps, with intervals that hold for any distribution, by the sign test."""
    by_grasp: dict[str, list[FloatArray]] = {}
    for motion in motions:
        if motion.resting is not None:
            by_grasp.setdefault(motion.grasp, []).append(motion.resting)
    if not by_grasp:
        return (Estimate(0.0, -np.inf, np.inf),) * count
    rests = np.sort([np.median(rows, axis=0) for rows in by_grasp.values()], axis=0)
    outside = int(stats.binom.ppf((1.0 - COVERAGE) / 2.0, len(rests), 0.5))
    # One less, so that the coverage is no less than asked for.
    rank = max(0, outside - 1)
    return tuple(
        Estimate(float(np.median(column)), float(column[rank]), float(column[-1 - rank]))
        for column in rests.T
    )


def _traces(
    motions: Sequence[Motion],
    robot: RobotSpec,
    old: tuple[float, float],
    new: tuple[float, float],
) -> tuple[Trace, ...]:
    """Of the first motion, the three joints that moved farthest, from the farthest."""
    motion = motions[0]
    everything = slice(0, len(robot.arm_joints))
    before, after = motion.followed(old, everything), motion.followed(new, everything)
    commanded = np.stack(
        [np.interp(motion.times_s, motion.grid, column) for column in motion.commanded.T], axis=1
    )
    farthest = np.argsort(-np.ptp(commanded, axis=0))[:3]
    return tuple(
        Trace(
            robot.arm_joints[joint],
            motion.attempt.attempt_id,
            *(
                tuple(frozen(values).tolist())
                for values in (
                    motion.times_s,
                    commanded[:, joint],
                    motion.measured[:, joint],
                    before[:, joint],
                    after[:, joint],
                )
            ),
        )
        for joint in farthest
    )
