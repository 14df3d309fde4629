"""Reads the thresholds of a diagnosis from config/diagnosis."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, PositiveFloat

from dr_grasp.common.resources import config_file
from dr_grasp.common.settings import Settings, load_yaml
from dr_grasp.core.diagnosis import DiagnosisThresholds

Share = Annotated[float, Field(gt=0.0, le=1.0)]


class ThresholdSettings(Settings):
    """Schema of a file of config/diagnosis: the fields of `DiagnosisThresholds`, null for None."""

    least_friction: Share | None
    friction_loss: Share | None
    deepest_penetration_m: PositiveFloat | None
    lift_acceleration: PositiveFloat | None
    grip_offset_m: PositiveFloat | None
    grip_lever_m: PositiveFloat | None
    surface_distance_m: PositiveFloat | None
    mdr: Share | None


def load_thresholds(name: str) -> DiagnosisThresholds:
    """Load thresholds by name.

    Raises:
        UnknownNameError: There are no thresholds of that name.
        SettingsError: The file of the thresholds does not fit the schema.
    """
    content = load_yaml(config_file("diagnosis", name, "thresholds"), ThresholdSettings)
    return DiagnosisThresholds(**content.model_dump())
