"""The option that says where the object stands."""

from __future__ import annotations

from typing import Annotated

import typer

ObjectPoseText = Annotated[
    str | None,
    typer.Option(
        "--object-pose",
        metavar="X,Y,Z,ROLL,PITCH,YAW",
        help="Where the object's frame is in the robot's base frame, in metres and radians; or "
        "X,Y,Z,QX,QY,QZ,QW.",
        show_default="the robot's usual place",
    ),
]
