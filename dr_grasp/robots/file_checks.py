"""Checks that a robot's file fits its model."""

from __future__ import annotations

import numpy as np

from dr_grasp.common.xml_text import read_xml
from dr_grasp.core.arrays import FloatArray, frozen
from dr_grasp.errors import SettingsError
from dr_grasp.robots.robot_model import RobotModel
from dr_grasp.robots.robot_settings import RobotSettings, SynergySettings

LIMIT_TOLERANCE = 1e-6
"""How far a posture may exceed a limit by rounding [rad or m]."""


def unit(axis: tuple[float, float, float]) -> FloatArray:
    """The direction of a vector, of length 1."""
    vector = np.asarray(axis)
    return frozen(vector / np.linalg.norm(vector))


def solid_links(model: RobotModel) -> frozenset[str]:
    """Names of the links that can touch something."""
    links = read_xml(model.urdf).findall("link")
    return frozenset(link.get("name", "") for link in links if link.find("collision") is not None)


def check_fit(path: str, settings: RobotSettings, model: RobotModel) -> None:
    """Refuse a robot's file that does not fit its model.

    Raises:
        SettingsError: A link is not in the URDF, no link of the hand can touch anything, a posture
            is beyond limits, axes are no directions at right angles, or objects would not stand on
            the table.
    """
    arm, hand = settings.arm, settings.hand
    for where, names in (("hand.links", hand.links), ("hand.tcp_link", (hand.tcp_link,))):
        missing = [name for name in names if name not in model.links]
        if missing:
            raise SettingsError(f"{path}: {where}: not in the URDF: {', '.join(missing)}")
    if not solid_links(model).intersection(hand.links):
        raise SettingsError(
            f"{path}: hand.links: expected links of which one has a <collision>, got "
            f"{', '.join(hand.links)}: they would touch nothing"
        )
    if settings.base_link != model.root_link:
        raise SettingsError(
            f"{path}: base_link: expected the URDF's root link {model.root_link}, "
            f"got {settings.base_link}"
        )
    postures = [("arm.home", arm.home, arm.joints)]
    for name, synergy in hand.synergies.items():
        postures += [
            (f"hand.synergies.{name}.open", synergy.open, hand.joints),
            (f"hand.synergies.{name}.closed", synergy.closed, hand.joints),
        ]
        _check_axes(f"{path}: hand.synergies.{name}", synergy)
    for where, values, joints in postures:
        if len(values) != len(joints):
            raise SettingsError(
                f"{path}: {where}: expected {len(joints)} numbers, got {len(values)}"
            )
        for joint, value in zip(joints, values, strict=True):
            limits = model.limits[joint]
            if not limits.lower - LIMIT_TOLERANCE <= value <= limits.upper + LIMIT_TOLERANCE:
                raise SettingsError(
                    f"{path}: {where}: expected {joint} within the URDF's limits "
                    f"[{limits.lower:g}, {limits.upper:g}], got {value:g}"
                )
    table = settings.table
    for axis, place, center, size in zip(
        "xy", settings.object_xy, table.center_xy, table.size, strict=False
    ):
        if abs(place - center) > size / 2:
            raise SettingsError(
                f"{path}: object_xy: expected on the table, {axis} from {center - size / 2:g} to "
                f"{center + size / 2:g}, got {place:g}"
            )


def _check_axes(where: str, synergy: SynergySettings) -> None:
    for key in ("approach_axis", "closing_axis"):
        if not np.linalg.norm(getattr(synergy, key)) > 0:
            raise SettingsError(f"{where}.{key}: expected a direction, got (0, 0, 0)")
    if abs(unit(synergy.approach_axis) @ unit(synergy.closing_axis)) > 1e-3:
        raise SettingsError(
            f"{where}.closing_axis: expected perpendicular to approach_axis, "
            f"got {synergy.closing_axis}"
        )
