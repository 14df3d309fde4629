"""Reads the thresholds of diagnosis from config/diagnosis."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, PositiveFloat

from dr_grasp.core.diagnosis import DiagnosisThresholds
from dr_grasp.resources import config_file
from dr_grasp.settings import Settings, load_yaml

Share = Annotated[float, Field(gt=0.0, le=1.0)]


class ThresholdSettings(Settings):
    """A file of config/diagnosis: the fields of `DiagnosisThresholds`."""

    least_friction: Share
    friction_loss: Share
    deepest_penetration_m: PositiveFloat
    lift_acceleration: PositiveFloat
    grip_offset_m: PositiveFloat
    grip_lever_m: PositiveFloat
    surface_distance_m: PositiveFloat
    mdr: Share


def load_thresholds(name: str) -> DiagnosisThresholds:
    """Load thresholds by name.

    Raises:
        UnknownNameError: There are none of that name.
        SettingsError: Their file does not fit the schema.
    """
    content = load_yaml(config_file("diagnosis", name, "thresholds"), ThresholdSettings)
    return DiagnosisThresholds(**content.model_dump())
