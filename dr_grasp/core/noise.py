"""Noises of a profile: how far perception, control and dynamics may be off."""

from __future__ import annotations

from dataclasses import dataclass, field

from dr_grasp.core.metadata import IGNORED_AT_DEFAULT


@dataclass(frozen=True, slots=True)
class ObjectPoseNoise:
    """Perception error: how far the object may be from where it is believed to stand.

    Attributes:
        position_std_m: Standard deviation of x and y in the base frame [m].
        rotation_std_rad: Standard deviations of roll, pitch and yaw about fixed axes [rad].
        position_mean_m: Mean error of x and y in the base frame, such as that of a badly calibrated
            camera: where objects really are, minus where they are believed to be [m].
        rotation_mean_rad: Mean errors of roll, pitch and yaw about fixed axes [rad].
    """

    position_std_m: float
    rotation_std_rad: tuple[float, float, float]
    position_mean_m: tuple[float, float] = field(
        default=(0.0, 0.0), metadata={IGNORED_AT_DEFAULT: True}
    )
    rotation_mean_rad: tuple[float, float, float] = field(
        default=(0.0, 0.0, 0.0), metadata={IGNORED_AT_DEFAULT: True}
    )


@dataclass(frozen=True, slots=True)
class JointNoise:
    """Control error of the arm's joints: of positions, in units of half of each joint's range.

    Attributes:
        jitter_std: Standard deviation of white noise on each command at each control step.
        offset_std: Standard deviation of an error that stays the same for a whole rollout, such as
            a badly calibrated encoder.
        offset_mean: Mean of that error for each arm joint, true minus commanded; () for 0. Only a
            profile of one robot has it.
        delay_s: Range (low, high) of the time from a command, of arm or hand, to its effect [s];
            None for no delay.
        lag_s: Range (low, high) of the time by which a moving arm is behind its commands, the delay
            not counted [s]; None for arms that follow at once.
    """

    jitter_std: float
    offset_std: float
    offset_mean: tuple[float, ...] = field(default=(), metadata={IGNORED_AT_DEFAULT: True})
    delay_s: tuple[float, float] | None = field(default=None, metadata={IGNORED_AT_DEFAULT: True})
    lag_s: tuple[float, float] | None = field(default=None, metadata={IGNORED_AT_DEFAULT: True})


@dataclass(frozen=True, slots=True)
class DynamicsNoise:
    """Errors of the object's dynamics: uniform ranges (low, high), or None for the nominal value.

    Rolling and spinning friction are lengths: the torque against rolling (about a tangent of the
    contact) or spinning (about its normal) is that length, times the other body's coefficient of
    lateral friction, times the force along the normal. We measured this in PyBullet; in Bullet it
    is `btManifoldResult::calculateCombinedRollingFriction`. Dry friction of coefficient mu on an
    evenly loaded round patch of radius r resists spinning with a lever of 2/3 mu r: with mu = 0.6,
    that is 0.4 to 1.2 mm for a finger pad that touches with a radius of 1 to 3 mm.

    Attributes:
        lateral_friction_scale: Factor on the object's lateral friction.
        rolling_friction: Rolling friction of the object, absolute [m].
        spinning_friction: Spinning friction of the object, absolute [m].
        mass_scale: Factor on the object's mass.
        center_of_mass_std_m: Standard deviation of the centre of mass along each axis of the
            object [m].
        gripper_force_scale: Factor on the largest force of the hand's drives.
    """

    lateral_friction_scale: tuple[float, float] | None
    rolling_friction: tuple[float, float] | None
    spinning_friction: tuple[float, float] | None
    mass_scale: tuple[float, float] | None
    center_of_mass_std_m: float
    gripper_force_scale: tuple[float, float] | None = field(
        default=None, metadata={IGNORED_AT_DEFAULT: True}
    )
