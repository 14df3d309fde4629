"""ROS parameters with descriptions and ranges, declared in one call each."""

from __future__ import annotations

from typing import Any

from rcl_interfaces.msg import FloatingPointRange, IntegerRange, ParameterDescriptor
from rclpy.exceptions import ParameterException
from rclpy.node import Node

from dr_grasp.errors import SettingsError


def declare(
    node: Node,
    name: str,
    default: Any,
    description: str,
    bounds: tuple[float, float] | None = None,
    *,
    read_only: bool = True,
    any_type: bool = False,
) -> Any:
    """Declare a parameter and read it.

    Args:
        node: The node.
        name: Parameter name.
        default: Default value, which also sets the type of the parameter.
        description: One line for `ros2 param describe`.
        bounds: Lowest and highest value of a number.
        read_only: Whether it cannot be set while the node runs.
        any_type: Whether its type may be another than that of the default.

    Returns:
        The value: of the command line or a parameter file, or else the default.

    Raises:
        SettingsError: The value is of another type or out of bounds.
    """
    descriptor = ParameterDescriptor(
        description=description, read_only=read_only, dynamic_typing=any_type
    )
    if bounds is not None:
        low, high = bounds
        if isinstance(default, int):
            descriptor.integer_range = [IntegerRange(from_value=low, to_value=high, step=1)]
        else:
            descriptor.floating_point_range = [FloatingPointRange(from_value=low, to_value=high)]
    try:
        return node.declare_parameter(name, default, descriptor).value
    except (ParameterException, TypeError, ValueError) as error:
        raise SettingsError(f"parameter {name}: {' '.join(str(error).split())}") from error
