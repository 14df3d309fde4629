"""`dr-grasp robots`: lists the robots; with tools for other commands that list."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

import typer

from dr_grasp.cli.console import complain, print_json, print_table, reports_errors
from dr_grasp.errors import DrGraspError
from dr_grasp.robots.robot_spec import load_robot, robot_names

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@reports_errors
def robots(as_json: AsJson = False) -> None:
    """List the robots."""
    specs, broken = [], []
    for name in robot_names():
        try:
            specs.append(load_robot(name))
        except DrGraspError as error:
            broken.append(f"{name}: {error}")
    if as_json:
        keys = ("name", "description", "arm_joints", "hand_joints")
        print_json([{key: getattr(spec, key) for key in keys} for spec in specs])
    else:
        columns = ["robot", "arm joints", "hand joints", "description"]
        rows = [
            [spec.name, str(len(spec.arm_joints)), str(len(spec.hand_joints)), spec.description]
            for spec in specs
        ]
        print_table(columns, rows)
    complain_of(broken)


def complain_of(broken: Sequence[str]) -> None:
    """Print one line for each thing that could not be listed; exit with status 1 if any."""
    for message in broken:
        complain(message)
    if broken:
        raise typer.Exit(1)
