"""A node to start, and the ROS packages that nodes need."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from dr_grasp.common.resources import PACKAGE

HasPackage = Callable[[str], bool]
"""Function that returns whether the ROS package of a name is installed."""


@dataclass(frozen=True, slots=True)
class NodeStart:
    """A node to start.

    Attributes:
        executable: Name of the node, and of its program.
        parameters: ROS parameters of the node.
        package: ROS package of the program.
        arguments: Words of the command line, before the arguments for ROS.
        enclave: Name of the node's enclave in a keystore; empty for a node without security.
        environment: Environment variables of the node's process, beside the usual ones.
    """

    executable: str
    parameters: Mapping[str, object] = field(default_factory=dict)
    package: str = PACKAGE
    arguments: tuple[str, ...] = ()
    enclave: str = ""
    environment: Mapping[str, str] = field(default_factory=dict)


def missing_packages(has_package: HasPackage, *needed: str) -> str:
    """A text on which packages are not installed and how to install them; empty if all are."""
    missing = [package for package in needed if not has_package(package)]
    if not missing:
        return ""
    debian = " ".join(f"ros-jazzy-{package.replace('_', '-')}" for package in missing)
    return (
        f"{' and '.join(missing)}, not installed (apt install {debian}, or a workspace that has it)"
    )
