"""Reads a file of grasp poses in one of the formats."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from dr_grasp.errors import DrGraspError, FileFormatError, UnknownNameError
from dr_grasp.generation.importers.frames import grip_in_gripper
from dr_grasp.generation.importers.grasp_poses import GraspPoses, escaped
from dr_grasp.generation.importers.graspgen import read_graspgen
from dr_grasp.generation.importers.pose_checks import short
from dr_grasp.generation.importers.pose_list import read_pose_list


def _read_acronym(path: Path, gripper: str | None) -> GraspPoses:
    # Here, so that h5py is not loaded by those who need no HDF5, such as the other verbs.
    from dr_grasp.generation.importers.acronym import read_acronym

    return read_acronym(path, gripper)


_READERS: Mapping[str, Callable[[Path, str | None], GraspPoses]] = {
    "acronym": _read_acronym,
    "graspgen": read_graspgen,
    "poses": read_pose_list,
}

FORMATS = tuple(_READERS)
"""Names of the formats."""


def read_poses(path: Path | str, format: str, gripper: str | None = None) -> GraspPoses:
    """Read a file of grasp poses; those that cannot be used are named beside the others.

    Args:
        path: The file.
        format: One of `FORMATS`.
        gripper: Whose frame the poses are in, a key of `GRIPPER_FRAMES`; it goes before what the
            file says. Needed only where the file does not say.

    Raises:
        UnknownNameError: There is no such format or gripper.
        FileFormatError: The file is missing, half-written, of another format, or of a gripper that
            has no jaws, that we do not know or that it does not name.
    """
    if format not in _READERS:
        raise UnknownNameError("format", format, FORMATS)
    if gripper is not None:
        grip_in_gripper(gripper)
    path = Path(path)
    try:
        with path.open("rb"):  # HDF5 and NumPy say less clearly why a file cannot be read
            pass
        poses = _READERS[format](path, gripper)
        for text in (poses.gripper, poses.object_file):
            if text is not None and not text.isprintable():  # it will stand in messages and files
                raise FileFormatError(f"expected names in printable characters, got {short(text)}")
    except DrGraspError as error:
        raise FileFormatError(f"{path}: {escaped(str(error))}") from error
    except OSError as error:
        raise FileFormatError(f"{path}: cannot be read: {error.strerror or error}") from error
    return poses
