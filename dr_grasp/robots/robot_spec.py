"""A robot: its YAML file joined with its model, checked once."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache

from dr_grasp.common.resources import built_in_files, config_file, config_names
from dr_grasp.core.arrays import FloatArray, frozen
from dr_grasp.core.geometry import Pose, Table, grip_frame
from dr_grasp.core.metadata import IGNORED
from dr_grasp.errors import ModelError, SettingsError, UnknownNameError
from dr_grasp.robots.description import DescriptionSource
from dr_grasp.robots.file_checks import check_fit, unit
from dr_grasp.robots.hand_drives import hand_drives
from dr_grasp.robots.hardware_settings import Hardware
from dr_grasp.robots.joints import JointLimits
from dr_grasp.robots.robot_model import RobotModel, load_model
from dr_grasp.robots.robot_settings import (
    LIFT_M,
    STANDOFF_M,
    RobotSettings,
    SynergySettings,
    read_settings,
)

_LOGGER = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, eq=False)
class Synergy:
    """A way to close the hand: all driven joints together, from one posture to another.

    Attributes:
        name: As selected by users.
        open: Shape (m,), hand posture before closing [rad or m].
        closed: Shape (m,), where the motors aim [rad or m].
        grip_in_tcp: The grip frame: its origin is the middle between the surfaces that close on
            the object, z the direction of approach, y that of closing.
        reach_m: How far the hand reaches beyond that origin, along the approach.
        largest_width_m: How far apart these surfaces are when open.
    """

    name: str
    open: FloatArray
    closed: FloatArray
    grip_in_tcp: Pose
    reach_m: float
    largest_width_m: float

    def opening(self, width_m: float) -> float:
        """How far the hand is open, 0 to 1, when its closing surfaces are `width_m` apart [m].

        Taken as linear between 0 and `largest_width_m`; beyond, the hand is fully open.
        """
        return min(1.0, max(0.0, width_m / self.largest_width_m))

    def preshape(self, opening: float) -> FloatArray:
        """Hand posture before closing, shape (m,): 1 is open, 0 is closed."""
        # In this form exact at both ends.
        return frozen(opening * self.open + (1.0 - opening) * self.closed)


@dataclass(frozen=True, slots=True, eq=False)
class RobotSpec:
    """A robot as all rooms use it.

    Attributes:
        name: As selected by users.
        description: One line.
        model: What the URDF and SRDF say.
        base_link: The link that stands still; grasps are expressed in its frame.
        arm_joints: Names, n of them.
        home: Shape (n,), where approaches begin [rad or m].
        hand_joints: Names of the driven hand joints, m of them.
        hand_force: Force [N] or torque [N m] of each drive of the hand when closing.
        hand_force_shares: The share of that force that each hand joint gets: the driven joints,
            then those that mimic, in the order of the model.
        hand_velocities: Shape (m,), largest speed of the driven hand joints [rad/s or m/s].
        hand_drive_inertias: Inertia of rotor and gear, reflected to each hand joint, in the order
            of `hand_force_shares` [kg or kg m^2].
        close_duration_s: Time the hand is given to close.
        tcp_link: Link whose frame is the tool centre point.
        hand_links: Links whose contact with the object counts as touching it.
        hand_friction: Lateral friction coefficient of the hand's links.
        synergies: Ways to close, at least one.
        table: The table.
        object_xy: Where objects are put, in the base frame [m].
        names: What ROS calls joints and links, by the names used here; only those that differ.
        hardware: How the robot is reached through ROS; None if its file does not say.
        standoff_m: Length of the straight last part of the approaches that are planned [m].
        lift_m: Height of the lifts that are planned [m].
    """

    name: str
    description: str
    model: RobotModel
    base_link: str
    arm_joints: tuple[str, ...]
    home: FloatArray
    hand_joints: tuple[str, ...]
    hand_force: float
    hand_force_shares: FloatArray
    hand_velocities: FloatArray
    hand_drive_inertias: FloatArray
    close_duration_s: float
    tcp_link: str
    hand_links: tuple[str, ...]
    hand_friction: float
    synergies: tuple[Synergy, ...]
    table: Table
    object_xy: tuple[float, float]
    # How a real arm is reached changes nothing of what is simulated.
    names: Mapping[str, str] = field(metadata={IGNORED: True})
    hardware: Hardware | None = field(metadata={IGNORED: True})
    # What was planned is in each grasp.
    standoff_m: float = field(default=STANDOFF_M, metadata={IGNORED: True})
    lift_m: float = field(default=LIFT_M, metadata={IGNORED: True})

    @property
    def hand_open(self) -> FloatArray:
        """Posture of the first synergy, open; shape (m,) [rad or m]."""
        return self.synergies[0].open

    @property
    def hand_closed(self) -> FloatArray:
        """Posture of the first synergy, closed; shape (m,) [rad or m]."""
        return self.synergies[0].closed

    def synergy(self, name: str) -> Synergy:
        """A synergy by name.

        Raises:
            UnknownNameError: There is none.
        """
        for synergy in self.synergies:
            if synergy.name == name:
                return synergy
        raise UnknownNameError("synergy", name, [synergy.name for synergy in self.synergies])

    def synergy_of(self, provenance: Mapping[str, str]) -> Synergy:
        """The synergy that a grasp's provenance names; the first if it names none of this robot."""
        name = provenance.get("synergy")
        return next((known for known in self.synergies if known.name == name), self.synergies[0])

    def outside(self, name: str) -> str:
        """What ROS, the driver and MoveIt call a joint or link."""
        return self.names.get(name, name)

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
        return frozen([(limits.upper - limits.lower) / 2 for limits in self.arm_limits])


