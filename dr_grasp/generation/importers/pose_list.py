"""Reads plain lists of grasp poses, for poses from programs without a known format.

JSON (.json): a list of grasps, or an object with more keys:

    {"frame": "grip",             name of the frame of the poses; "grip" if left out
     "object_file": "mug.obj",    optional, name of the mesh
     "object_scale": 0.001,       optional, from that mesh's units to metres; compared with the
                                  object's own where that comes from a mesh of the same name
     "object_in_base": {"position": [0.5, 0, 0.05], "rpy": [0, 0, 1.57]},
                                  optional, where the object stands; or with quaternion_xyzw
     "grasps": [
       {"id": "rim-1", "position": [0, 0, 0.1], "quaternion_xyzw": [1, 0, 0, 0],
        "width": 0.03, "quality": 0.9},
       {"matrix": [[1, 0, 0, 0], [0, -1, 0, 0], [0, 0, -1, 0.1], [0, 0, 0, 1]]}]}

    `id` (the grasp's number in the file if left out), `width` (opening of the jaws in metres) and
    `quality` (more is better) are optional.

Table (.csv, .tsv or .txt): one grasp in each line, x y z qx qy qz qw, separated by commas,
semicolons, tabs or spaces. The first line may name the columns; then they may be in any order, with
the optional columns id, width and quality. Empty lines and lines that begin with # are ignored.

NumPy (.npy): homogeneous matrices, shape (n, 4, 4).

Poses are in the frame of the object's mesh, in metres. The grip frame has its origin in the middle
between the finger pads, z along the approach, out of the hand, and y along the closing direction;
`frame` may name a gripper of `GRIPPER_FRAMES` instead.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import Field

from dr_grasp.common.reading import one_line
from dr_grasp.errors import FileFormatError
from dr_grasp.formats.documents import Record, check_record
from dr_grasp.generation.importers.foreign_documents import load_json, read_text
from dr_grasp.generation.importers.frames import GRIP
from dr_grasp.generation.importers.grasp_poses import (
    GraspPoses,
    PoseGrasp,
    check_count,
    collect,
    number_id,
    numbered_matrices,
)
from dr_grasp.generation.importers.object_pose import ObjectPose
from dr_grasp.generation.importers.pose_checks import pose_from_matrix, pose_from_quaternion, short

TABLE_SUFFIXES = (".csv", ".tsv", ".txt")
SUFFIXES = (".json", *TABLE_SUFFIXES, ".npy")
COLUMNS = ("x", "y", "z", "qx", "qy", "qz", "qw")
OPTIONAL_COLUMNS = ("id", "width", "quality")
NUMPY_MAGIC = b"\x93NUMPY"


_Reading = tuple[list[str], Callable[[int], PoseGrasp]]
"""Ids of the grasps of a file, and a function that reads and checks a grasp by its number."""


class PoseGraspRecord(Record):
    """A grasp of a JSON file: `matrix`, or else `position` and `quaternion_xyzw`.

    Attributes:
        id: The grasp's id; its number in the file if left out.
        position: Origin of the grip or gripper frame, three numbers [m].
        quaternion_xyzw: Orientation of that frame, four numbers of norm 1.
        matrix: The same pose as a homogeneous matrix, 4 x 4.
        width: How far the jaws are open [m]; if left out, the hand comes fully open.
        quality: More is better.
    """

    id: str | int | None = None
    position: Any = None
    quaternion_xyzw: Any = None
    matrix: Any = None
    width: float | None = None
    quality: float | None = None


class PoseFileRecord(Record):
    """A JSON file; a list of grasps alone does as well.

    Attributes:
        frame: Frame of the poses: "grip", or the name of a gripper.
        object_file: Name of the mesh that the poses are for.
        object_scale: Factor from that mesh's unit to metres, compared with the object's own.
        object_in_base: Where the object stands.
        grasps: The grasps.
    """

    frame: str = GRIP
    object_file: str | None = None
    object_scale: float | None = Field(default=None, gt=0, allow_inf_nan=False)
    object_in_base: ObjectPose | None = None
    grasps: list[Any]


def read_pose_list(path: Path, gripper: str | None) -> GraspPoses:
    """Read a list of poses: JSON, table or NumPy, by the file's suffix; see `read_poses`."""
    suffix = path.suffix.lower()
    header = PoseFileRecord(grasps=[])
    if suffix == ".json":
        content = load_json(path)
        header = check_record(
            PoseFileRecord, {"grasps": content} if isinstance(content, list) else content
        )
        ids, read = _from_records(header.grasps)
    elif suffix in TABLE_SUFFIXES:
        ids, read = _from_table(read_text(path))
    elif suffix == ".npy":
        ids, read = _from_matrices(path)
    else:
        raise FileFormatError(
            f"expected a file named {', '.join(SUFFIXES)}, got {short(path.name)}"
        )
    name = gripper or header.frame
    place = None if header.object_in_base is None else header.object_in_base.pose()
    return collect(
        path,
        name,
        ids,
        read,
        header.object_file,
        header.object_scale,
        object_in_base=place,
    )


