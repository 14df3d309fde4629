"""Reads the thresholds of a diagnosis from config/diagnosis."""

from __future__ import annotations

from dr_grasp.common.resources import config_file
from dr_grasp.common.settings import load_yaml
from dr_grasp.core.diagnosis import DiagnosisThresholds
from dr_grasp.formats.diagnosis_file import ThresholdsRecord


def load_thresholds(name: str) -> DiagnosisThresholds:
    """Load thresholds by name.

    Raises:
        UnknownNameError: There are no thresholds of that name.
        SettingsError: The file of the thresholds does not fit the schema.
    """
    content = load_yaml(config_file("diagnosis", name, "thresholds"), ThresholdsRecord)
    return DiagnosisThresholds(**dict(content))
