"""Arguments of the launch files, with names, types, defaults and descriptions."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from functools import partial
from typing import Annotated, Any, Literal, TypeVar, get_args, get_origin

from pydantic import BeforeValidator, Field, ValidationError

from dr_grasp.common.resources import config_names
from dr_grasp.common.settings import Settings, first_problem
from dr_grasp.errors import SettingsError
from dr_grasp.robots.robot_spec import robot_names

MOST_JOBS = 1024
FASTEST_RATE = 1000.0

OF_ROS = {"launch-prefix", "launch-prefix-filter", "log_level", "use_sim_time"}
"""Launch arguments that ROS itself knows, or that many launch files of ROS have."""

_FLAGS = {"true": True, "1": True, "false": False, "0": False}


def _flag(typed: str) -> bool:
    if typed.lower() not in _FLAGS:
        raise ValueError(f"expected true or false, got {typed!r}")
    return _FLAGS[typed.lower()]


def _jobs(typed: str) -> int:
    if not typed.isdecimal() or not 1 <= int(typed) <= MOST_JOBS:
        raise ValueError(f"expected a whole number from 1 to {MOST_JOBS}, got {typed!r}")
    return int(typed)


def _number(most: float, typed: str) -> float:
    try:
        value = float(typed)
    except ValueError:
        value = float("nan")
    if not 0.0 < value <= most:
        raise ValueError(f"expected a number above 0 and at most {most:g}, got {typed!r}")
    return value


def _auto(read: Callable[[str], Any], typed: str) -> Any:
    return None if typed == "auto" else read(typed)


def _namespace(typed: str) -> str:
    name = typed.strip("/")
    if not re.fullmatch(r"([A-Za-z_]\w*(/[A-Za-z_]\w*)*)?", name, re.ASCII):
        raise ValueError(
            f"expected letters, digits, _ and / between them, no digit first, got {typed!r}"
        )
    return name


def _prefix(typed: str) -> str:
    if not re.fullmatch(r"([A-Za-z_][\w/-]*)?", typed, re.ASCII):
        raise ValueError(
            f"expected letters, digits, _, - and /, a letter or _ first, such as left/, got "
            f"{typed!r}"
        )
    return typed


@dataclass(frozen=True, slots=True)
class _OneOf:
    """Marks an argument whose value is one of some names, which are looked up when needed."""

    names: Callable[[], Sequence[str]]


Flag = Annotated[bool, BeforeValidator(_flag)]
AutoFlag = Annotated[bool | None, BeforeValidator(partial(_auto, _flag))]
AutoShare = Annotated[float | None, BeforeValidator(partial(_auto, partial(_number, 1.0)))]
Jobs = Annotated[int, BeforeValidator(_jobs)]
Namespace = Annotated[str, BeforeValidator(_namespace)]
FramePrefix = Annotated[str, BeforeValidator(_prefix)]
Rate = Annotated[float, BeforeValidator(partial(_number, FASTEST_RATE))]
Robot = Annotated[str, _OneOf(robot_names)]
EngineName = Literal["auto", "bullet", "mujoco", "mujoco-warp"]
TwinProfile = Annotated[str, _OneOf(partial(config_names, "twin"))]


def _argument(default: Any, description: str) -> Any:
    return Field(default, description=description)


_JOBS = _argument(2, "Number of worker processes of the scorer.")
_MODEL = _argument(
    "",
    "Model file of dr-grasp calibrate, for transfer probabilities by which the scorer ranks; empty "
    "for none.",
)
_ENGINE = _argument(
    "auto",
    "Physics engine for requests to the scorer that name none; auto is that of their profile, else "
    "bullet.",
)
_PREFIX = _argument(
    "",
    "Put before the names of the robot's frames in /tf, such as left/, to tell two equal arms "
    "apart; as frame_prefix of robot_state_publisher.",
)
_ROBOT = _argument("franka", "Name of the robot that executes the grasps or is shown in RViz.")
_SECURITY = _argument(
    "",
    "Folder of an SROS 2 keystore with an enclave for each node, with which all nodes start "
    "secured; empty for no security.",
)
_RVIZ = _argument(False, "Whether to show the robot and the scored grasps in RViz.")


class ScorerArguments(Settings):
    """Arguments of scorer.launch.py."""

    namespace: Namespace = _argument("", "ROS namespace of the nodes of dr_grasp.")
    jobs: Jobs = _JOBS
    engine: EngineName = _ENGINE
    transfer_model: str = _MODEL
    frame_prefix: FramePrefix = _PREFIX
    security: str = _SECURITY


class BringupArguments(ScorerArguments):
    """Arguments of bringup.launch.py; None means auto."""

    robot: Robot = _ROBOT
    hardware: Literal["twin", "real"] = _argument("twin", "What moves: the twin or a real arm.")
    robot_ip: str = _argument("", "IP address of the real arm, for its driver.")
    driver: Flag = _argument(True, "Whether to start the driver of the real arm as well.")
    backend: Literal["auto", "moveit", "twin"] = _argument(
        "auto",
        "Backend that executes grasps: MoveIt with the arm's controllers, or the twin without "
        "them; auto is MoveIt if moveit_py is installed.",
    )
    speed: AutoShare = _argument(
        None,
        "Share of the limits of velocity and acceleration that MoveIt may use, above 0 and at "
        "most 1; auto is 0.1 for a real arm and 1 for the twin.",
    )
    confirm: AutoFlag = _argument(
        None, "Whether only goals with `confirmed` move the arm; auto is true for a real arm."
    )
    record: Flag = _argument(True, "Whether scores and attempts are recorded in a bag.")
    bag: str = _argument("", "Folder for the bag; by default named after date and time.")
    twin_profile: TwinProfile = _argument("default", "Name of the twin's profile in config/twin.")
    real_time: Flag = _argument(
        False, "Whether the twin runs at the speed of the wall clock; with MoveIt it always does."
    )
    rviz: Flag = _RVIZ


class ReplayArguments(Settings):
    """Arguments of replay.launch.py."""

    bag: str = Field(description="Folder of the bag to play back.")
    rate: Rate = _argument(1.0, "Speed of playing back; 1 is the speed of the recording.")
    scorer: Flag = _argument(False, "Whether to start a scorer as well.")
    robot: Robot = _ROBOT
    namespace: Namespace = _argument(
        "replay",
        "Namespace for the played topics, / for none. By default separate from an arm's topics, "
        "since recorded joint states would mislead a planner.",
    )
    jobs: Jobs = _JOBS
    engine: EngineName = _ENGINE
    transfer_model: str = _MODEL
    frame_prefix: FramePrefix = _PREFIX
    rviz: Flag = _RVIZ


ArgumentsT = TypeVar("ArgumentsT", bound=Settings)


def check_names(
    arguments: type[Settings], typed: Sequence[str], all_names: Sequence[str]
) -> list[str]:
    """Check the names of launch arguments: ROS itself ignores a name that nobody declared.

    Args:
        arguments: Arguments of the launch file.
        typed: What was typed after `ros2 launch`, each as name:=value.
        all_names: Names of all arguments that the launch file was given.

    Returns:
        Notes for the user, on arguments that are not used here: a launch file that includes ours
        may have arguments of its own.

    Raises:
        SettingsError: What was typed is nearly the name of one of the arguments, but for a slip.
    """
    known = arguments.model_fields
    on_command_line = {word.partition(":=")[0] for word in typed}
    notes = []
    for name in sorted({*on_command_line, *all_names} - set(known) - OF_ROS):
        near = get_close_matches(name, known, n=1)
        if near and name in on_command_line:
            raise SettingsError(
                f"unknown launch argument {name}; did you mean {near[0]}? "
                f"(there are: {', '.join(known)})"
            )
        if near or name in on_command_line:
            hint = f"; did you mean {near[0]}?" if near else ""
            notes.append(f"launch argument {name} is not used by dr_grasp{hint}")
    return notes


def declarations(arguments: type[Settings]) -> list[dict[str, Any]]:
    """The parameters of a DeclareLaunchArgument for each argument of a launch file."""
    return [
        {
            "name": name,
            "default_value": None if field.is_required() else _as_typed(field.default),
            "description": field.description,
            "choices": _choices(field.annotation, field.metadata) or None,
        }
        for name, field in arguments.model_fields.items()
    ]


def _choices(annotation: Any, marks: Sequence[Any]) -> list[str]:
    if get_origin(annotation) is Literal:
        return list(get_args(annotation))
    return [name for mark in marks if isinstance(mark, _OneOf) for name in mark.names()]


def _as_typed(value: object) -> str:
    if value is None:
        return "auto"
    return str(value).lower() if isinstance(value, bool) else str(value)


def read_arguments(arguments: type[ArgumentsT], typed: Mapping[str, str]) -> ArgumentsT:
    """Check the values that a user typed, by argument; missing arguments get their defaults.

    Raises:
        SettingsError: A value is wrong; the message names the argument.
    """
    try:
        return arguments.model_validate(typed)
    except ValidationError as error:
        raise SettingsError(first_problem(error)) from error
