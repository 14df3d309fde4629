"""Grasps as poses of a gripper, the form in which the public datasets have them."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy.typing as npt

from dr_grasp.core.fitness import RefusedGrasp
from dr_grasp.core.geometry import Pose
from dr_grasp.errors import FileFormatError
from dr_grasp.generation.importers.frames import grip_in_gripper
from dr_grasp.generation.importers.pose_checks import pose_from_matrix, short

MOST_GRASPS = 1_000_000
"""A file that promises more is broken: the datasets have some thousands an object."""

LARGEST_WIDTH_M = 1.0
"""No jaws open further; a larger number is a unit mistake."""


@dataclass(frozen=True, slots=True, eq=False)
class PoseGrasp:
    """One grasp of a file.

    Attributes:
        id: The dataset's own name of it, or its number; unique within the file.
        gripper_in_object: Pose of the gripper's frame in the frame of the object's mesh, in metres.
        width_m: How far the jaws are open, where the dataset says so [m].
        held_in_simulation: The dataset's own verdict, where it has one.
        quality: The dataset's own confidence, where it has one; more is better.
    """

    id: str
    gripper_in_object: Pose
    width_m: float | None = None
    held_in_simulation: bool | None = None
    quality: float | None = None

    def __post_init__(self) -> None:
        """Check the id and the numbers.

        Raises:
            FileFormatError: The id cannot be printed in one line, the width is out of bounds, or
                the quality is not finite.
        """
        if not self.id or not self.id.isprintable():
            raise FileFormatError(f"id: expected printable characters, got {short(self.id)}")
        if self.width_m is not None and not 0.0 <= self.width_m <= LARGEST_WIDTH_M:
            raise FileFormatError(
                f"width: expected 0 to {LARGEST_WIDTH_M:g} m, got {self.width_m:g}"
            )
        if self.quality is not None and not math.isfinite(self.quality):
            raise FileFormatError(f"quality: expected a finite number, got {self.quality:g}")


@dataclass(frozen=True, slots=True, eq=False)
class GraspPoses:
    """What a file of grasp poses holds.

    Attributes:
        source: Name of the file.
        gripper: Name of the gripper whose frame the poses are in.
        grip_in_gripper: The grip frame (see `frames`) in the frame of that gripper.
        object_file: The mesh as the file names it, if it does.
        object_scale: Factor from the units of that mesh to metres; 1 where the file says nothing.
        grasps: Those that can be used, in the order of the file.
        refused: The others.
    """

    source: str
    gripper: str
    grip_in_gripper: Pose
    object_file: str | None
    object_scale: float
    grasps: tuple[PoseGrasp, ...]
    refused: tuple[RefusedGrasp, ...]

    def grip_in_object(self, grasp: PoseGrasp) -> Pose:
        """The grip frame of one of the grasps in the frame of the object's mesh, in metres."""
        return grasp.gripper_in_object @ self.grip_in_gripper


def collect(
    path: Path,
    gripper: str,
    ids: Sequence[str],
    read: Callable[[int], PoseGrasp],
    object_file: str | None = None,
    object_scale: float = 1.0,
    grip: Pose | None = None,
) -> GraspPoses:
    """Read the grasps of a file one after the other, and set aside those that cannot be used.

    Args:
        path: The file.
        gripper: Name of the gripper whose frame the poses are in.
        ids: Of the grasps.
        read: Reads a grasp by its number; its FileFormatError becomes the reason of a refusal.
        object_file: As in `GraspPoses`.
        object_scale: As in `GraspPoses`.
        grip: The grip frame in that of the gripper; None for what the gripper's name says.

    Raises:
        DrGraspError: The gripper is unknown to us, or has no jaws.
    """
    if grip is None:
        grip = grip_in_gripper(gripper)
    grasps: dict[str, PoseGrasp] = {}
    refused: list[RefusedGrasp] = []
    for index, name in enumerate(ids):
        try:
            grasp = read(index)
            if grasp.id in grasps:
                raise FileFormatError("id: expected unique within the file, got it a second time")
            grasps[grasp.id] = grasp
        except FileFormatError as error:
            shown = name if name and name.isprintable() else number_id(index)
            refused.append(RefusedGrasp(index, shown, f"grasp {shown}: {escaped(str(error))}"))
    return GraspPoses(
        path.name, gripper, grip, object_file, object_scale, (*grasps.values(),), (*refused,)
    )


def numbered_matrices(
    matrices: Sequence[object] | npt.NDArray[Any],
    held_field: str = "",
    held: Sequence[object] | None = None,
) -> tuple[list[str], Callable[[int], PoseGrasp]]:
    """Grasps without names, as homogeneous matrices: their ids and what reads them, for `collect`.

    Args:
        matrices: Shape (4, 4) each, if they are good.
        held_field: Name of the field of `held`, for messages.
        held: As many verdicts of whether the object was held; None if there are none.
    """
    ids = [number_id(index) for index in range(len(matrices))]

    def read(index: int) -> PoseGrasp:
        verdict = None if held is None else read_verdict(held_field, held[index])
        return PoseGrasp(ids[index], pose_from_matrix(matrices[index]), held_in_simulation=verdict)

    return ids, read


def check_count(field: str, count: int) -> None:
    """Refuse a file of no grasps, and one of more than `MOST_GRASPS`.

    Raises:
        FileFormatError: It is one.
    """
    if not 0 < count <= MOST_GRASPS:
        raise FileFormatError(f"{field}: expected 1 to {MOST_GRASPS} grasps, got {count}")


def number_id(index: int) -> str:
    """The id of a grasp that has no name."""
    return f"{index:05d}"


def read_verdict(field: str, value: object) -> bool:
    """Read whether a grasp held: true, false, 1 or 0, perhaps in a list of its own.

    Raises:
        FileFormatError: It is none of these.
    """
    if isinstance(value, list) and len(value) == 1:
        value = value[0]
    if value not in (0, 1):
        raise FileFormatError(f"{field}: expected true or false, got {short(value)}")
    return bool(value)


def escaped(text: str) -> str:
    """A message in one line, whatever a file made of it."""
    return "".join(char if char.isprintable() else repr(char)[1:-1] for char in text)
