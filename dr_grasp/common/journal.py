"""A file of JSON lines, each on its way to the disk before the next: what a killed run leaves.

First a header that says what the run was asked, then a record for each step of it.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from dr_grasp.common.atomic import whole_file
from dr_grasp.common.closing import Closing
from dr_grasp.errors import FileFormatError


class JournalFile(Closing):
    """The file, and the part of it that was there before."""

    def __init__(
        self,
        path: Path,
        header: Mapping[str, Any],
        whose: str,
        take: Callable[[Any], None] | None = None,
    ) -> None:
        """Begin a journal, or go on with one.

        Args:
            path: The file.
            header: What the run is asked: plain data with a "kind".
            whose: What the run is, such as "a search".
            take: Told each record that the file holds, if there is one, to go on with it; may raise
                FileFormatError or ValueError. None replaces the file.

        Raises:
            FileFormatError: The file is no journal, or that of a run that was asked something else.
            OSError: It cannot be read or written.
        """
        self._path = path
        self._header = dict(header)
        self._whose = whose
        whole = self._read(take) if take is not None and path.exists() else 0
        if whole:
            os.truncate(path, whole)  # a last line without its end was cut short
        self._file = path.open("ab" if whole else "wb")
        self.size = whole
        if not whole:
            self.write(self._header)

    def close(self) -> None:
        """Close the file, which stays; may be called twice."""
        self._file.close()

    def remove(self) -> None:
        """Close the file and remove it: the run is complete."""
        self.close()
        self._path.unlink(missing_ok=True)

    def write(self, record: Mapping[str, Any]) -> int:
        """Add a record, which outlives this process; returns its length in bytes."""
        line = json.dumps(record, allow_nan=False).encode() + b"\n"
        self._file.write(line)
        self._file.flush()
        self.size += len(line)
        return len(line)

    def rewrite(self, keep: Callable[[Any], bool]) -> None:
        """Leave out what is not needed any more.

        Args:
            keep: Whether a record stays.
        """
        with whole_file(self._path) as scratch, self._path.open("rb") as lines:
            scratch.write(next(lines))
            scratch.writelines(line for line in lines if keep(json.loads(line)))
            self.size = scratch.tell()
        self._file.close()
        self._file = self._path.open("ab")

    def _read(self, take: Callable[[Any], None]) -> int:
        """Take in what the file holds; returns the length of its whole lines in bytes."""
        whole = 0
        with self._path.open("rb") as lines:
            for number, line in enumerate(_whole(lines), start=1):
                try:
                    record = json.loads(line)
                    if number == 1:
                        self._check_header(record)
                    else:
                        take(record)
                except (ValueError, FileFormatError) as error:
                    where = f"{self._path}: " if number == 1 else f"{self._path}: line {number}: "
                    raise FileFormatError(f"{where}{error}") from error
                whole += len(line)
        return whole

    def _check_header(self, found: object) -> None:
        if not isinstance(found, dict) or found.get("kind") != self._header["kind"]:
            raise FileFormatError(f"expected the journal of {self._whose}, got something else")
        for key in sorted({*self._header, *found}):
            check_same(key, self._header.get(key), found.get(key))


def check_same(key: str, wanted: object, got: object) -> None:
    """Check that a run goes on as it began.

    Raises:
        FileFormatError: It was asked something else.
    """
    if wanted != got:
        raise FileFormatError(
            f"{key}: expected {wanted!r} as asked for now, got {got!r}; "
            "without --resume the run begins anew"
        )


def _whole(lines: Iterable[bytes]) -> Iterable[bytes]:
    return (line for line in lines if line.endswith(b"\n"))
