"""ACRONYM's grasp files (Eppner, Mousavian and Fox 2021, arXiv 2011.09584), in HDF5.

Keys as NVlabs/acronym has them, acronym_tools/acronym.py and data/examples/grasps/*.h5:

    grasps/transforms                         (n, 4, 4), gripper in the frame of the scaled mesh [m]
    grasps/qualities/flex/object_in_gripper   (n,), 1 where the object was held in simulation, or 0
    object/file                               text, path of the mesh
    object/scale                              number, from the mesh file's units to metres
    gripper/type                              text, "panda" in all files

Text is bytes there. Files have 2,000 grasps each.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import h5py
import numpy as np

from dr_grasp.core.arrays import FloatArray
from dr_grasp.errors import FileFormatError
from dr_grasp.generation.importers.entries import Entry, check_count, gathered, number_id, verdicts
from dr_grasp.generation.importers.foreign_documents import one_line
from dr_grasp.generation.importers.grasp_poses import GraspPoses
from dr_grasp.generation.importers.stacks import Stack, from_matrices

TRANSFORMS = "grasps/transforms"
HELD = "grasps/qualities/flex/object_in_gripper"
OBJECT_FILE = "object/file"
OBJECT_SCALE = "object/scale"
GRIPPER = "gripper/type"


def read_acronym(path: Path, gripper: str | None) -> GraspPoses:
    """Read an ACRONYM file.

    Args:
        path: The file.
        gripper: Whose frame the poses are in; None for what the file says.

    Raises:
        DrGraspError: It is no such file, is half-written, or names a gripper unknown to us.
    """
    try:
        with h5py.File(path, "r") as file:
            matrices = _matrices(file)
            held, bad = _held(file, len(matrices))
            object_file = _text(file, OBJECT_FILE) if OBJECT_FILE in file else None
            scale = _scale(file)
            # The dataset is of the Panda throughout, so a derived file may leave that out.
            name = gripper or (_text(file, GRIPPER) if GRIPPER in file else "panda")
    except (OSError, RuntimeError, KeyError, TypeError, ValueError) as error:
        raise FileFormatError(f"expected a whole HDF5 file, got {one_line(error)}") from error
    entries = [
        Entry(number_id(index), held=one, problem=bad.get(index, ""))
        for index, one in enumerate(held)
    ]
    return gathered(path, name, entries, from_matrices(Stack(matrices, {})), object_file, scale)


def _matrices(file: h5py.File) -> FloatArray:
    node = _dataset(file, TRANSFORMS)
    # Before reading: a broken header may promise more than fits in memory, or types that crash.
    if node.ndim != 3 or node.shape[1:] != (4, 4) or node.dtype.kind not in "iuf":
        raise FileFormatError(
            f"{TRANSFORMS}: expected numbers of shape (n, 4, 4), "
            f"got {node.dtype} of shape {node.shape}"
        )
    check_count(TRANSFORMS, len(node))
    return np.asarray(node[()], dtype=np.float64)


def _held(file: h5py.File, count: int) -> tuple[list[Any], dict[int, str]]:
    if HELD not in file:
        return [None] * count, {}
    node = _dataset(file, HELD)
    if node.shape not in ((count,), (count, 1)) or node.dtype.kind not in "biuf":
        raise FileFormatError(
            f"{HELD}: expected true or false of shape ({count},), "
            f"got {node.dtype} of shape {node.shape}"
        )
    return verdicts(HELD, node[()].tolist(), count)


def _scale(file: h5py.File) -> float:
    node = _dataset(file, OBJECT_SCALE)
    if node.size != 1 or node.dtype.kind not in "iuf":
        raise FileFormatError(
            f"{OBJECT_SCALE}: expected a number, got {node.dtype} of shape {node.shape}"
        )
    value = float(np.asarray(node[()]).reshape(-1)[0])
    if not 0 < value < np.inf:
        raise FileFormatError(f"{OBJECT_SCALE}: expected a positive number, got {value:g}")
    return value


def _text(file: h5py.File, name: str) -> str:
    node = _dataset(file, name)
    if node.size != 1 or h5py.check_string_dtype(node.dtype) is None:
        raise FileFormatError(f"{name}: expected text, got {node.dtype} of shape {node.shape}")
    value = node[()]
    if isinstance(value, np.ndarray):
        value = value.reshape(-1)[0]
    try:
        return bytes(value).decode()
    except UnicodeDecodeError as error:
        raise FileFormatError(f"{name}: expected text in UTF-8, got other bytes") from error


def _dataset(file: h5py.File, name: str) -> h5py.Dataset:
    node = file.get(name)
    if node is None:
        there = ", ".join(sorted(file)[:8]) or "nothing"
        raise FileFormatError(f"{name}: expected a dataset, got nothing; the file holds {there}")
    if not isinstance(node, h5py.Dataset):
        raise FileFormatError(f"{name}: expected a dataset, got a {type(node).__name__.lower()}")
    return node
