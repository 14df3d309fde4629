"""Motion of the arm before the hand closes, commanded and measured, and what late joints would do.

Later, the object and the table push the arm.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import signal

from dr_grasp.core.arrays import FloatArray, frozen
from dr_grasp.core.attempt import GraspAttempt
from dr_grasp.core.outcome import Outcome
from dr_grasp.core.trajectory import GraspTrajectory, Waypoints
from dr_grasp.identification.evidence import Evidence, varied
from dr_grasp.robots.robot_spec import RobotSpec

MOST_MOTIONS = 60
"""Most attempts of which motion is compared, as different ones as there are. The delay is known to
a tenth of a millisecond by then, and the fit takes some seconds."""

LONGEST_MOTION_S = 60.0
"""Motion longer than this is compared up to here [s]: an approach at a tenth of the speed."""

STILL_S = 0.3
"""An arm whose command stood still for this time is at rest [s]: ten times a usual lag."""

_STEP_S = 0.002
"""Time between the samples of the model [s]."""


@dataclass(frozen=True, slots=True, eq=False)
class Motion:
    """Motion of the arm in one attempt, up to the closing of the hand.

    Attributes:
        attempt: The attempt.
        grasp: Fingerprint of the grasp: repeated attempts are no independent evidence.
        grid: Shape (g,), times of commands, `_STEP_S` apart [s].
        commanded: Shape (g, n), commanded positions at these times [rad or m].
        times_s: Shape (m,), times of measurements [s].
        measured: Shape (m, n), measured positions [rad or m].
        resting: Shape (n,), measured minus commanded positions at rest; None if it never rested.
    """

    attempt: GraspAttempt
    grasp: str
    grid: FloatArray
    commanded: FloatArray
    times_s: FloatArray
    measured: FloatArray
    resting: FloatArray | None

    def followed(self, lateness: Sequence[float] | FloatArray, joints: slice) -> FloatArray:
        """Positions that joints with a delay and lag [s] would be measured at, shape (m, j)."""
        delay_s, lag_s = map(float, lateness)
        before = self.grid - delay_s
        columns = [np.interp(before, self.grid, c) for c in self.commanded[:, joints].T]
        late = lagging(np.stack(columns, axis=1), lag_s, _STEP_S)
        return np.stack([np.interp(self.times_s, self.grid, c) for c in late.T], axis=1)


def lagging(values: FloatArray, lag_s: float, step_s: float) -> FloatArray:
    """Follow values like a critically damped system of second order, shape (t, n).

    Args:
        values: Shape (t, n), of which the first has been there for ever.
        lag_s: Time by which a steady motion is behind.
        step_s: Time between two values [s].
    """
    if lag_s <= 0.0:
        return values
    # Two filters of first order, exact for inputs that are linear between samples.
    ratio = lag_s / 2.0 / step_s
    kept = np.exp(-1.0 / ratio)
    now, before = 1.0 - (1.0 - kept) * ratio, (1.0 - kept) * ratio - kept
    moved = values - values[0]
    for _ in range(2):
        moved = signal.lfilter([now, before], [1.0, -kept], moved, axis=0)
    return np.asarray(moved + values[0])


def free_motions(evidence: Evidence, robot: RobotSpec) -> list[Motion]:
    """Motion of attempts that show it; of many attempts, those of as many grasps as possible."""
    attempts = [
        tried.attempt
        for tried in evidence.attempts
        if tried.outcome not in (Outcome.ROBOT_HIT_TABLE, Outcome.SELF_COLLISION)
    ]
    shown = [attempt for attempt in (*attempts, *evidence.moved) if _shows(attempt, robot)]
    chosen = varied(shown, MOST_MOTIONS)
    motions = [_motion(attempt, grasp, robot) for grasp, some in chosen.items() for attempt in some]
    return [motion for motion in motions if motion is not None]


def _shows(attempt: GraspAttempt, robot: RobotSpec) -> bool:
    """Whether commands and measurements of all arm joints were recorded."""
    recorded = (attempt.commanded, attempt.measured)
    return all(w is not None and set(robot.arm_joints) <= set(w.joints) for w in recorded)


def _motion(attempt: GraspAttempt, grasp: str, robot: RobotSpec) -> Motion | None:
    """The motion of an attempt that shows it; None if the arm stood still."""
    commanded, measured = attempt.commanded, attempt.measured
    assert commanded is not None and measured is not None
    arm = [commanded.joints.index(joint) for joint in robot.arm_joints]
    found = [measured.joints.index(joint) for joint in robot.arm_joints]
    end_s = min(_closing_s(commanded, attempt.grasp), measured.duration_s, LONGEST_MOTION_S)
    grid = frozen(np.arange(0.0, end_s + _STEP_S, _STEP_S))
    kept = measured.times_s <= end_s
    there = _unwound(measured.positions[:, found], commanded.at(measured.times_s)[:, arm])
    if kept.sum() < 2 or not np.ptp(commanded.at(grid)[:, arm], axis=0).any():
        return None
    return Motion(
        attempt,
        grasp,
        grid,
        commanded.at(grid)[:, arm],
        measured.times_s[kept],
        frozen(there[kept]),
        _rest(commanded, measured.times_s, there, arm),
    )


def _closing_s(commanded: Waypoints, grasp: GraspTrajectory) -> float:
    """When the hand was told to close, after it was open [s]; the end if that is not known."""
    close = grasp.close
    if not set(close.joints) <= set(commanded.joints):
        return commanded.duration_s
    hand = commanded.positions[:, [commanded.joints.index(joint) for joint in close.joints]]
    to_closed = np.abs(hand - close.positions).sum(axis=1)
    closed = to_closed < np.abs(hand - close.preshape).sum(axis=1)
    begins = np.flatnonzero(closed[1:] & ~closed[:-1])
    return float(commanded.times_s[begins[0]]) if begins.size else commanded.duration_s


def _unwound(measured: FloatArray, commanded: FloatArray) -> FloatArray:
    """Measured positions without whole turns: drivers of endless joints count from -pi to pi."""
    turn = 2.0 * np.pi
    return np.asarray(measured - turn * np.round((measured - commanded) / turn))


def _rest(
    commanded: Waypoints, times_s: FloatArray, measured: FloatArray, arm: Sequence[int]
) -> FloatArray | None:
    """Median of measured minus commanded positions while the arm rests, shape (n,).

    Args:
        commanded: What was commanded.
        times_s: Shape (m,), times of measurements [s].
        measured: Shape (m, n), measured positions of the arm's joints [rad or m].
        arm: Places of these joints in what was commanded.
    """
    times = times_s[times_s >= STILL_S]
    now = commanded.at(times)[:, arm]
    still = np.ones(len(times), dtype=bool)
    for earlier_s in (STILL_S, STILL_S / 2.0):
        still &= (commanded.at(times - earlier_s)[:, arm] == now).all(axis=1)
    if not still.any():
        return None
    there = measured[times_s >= STILL_S]
    return np.asarray(np.median((there - now)[still], axis=0))
