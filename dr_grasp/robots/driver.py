"""How the driver of a real arm is started: the maker's launch file that a robot's file names."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from dr_grasp.errors import SettingsError
from dr_grasp.robots.robot_spec import RobotSpec


@dataclass(frozen=True, slots=True)
class ControllerStart:
    """A controller for the driver's controller manager to load and start.

    Attributes:
        name: Name of the controller.
        parameters: ROS parameters of the controller.
    """

    name: str
    parameters: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class DriverStart:
    """The launch file that starts an arm's driver.

    Attributes:
        package: ROS package of the launch file.
        launch: Name of the launch file, in the package's folder launch/.
        arguments: Arguments for the launch file.
        controller: The arm's controller, if the launch file starts none.
    """

    package: str
    launch: str
    arguments: Mapping[str, str]
    controller: ControllerStart | None


def driver_start(robot: RobotSpec, robot_ip: str, namespace: str) -> DriverStart | None:
    """What to start for a real arm; None if the robot's file names no driver.

    Args:
        robot: The robot to start the driver of.
        robot_ip: Address of the arm; takes the place of `{robot_ip}` in the driver's arguments.
        namespace: Takes the place of `{namespace}`.

    Raises:
        SettingsError: The arguments need an address and it is empty, or a placeholder is unknown.
    """
    hardware = robot.hardware
    if hardware is None or hardware.driver is None:
        return None
    settings = hardware.driver
    known = {"robot_ip": robot_ip, "namespace": namespace}
    arguments = {}
    for name, text in settings.arguments.items():
        if "{robot_ip}" in text and not robot_ip:
            raise SettingsError(
                f"robot_ip: expected the address of the arm, such as robot_ip:=192.168.1.10, for "
                f"{settings.package}'s {settings.launch}, got nothing"
            )
        try:
            arguments[name] = text.format_map(known)
        except (KeyError, ValueError, IndexError) as error:
            raise SettingsError(
                f"robot {robot.name}: driver.arguments.{name}: expected no other placeholders than "
                f"{{robot_ip}} and {{namespace}}, got {text!r}"
            ) from error
    controller = None
    if settings.controller:
        joints = [robot.outside(joint) for joint in robot.arm_joints]
        parameters = {"joints": joints, **_under_outside_names(robot, settings.controller)}
        name = hardware.controllers.arm.rpartition("/")[0].rpartition("/")[2]
        controller = ControllerStart(name, parameters)
    return DriverStart(settings.package, settings.launch, arguments, controller)


def _under_outside_names(robot: RobotSpec, value: Any) -> Any:
    if isinstance(value, dict):
        return {
            robot.outside(key): _under_outside_names(robot, inner) for key, inner in value.items()
        }
    return value
