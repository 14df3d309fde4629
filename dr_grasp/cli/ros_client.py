"""Loads the client of the nodes, for commands that ask them; the other commands need no ROS."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from dr_grasp.errors import DrGraspError

if TYPE_CHECKING:
    from dr_grasp.ros import DrGraspClient

Namespace = Annotated[str, typer.Option(help="With ROS: namespace of the nodes.")]


def client_class(option: str) -> type[DrGraspClient]:
    """The class of the client.

    Args:
        option: What the user typed, for the message.

    Raises:
        DrGraspError: ROS 2 or our interfaces are not installed.
    """
    try:
        from dr_grasp.ros import DrGraspClient
    except ImportError as error:
        raise DrGraspError(
            f"{option}: expected ROS 2, got: {error}; source /opt/ros/jazzy/setup.bash and the "
            "setup.bash of the workspace that has dr_grasp_interfaces"
        ) from error
    return DrGraspClient
