"""How the arm's motors follow commands, the same in every engine."""

from __future__ import annotations

import numpy as np

from dr_grasp.core.arrays import FloatArray, frozen

RATE_HZ = 240.0
"""Rate of commands in every engine, and of PyBullet's physics steps [Hz]."""

ARM_POSITION_GAIN = 0.1
"""Share of the position error that an arm's motor removes in a command's time; Bullet's default.
With feed-forward velocity the arm follows within half a milliradian. A stiffer motor would turn
jitter of commands into shocks beyond 1 g, which no real drive could make."""


def motor_aims(positions: FloatArray, velocities: FloatArray) -> FloatArray:
    """Compute the positions at which motors aim, shape (t, n) [rad or m].

    Args:
        positions: Shape (t, n), where the arm's joints should be after a command [rad or m].
        velocities: Shape (t, n), velocities to feed forward [rad/s or m/s].
    """
    # The motor adds the velocity to its correction of the position error before the step. With
    # positions after the step as aims, the step would count twice: the arm would run ahead.
    return frozen(positions - velocities / RATE_HZ)


def late(values: FloatArray, before: FloatArray, delay_s: float, lag_s: float) -> FloatArray:
    """Compute what drives that are late follow, shape (t, n), in the unit of the values.

    A drive takes notice of a command after the delay. It follows like a critically damped system of
    second order, which is two equal filters of first order. By Euler's implicit method each of them
    is half the lag behind a steady motion, whatever the rate of commands.

    Args:
        values: Shape (t, n), commanded positions or velocities, one row for each command.
        before: Shape (n,), the same before the first command.
        delay_s: Time from a command to its effect [s].
        lag_s: Time by which a steady motion is behind its delayed commands [s].
    """
    followed: FloatArray = np.vstack([before, values])
    if delay_s > 0.0:
        times = np.maximum(0.0, np.arange(len(followed)) - delay_s * RATE_HZ)
        rows = times.astype(int)
        share = (times - rows)[:, None]
        following = followed[np.minimum(rows + 1, len(followed) - 1)]
        followed = (1.0 - share) * followed[rows] + share * following
    if lag_s > 0.0:
        time_constant = lag_s / 2.0 * RATE_HZ
        kept = time_constant / (time_constant + 1.0)
        for _ in range(2):
            followed = (1.0 - kept) * followed
            followed[0] = before
            for row in range(1, len(followed)):
                followed[row] += kept * followed[row - 1]
    return frozen(followed[1:])


def tracked_positions(
    commands: FloatArray, velocities: FloatArray, start: FloatArray
) -> FloatArray:
    """Compute where an arm that touches nothing is after each command.

    In the time of a command a motor gives its joint the velocity that is fed forward, plus a
    velocity that removes the share `ARM_POSITION_GAIN` of the position error: a low-pass filter of
    first order.

    Args:
        commands: Shape (t, n), positions as given to `World.follow` [rad or m].
        velocities: Shape (t, n), velocities as given to `World.follow` [rad/s or m/s].
        start: Shape (n,), arm positions before the first command [rad or m].

    Returns:
        Shape (t, n), arm positions [rad or m].
    """
    # q[k + 1] = q[k] + v[k] / rate + gain * (commands[k] - v[k] / rate - q[k])
    gain = ARM_POSITION_GAIN
    positions = gain * commands + (1.0 - gain) * velocities / RATE_HZ
    # Not by `scipy.signal`, whose import takes each worker process a third of a second.
    before = start
    for position in positions:
        position += (1.0 - gain) * before
        before = position
    return frozen(positions)


def tracked_end(
    commands: FloatArray, velocities: FloatArray, start: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """The last of `tracked_positions`, shape (n,), and the velocity there, without the others.

    Args:
        commands: Shape (t, n), positions as given to `World.follow`, t at least 2 [rad or m].
        velocities: Shape (t, n), velocities as given to `World.follow` [rad/s or m/s].
        start: Shape (n,), arm positions before the first command [rad or m].
    """
    gain, count = ARM_POSITION_GAIN, len(commands)
    inputs = gain * commands + (1.0 - gain) * velocities / RATE_HZ
    weights = (1.0 - gain) ** np.arange(count - 1, -1, -1)
    last = weights @ inputs + (1.0 - gain) ** count * start
    before = weights[1:] @ inputs[:-1] + (1.0 - gain) ** (count - 1) * start
    return frozen(last), frozen((last - before) * RATE_HZ)
