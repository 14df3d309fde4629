"""The twin's profile and the errors that are drawn from it; the scorer must not know them."""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from typing import Annotated, Any

import numpy as np
from pydantic import AfterValidator, Field, NonNegativeFloat

from dr_grasp.common.resources import config_file
from dr_grasp.common.settings import Settings, load_yaml
from dr_grasp.core.arrays import FloatArray, frozen
from dr_grasp.core.geometry import Pose
from dr_grasp.core.perturbation import MAX_SEED
from dr_grasp.errors import SettingsError
from dr_grasp.simulation.mujoco.dynamics import ObjectDynamics
from dr_grasp.twin.engine import TwinEngine


def _ordered(bounds: tuple[float, float]) -> tuple[float, float]:
    if bounds[0] > bounds[1]:
        raise ValueError("expected [low, high]")
    return bounds


Positive = Annotated[float, Field(gt=0, le=10)]
FactorRange = Annotated[tuple[Positive, Positive], AfterValidator(_ordered)]


class PerceptionSettings(Settings):
    """Distribution of the error of the object's pose, which is drawn for every attempt.

    Attributes:
        position_std_m: Standard deviation of x and y in the base frame [m].
        yaw_std_deg: Standard deviation of the angle about the vertical [deg].
    """

    position_std_m: Annotated[float, Field(ge=0, le=0.5)]
    yaw_std_deg: Annotated[float, Field(ge=0, le=180)]


class ItemSettings(Settings):
    """Distribution of the errors of an object's description, drawn once for each object.

    Attributes:
        friction_factor: Range of the factor on lateral friction.
        mass_factor: Range of the factor on mass.
        center_of_mass_std_m: Standard deviation of the centre of mass along each object axis [m].
        torsional_friction_m: Friction torque about a contact's normal per force along it [m].
        rolling_friction_m: Friction torque about a contact's tangents per normal force [m].
    """

    friction_factor: FactorRange
    mass_factor: FactorRange
    center_of_mass_std_m: NonNegativeFloat
    torsional_friction_m: NonNegativeFloat
    rolling_friction_m: NonNegativeFloat


class DriveSettings(Settings):
    """Distribution of the errors of a robot's description, drawn once for each robot.

    Attributes:
        joint_offset_std_deg: Standard deviation of the zero error of each arm joint's encoder
            [deg]; for a sliding joint it is converted to radians and read as metres.
        control_delay_ms: Range of the time from a command to its effect [ms].
        gripper_force_factor: Range of the factor on the closing force.
    """

    joint_offset_std_deg: Annotated[float, Field(ge=0, le=10)]
    control_delay_ms: Annotated[
        tuple[Annotated[float, Field(ge=0, le=500)], Annotated[float, Field(ge=0, le=500)]],
        AfterValidator(_ordered),
    ]
    gripper_force_factor: FactorRange


class TwinProfile(Settings):
    """Schema of a file in config/twin: distributions of the twin's errors, and their seed.

    Attributes:
        description: One line about the profile.
        engine: Physics engine in which the twin runs; "sapien" needs the extra `twin`.
        seed: Seed of what is drawn once for each robot and object; another seed is another
            laboratory.
        perception: Errors of the object's pose, drawn for every attempt.
        object: Errors of an object's description, drawn once for each object.
        robot: Errors of a robot's description, drawn once for each robot.
    """

    description: str
    engine: TwinEngine = TwinEngine.MUJOCO
    seed: Annotated[int, Field(ge=0, le=MAX_SEED)]
    perception: PerceptionSettings
    object: ItemSettings
    robot: DriveSettings

    def content(self) -> dict[str, Any]:
        """The settings as plain data, of which records keep the fingerprint."""
        # Older records of profiles without an engine ran in MuJoCo.
        unsaid = {"engine"} if self.engine is TwinEngine.MUJOCO else None
        return self.model_dump(exclude=unsaid)


@dataclass(frozen=True, slots=True, eq=False)
class RobotTruth:
    """How the twin's robot differs from its description, drawn from `DriveSettings`.

    Attributes:
        joint_offset: True positions minus encoder positions of the arm, shape (n,) [rad or m].
        control_delay_s: Time from a command to its effect [s].
        gripper_force_factor: Factor on the closing force.
    """

    joint_offset: FloatArray
    control_delay_s: float
    gripper_force_factor: float


def load_twin_profile(name: str) -> TwinProfile:
    """Load a twin's profile by name.

    Raises:
        UnknownNameError: There is no such profile.
        SettingsError: The profile's file does not fit the schema.
    """
    return load_yaml(config_file("twin", name, "twin profile"), TwinProfile)


def object_truth(profile: TwinProfile, name: str) -> ObjectDynamics:
    """Draw an object's errors, which depend on the profile and the object's name alone."""
    rng, settings = _generator(profile, "object", name), profile.object
    friction, mass = rng.uniform(*settings.friction_factor), rng.uniform(*settings.mass_factor)
    x, y, z = rng.normal(0.0, settings.center_of_mass_std_m, 3)
    return ObjectDynamics(
        friction_factor=float(friction),
        mass_factor=float(mass),
        center_of_mass_shift_m=(float(x), float(y), float(z)),
        torsional_friction_m=settings.torsional_friction_m,
        rolling_friction_m=settings.rolling_friction_m,
    )


def robot_truth(profile: TwinProfile, name: str, arm_joints: int) -> RobotTruth:
    """Draw a robot's errors, which depend on the profile, name and number of arm joints alone."""
    rng, settings = _generator(profile, "robot", name), profile.robot
    return RobotTruth(
        joint_offset=frozen(rng.normal(0.0, np.deg2rad(settings.joint_offset_std_deg), arm_joints)),
        control_delay_s=float(rng.uniform(*settings.control_delay_ms)) / 1000,
        gripper_force_factor=float(rng.uniform(*settings.gripper_force_factor)),
    )


def real_pose(profile: TwinProfile, believed: Pose, seed: int, attempt_index: int) -> Pose:
    """Draw an object's true pose about the believed pose, anew for every (seed, attempt_index).

    Raises:
        SettingsError: The seed or the index is out of bounds.
    """
    for name, value in (("seed", seed), ("attempt index", attempt_index)):
        if not 0 <= value <= MAX_SEED:
            raise SettingsError(f"{name}: expected 0 to {MAX_SEED}, got {value}")
    rng = np.random.default_rng(np.random.SeedSequence([seed, attempt_index]))
    shift = rng.normal(0.0, profile.perception.position_std_m, 2)
    yaw = rng.normal(0.0, np.deg2rad(profile.perception.yaw_std_deg))
    return believed.perturbed([*shift, 0.0], [0.0, 0.0, yaw])


def _generator(profile: TwinProfile, kind: str, name: str) -> np.random.Generator:
    # crc32, since hash() differs between processes.
    words = [profile.seed, zlib.crc32(kind.encode()), zlib.crc32(name.encode())]
    return np.random.default_rng(np.random.SeedSequence(words))
