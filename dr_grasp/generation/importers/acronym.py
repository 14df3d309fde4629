"""Reads ACRONYM's grasp files (Eppner, Mousavian and Fox 2021, arXiv 2011.09584), in HDF5.

Keys as NVlabs/acronym has them, acronym_tools/acronym.py and data/examples/grasps/*.h5:

    grasps/transforms                         (n, 4, 4), gripper in the frame of the scaled mesh [m]
    grasps/qualities/flex/object_in_gripper   (n,), 1 where the object was held in simulation, or 0
    object/file                               text, path of the mesh
    object/scale                              number, from the mesh file's units to metres
    gripper/type                              text, "panda" in all files

Text is stored as bytes. Each file has 2,000 grasps.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import numpy.typing as npt

from dr_grasp.common.reading import one_line
from dr_grasp.errors import FileFormatError
from dr_grasp.generation.importers.grasp_poses import (
    GraspPoses,
    check_count,
    collect,
    numbered_matrices,
)

TRANSFORMS = "grasps/transforms"
HELD = "grasps/qualities/flex/object_in_gripper"
OBJECT_FILE = "object/file"
OBJECT_SCALE = "object/scale"
GRIPPER = "gripper/type"


def read_acronym(path: Path, gripper: str | None) -> GraspPoses:
    """Read an ACRONYM file; see `read_poses`. Without any gripper's name, it is the Panda."""
    try:
        with h5py.File(path, "r") as file:
            matrices = _read(file, TRANSFORMS, "numbers of shape (n, 4, 4)", _are_matrices)
            held = _held(file, len(matrices))
            object_file = _text(file, OBJECT_FILE) if OBJECT_FILE in file else None
            scale = _scale(file)
            # All files of the dataset are for the Panda, so a derived file may leave the name out.
            name = gripper or (_text(file, GRIPPER) if GRIPPER in file else "panda")
    except (OSError, RuntimeError, KeyError, TypeError, ValueError) as error:
        raise FileFormatError(f"expected a whole HDF5 file, got {one_line(error)}") from error

    return collect(path, name, *numbered_matrices(matrices, HELD, held), object_file, scale)


def _read(
    file: h5py.File, name: str, expected: str, fits: Callable[[h5py.Dataset], bool]
) -> npt.NDArray[Any]:
    node = file.get(name)
    if node is None:
        there = ", ".join(sorted(file)[:8]) or "nothing"
        raise FileFormatError(f"{name}: expected a dataset, got nothing; the file holds {there}")
    if not isinstance(node, h5py.Dataset):
        raise FileFormatError(f"{name}: expected a dataset, got a {type(node).__name__.lower()}")
    # Checked before reading: a broken header may name a size beyond memory, or types that crash.
    if not fits(node):
        raise FileFormatError(
            f"{name}: expected {expected}, got {node.dtype} of shape {node.shape}"
        )
    if node.ndim > 0:
        check_count(name, len(node))
    return np.asarray(node[()])


def _are_matrices(node: h5py.Dataset) -> bool:
    return node.ndim == 3 and node.shape[1:] == (4, 4) and node.dtype.kind in "iuf"


def _held(file: h5py.File, count: int) -> list[object] | None:
    if HELD not in file:
        return None
    held: list[object] = _read(
        file,
        HELD,
        f"true or false of shape ({count},)",
        lambda node: node.shape in ((count,), (count, 1)) and node.dtype.kind in "biuf",
    ).tolist()
    return held


def _scale(file: h5py.File) -> float:
    scale = _read(
        file, OBJECT_SCALE, "a number", lambda node: node.size == 1 and node.dtype.kind in "iuf"
    )
    value = float(scale.item())
    if not 0 < value < np.inf:
        raise FileFormatError(f"{OBJECT_SCALE}: expected a positive number, got {value:g}")
    return value


def _text(file: h5py.File, name: str) -> str:
    text = _read(
        file, name, "text", lambda node: node.size == 1 and h5py.check_string_dtype(node.dtype)
    )
    try:
        return bytes(text.item()).decode()
    except UnicodeDecodeError as error:
        raise FileFormatError(f"{name}: expected text in UTF-8, got other bytes") from error
