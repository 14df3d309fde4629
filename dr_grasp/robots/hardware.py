"""How a real robot is reached: its controllers, its driver, and what MoveIt needs to know."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Annotated, Any

from pydantic import Field, PositiveFloat

from dr_grasp.common.settings import Settings
from dr_grasp.core.arrays import FloatArray, frozen

Identifier = Annotated[str, Field(pattern=r"^[A-Za-z_/~][A-Za-z0-9_/]*$")]


class HandInterface(Enum):
    """Type of the action that takes a hand's targets, as in `controllers.hand.interface`."""

    PARALLEL_GRIPPER = "parallel_gripper_command"
    GRIPPER_COMMAND = "gripper_command"
    FRANKA_GRASP = "franka_grasp"
    JOINT_TRAJECTORY = "follow_joint_trajectory"


class HandControllerSettings(Settings):
    """The `controllers.hand` section."""

    interface: HandInterface
    action: Identifier
    position_scale: PositiveFloat = 1.0
    holding_margin: PositiveFloat


class ControllerSettings(Settings):
    """The `controllers` section."""

    arm: Identifier
    hand: HandControllerSettings


class MoveItSettings(Settings):
    """The `moveit` section."""

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


@dataclass(frozen=True, slots=True, eq=False)
class Hardware:
    """How a robot is reached through ROS.

    Attributes:
        arm_action: Name of the arm's action control_msgs/FollowJointTrajectory.
        hand_interface: Type of the hand's action.
        hand_action: Name of the hand's action.
        position_scale: Factor from a position of the hand's first driven joint to a gripper
            command: 2 where the command is the distance between two jaws that move alike.
        holding_margin: If every joint of the hand comes closer than this to its closing target,
            nothing is between the fingers [rad or m].
        group: MoveIt's planning group of the arm.
        moveit_package: The user's MoveIt configuration package; None to make the configuration
            from the robot's file.
        accelerations: Shape (n,), largest acceleration of each arm joint that planned motions may
            have, which URDFs do not say [rad/s^2 or m/s^2].
        kinematics: MoveIt's kinematics plugin.
        driver: How to start the driver of a real arm; None if users start it themselves.
    """

    arm_action: str
    hand_interface: HandInterface
    hand_action: str
    position_scale: float
    holding_margin: float
    group: str
    moveit_package: str | None
    accelerations: FloatArray
    kinematics: str
    driver: DriverSettings | None

    @classmethod
    def of(
        cls, controllers: ControllerSettings, moveit: MoveItSettings, driver: DriverSettings | None
    ) -> Hardware:
        """Make one from the sections of a robot's file."""
        return cls(
            arm_action=controllers.arm,
            hand_interface=controllers.hand.interface,
            hand_action=controllers.hand.action,
            position_scale=controllers.hand.position_scale,
            holding_margin=controllers.hand.holding_margin,
            group=moveit.group,
            moveit_package=moveit.package,
            accelerations=frozen(moveit.accelerations),
            kinematics=moveit.kinematics,
            driver=driver,
        )
