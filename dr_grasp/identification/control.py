"""Delay, lag and jitter of an arm's drives, from commanded and measured joint motion alone."""

from __future__ import annotations

from dataclasses import dataclass

from dr_grasp.identification.evidence import Evidence
from dr_grasp.identification.findings import Estimate, Trace
from dr_grasp.robots.robot_spec import RobotSpec


@dataclass(frozen=True, slots=True, eq=False)
class ControlFit:
    """How an arm's drives follow commands.

    Attributes:
        delay_s: Time from a command to its effect [s]: of all joints, or if joints differ, an
            interval that holds those of all joints.
        lag_s: Time by which the moving arm is behind its delayed commands [s]; as `delay_s`.
        joints_agree: Whether one delay and one lag explain all joints.
        jitter_std: Standard deviation of white noise on commands that would move the simulated arm
            as restlessly as the real one, in half joint ranges: an upper bound, since noise of
            encoders looks the same.
        resting: For each arm joint, in the robot's order: measured minus commanded position at
            rest, as gravity and friction cause it [rad or m]. Errors of encoders are not in it.
        noise: For each arm joint: standard deviation of measured positions about what delay, lag
            and resting error explain [rad or m].
        attempts: Number of attempts with motion.
        traces: Some motions, to be drawn, of joints that moved.
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
    raise NotImplementedError
