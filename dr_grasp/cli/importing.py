"""`dr-grasp import`: makes trajectories for a robot from grasps of other programs and datasets."""

from __future__ import annotations

from collections.abc import Sequence
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
from dr_grasp.cli.object_pose import ObjectPoseText
from dr_grasp.core.geometry import Pose
from dr_grasp.core.texts import first_names
from dr_grasp.errors import DrGraspError, UnknownNameError
from dr_grasp.formats.documents import check_writable
from dr_grasp.formats.grasp_file import write_grasps
from dr_grasp.generation.importers import FORMATS, GRIPPER_FRAMES, GraspPoses, read_poses
from dr_grasp.generation.importers.object_pose import parse_object_pose
from dr_grasp.generation.pose_import import Imported, import_poses
from dr_grasp.generation.size_check import check_scale, where_from
from dr_grasp.generation.trajectory_import import import_trajectories
from dr_grasp.objects.object_spec import ObjectDetails, load_object, object_details
from dr_grasp.robots.robot_spec import RobotSpec, load_robot
from dr_grasp.simulation.bullet.world import BulletWorld

TRAJECTORIES = "trajectories"

MOST_NAMES = 10
"""Most poses that a line names; files have thousands, and `--json` has the names of all."""


@reports_errors
def command(
    files: Annotated[
        list[Path],
        typer.Argument(
            metavar="FILE...", help="File of grasp poses, or files of joint trajectories."
        ),
    ],
    format: Annotated[
        str, typer.Option(help=f"Format of the file: {', '.join((*FORMATS, TRAJECTORIES))}.")
    ],
    robot: Annotated[str, typer.Option(help="Robot; see `dr-grasp robots`.")],
    obj: Annotated[
        str, typer.Option("--object", help="Object that the grasps are for, with the same mesh.")
    ],
    out: Annotated[Path, typer.Option(help="Grasp file to write.")],
    object_pose: ObjectPoseText = None,
    gripper: Annotated[
        str | None,
        typer.Option(
            help="Gripper that the poses are for, if the file does not name it: "
            f"{', '.join(sorted(GRIPPER_FRAMES))}."
        ),
    ] = None,
    synergy: Annotated[
        str | None,
        typer.Option(
            help="Synergy that closes the hand.", show_default="the first that is possible"
        ),
    ] = None,
    seed: Annotated[int, typer.Option(help="Seed of the inverse kinematics.")] = 0,
    same_size: Annotated[
        bool,
        typer.Option(
            "--same-size",
            help="The object has the size that the poses are for, whatever scale the file names.",
        ),
    ] = False,
    layout: Annotated[
        Path | None,
        typer.Option(
            help="With trajectories: YAML file that says what their columns mean.",
            show_default="FILE with the ending .yaml",
        ),
    ] = None,
    retime: Annotated[
        bool,
        typer.Option("--retime", help="With trajectories: slow down what is faster than the arm."),
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print a JSON summary.")] = False,
) -> None:
    """Read 6-DoF gripper poses and plan the arm's motion to each; or read joint trajectories."""
    check_writable(out)
    if format not in (*FORMATS, TRAJECTORIES):
        raise UnknownNameError("format", format, (*FORMATS, TRAJECTORIES))
    if seed < 0:
        raise DrGraspError(f"seed: expected at least 0, got {seed}")
    spec = load_robot(robot)
    place = None if object_pose is None else parse_object_pose(object_pose)
    if format == TRAJECTORIES:
        if (gripper, synergy, same_size) != (None, None, False):
            raise DrGraspError(
                f"--gripper, --synergy, --same-size: expected none with {TRAJECTORIES}, whose YAML "
                "file says how the hand closes"
            )
        _import_trajectories(files, spec, obj, out, place, layout, retime, as_json)
        return
    if layout is not None or retime:
        raise DrGraspError(f"--layout, --retime: expected the format {TRAJECTORIES}, got {format}")
    if len(files) != 1:
        raise DrGraspError(f"{len(files)} files: expected one with --format {format}")
    _import_poses(
        files[0], format, spec, obj, out, place, gripper, synergy, seed, same_size, as_json
    )


def _import_poses(
    file: Path,
    format: str,
    robot: RobotSpec,
    obj: str,
    out: Path,
    place: Pose | None,
    gripper: str | None,
    synergy: str | None,
    seed: int,
    same_size: bool,
    as_json: bool,
) -> None:
    synergies = robot.synergies if synergy is None else (robot.synergy(synergy),)
    poses = read_poses(file, format, gripper)
    details = object_details(obj)
    if not same_size:
        check_scale(poses, details)
    with BulletWorld(robot, details.spec) as world, progress_bar() as bar:
        task = bar.add_task("importing", total=len(poses.grasps), note="")
        imported = import_poses(
            world, poses, synergies, seed, lambda done: bar.update(task, completed=done), place
        )
    say_refusals(imported.refused)
    if imported.outside:
        first, *others = imported.outside
        same = first_names([refused.grasp_id for refused in others], MOST_NAMES)
        complain(first.reason + (f"; the same for: {same}" if same else ""))
    for reason, unreachable in imported.unreachable.items():
        complain(f"out of reach, {reason.value}: {first_names(unreachable, MOST_NAMES)}")
    if imported.grasps:
        write_grasps(out, imported.grasps)
    if as_json:
        _print_json(poses, imported, out)
    else:
        _print_summary(file, poses, details, imported, out)
    if not imported.grasps:
        why = f"none of its poses can be reached by {robot.name}"
        if imported.guess:
            why = f"most of its poses do not fit {obj}; {imported.guess}"
        raise DrGraspError(f"{file}: {why}; {out} not written")


def _import_trajectories(
    files: Sequence[Path],
    robot: RobotSpec,
    obj: str,
    out: Path,
    place: Pose | None,
    layout: Path | None,
    retime: bool,
    as_json: bool,
) -> None:
    with BulletWorld(robot, load_object(obj)) as world:
        imported = import_trajectories(world, files, layout, retime, place)
    say_refusals(imported.refused)
    if imported.grasps:
        write_grasps(out, imported.grasps)
    if as_json:
        print_json(
            {
                "out": str(out) if imported.grasps else None,
                "trajectories": len(imported.grasps) + len(imported.refused),
                "imported": len(imported.grasps),
                "refused": {refusal.grasp_id: refusal.reason for refusal in imported.refused},
                "retimed": list(imported.slowed),
            }
        )
    else:
        for note in imported.slowed:
            print_line(f"retimed: {note}")
        if imported.refused:
            print_line(f"{len(imported.refused)} refused")
        if imported.grasps:
            print_line(f"{out}: {len(imported.grasps)} grasps")
    if not imported.grasps:
        raise DrGraspError(f"none of the trajectories can be used; {out} not written")


def _print_json(poses: GraspPoses, imported: Imported, out: Path) -> None:
    refused = (*imported.refused, *imported.outside)
    print_json(
        {
            "out": str(out) if imported.grasps else None,
            "poses": len(poses.grasps) + len(imported.refused),
            "imported": len(imported.grasps),
            "refused": {refusal.grasp_id: refusal.reason for refusal in refused},
            "unreachable": {
                reason.name.lower(): list(names) for reason, names in imported.unreachable.items()
            },
            "guess": imported.guess or None,
            "object_file": poses.object_file,
            "object_scale": poses.object_scale,
        }
    )


def _print_summary(
    file: Path, poses: GraspPoses, details: ObjectDetails, imported: Imported, out: Path
) -> None:
    print_line(f"{file}: {len(poses.grasps) + len(imported.refused)} poses")
    if poses.object_file is not None:
        scale = "" if poses.object_scale is None else f" times {poses.object_scale:g}"
        print_line(
            f"  for {poses.object_file}{scale}; {details.spec.name}, "
            f"{where_from(details)}, should be that mesh in that size"
        )
    for reason, names in imported.unreachable.items():
        print_line(f"  {len(names)} out of reach: {reason.value}")
    if imported.outside:
        guess = f"; {imported.guess}" if imported.guess else ""
        print_line(f"  {len(imported.outside)} refused: they do not fit the object{guess}")
    if imported.refused:
        print_line(f"  {len(imported.refused)} refused")
    if imported.grasps:
        print_line(f"{out}: {len(imported.grasps)} grasps")
