"""`dr-grasp import`: makes trajectories for a robot from grasp poses of public datasets."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from dr_grasp.cli.console import (
    complain,
    print_json,
    print_line,
    progress_bar,
    reports_errors,
    say_refusals,
)
from dr_grasp.errors import DrGraspError
from dr_grasp.formats.documents import check_writable
from dr_grasp.formats.grasp_file import write_grasps
from dr_grasp.generation.importers import FORMATS, GRIPPER_FRAMES, read_poses
from dr_grasp.generation.pose_import import import_poses
from dr_grasp.objects.object_spec import load_object
from dr_grasp.robots.robot_spec import load_robot
from dr_grasp.simulation.bullet.world import BulletWorld


@reports_errors
def command(
    file: Annotated[Path, typer.Argument(help="File of grasp poses.")],
    format: Annotated[str, typer.Option(help=f"Format of the file: {', '.join(FORMATS)}.")],
    robot: Annotated[str, typer.Option(help="Robot; see `dr-grasp robots`.")],
    obj: Annotated[
        str, typer.Option("--object", help="Object that the poses are for, with the same mesh.")
    ],
    out: Annotated[Path, typer.Option(help="Grasp file to write.")],
    gripper: Annotated[
        str | None,
        typer.Option(
            help="Gripper that the poses are for, if the file does not name it: "
            f"{', '.join(sorted(GRIPPER_FRAMES))}."
        ),
    ] = None,
    synergy: Annotated[
        str | None,
        typer.Option(help="Synergy that closes the hand.  [default: the first that is possible]"),
    ] = None,
    seed: Annotated[int, typer.Option(help="Seed of the inverse kinematics.")] = 0,
    as_json: Annotated[bool, typer.Option("--json", help="Print a JSON summary.")] = False,
) -> None:
    """Read 6-DoF gripper poses and plan the arm's motion to each."""
    check_writable(out)
    if seed < 0:
        raise DrGraspError(f"seed: expected at least 0, got {seed}")
    spec = load_robot(robot)
    synergies = spec.synergies if synergy is None else (spec.synergy(synergy),)
    poses = read_poses(file, format, gripper)
    item = load_object(obj)
    with BulletWorld(spec, item) as world, progress_bar() as bar:
        task = bar.add_task("importing", total=len(poses.grasps), note="")
        imported = import_poses(
            world, poses, synergies, seed, lambda done: bar.update(task, completed=done)
        )
    say_refusals(imported.refused)
    for reason, names in imported.unreachable.items():
        complain(f"out of reach, {reason.value}: {', '.join(names)}")
    if imported.grasps:
        write_grasps(out, imported.grasps)
    if as_json:
        print_json(
            {
                "out": str(out) if imported.grasps else None,
                "poses": len(poses.grasps) + len(imported.refused),
                "imported": len(imported.grasps),
                "refused": {refused.grasp_id: refused.reason for refused in imported.refused},
                "unreachable": {
                    reason.name.lower(): list(names)
                    for reason, names in imported.unreachable.items()
                },
                "object_file": poses.object_file,
                "object_scale": poses.object_scale,
            }
        )
    else:
        print_line(f"{file}: {len(poses.grasps) + len(imported.refused)} poses")
        if poses.object_file is not None:
            print_line(
                f"  for {poses.object_file} times {poses.object_scale:g}; "
                f"{obj} should be that mesh in that size"
            )
        for reason, names in imported.unreachable.items():
            print_line(f"  {len(names)} out of reach: {reason.value}")
        if imported.refused:
            print_line(f"  {len(imported.refused)} refused")
        if imported.grasps:
            print_line(f"{out}: {len(imported.grasps)} grasps")
    if not imported.grasps:
        raise DrGraspError(
            f"{file}: none of its poses can be reached by {robot}; {out} not written"
        )
