"""Grasps as poses of a gripper, as public datasets store them."""

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
"""Most grasps in a file; a larger number is an error, since datasets have thousands an object."""

LARGEST_WIDTH_M = 1.0
"""Largest opening of jaws; a larger number must be a mistake of the unit."""


@dataclass(frozen=True, slots=True, eq=False)
class PoseGrasp:
    """One grasp of a file.

    Attributes:
        id: The grasp's name in the dataset, or its number; unique within the file.
        gripper_in_object: Pose of the gripper's frame in the frame of the object's mesh, in metres.
        width_m: Opening of the jaws [m]; None if the dataset does not contain it.
        held_in_simulation: Whether the object was held in the dataset's simulation; None if the
            dataset does not contain it.
        quality: The dataset's confidence, more is better; None if the dataset does not contain it.
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
    """Content of a file of grasp poses.

    Attributes:
        source: Name of the file.
        gripper: Name of the gripper; the poses are of its frame.
        grip_in_gripper: Pose of the grip frame (see `frames`) in the gripper's frame.
        object_file: The mesh that the file names; None if it names none.
        object_scale: Factor from the units of that mesh to metres; None if the file has none.
        grasps: The grasps that can be used, in the order of the file.
        refused: The grasps that cannot be used, with reasons.
        object_in_base: Where the file says that the object stands; None if it does not say.
    """

    source: str
    gripper: str
    grip_in_gripper: Pose
    object_file: str | None
    object_scale: float | None
    grasps: tuple[PoseGrasp, ...]
    refused: tuple[RefusedGrasp, ...]
    object_in_base: Pose | None = None

    def grip_in_object(self, grasp: PoseGrasp) -> Pose:
        """Pose of a grasp's grip frame in the frame of the object's mesh, in metres."""
        return grasp.gripper_in_object @ self.grip_in_gripper


def collect(
    path: Path,
    gripper: str,
    ids: Sequence[str],
    read: Callable[[int], PoseGrasp],
    object_file: str | None = None,
    object_scale: float | None = None,
    grip: Pose | None = None,
    object_in_base: Pose | None = None,
) -> GraspPoses:
    """Read the grasps of a file, and set aside those that cannot be used.

    Args:
        path: The file.
        gripper: Name of the gripper; the poses are of its frame.
        ids: Ids of the grasps, in the order of the file.
        read: Reads a grasp by its number; a FileFormatError becomes the reason of a refusal.
        object_file: The mesh that the file names; None if it names none.
        object_scale: Factor from the units of that mesh to metres; None if the file has none.
        grip: Pose of the grip frame in the gripper's frame; None to look it up by the name.
        object_in_base: Where the file says that the object stands; None if it does not say.

    Raises:
        DrGraspError: The gripper is unknown, or has no jaws.
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
            refused.append(RefusedGrasp(index, shown, f"grasp {shown}: {error}"))
    return GraspPoses(
        path.name,
        gripper,
        grip,
        object_file,
        object_scale,
        (*grasps.values(),),
        (*refused,),
        object_in_base,
    )


def numbered_matrices(
    matrices: Sequence[object] | npt.NDArray[Any],
    held_field: str = "",
    held: Sequence[object] | None = None,
) -> tuple[list[str], Callable[[int], PoseGrasp]]:
    """Make ids and a reading function, for `collect`, of grasps that are plain matrices.

    Args:
        matrices: Homogeneous matrices, not checked yet, each of shape (4, 4) if it is valid.
        held_field: Name of the field that `held` comes from, for messages.
        held: For each matrix, whether the object was held in simulation; None if unknown.
    """
    ids = [number_id(index) for index in range(len(matrices))]

    def read(index: int) -> PoseGrasp:
        verdict = None if held is None else read_verdict(held_field, held[index])
        return PoseGrasp(ids[index], pose_from_matrix(matrices[index]), held_in_simulation=verdict)

    return ids, read


def check_count(field: str, count: int) -> None:
    """Refuse a file without grasps, or with more than `MOST_GRASPS`.

    Raises:
        FileFormatError: The number of grasps is out of bounds.
    """
    if not 0 < count <= MOST_GRASPS:
        raise FileFormatError(f"{field}: expected 1 to {MOST_GRASPS} grasps, got {count}")


def number_id(index: int) -> str:
    """Make the id of a grasp without a name from its number in the file."""
    return f"{index:05d}"


def read_verdict(field: str, value: object) -> bool:
    """Read whether a grasp held: true, false, 1 or 0, or a list with one of them.

    Raises:
        FileFormatError: The value is something else.
    """
    if isinstance(value, list) and len(value) == 1:
        value = value[0]
    if value not in (0, 1):
        raise FileFormatError(f"{field}: expected true or false, got {short(value)}")
    return bool(value)