def robot_names() -> list[str]:
    """Names of all robots."""
    return config_names("robots")


@lru_cache(maxsize=16)
def load_robot(name: str) -> RobotSpec:
    """Load a robot by name.

    What is taken otherwise than its model says is logged, as a warning unless the robot is ours.

    Raises:
        UnknownNameError: There is no such robot.
        SettingsError: The robot's file does not fit the schema or the robot's model.
        ModelError: The robot's model cannot be read.
    """
    path = config_file("robots", name, "robot")
    settings = read_settings(path)
    arm, hand = settings.arm, settings.hand
    source = DescriptionSource(
        settings.urdf,
        settings.srdf,
        settings.xacro,
        settings.names,
        path.parent,
        settings.srdf_xacro,
        {name: given.model_dump(exclude_none=True) for name, given in settings.limits.items()},
        hand.concave_links,
    )
    driven = [*arm.joints, *hand.joints]
    try:
        model = load_model(source, driven, settings.parked, settings.allowed_collisions)
    except ModelError as error:
        raise ModelError(f"{path}: {error}") from error
    check_fit(str(path), settings, model)
    # What is odd about the models of our own robots has been looked at; nobody else need.
    level = logging.INFO if path in built_in_files("robots") else logging.WARNING
    for note in model.notes:
        _LOGGER.log(level, "%s", note)
    drives = hand_drives(str(path), hand, model)
    return RobotSpec(
        name=name,
        description=settings.description,
        model=model,
        base_link=settings.base_link,
        arm_joints=arm.joints,
        home=frozen(arm.home),
        hand_joints=hand.joints,
        hand_force=drives.force,
        hand_force_shares=drives.force_shares,
        hand_velocities=frozen(drives.velocities[: len(hand.joints)]),
        hand_drive_inertias=drives.inertias,
        close_duration_s=hand.close_duration_s,
        tcp_link=hand.tcp_link,
        hand_links=hand.links,
        hand_friction=hand.friction,
        synergies=tuple(_synergy(key, section) for key, section in hand.synergies.items()),
        table=Table(settings.table.center_xy, settings.table.size, settings.table.top_z),
        object_xy=settings.object_xy,
        names=settings.names,
        hardware=_hardware(str(path), settings),
        standoff_m=arm.standoff_m,
        lift_m=arm.lift_m,
    )


def hardware_of(robot: RobotSpec) -> Hardware:
    """The controllers and the MoveIt settings by which ROS reaches a robot.

    Raises:
        SettingsError: The robot's file does not contain them.
    """
    if robot.hardware is None:
        raise SettingsError(
            f"robot {robot.name}: expected the sections controllers and moveit in its file, "
            "got none: it can be simulated only"
        )
    return robot.hardware


def _synergy(name: str, settings: SynergySettings) -> Synergy:
    approach, closing = unit(settings.approach_axis), unit(settings.closing_axis)
    return Synergy(
        name,
        frozen(settings.open),
        frozen(settings.closed),
        grip_frame(settings.grip_in_tcp, approach, closing),
        settings.reach_m,
        settings.largest_width_m,
    )


def _hardware(path: str, settings: RobotSettings) -> Hardware | None:
    if settings.controllers is None and settings.moveit is None:
        return None
    if settings.controllers is None or settings.moveit is None:
        missing = "controllers" if settings.controllers is None else "moveit"
        raise SettingsError(f"{path}: {missing}: expected beside the other of the two, got none")
    expected, got = len(settings.arm.joints), len(settings.moveit.accelerations)
    if got != expected:
        raise SettingsError(f"{path}: moveit.accelerations: expected {expected} numbers, got {got}")
    return Hardware(settings.controllers, settings.moveit, settings.driver)
