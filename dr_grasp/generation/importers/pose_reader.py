"""Reads a file of grasp poses in one of the known formats."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from dr_grasp.errors import DrGraspError, FileFormatError, UnknownNameError
from dr_grasp.generation.importers.frames import grip_in_gripper
from dr_grasp.generation.importers.grasp_poses import GraspPoses
from dr_grasp.generation.importers.graspgen import read_graspgen
from dr_grasp.generation.importers.pose_checks import short
from dr_grasp.generation.importers.pose_list import read_pose_list


def _read_acronym(path: Path, gripper: str | None) -> GraspPoses:
    # Imported here, so that commands that read no HDF5 do not load h5py.
    from dr_grasp.generation.importers.acronym import read_acronym

    return read_acronym(path, gripper)


_READERS: Mapping[str, Callable[[Path, str | None], GraspPoses]] = {
    "acronym": _read_acronym,
    "graspgen": read_graspgen,
    "poses": read_pose_list,
}

FORMATS = tuple(_READERS)
"""Names of the known formats of grasp poses."""


def read_poses(path: Path | str, format: str, gripper: str | None = None) -> GraspPoses:
    """Read a file of grasp poses; poses that cannot be used are returned with reasons.

    Args:
        path: The file.
        format: Name of the file's format, one of `FORMATS`.
        gripper: Name of the gripper that the poses are for, a key of `GRIPPER_FRAMES`; it replaces
            the name in the file. None is allowed only if the file names its gripper.

    Raises:
        UnknownNameError: There is no such format or gripper.
        FileFormatError: The file is missing, half-written or of another format; or its gripper has
            no jaws, is unknown, or is not named.
    """
    if format not in _READERS:
        raise UnknownNameError("format", format, FORMATS)
    if gripper is not None:
        grip_in_gripper(gripper)
    path = Path(path)
    try:
        with path.open("rb"):  # the errors of HDF5 and NumPy for unreadable files are less clear
            pass
        poses = _READERS[format](path, gripper)
        for text in (poses.gripper, poses.object_file):
            if text is not None and not text.isprintable():  # messages and files will contain it
                raise FileFormatError(f"expected names in printable characters, got {short(text)}")
    except DrGraspError as error:
        raise FileFormatError(f"{path}: {error}") from error
    except OSError as error:
        raise FileFormatError(f"{path}: cannot be read: {error.strerror or error}") from error
    return poses
