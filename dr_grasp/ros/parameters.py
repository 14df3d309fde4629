"""ROS parameters with descriptions and ranges, declared in one line each."""

from __future__ import annotations

from typing import Any

from rcl_interfaces.msg import IntegerRange, ParameterDescriptor
from rclpy.exceptions import ParameterException
from rclpy.node import Node

from dr_grasp.errors import SettingsError


def declare(
    node: Node,
    name: str,
    default: Any,
    description: str,
    integer_range: tuple[int, int] | None = None,
) -> Any:
    """Declare a read-only parameter and read it.

    Args:
        node: The node.
        name: Parameter name.
        default: Default value, which also sets the type.
        description: One line for `ros2 param describe`.
        integer_range: Lowest and highest value of an integer.

    Raises:
        SettingsError: The value is of another type or out of range.

    Returns:
        The value, from the command line, a parameter file or the default.
    """
    ranges = []
    if integer_range is not None:
        ranges = [IntegerRange(from_value=integer_range[0], to_value=integer_range[1], step=1)]
    descriptor = ParameterDescriptor(description=description, read_only=True, integer_range=ranges)
    try:
        return node.declare_parameter(name, default, descriptor).value
    except (ParameterException, TypeError, ValueError) as error:
        raise SettingsError(f"parameter {name}: {' '.join(str(error).split())}") from error
