"""Poses as a table in text, one a line; see `pose_list`."""

from __future__ import annotations

import re

from dr_grasp.errors import FileFormatError
from dr_grasp.generation.importers.entries import Entry, check_count, number_id
from dr_grasp.generation.importers.stacks import PoseStack, from_quaternions, short, to_stack

COLUMNS = ("x", "y", "z", "qx", "qy", "qz", "qw")
OPTIONAL_COLUMNS = ("id", "width", "quality")


def read_table(text: str) -> tuple[list[Entry], PoseStack]:
    """Read a table of poses.

    Raises:
        FileFormatError: Its first line is neither a pose nor the names of the columns.
    """
    lines = [
        (number, _cells(line))
        for number, line in enumerate(text.splitlines(), start=1)
        if line.strip() and not line.lstrip().startswith("#")
    ]
    columns: tuple[str, ...] = COLUMNS
    if lines and not any(map(_is_number, lines[0][1])):
        columns = _check_columns(lines.pop(0)[1])
    check_count("lines", len(lines))
    entries, rows = [], []
    for index, (number, cells) in enumerate(lines):
        named = dict(zip(columns, cells, strict=False))
        name = named.get("id") or number_id(index)
        problem, width, quality = "", None, None
        if len(cells) != len(columns):
            problem = f"expected {len(columns)} columns, got {len(cells)}"
        else:
            try:
                width = _optional(named.get("width"))
                quality = _optional(named.get("quality"))
                row = [float(named[column]) for column in COLUMNS]
            except ValueError as error:
                problem = f"expected numbers, got {error}"
        entries.append(
            Entry(name, width, None, quality, f"line {number}: {problem}" if problem else "")
        )
        rows.append([] if problem else row)
    poses = from_quaternions(
        to_stack("position", [row[:3] for row in rows], (3,)),
        to_stack("quaternion", [row[3:] for row in rows], (4,)),
    )
    located = {
        index: f"line {lines[index][0]}: {problem}" for index, problem in poses.problems.items()
    }
    return entries, PoseStack(poses.positions, poses.quaternions_xyzw, located)


def _cells(line: str) -> list[str]:
    if "," in line or ";" in line:
        return [cell.strip() for cell in re.split("[,;]", line)]
    return line.split()


def _check_columns(names: list[str]) -> tuple[str, ...]:
    known = {*COLUMNS, *OPTIONAL_COLUMNS}
    if len(set(names)) < len(names) or not set(COLUMNS) <= set(names) <= known:
        raise FileFormatError(
            f"expected 7 numbers a line or the names of the columns, {' '.join(COLUMNS)} with "
            f"{', '.join(OPTIONAL_COLUMNS)} as you like, got {short(' '.join(names))}"
        )
    return tuple(names)


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True


def _optional(cell: str | None) -> float | None:
    return float(cell) if cell else None
