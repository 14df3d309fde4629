"""What a launch file takes and starts, as data: arguments, nodes, programs."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from dr_grasp.common.resources import PACKAGE
from dr_grasp.errors import SettingsError
from dr_grasp.robots.driver import DriverStart

_FLAGS = {"true": True, "1": True, "false": False, "0": False}


@dataclass(frozen=True, slots=True)
class Argument:
    """An argument of a launch file.

    Attributes:
        name: As in `name:=value`.
        default: What counts if it is not given; None if it must be.
        description: For `ros2 launch --show-args`.
        choices: The values that it may have; none for any.
    """

    name: str
    default: str | None
    description: str
    choices: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class NodeStart:
    """A node to start.

    Attributes:
        executable: Name of its program, and of the node.
        parameters: Its ROS parameters.
        package: ROS package of the program.
        arguments: Words of its command line, before those for ROS.
    """

    executable: str
    parameters: Mapping[str, object] = field(default_factory=dict)
    package: str = PACKAGE
    arguments: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Start:
    """All that one launch starts.

    Attributes:
        namespace: Namespace of the nodes.
        nodes: The nodes.
        command: A program besides, word by word; empty for none.
        driver: What starts a real arm's controllers; None for nothing.
        notes: What the user should read, one line each.
    """

    namespace: str
    nodes: tuple[NodeStart, ...]
    command: tuple[str, ...] = ()
    driver: DriverStart | None = None
    notes: tuple[str, ...] = ()


class Values:
    """What was typed, checked as it is read."""

    def __init__(self, typed: Mapping[str, str]) -> None:
        """Remember what was typed.

        Args:
            typed: All arguments by name, given or by default.
        """
        self._typed = typed

    def text(self, name: str) -> str:
        """As it is."""
        return self._typed[name]

    def flag(self, name: str) -> bool:
        """True or false.

        Raises:
            SettingsError: Neither.
        """
        typed = self._typed[name]
        if typed.lower() not in _FLAGS:
            raise SettingsError(f"{name}: expected true or false, got {typed!r}")
        return _FLAGS[typed.lower()]

    def whole(self, name: str, low: int, high: int) -> int:
        """A whole number within bounds.

        Raises:
            SettingsError: Something else.
        """
        typed = self._typed[name]
        if not typed.isdecimal() or not low <= int(typed) <= high:
            raise SettingsError(
                f"{name}: expected a whole number from {low} to {high}, got {typed!r}"
            )
        return int(typed)

    def number(self, name: str, above: float, most: float) -> float:
        """A number above one bound and at most another.

        Raises:
            SettingsError: Something else.
        """
        typed = self._typed[name]
        try:
            value = float(typed)
        except ValueError:
            value = float("nan")
        if not above < value <= most:
            raise SettingsError(
                f"{name}: expected a number above {above:g} and at most {most:g}, got {typed!r}"
            )
        return value

    def namespace(self) -> str:
        """A ROS namespace without slashes at its ends.

        Raises:
            SettingsError: ROS would not take it.
        """
        typed = self._typed["namespace"]
        name = typed.strip("/")
        if not re.fullmatch(r"([A-Za-z_]\w*(/[A-Za-z_]\w*)*)?", name, re.ASCII):
            raise SettingsError(
                "namespace: expected letters, digits, _ and / between them, no digit first, "
                f"got {typed!r}"
            )
        return name
