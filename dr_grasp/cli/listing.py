"""`dr-grasp robots`: what there is to grasp with."""

from __future__ import annotations

from typing import Annotated

import typer

from dr_grasp.cli.console import print_json, print_table, reports_errors
from dr_grasp.robots.spec import load_robot, robot_names

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@reports_errors
def robots(as_json: AsJson = False) -> None:
    """List the robots."""
    specs = [load_robot(name) for name in robot_names()]
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
        return
    print_table(
        ["robot", "arm joints", "hand joints", "description"],
        [
            [spec.name, str(len(spec.arm_joints)), str(len(spec.hand_joints)), spec.description]
            for spec in specs
        ],
    )
