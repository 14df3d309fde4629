"""`dr-grasp robots`: what there is to grasp with."""

from __future__ import annotations

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
        print_json(
            [
                {
                    "name": spec.name,
                    "description": spec.description,
                    "arm_joints": list(spec.arm_joints),
                    "hand_joints": list(spec.hand_joints),
                }
                for spec in specs
            ]
        )
    else:
        print_table(
            ["robot", "arm joints", "hand joints", "description"],
            [
                [spec.name, str(len(spec.arm_joints)), str(len(spec.hand_joints)), spec.description]
                for spec in specs
            ],
        )
    for message in broken:
        complain(message)
    if broken:
        raise typer.Exit(1)
