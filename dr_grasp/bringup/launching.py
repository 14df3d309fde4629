"""Launch descriptions of what `bringup` plans: the only file that imports launch.

Loaded by the files in launch/ alone.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import yaml
from ament_index_python.packages import PackageNotFoundError, get_package_share_directory
from launch import LaunchDescription
from launch.actions import (
    DeclareLaunchArgument,
    ExecuteProcess,
    GroupAction,
    IncludeLaunchDescription,
    LogInfo,
    OpaqueFunction,
    Shutdown,
)
from launch.launch_description_sources import AnyLaunchDescriptionSource
from launch_ros.actions import Node, PushRosNamespace
from launch_ros.parameter_descriptions import ParameterValue

from dr_grasp.bringup import plans
from dr_grasp.bringup.starting import Argument, NodeStart, Start, Values
from dr_grasp.common.resources import PACKAGE
from dr_grasp.errors import BackendError, SettingsError
from dr_grasp.robots.driver import ControllerStart, DriverStart

STOP_S, KILL_S = "25", "10"
"""How long a node may take to stop, as launch wants it: the executor waits for the arm to stand
still and for the recorder."""

Plan = Callable[[Values, Callable[[str], bool]], Start]


def bringup() -> LaunchDescription:
    """All nodes for one robot."""
    return _describe(plans.bringup_arguments(), plans.plan_bringup)


def scorer() -> LaunchDescription:
    """The scorer alone."""
    return _describe(plans.scorer_arguments(), plans.plan_scorer)


def replay() -> LaunchDescription:
    """A bag, played."""
    return _describe(plans.replay_arguments(), plans.plan_replay)


def _describe(arguments: Sequence[Argument], plan: Plan) -> LaunchDescription:
    def start(context: Any) -> list[Any]:
        typed = {one.name: context.launch_configurations[one.name] for one in arguments}
        # Launch ends with status 1 and the message of what is raised here, in one line.
        return _actions(plan(Values(typed), _has_package))

    declared = [
        DeclareLaunchArgument(
            one.name,
            default_value=one.default,
            description=one.description,
            choices=list(one.choices) or None,
        )
        for one in arguments
    ]
    return LaunchDescription([*declared, OpaqueFunction(function=start)])


def _actions(start: Start) -> list[Any]:
    actions: list[Any] = [LogInfo(msg=note) for note in start.notes]
    if start.driver is not None:
        actions.append(_driver(start.driver))
    nodes = [_node(one) for one in start.nodes]
    if start.driver is not None and start.driver.controller is not None:
        nodes.append(_spawner(start.driver.controller))
    actions.append(GroupAction([PushRosNamespace(start.namespace), *nodes]))
    if start.command:
        actions.append(ExecuteProcess(cmd=list(start.command), output="screen"))
    return actions


def _node(start: NodeStart) -> Node:
    def end_all(event: Any, context: Any) -> list[Any]:
        # Half a system only confuses: with one of our nodes all end, its last words on the screen.
        if context.is_shutdown:
            return []
        if event.returncode == 0:
            return [Shutdown(reason=f"node {start.executable} ended")]
        raise BackendError(f"node {start.executable} ended with status {event.returncode}")

    # Text is told so, or launch would take what looks like a number for one.
    parameters = {
        name: ParameterValue(value, value_type=str) if isinstance(value, str) else value
        for name, value in start.parameters.items()
    }
    return Node(
        package=start.package,
        executable=start.executable,
        name=start.executable,
        output="screen",
        arguments=list(start.arguments),
        parameters=[parameters] if parameters else None,
        on_exit=end_all if start.package == PACKAGE else None,
        sigterm_timeout=STOP_S,
        sigkill_timeout=KILL_S,
    )


def _driver(driver: DriverStart) -> GroupAction:
    folder = Path(get_package_share_directory(driver.package)) / "launch"
    file = folder / driver.launch
    if not file.is_file():
        found = ", ".join(sorted(path.name for path in folder.glob("*"))) or "none"
        raise SettingsError(
            f"driver.launch: expected one of {folder} ({found}), got {driver.launch}"
        )
    include = IncludeLaunchDescription(
        AnyLaunchDescriptionSource(str(file)), launch_arguments=list(driver.arguments.items())
    )
    # Not forwarded: our arguments would take the place of its own of the same name.
    return GroupAction([include], scoped=True, forwarding=False)


def _spawner(controller: ControllerStart) -> Node:
    # Read by the controller itself too, whatever namespace it lives in.
    content = {"/**": {"ros__parameters": dict(controller.parameters)}}
    with tempfile.NamedTemporaryFile(
        "w", prefix="dr_grasp_", suffix=".yaml", delete=False, encoding="utf-8"
    ) as file:
        yaml.safe_dump(content, file)
    return Node(
        package="controller_manager",
        executable="spawner",
        arguments=[controller.name, "--param-file", file.name],
        output="screen",
    )


def _has_package(name: str) -> bool:
    try:
        get_package_share_directory(name)
    except PackageNotFoundError:
        return False
    return True
