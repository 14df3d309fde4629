"""A robot: its YAML file joined with its model, checked once."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from pydantic import Field, PositiveFloat

from dr_grasp.core.arrays import FloatArray, frozen
from dr_grasp.core.scene import Table
from dr_grasp.errors import SettingsError
from dr_grasp.resources import config_file, config_names
from dr_grasp.robots.model import JointLimits, RobotModel, load_model
from dr_grasp.settings import Settings, load_yaml

Vector3 = tuple[float, float, float]


class ArmSettings(Settings):
    """The `arm` section."""

    joints: tuple[str, ...] = Field(min_length=1)
    home: tuple[float, ...]


class HandSettings(Settings):
    """The `hand` section; joints that mimic others are not listed."""

    joints: tuple[str, ...] = Field(min_length=1)
    open: tuple[float, ...]
    closed: tuple[float, ...]
    force: PositiveFloat
    close_duration_s: PositiveFloat
    tcp_link: str
    links: tuple[str, ...] = Field(min_length=1)
    friction: PositiveFloat
    approach_axis: Vector3
    closing_axis: Vector3
    largest_width_m: PositiveFloat


class TableSettings(Settings):
    """The `table` section."""

    center_xy: tuple[float, float]
    size: tuple[PositiveFloat, PositiveFloat, PositiveFloat]
    top_z: float


class RobotSettings(Settings):
    """A file of config/robots."""

    description: str
    urdf: str
    srdf: str | None = None
    base_link: str
    arm: ArmSettings
    hand: HandSettings
    table: TableSettings
    object_xy: tuple[float, float]


@dataclass(frozen=True, slots=True, eq=False)
class RobotSpec:
    """All that the other rooms need to know of a robot.

    Attributes:
        name: As selected by users.
        description: One line.
        model: What the URDF and SRDF say.
        base_link: The link that stands still; grasps are expressed in its frame.
        arm_joints: Names, n of them.
        home: Shape (n,), where approaches begin [rad or m].
        hand_joints: Names of the driven hand joints, m of them.
        hand_open: Shape (m,) [rad or m].
        hand_closed: Shape (m,) [rad or m].
        hand_force: Force [N] or torque [N m] of each hand joint when closing.
        close_duration_s: Time the hand is given to close.
        tcp_link: Link whose frame is the tool centre point.
        hand_links: Links whose contact with the object counts as touching it.
        hand_friction: Lateral friction coefficient of the hand's links.
        approach_axis: Shape (3,), unit, in the TCP frame.
        closing_axis: Shape (3,), unit, in the TCP frame: along it the jaws close.
        largest_width_m: How far the jaws open.
        table: The table.
        object_xy: Where objects are put, in the base frame [m].
    """

    name: str
    description: str
    model: RobotModel
    base_link: str
    arm_joints: tuple[str, ...]
    home: FloatArray
    hand_joints: tuple[str, ...]
    hand_open: FloatArray
    hand_closed: FloatArray
    hand_force: float
    close_duration_s: float
    tcp_link: str
    hand_links: tuple[str, ...]
    hand_friction: float
    approach_axis: FloatArray
    closing_axis: FloatArray
    largest_width_m: float
    table: Table
    object_xy: tuple[float, float]

    @property
    def arm_limits(self) -> tuple[JointLimits, ...]:
        """Limits of the arm joints, in order."""
        return tuple(self.model.limits[joint] for joint in self.arm_joints)

    @property
    def hand_limits(self) -> tuple[JointLimits, ...]:
        """Limits of the driven hand joints, in order."""
        return tuple(self.model.limits[joint] for joint in self.hand_joints)

    @property
    def arm_half_ranges(self) -> FloatArray:
        """Half of each arm joint's range, shape (n,) [rad or m]."""
        return frozen([limits.half_range for limits in self.arm_limits])

    def home_within_limits(self) -> bool:
        """Whether the home posture respects the model's position limits."""
        return all(
            limits.lower <= q <= limits.upper
            for limits, q in zip(self.arm_limits, self.home, strict=True)
        )


def robot_names() -> list[str]:
    """Names of all robots."""
    return config_names("robots")


@lru_cache(maxsize=16)
def load_robot(name: str) -> RobotSpec:
    """Load a robot by name.

    Raises:
        UnknownNameError: There is no such robot.
        SettingsError: Its file does not fit the schema or its own model.
        ModelError: Its model cannot be read.
    """
    path = config_file("robots", name, "robot")
    settings = load_yaml(path, RobotSettings)
    model = load_model(settings.urdf, settings.srdf)
    _check(str(path), settings, model)
    arm, hand = settings.arm, settings.hand
    robot = RobotSpec(
        name=name,
        description=settings.description,
        model=model,
        base_link=settings.base_link,
        arm_joints=arm.joints,
        home=frozen(arm.home),
        hand_joints=hand.joints,
        hand_open=frozen(hand.open),
        hand_closed=frozen(hand.closed),
        hand_force=hand.force,
        close_duration_s=hand.close_duration_s,
        tcp_link=hand.tcp_link,
        hand_links=hand.links,
        hand_friction=hand.friction,
        approach_axis=_unit(hand.approach_axis),
        closing_axis=_unit(hand.closing_axis),
        largest_width_m=hand.largest_width_m,
        table=Table(settings.table.center_xy, settings.table.size, settings.table.top_z),
        object_xy=settings.object_xy,
    )
    if not robot.home_within_limits():
        raise SettingsError(f"{path}: arm.home: expected within the URDF's limits, got {arm.home}")
    return robot


def _unit(axis: Vector3) -> FloatArray:
    vector = np.asarray(axis)
    return frozen(vector / np.linalg.norm(vector))


def _check(path: str, settings: RobotSettings, model: RobotModel) -> None:
    arm, hand = settings.arm, settings.hand
    for where, names, valid in (
        ("arm.joints", arm.joints, model.limits),
        ("hand.joints", hand.joints, model.limits),
        ("hand.links", hand.links, model.links),
        ("hand.tcp_link", (hand.tcp_link,), model.links),
        ("base_link", (settings.base_link,), model.links),
    ):
        missing = [name for name in names if name not in valid]
        if missing:
            raise SettingsError(f"{path}: {where}: not in the URDF: {', '.join(missing)}")
    for where, values, joints in (
        ("arm.home", arm.home, arm.joints),
        ("hand.open", hand.open, hand.joints),
        ("hand.closed", hand.closed, hand.joints),
    ):
        if len(values) != len(joints):
            raise SettingsError(
                f"{path}: {where}: expected {len(joints)} numbers, got {len(values)}"
            )
    for where, axis in (
        ("hand.approach_axis", hand.approach_axis),
        ("hand.closing_axis", hand.closing_axis),
    ):
        if not np.linalg.norm(axis) > 0:
            raise SettingsError(f"{path}: {where}: expected a direction, got {axis}")
    if abs(_unit(hand.approach_axis) @ _unit(hand.closing_axis)) > 1e-3:
        raise SettingsError(
            f"{path}: hand.closing_axis: expected perpendicular to approach_axis, "
            f"got {hand.closing_axis}"
        )
