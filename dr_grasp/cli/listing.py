"""`dr-grasp robots` and `dr-grasp objects`: what there is."""

from __future__ import annotations

from typing import Annotated

import typer

from dr_grasp.cli.console import print_json, print_table, reports_errors
from dr_grasp.objects.spec import object_families
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


@reports_errors
def objects(as_json: AsJson = False) -> None:
    """List the objects."""
    families = object_families()
    if as_json:
        print_json(
            [
                {"first": one.first, "last": one.last, "description": one.description}
                for one in families
            ]
        )
        return
    print_table(
        ["object", "description"],
        [
            [one.first if one.first == one.last else f"{one.first} .. {one.last}", one.description]
            for one in families
        ],
    )
