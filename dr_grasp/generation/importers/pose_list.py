"""Our plain list of grasp poses, for whoever has poses from elsewhere.

JSON (.json): a list of grasps, or an object with more to say:

    {"frame": "grip",             the frame whose pose is given; "grip" if left out
     "object_file": "mug.obj",    optional, for the record
     "object_scale": 1.0,         optional, from that mesh's units to metres
     "grasps": [
       {"id": "rim-1", "position": [0, 0, 0.1], "quaternion_xyzw": [1, 0, 0, 0],
        "width": 0.03, "quality": 0.9},
       {"matrix": [[1, 0, 0, 0], [0, -1, 0, 0], [0, 0, -1, 0.1], [0, 0, 0, 1]]}]}

    `id` (its number in the file if left out), `width` (how far the jaws are open) and `quality`
    (more is better) are optional.

Table (.csv, .tsv or .txt): a grasp a line, separated by commas, semicolons, tabs or spaces:
x y z qx qy qz qw. A first line may name these columns, then in any order, and id, width, quality
besides. Lines that are empty or begin with # do not count.

NumPy (.npy): matrices, shape (n, 4, 4).

Poses are in the frame of the object's mesh, in metres. The grip frame has its origin in the middle
between the finger pads, z along the approach, out of the hand, and y along the closing direction;
`frame` may name a gripper of `GRIPPER_FRAMES` instead.
"""

from __future__ import annotations

import tokenize
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import Field

from dr_grasp.errors import FileFormatError
from dr_grasp.formats.grasp_records import Record, check_record
from dr_grasp.generation.importers.entries import Entry, check_count, gathered, number_id
from dr_grasp.generation.importers.foreign_documents import load_json, one_line, read_text
from dr_grasp.generation.importers.frames import GRIP
from dr_grasp.generation.importers.grasp_poses import GraspPoses
from dr_grasp.generation.importers.pose_table import read_table
from dr_grasp.generation.importers.stacks import (
    PoseStack,
    Stack,
    from_matrices,
    from_quaternions,
    short,
    to_stack,
)

TABLE_SUFFIXES = (".csv", ".tsv", ".txt")
SUFFIXES = (".json", *TABLE_SUFFIXES, ".npy")
NUMPY_MAGIC = b"\x93NUMPY"


class _GraspRecord(Record):
    id: str | int | None = None
    position: Any = None
    quaternion_xyzw: Any = None
    matrix: Any = None
    width: float | None = None
    quality: float | None = None


class _FileRecord(Record):
    frame: str = GRIP
    object_file: str | None = None
    object_scale: float = Field(default=1.0, gt=0, allow_inf_nan=False)
    grasps: list[Any]


def read_pose_list(path: Path, gripper: str | None) -> GraspPoses:
    """Read a list of poses.

    Args:
        path: The file; its suffix tells JSON, table and NumPy apart.
        gripper: Whose frame the poses are in; None for what the file says, or else the grip's.

    Raises:
        DrGraspError: It is no such file, is half-written, or names a gripper unknown to us.
    """
    suffix = path.suffix.lower()
    header = _FileRecord(grasps=[])
    if suffix == ".json":
        content = load_json(path)
        if isinstance(content, list):
            content = {"grasps": content}
        header = check_record(_FileRecord, content)
        check_count("grasps", len(header.grasps))
        entries, poses = _from_records(header.grasps)
    elif suffix in TABLE_SUFFIXES:
        entries, poses = read_table(read_text(path))
    elif suffix == ".npy":
        matrices = _load_matrices(path)
        entries = [Entry(number_id(index)) for index in range(len(matrices))]
        poses = from_matrices(Stack(matrices, {}))
    else:
        raise FileFormatError(
            f"expected a file named {', '.join(SUFFIXES)}, got {short(path.name)}"
        )
    name = gripper or header.frame
    return gathered(path, name, entries, poses, header.object_file, header.object_scale)


def _from_records(raw: list[Any]) -> tuple[list[Entry], PoseStack]:
    entries: list[Entry] = []
    records: list[_GraspRecord] = []
    for index, one in enumerate(raw):
        record, problem = _GraspRecord(), ""
        try:
            record = check_record(_GraspRecord, one)
        except FileFormatError as error:
            problem = str(error)
            given = one.get("id") if isinstance(one, dict) else None
            record.id = given if isinstance(given, str) else None
        name = number_id(index) if record.id is None else str(record.id)
        problem = problem or _contradiction(record)
        entries.append(Entry(name, record.width, None, record.quality, problem))
        records.append(record)
    quaternions = from_quaternions(
        to_stack("position", [record.position for record in records], (3,)),
        to_stack("quaternion_xyzw", [record.quaternion_xyzw for record in records], (4,)),
    )
    matrices = from_matrices(to_stack("matrix", [record.matrix for record in records], (4, 4)))
    by_matrix = np.array([record.matrix is not None for record in records])
    return entries, PoseStack(
        np.where(by_matrix[:, None], matrices.positions, quaternions.positions),
        np.where(by_matrix[:, None], matrices.quaternions_xyzw, quaternions.quaternions_xyzw),
        {
            index: problem
            for source, used in ((matrices, by_matrix), (quaternions, ~by_matrix))
            for index, problem in source.problems.items()
            if used[index]
        },
    )


def _contradiction(record: _GraspRecord) -> str:
    given = [
        field
        for field in ("matrix", "position", "quaternion_xyzw")
        if getattr(record, field) is not None
    ]
    if given in (["matrix"], ["position", "quaternion_xyzw"]):
        return ""
    return f"expected matrix, or position and quaternion_xyzw, got {' and '.join(given) or 'none'}"


def _load_matrices(path: Path) -> Any:
    with path.open("rb") as file:
        if file.read(len(NUMPY_MAGIC)) != NUMPY_MAGIC:
            raise FileFormatError("expected a NumPy file, got other bytes")
    try:
        # Mapped, a header that promises more than there is reserves no memory.
        array = np.load(path, mmap_mode="r", allow_pickle=False)
    except (OSError, ValueError, EOFError, SyntaxError, tokenize.TokenError) as error:
        raise FileFormatError(f"expected a whole NumPy file, got {one_line(error)}") from error
    if array.ndim != 3 or array.shape[1:] != (4, 4) or array.dtype.kind not in "iuf":
        raise FileFormatError(
            f"expected numbers of shape (n, 4, 4), got {array.dtype.name} of shape {array.shape}"
        )
    check_count("matrices", len(array))
    return np.array(array, dtype=np.float64)
