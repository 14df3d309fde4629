"""Reads the rows of joint trajectories: CSV (.csv, .tsv, .txt) and NumPy (.npy, .npz)."""

from __future__ import annotations

import csv
import io
import zipfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from dr_grasp.common.reading import one_line
from dr_grasp.core.arrays import FloatArray, frozen
from dr_grasp.errors import FileFormatError
from dr_grasp.generation.importers.foreign_documents import read_text
from dr_grasp.generation.importers.grasp_poses import MOST_GRASPS, number_id
from dr_grasp.generation.importers.pose_checks import short
from dr_grasp.generation.importers.pose_list import NUMPY_MAGIC, TABLE_SUFFIXES, is_number
from dr_grasp.generation.importers.trajectory_layout import MOST_COLUMNS, Column

SUFFIXES = (*TABLE_SUFFIXES, ".npy", ".npz")

LARGEST_ARRAY_BYTES = 2 * 1024**3
"""Largest array in an .npz file, which is unpacked in memory: 10,000 trajectories of 1,000 rows and
14 columns have 1.1 GB."""


@dataclass(slots=True)
class Rows:
    """The rows of one trajectory.

    Attributes:
        id: Name of the trajectory in its file; empty if the file has only this one.
        word: What messages call a row: line or row.
        numbers: Number of each row, as messages name it.
        values: The numbers of each wanted column.
        labels: The texts of the column of labels.
        problem: The first cell that is no number, in words; empty if there is none.
    """

    id: str
    word: str
    numbers: list[int] = field(default_factory=list)
    values: dict[Column, list[float]] = field(default_factory=dict)
    labels: list[str] = field(default_factory=list)
    problem: str = ""

    def column(self, name: Column) -> FloatArray:
        """The numbers of a column, shape (m,)."""
        return frozen(self.values[name])

    def at(self, index: int) -> str:
        """Name a row of the file by its index in this trajectory."""
        return f"{self.word} {self.numbers[index]}"

    def add(self, number: int, cells: Sequence[tuple[Column, str | float]]) -> None:
        """Add the wanted cells of a row; the first that is no number is noted."""
        self.numbers.append(number)
        for name, cell in cells:
            try:
                value = float(cell)
            except ValueError:
                value = np.nan
            if not np.isfinite(value) and not self.problem:
                self.problem = (
                    f"{self.at(-1)}, column {name}: expected a finite number, got {short(cell)}"
                )
            self.values.setdefault(name, []).append(value)


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which columns are read.

    Attributes:
        numbers: Columns of numbers.
        label: Column of texts; None for none.
        trajectory: Column that tells trajectories apart; None if the file has only one.
    """

    numbers: tuple[Column, ...]
    label: Column | None
    trajectory: Column | None


Choice = Callable[[tuple[str, ...]], Wanted]
"""Says which columns are read, told their names; there are none if the file does not name them."""


def read_rows(
    path: Path, names: tuple[str, ...] | None, array: str | None, choose: Choice
) -> list[Rows]:
    """Read the trajectories of a file, in its order.

    Args:
        path: The file.
        names: Names of all columns, instead of those in the file's header; None for the header's.
        array: Name of the array in an .npz file; None for all.
        choose: Says which columns are read.

    Raises:
        FileFormatError: The file is of another format, half-written or empty, a column is missing,
            or a row has another number of columns; the message does not name the file.
        OSError: The file cannot be read.
    """
    suffix = path.suffix.lower()
    if suffix in TABLE_SUFFIXES:
        found = _read_table(read_text(path), names, choose)
    elif suffix in (".npy", ".npz"):
        found = _read_arrays(path, names, array, choose)
    else:
        raise FileFormatError(
            f"expected a file named {', '.join(SUFFIXES)}, got {short(path.name)}"
        )
    if not found:
        raise FileFormatError("expected rows of numbers, got none")
    if len(found) > MOST_GRASPS:
        raise FileFormatError(f"expected at most {MOST_GRASPS} trajectories, got {len(found)}")
    return found


def _read_table(text: str, names: tuple[str, ...] | None, choose: Choice) -> list[Rows]:
    found: dict[str, Rows] = {}
    index: _Index | None = None
    for number, cells in _lines(text):
        if index is None:
            header = not any(map(is_number, cells))
            index = _Index(choose, names or (cells if header else ()), len(cells))
            if header:
                continue
        if len(cells) != index.count:
            raise FileFormatError(
                f"line {number}: expected {index.count} columns, got {len(cells)}"
            )
        index.add(found, number, "line", cells)
    return list(found.values())


def _lines(text: str) -> Iterator[tuple[int, tuple[str, ...]]]:
    """Number and cells of each line; empty lines and those that begin with # are left out."""
    delimiter: str | None = None
    first = True
    for number, line in enumerate(text.splitlines(), start=1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        if first:
            delimiter = max(",;\t", key=line.count)
            delimiter = delimiter if delimiter in line else None
            first = False
        if delimiter is None:
            yield number, tuple(line.split())
            continue
        try:
            (cells,) = csv.reader([line], delimiter=delimiter, strict=True)
        except (csv.Error, ValueError) as error:
            raise FileFormatError(
                f"line {number}: expected cells, got {one_line(error)}"
            ) from error
        yield number, tuple(cell.strip() for cell in cells)


def _read_arrays(
    path: Path, names: tuple[str, ...] | None, only: str | None, choose: Choice
) -> list[Rows]:
    found: dict[str, Rows] = {}
    for name, array in _arrays(path, only):
        where = f"array {name}: " if name else ""
        if array.ndim not in (2, 3) or array.dtype.kind not in "iuf" or array.shape[-1] == 0:
            raise FileFormatError(
                f"{where}expected numbers of shape (rows, columns) or (trajectories, rows, "
                f"columns), got {array.dtype.name} of shape {array.shape}"
                + ("; array in the YAML file says which one to read" if name else "")
            )
        index = _Index(choose, names or (), array.shape[-1])
        for number, table in enumerate(array if array.ndim == 3 else array[None]):
            part = f"{name}-{number_id(number)}".lstrip("-") if array.ndim == 3 else name
            # Trajectories of different lengths are often filled up with NaN.
            filled = np.flatnonzero(~np.isnan(table).all(axis=1))
            for row in range(filled[-1] + 1 if len(filled) else len(table)):
                index.add(found, row, "row", table[row], part)
    return list(found.values())


def _arrays(path: Path, only: str | None) -> Iterator[tuple[str, npt.NDArray[Any]]]:
    """Names and arrays of an .npz file, or the array of an .npy file with an empty name."""
    with path.open("rb") as file:
        start = file.read(len(NUMPY_MAGIC))
    try:
        if path.suffix.lower() == ".npy":
            if start != NUMPY_MAGIC:
                raise FileFormatError("expected a NumPy file, got other bytes")
            # Mapped, so that a wrong size in the header reserves no memory.
            yield "", np.load(path, mmap_mode="r", allow_pickle=False)
            return
        with zipfile.ZipFile(path) as archive:
            names = [name.removesuffix(".npy") for name in archive.namelist()]
            if only is not None and only not in names:
                raise FileFormatError(
                    f"array {short(only)}: expected one of {short(', '.join(sorted(names)))}"
                )
            for name in names if only is None else [only]:
                with archive.open(f"{name}.npy") as packed:
                    data = packed.read(LARGEST_ARRAY_BYTES + 1)
                if len(data) > LARGEST_ARRAY_BYTES:
                    raise FileFormatError(
                        f"array {name}: expected at most {LARGEST_ARRAY_BYTES} bytes, got more"
                    )
                array = np.load(io.BytesIO(data), allow_pickle=False)
                yield ("" if only is not None or len(names) == 1 else name), array
    except FileFormatError:
        raise
    except OSError:
        raise
    except Exception as error:  # a broken header can cause any error of NumPy and Python
        raise FileFormatError(f"expected a whole NumPy file, got {one_line(error)}") from error


class _Index:
    """Where the wanted columns are in a row."""

    def __init__(self, choose: Choice, names: tuple[str, ...], count: int) -> None:
        if count > MOST_COLUMNS:
            raise FileFormatError(f"expected at most {MOST_COLUMNS} columns, got {count}")
        if names and len(names) != count:
            raise FileFormatError(f"columns: expected {count} names, got {len(names)}")
        wanted = choose(names)
        self.count = count
        self._numbers = [(name, _place(name, names, count)) for name in wanted.numbers]
        self._label = None if wanted.label is None else _place(wanted.label, names, count)
        self._trajectory = (
            None if wanted.trajectory is None else _place(wanted.trajectory, names, count)
        )

    def add(
        self, found: dict[str, Rows], number: int, word: str, cells: Any, part: str = ""
    ) -> None:
        """Add a row to its trajectory."""
        name = part
        if self._trajectory is not None:
            name = f"{part}-{_text(cells[self._trajectory])}".lstrip("-")
        rows = found.setdefault(name, Rows(name, word))
        rows.add(number, [(column, cells[place]) for column, place in self._numbers])
        if self._label is not None:
            rows.labels.append(_text(cells[self._label]))


def _place(column: Column, names: Sequence[str], count: int) -> int:
    if isinstance(column, int):
        if column >= count:
            raise FileFormatError(f"column {column}: expected 0 to {count - 1}")
        return column
    if list(names).count(column) != 1:
        there = ", ".join(names[:20]) or f"no names, but {count} columns: say columns, or numbers"
        times = "it twice" if column in names else "none"
        raise FileFormatError(f"column {short(column)}: expected one of {there}, got {times}")
    return list(names).index(column)


def _text(cell: Any) -> str:
    """A cell of text, or a number with all of its digits: 20260102.0 is "20260102"."""
    if isinstance(cell, str):
        return cell
    number = cell.item()
    return str(int(number) if isinstance(number, float) and number.is_integer() else number)
