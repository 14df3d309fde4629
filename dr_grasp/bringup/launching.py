"""Turns plans of `plans` into launch descriptions; only this module imports launch.

Only the files in launch/ import this module.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from functools import partial
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

from dr_grasp.bringup.arguments import (
    ArgumentsT,
    BringupArguments,
    ReplayArguments,
    ScorerArguments,
    check_names,
    declarations,
    read_arguments,
)
from dr_grasp.bringup.node_start import HasPackage, NodeStart
from dr_grasp.bringup.plans import Start, plan_bringup, plan_replay, plan_scorer
from dr_grasp.common.resources import PACKAGE
from dr_grasp.errors import BackendError, SettingsError
from dr_grasp.robots.driver import ControllerStart, DriverStart

STOP_S, KILL_S = "25", "10"
"""Time limits for a node to stop [s], as texts for launch: the executor waits until the arm has
stopped and the attempt is recorded."""


def _describe(
    arguments: type[ArgumentsT], plan: Callable[[ArgumentsT, HasPackage], Start]
) -> LaunchDescription:
    def start(context: Any) -> list[Any]:
        typed = {name: context.launch_configurations[name] for name in arguments.model_fields}
        # If an error is raised here, launch ends with status 1 and the error's message.
        notes = check_names(arguments, context.argv, list(context.launch_configurations))
        actions = _actions(plan(read_arguments(arguments, typed), _has_package))
        return [*(LogInfo(msg=note) for note in notes), *actions]

    declared = [DeclareLaunchArgument(**argument) for argument in declarations(arguments)]
    return LaunchDescription([*declared, OpaqueFunction(function=start)])


# The files in launch/ call these.
bringup = partial(_describe, BringupArguments, plan_bringup)
scorer = partial(_describe, ScorerArguments, plan_scorer)
replay = partial(_describe, ReplayArguments, plan_replay)


def _actions(start: Start) -> list[Any]:
    actions: list[Any] = [LogInfo(msg=note) for note in start.notes]
    if start.driver is not None:
        actions.append(_driver(start.driver))
    nodes = [_node(node) for node in start.nodes]
    if start.driver is not None and start.driver.controller is not None:
        nodes.append(_spawner(start.driver.controller))
    actions.append(GroupAction([PushRosNamespace(start.namespace), *nodes]))
    if start.command:
        actions.append(ExecuteProcess(cmd=list(start.command), output="screen"))
    return actions


def _node(start: NodeStart) -> Node:
    def end_all(event: Any, context: Any) -> list[Any]:
        # A system without one of its nodes only confuses. So when one of our nodes ends, all end,
        # and the last lines on the screen come from the node that ended first.
        if context.is_shutdown:
            return []
        if event.returncode == 0:
            return [Shutdown(reason=f"node {start.executable} ended")]
        raise BackendError(f"node {start.executable} ended with status {event.returncode}")

    # With the type given, launch does not convert a text that looks like a number.
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
        ros_arguments=["--enclave", start.enclave] if start.enclave else None,
        additional_env=dict(start.environment),
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
    # Not forwarded, since our arguments would replace the driver's arguments of the same name.
    return GroupAction([include], scoped=True, forwarding=False)


def _spawner(controller: ControllerStart) -> Node:
    # "/**" matches any namespace, since the controller in its namespace reads this file, too.
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
