"""The sections of a robot's YAML file."""

from __future__ import annotations

from pydantic import Field, NonNegativeFloat, PositiveFloat

from dr_grasp.common.settings import Settings
from dr_grasp.robots.hardware import ControllerSettings, DriverSettings, MoveItSettings

Vector3 = tuple[float, float, float]


class ArmSettings(Settings):
    """The `arm` section."""

    joints: tuple[str, ...] = Field(min_length=1)
    home: tuple[float, ...]


class SynergySettings(Settings):
    """One of `hand.synergies`: a way to close."""

    open: tuple[float, ...]
    closed: tuple[float, ...]
    grip_in_tcp: Vector3 = (0.0, 0.0, 0.0)
    reach_m: NonNegativeFloat
    approach_axis: Vector3
    closing_axis: Vector3
    largest_width_m: PositiveFloat


class HandSettings(Settings):
    """The `hand` section.

    Attributes:
        joints: The driven joints; joints that mimic others are not listed.
        force: Force of each drive when closing [N or N m]; the URDF's effort if not given.
        force_is_shared: Whether a driven joint and those that mimic it share the drive's force;
            otherwise each gets all of it.
        close_duration_s: Time the hand is given to close.
        closing_speed: Largest speed of the joints if below the URDF's [m/s or rad/s].
        drive_inertia: Inertia of rotor and gear, reflected to each joint [kg or kg m^2]; if not
            given, the least with which that force and speed can be simulated (`hand_drives`).
        tcp_link: Link whose frame is the tool centre point.
        links: Links whose contact with the object counts as touching it.
        friction: Lateral friction coefficient of these links.
        synergies: Ways to close the hand, by name.
    """

    joints: tuple[str, ...] = Field(min_length=1)
    force: PositiveFloat | None = None
    force_is_shared: bool = False
    close_duration_s: PositiveFloat
    closing_speed: PositiveFloat | None = None
    drive_inertia: NonNegativeFloat | None = None
    tcp_link: str
    links: tuple[str, ...] = Field(min_length=1)
    friction: PositiveFloat
    synergies: dict[str, SynergySettings] = Field(min_length=1)


class TableSettings(Settings):
    """The `table` section."""

    center_xy: tuple[float, float]
    size: tuple[PositiveFloat, PositiveFloat, PositiveFloat]
    top_z: float


class RobotSettings(Settings):
    """A file of config/robots."""

    description: str
    urdf: str
    xacro: dict[str, str] = Field(default_factory=dict)
    srdf: str | None = None
    names: dict[str, str] = Field(default_factory=dict)
    parked: dict[str, float] = Field(default_factory=dict)
    base_link: str
    arm: ArmSettings
    hand: HandSettings
    table: TableSettings
    object_xy: tuple[float, float]
    controllers: ControllerSettings | None = None
    moveit: MoveItSettings | None = None
    driver: DriverSettings | None = None
