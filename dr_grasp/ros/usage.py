"""What `ros2 run dr_grasp NODE --help` prints."""

from __future__ import annotations

from importlib import import_module


def usage(name: str) -> str:
    """Describe a node and its parameters, without starting it.

    Args:
        name: Name of the node.
    """
    module = import_module(f"dr_grasp.ros.{name}_node")
    lines = [
        f"usage: ros2 run dr_grasp {name} [--ros-args -p NAME:=VALUE ... -r __ns:=/NAMESPACE]",
        "",
        (module.__doc__ or "").strip(),
        "",
        "parameters:",
    ]
    for parameter in module.PARAMETERS:
        default = parameter.default
        shown = str(default).lower() if isinstance(default, bool) else repr(default)
        lines += [f"  {parameter.name}  [default: {shown}]", f"      {parameter.description}"]
    return "\n".join(lines)
