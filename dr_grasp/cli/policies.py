"""`dr-grasp policies`: writes the SROS 2 policies of our nodes for a robot and a namespace."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from dr_grasp.bringup.arguments import ScorerArguments, read_arguments
from dr_grasp.bringup.security import policies
from dr_grasp.cli.console import reports_errors
from dr_grasp.common.atomic import write_whole
from dr_grasp.robots.robot_spec import load_robot


@reports_errors
def command(
    out: Annotated[Path, typer.Option(help="Policy file to write, for `ros2 security`.")],
    robot: Annotated[
        str, typer.Option(help="Robot, whose controllers the policies name; see `dr-grasp robots`.")
    ] = "franka",
    namespace: Annotated[str, typer.Option(help="ROS namespace of the nodes.")] = "",
) -> None:
    """Write the SROS 2 policies of our nodes for a robot and a namespace."""
    space = read_arguments(ScorerArguments, {"namespace": namespace}).namespace
    write_whole(out, policies(space, load_robot(robot)).encode())
    print(f"{out}: policies for {robot} in the namespace /{space}")