def _from_records(raw: list[object]) -> _Reading:
    check_count("grasps", len(raw))
    ids = []
    for index, record in enumerate(raw):
        given = record.get("id") if isinstance(record, dict) else None
        ids.append(str(given) if type(given) in (str, int) else number_id(index))

    def read(index: int) -> PoseGrasp:
        record = check_record(PoseGraspRecord, raw[index])
        fields = ("matrix", "position", "quaternion_xyzw")
        given = [field for field in fields if getattr(record, field) is not None]
        if given == ["matrix"]:
            pose = pose_from_matrix(record.matrix)
        elif given == ["position", "quaternion_xyzw"]:
            pose = pose_from_quaternion(record.position, record.quaternion_xyzw, "quaternion_xyzw")
        else:
            came = " and ".join(given) or "none"
            raise FileFormatError(f"expected matrix, or position and quaternion_xyzw, got {came}")
        return PoseGrasp(ids[index], pose, record.width, quality=record.quality)

    return ids, read


def _from_table(text: str) -> _Reading:
    lines = [
        (number, _cells(line))
        for number, line in enumerate(text.splitlines(), start=1)
        if line.strip() and not line.lstrip().startswith("#")
    ]
    columns: tuple[str, ...] = COLUMNS
    if lines and not any(map(is_number, lines[0][1])):
        _, columns = lines.pop(0)
        _check_columns(columns)
    check_count("lines", len(lines))
    rows = [dict(zip(columns, cells, strict=False)) for _, cells in lines]
    ids = [row.get("id") or number_id(index) for index, row in enumerate(rows)]

    def read(index: int) -> PoseGrasp:
        number, cells = lines[index]
        row = rows[index]
        try:
            if len(cells) != len(columns):
                raise FileFormatError(f"expected {len(columns)} columns, got {len(cells)}")
            width, quality = (
                float(row[name]) if row.get(name) else None for name in ("width", "quality")
            )
            values = [float(row[name]) for name in COLUMNS]
            pose = pose_from_quaternion(values[:3], values[3:], "quaternion")
            return PoseGrasp(ids[index], pose, width, quality=quality)
        except FileFormatError as error:
            raise FileFormatError(f"line {number}: {error}") from error
        except ValueError as error:
            raise FileFormatError(f"line {number}: expected numbers, got {error}") from error

    return ids, read


def _cells(line: str) -> tuple[str, ...]:
    if "," in line or ";" in line:
        return tuple(cell.strip() for cell in re.split("[,;]", line))
    return tuple(line.split())


def _check_columns(names: tuple[str, ...]) -> None:
    known = {*COLUMNS, *OPTIONAL_COLUMNS}
    if len(set(names)) < len(names) or not set(COLUMNS) <= set(names) <= known:
        raise FileFormatError(
            f"expected 7 numbers a line or the names of the columns, {' '.join(COLUMNS)} with "
            f"{', '.join(OPTIONAL_COLUMNS)} as you like, got {short(' '.join(names))}"
        )


def is_number(cell: str) -> bool:
    """Whether a cell of a table is a number."""
    try:
        float(cell)
    except ValueError:
        return False
    return True


def _from_matrices(path: Path) -> _Reading:
    with path.open("rb") as file:
        if file.read(len(NUMPY_MAGIC)) != NUMPY_MAGIC:
            raise FileFormatError("expected a NumPy file, got other bytes")
    try:
        # Mapped, so that a wrong size in the header reserves no memory.
        array = np.load(path, mmap_mode="r", allow_pickle=False)
    except Exception as error:  # a broken header can cause any error of NumPy and Python
        raise FileFormatError(f"expected a whole NumPy file, got {one_line(error)}") from error
    if array.ndim != 3 or array.shape[1:] != (4, 4) or array.dtype.kind not in "iuf":
        raise FileFormatError(
            f"expected numbers of shape (n, 4, 4), got {array.dtype.name} of shape {array.shape}"
        )
    check_count("matrices", len(array))
    return numbered_matrices(np.array(array, dtype=np.float64))
