"""A robot's YAML file: its sections, and how it is read, with the files that it extends."""

from __future__ import annotations

from functools import reduce
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, Field, NonNegativeFloat, PositiveFloat

from dr_grasp.common import resources
from dr_grasp.common.resources import config_file
from dr_grasp.common.settings import Settings, merged, read_yaml, validate
from dr_grasp.core.trajectory import LONGEST_PHASE_S
from dr_grasp.errors import SettingsError
from dr_grasp.objects.object_settings import LARGEST_FRICTION
from dr_grasp.robots.hardware_settings import (
    ControllerSettings,
    DriverSettings,
    MoveItSettings,
)

Vector3 = tuple[float, float, float]


STANDOFF_M = 0.10
LIFT_M = 0.20
LONGEST_MOTION_M = 1.0
"""Largest `standoff_m` and `lift_m`: the reach of an arm on a table."""

Way = Annotated[float, Field(gt=0.0, le=LONGEST_MOTION_M)]


class ArmSettings(Settings):
    """The `arm` section.

    Attributes:
        joints: Names, from the base on.
        home: Where approaches begin [rad or m].
        standoff_m: Length of the straight last part of the approaches that are planned [m].
        lift_m: Height of the lifts that are planned [m]; small arms need lower ones.
    """

    joints: tuple[str, ...] = Field(min_length=1)
    home: tuple[float, ...]
    standoff_m: Way = STANDOFF_M
    lift_m: Way = LIFT_M


class SynergySettings(Settings):
    """One of `hand.synergies`: a way to close the hand, all driven joints together.

    Attributes:
        open: The hand's posture before closing, in the order of `hand.joints` [rad or m].
        closed: The posture that the drives aim at; an object stops them before [rad or m].
        grip_in_tcp: The middle between the surfaces that close on the object, in the frame of
            `tcp_link` [m].
        reach_m: How far the hand reaches beyond that point, along the approach [m].
        approach_axis: Direction in which the hand approaches, out of the hand, in the frame of
            `tcp_link`; of any length.
        closing_axis: Direction in which the surfaces close, across the approach.
        largest_width_m: How far apart these surfaces are in the posture `open` [m].
    """

    open: tuple[float, ...]
    closed: tuple[float, ...]
    grip_in_tcp: Vector3 = (0.0, 0.0, 0.0)
    reach_m: NonNegativeFloat
    approach_axis: Vector3
    closing_axis: Vector3
    largest_width_m: PositiveFloat


class LimitSettings(Settings):
    """One of `limits`: what a joint's <limit> in the URDF lacks, or says wrongly.

    Attributes:
        lower: Least position [rad or m].
        upper: Largest position [rad or m].
        velocity: Largest speed [rad/s or m/s].
        effort: Largest torque or force [N m or N].
    """

    lower: float | None = None
    upper: float | None = None
    velocity: PositiveFloat | None = None
    effort: PositiveFloat | None = None


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
        concave_links: Those of these links whose collision meshes are cut into convex pieces: a jaw
            in one piece with its housing, or a hook. Else a mesh counts as its hull, which fills
            the space in which such a hand holds objects.
        friction: Lateral friction coefficient of these links.
        synergies: Ways to close the hand, by name.
    """

    joints: tuple[str, ...] = Field(min_length=1)
    force: PositiveFloat | None = None
    force_is_shared: bool = False
    close_duration_s: Annotated[float, Field(gt=0.0, le=LONGEST_PHASE_S)]
    closing_speed: PositiveFloat | None = None
    drive_inertia: NonNegativeFloat | None = None
    tcp_link: str
    links: tuple[str, ...] = Field(min_length=1)
    concave_links: tuple[str, ...] = ()
    friction: Annotated[float, Field(gt=0.0, le=LARGEST_FRICTION)]
    synergies: dict[str, SynergySettings] = Field(min_length=1)


class TableSettings(Settings):
    """The `table` section: a box on which objects stand.

    Attributes:
        center_xy: Middle of the table, in the base frame [m].
        size: Lengths of its sides along x, y and z [m].
        top_z: Height of its top, in the base frame [m].
    """

    center_xy: tuple[float, float]
    size: tuple[PositiveFloat, PositiveFloat, PositiveFloat]
    top_z: float


def _two(pair: tuple[str, str]) -> tuple[str, str]:
    if pair[0] == pair[1]:
        raise ValueError(f"expected two links, got {pair[0]} twice")
    return pair


class RobotSettings(Settings):
    """A file of config/robots.

    Attributes:
        description: One line.
        urdf: The URDF or its xacro file: package://PACKAGE/PATH, pybullet_data://PATH, or a path.
        xacro: Arguments for the xacro files of URDF and SRDF; one may ignore what the other needs.
        srdf: The SRDF or its xacro file, in the same way.
        srdf_xacro: Arguments that the SRDF's xacro file takes otherwise than the URDF's.
        allowed_collisions: Pairs of links that may touch, such as [[left_pad, right_pad]], beside
            those that the SRDF does not check and neighbours; by the names used here.
        limits: Limits of joints that the URDF lacks or has wrong, by the joints' names.
        names: What ROS and the URDF call joints and links, by the names used here.
        parked: Positions of joints that are never moved [rad or m].
        base_link: The link that stands still.
        arm: The arm.
        hand: The hand.
        table: The table.
        object_xy: Where objects are put, in the base frame [m].
        controllers: The controllers of arm and hand; not needed in simulation.
        moveit: What MoveIt needs to know; not needed in simulation.
        driver: How to start the driver of a real arm.
    """

    description: str
    urdf: str
    xacro: dict[str, str] = Field(default_factory=dict)
    srdf: str | None = None
    srdf_xacro: dict[str, str] = Field(default_factory=dict)
    allowed_collisions: tuple[Annotated[tuple[str, str], AfterValidator(_two)], ...] = ()
    limits: dict[str, LimitSettings] = Field(default_factory=dict)
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


def read_settings(path: Path) -> RobotSettings:
    """Read a robot's file, merged over that of the robot that it extends, and so on.

    A user's file that extends a robot of its own name extends the built-in robot of that name.

    Raises:
        UnknownNameError: The robot to extend does not exist.
        SettingsError: A file cannot be read, extends itself, directly or through others, or what
            they say together does not fit the schema.
    """
    chain, contents = [path], []
    while True:
        content = read_yaml(chain[-1])
        contents.append(content)
        if not isinstance(content, dict) or "extends" not in content:
            return validate(reduce(merged, reversed(contents)), RobotSettings, path)
        base = _base(chain[-1], str(content.pop("extends")))
        chain.append(base)
        if base in chain[:-1]:
            names = " -> ".join(file.stem for file in chain)
            raise SettingsError(f"{path}: extends: expected a chain that ends, got {names}")


def _base(path: Path, name: str) -> Path:
    """The file of the robot that the file at `path` extends."""
    if name != path.stem:
        return config_file("robots", name, "robot")
    built_in = resources.share_directory() / "config" / "robots" / path.name
    if not built_in.is_file() or built_in.samefile(path):
        raise SettingsError(f"{path}: extends: expected another robot, got {name}")
    return built_in
