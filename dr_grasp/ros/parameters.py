"""Declares ROS parameters with descriptions and ranges."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from rcl_interfaces.msg import FloatingPointRange, IntegerRange, ParameterDescriptor
from rclpy.exceptions import ParameterException
from rclpy.node import Node

from dr_grasp.errors import SettingsError


@dataclass(frozen=True, slots=True)
class Parameter:
    """A parameter of a node; the attributes are the arguments of `declare`."""

    name: str
    default: Any
    description: str
    integer_range: tuple[int, int] | None = None
    float_range: tuple[float, float] | None = None
    read_only: bool = True
    any_type: bool = False

    def declare(self, node: Node, default: Any = None) -> Any:
        """Declare the parameter, with another default if that is not None; see `declare`."""
        return declare(
            node,
            self.name,
            self.default if default is None else default,
            self.description,
            self.integer_range,
            float_range=self.float_range,
            read_only=self.read_only,
            any_type=self.any_type,
        )


def declare_all(node: Node, parameters: Iterable[Parameter]) -> dict[str, Any]:
    """Declare parameters and read them, by name; see `declare`."""
    return {parameter.name: parameter.declare(node) for parameter in parameters}


def declare(
    node: Node,
    name: str,
    default: Any,
    description: str,
    integer_range: tuple[int, int] | None = None,
    *,
    float_range: tuple[float, float] | None = None,
    read_only: bool = True,
    any_type: bool = False,
) -> Any:
    """Declare a parameter and read it.

    Args:
        node: Node that the parameter belongs to.
        name: Name of the parameter.
        default: Default value, which also sets the type of the parameter.
        description: One line for `ros2 param describe`.
        integer_range: Lowest and highest value of an integer parameter; None for no range.
        float_range: Lowest and highest value of a floating-point parameter; None for no range.
        read_only: Whether the parameter cannot be set while the node runs.
        any_type: Whether the value may have another type than the default.

    Returns:
        The value from the command line or a parameter file, or else the default.

    Raises:
        SettingsError: The value has another type or is out of range.
    """
    descriptor = ParameterDescriptor(
        description=description, read_only=read_only, dynamic_typing=any_type
    )
    if integer_range is not None:
        low, high = integer_range
        descriptor.integer_range = [IntegerRange(from_value=low, to_value=high, step=1)]
    if float_range is not None:
        start, end = float_range
        descriptor.floating_point_range = [FloatingPointRange(from_value=start, to_value=end)]
    try:
        return node.declare_parameter(name, default, descriptor).value
    except (ParameterException, TypeError, ValueError) as error:
        raise SettingsError(f"parameter {name}: {' '.join(str(error).split())}") from error
