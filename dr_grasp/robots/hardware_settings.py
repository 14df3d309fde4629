"""The sections of a robot's YAML file that say how it is reached through ROS."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Annotated, Any

from pydantic import Field, PositiveFloat

from dr_grasp.common.settings import Settings

Identifier = Annotated[str, Field(pattern=r"^[A-Za-z_/~][A-Za-z0-9_/]*$")]


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
        package: The user's MoveIt configuration package; if left out, the configuration is made
            from the robot's file.
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

    Attributes:
        package: ROS package of the driver.
        launch: Name of the launch file, in the package's folder `launch`.
        arguments: Arguments of the launch file; {robot_ip} and {namespace} in them stand for those
            of `bringup.launch.py`.
        controller: For drivers that start no controller for the arm: the ROS parameters to spawn
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
