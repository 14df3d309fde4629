"""What files say of grasps beside their poses, and the parting of good grasps from bad."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dr_grasp.core.arrays import frozen
from dr_grasp.core.geometry import Pose
from dr_grasp.core.refusal import RefusedGrasp
from dr_grasp.errors import FileFormatError
from dr_grasp.generation.importers.frames import grip_in_gripper
from dr_grasp.generation.importers.grasp_poses import GraspPoses, PoseGrasp
from dr_grasp.generation.importers.stacks import PoseStack, escaped, short

MOST_GRASPS = 1_000_000
"""A file that promises more is broken: the datasets have some thousands an object."""

LARGEST_WIDTH_M = 1.0
"""No jaws open further; a larger number is a unit mistake."""


@dataclass(frozen=True, slots=True)
class Entry:
    """What a file says of a grasp beside its pose.

    Attributes:
        id: As in `PoseGrasp`.
        width_m: As in `PoseGrasp`.
        held: As in `PoseGrasp`.
        quality: As in `PoseGrasp`.
        problem: Why the grasp cannot be used, if that is known already; empty otherwise.
    """

    id: str
    width_m: float | None = None
    held: bool | None = None
    quality: float | None = None
    problem: str = ""


def check_count(field: str, count: int) -> None:
    """Refuse a file of no grasps, and one of more than can be.

    Raises:
        FileFormatError: It is one.
    """
    if not 0 < count <= MOST_GRASPS:
        raise FileFormatError(f"{field}: expected 1 to {MOST_GRASPS} grasps, got {count}")


def number_id(index: int) -> str:
    """The id of a grasp that has no name."""
    return f"{index:05d}"


def verdicts(field: str, values: Sequence[Any], count: int) -> tuple[list[bool], dict[int, str]]:
    """Read whether each grasp held: true, false, 1 or 0, each perhaps in a list of its own.

    Returns:
        One for each grasp, and by number what is wrong with those that are no verdicts.

    Raises:
        FileFormatError: There are not as many as grasps.
    """
    if len(values) != count:
        raise FileFormatError(
            f"{field}: expected {count} entries, one for each grasp, got {len(values)}"
        )
    held, problems = [], {}
    for index, value in enumerate(values):
        if isinstance(value, list) and len(value) == 1:
            value = value[0]
        held.append(value in (0, 1) and bool(value))
        if value not in (0, 1):
            problems[index] = f"{field}: expected true or false, got {short(value)}"
    return held, problems


def gathered(
    path: Path,
    gripper: str,
    entries: Sequence[Entry],
    poses: PoseStack,
    object_file: str | None,
    object_scale: float,
    grip: Pose | None = None,
) -> GraspPoses:
    """What was read of a file, its good grasps parted from its bad ones.

    Args:
        path: The file.
        gripper: Name of the gripper whose frame the poses are in.
        entries: What the file says of each grasp beside its pose.
        poses: As many.
        object_file: As in `GraspPoses`.
        object_scale: As in `GraspPoses`.
        grip: The grip frame in that of the gripper; None for what the gripper's name says.

    Raises:
        DrGraspError: The gripper is unknown to us, or has no jaws.
    """
    if grip is None:
        grip = grip_in_gripper(gripper)
    grasps, refused = _sort_out(entries, poses)
    return GraspPoses(path.name, gripper, grip, object_file, object_scale, grasps, refused)


def _sort_out(
    entries: Sequence[Entry], poses: PoseStack
) -> tuple[tuple[PoseGrasp, ...], tuple[RefusedGrasp, ...]]:
    """Part the grasps that can be used from the others, of which each gets its reason."""
    grasps, refused, seen = [], [], set()
    for index, entry in enumerate(entries):
        problem = entry.problem or poses.problems.get(index) or _problem(entry)
        if not problem and entry.id in seen:
            problem = "id: expected unique within the file, got it a second time"
        if problem:
            name = entry.id if entry.id.isprintable() and entry.id else number_id(index)
            refused.append(RefusedGrasp(index, name, f"grasp {name}: {escaped(problem)}"))
            continue
        seen.add(entry.id)
        pose = Pose(frozen(poses.positions[index]), frozen(poses.quaternions_xyzw[index]))
        grasps.append(PoseGrasp(entry.id, pose, entry.width_m, entry.held, entry.quality))
    return tuple(grasps), tuple(refused)


def _problem(entry: Entry) -> str:
    if not entry.id or not entry.id.isprintable():  # it will stand in one-line messages
        return f"id: expected printable characters, got {short(entry.id)}"
    if entry.width_m is not None and not 0.0 <= entry.width_m <= LARGEST_WIDTH_M:
        return f"width: expected 0 to {LARGEST_WIDTH_M:g} m, got {entry.width_m:g}"
    if entry.quality is not None and not math.isfinite(entry.quality):
        return f"quality: expected a finite number, got {entry.quality:g}"
    return ""
