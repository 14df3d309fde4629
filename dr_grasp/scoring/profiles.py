"""Reads randomisation profiles from config/profiles."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, NonNegativeFloat, model_validator

from dr_grasp.common.resources import config_file
from dr_grasp.common.settings import Settings, load_yaml
from dr_grasp.core.engine import Engine
from dr_grasp.core.perturbation import (
    Criterion,
    DynamicsNoise,
    JointNoise,
    ObjectPoseNoise,
    Profile,
)

MOST_TRIALS = 1_000_000
"""Most rollouts of a criterion; a fitness is then known to 0.1 %."""

Trials = Annotated[int, Field(gt=0, le=MOST_TRIALS)]
Range = tuple[NonNegativeFloat, NonNegativeFloat]
Deviation = Annotated[float, Field(ge=0.0)]


class ObjectPoseSettings(Settings):
    """The `object_pose` section: perception error, of OSDR and MDR."""

    position_std_m: Deviation
    rotation_std_rad: tuple[Deviation, Deviation, Deviation]


class JointSettings(Settings):
    """The `joints` section: control error in half joint ranges, of JSDR and MDR."""

    jitter_std: Deviation
    offset_std: Deviation


class DynamicsSettings(Settings):
    """The `dynamics` section: ranges [low, high], of FDR and MDR; null for the nominal value."""

    lateral_friction_scale: Range | None
    rolling_friction: Range | None
    spinning_friction: Range | None
    mass_scale: tuple[Annotated[float, Field(gt=0.0)], Annotated[float, Field(gt=0.0)]] | None
    center_of_mass_std_m: Deviation

    @model_validator(mode="after")
    def _ordered(self) -> DynamicsSettings:
        for name, value in self:
            if isinstance(value, tuple) and value[0] > value[1]:
                raise ValueError(f"{name}: expected low <= high, got {list(value)}")
        return self


class TrialSettings(Settings):
    """The `trials` section: the numbers of rollouts.

    Attributes:
        osdr: Rollouts of OSDR.
        jsdr: Rollouts of JSDR.
        fdr: Rollouts of FDR.
        mdr: Rollouts of MDR.
    """

    osdr: Trials
    jsdr: Trials
    fdr: Trials
    mdr: Trials


class ProfileSettings(Settings):
    """Schema of a file in config/profiles; its keys are those of `Profile`."""

    description: str
    object_pose: ObjectPoseSettings
    joints: JointSettings
    dynamics: DynamicsSettings
    trials: TrialSettings
    engine: Engine | None = None


def load_profile(name: str) -> Profile:
    """Load a profile by name.

    Raises:
        UnknownNameError: There is no such profile.
        SettingsError: The file of the profile does not fit the schema.
    """
    content = load_yaml(config_file("profiles", name, "profile"), ProfileSettings)
    return Profile(
        name=name,
        description=content.description,
        object_pose=ObjectPoseNoise(**content.object_pose.model_dump()),
        joints=JointNoise(**content.joints.model_dump()),
        dynamics=DynamicsNoise(**content.dynamics.model_dump()),
        trials={Criterion(key): value for key, value in content.trials.model_dump().items()},
        engine=content.engine,
    )


def engine_for(name: str | None, profile: Profile | None) -> Engine:
    """Choose the engine of a request: the engine that it names, else the profile's, else PyBullet.

    Args:
        name: Name of the engine that was asked for; None or empty if none was.
        profile: The profile of the request; None without one.

    Raises:
        UnknownNameError: There is no such engine.
    """
    if name:
        return Engine.from_name(name)
    wished = None if profile is None else profile.engine
    return Engine.BULLET if wished is None else wished
