"""A robot's YAML file: its sections, and how it is read, with the files that it extends."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from functools import reduce
from pathlib import Path
from typing import Annotated, Any

from pydantic import AfterValidator, Field, NonNegativeFloat, PositiveFloat

from dr_grasp.common import resources
from dr_grasp.common.resources import config_file
from dr_grasp.common.settings import Settings, merged, read_yaml, validate
from dr_grasp.core.trajectory import LONGEST_PHASE_S
from dr_grasp.errors import SettingsError
from dr_grasp.objects.object_settings import LARGEST_FRICTION

Vector3 = tuple[float, float, float]
Identifier = Annotated[str, Field(pattern=r"^[A-Za-z_/~][A-Za-z0-9_/]*$")]


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
    """One of `hand.synergies`: a way to close."""

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
    """The `table` section."""

    center_xy: tuple[float, float]
    size: tuple[PositiveFloat, PositiveFloat, PositiveFloat]
    top_z: float


class HandInterface(Enum):
    """Type of the action that takes a hand's targets, as in `controllers.hand.interface`."""

    PARALLEL_GRIPPER = "parallel_gripper_command"
    GRIPPER_COMMAND = "gripper_command"
    FRANKA_GRASP = "franka_grasp"
    JOINT_TRAJECTORY = "follow_joint_trajectory"


class HandControllerSettings(Settings):
    """The `controllers.hand` section.

    Attributes:
        interface: Type of the hand's action.
        action: Name of the hand's action.
        position_scale: Factor from a position of the hand's first driven joint to a gripper
            command: 2 where the command is the distance between two jaws that move alike.
        holding_margin: If every joint of the hand comes closer than this to its closing target,
            nothing is between the fingers [rad or m].
    """

    interface: HandInterface
    action: Identifier
    position_scale: PositiveFloat = 1.0
    holding_margin: PositiveFloat

    @property
    def actions(self) -> tuple[str, ...]:
        """Names of all actions that move the hand: `action`; of `franka_grasp` then `move`, too.

        franka_gripper has its action `move` in the same namespace as its action `grasp`.
        """
        if self.interface is not HandInterface.FRANKA_GRASP:
            return (self.action,)
        return self.action, f"{self.action.rpartition('/')[0]}/move".removeprefix("/")


class ControllerSettings(Settings):
    """The `controllers` section.

    Attributes:
        arm: Name of the arm's action control_msgs/FollowJointTrajectory.
        hand: How the hand takes its targets.
    """

    arm: Identifier
    hand: HandControllerSettings


class MoveItSettings(Settings):
    """The `moveit` section.

    Attributes:
        group: MoveIt's planning group of the arm.
        package: The user's MoveIt configuration package; None to make the configuration from the
            robot's file.
        accelerations: Largest acceleration of each arm joint that planned motions may have, which
            URDFs do not say [rad/s^2 or m/s^2].
        kinematics: MoveIt's kinematics plugin.
    """

    group: str
    package: str | None = None
    accelerations: tuple[PositiveFloat, ...]
    kinematics: str = "kdl_kinematics_plugin/KDLKinematicsPlugin"


class DriverSettings(Settings):
    """The `driver` section: the maker's launch file, started for `hardware:=real`.

    `controller` is for drivers that start no controller for the arm: the ROS parameters to spawn
    one with, including `type` and without `joints`. Joints in it have the names used here.
    """

    package: str
    launch: str
    arguments: dict[str, str] = Field(default_factory=dict)
    controller: dict[str, Any] = Field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Hardware:
    """How a robot is reached through ROS: sections of its file.

    Attributes:
        controllers: The controllers of arm and hand.
        moveit: What MoveIt needs to know.
        driver: How to start the driver of a real arm; None if users start it themselves.
    """

    controllers: ControllerSettings
    moveit: MoveItSettings
    driver: DriverSettings | None


def _two(pair: tuple[str, str]) -> tuple[str, str]:
    if pair[0] == pair[1]:
        raise ValueError(f"expected two links, got {pair[0]} twice")
    return pair


class RobotSettings(Settings):
    """A file of config/robots.

    Attributes:
        description: One line.
        urdf: Address of the URDF or its xacro file; see `resolve_uri`.
        xacro: Arguments for the xacro files of URDF and SRDF; one may ignore what the other needs.
        srdf: Address of the SRDF or its xacro file.
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
