"""Reads grasp files of any size, grasp by grasp, as often as wanted.

A file that `write_grasps` has written has one grasp a line, and only one is ever in memory. Files
of another layout are read whole.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, BinaryIO, Literal

from dr_grasp.common.seen import Seen
from dr_grasp.core.refusal import RefusedGrasp
from dr_grasp.core.trajectory import GraspTrajectory
from dr_grasp.errors import FileFormatError, InvalidGraspError
from dr_grasp.formats.documents import SCHEMA_VERSION, read_document
from dr_grasp.formats.grasp_records import Record, check_record, given_id, grasp_from_dict

GRASPS_KIND = "dr_grasp/grasps"

GraspOrRefusal = GraspTrajectory | RefusedGrasp

_HEAD = f'{{\n"schema_version": {SCHEMA_VERSION},\n"kind": "{GRASPS_KIND}",\n"grasps": [\n'.encode()
_TAIL = [b"]\n", b"}\n"]


class _GraspFileRecord(Record):
    schema_version: Literal[1]
    kind: Literal["dr_grasp/grasps"]
    grasps: list[Any]


class GraspReader:
    """A grasp file, looked through once to see that it can be trusted as a whole.

    Attributes:
        count: Number of grasps in it, those that will be refused included.
        sha256: Of its bytes.
    """

    def __init__(self, path: Path) -> None:
        """Look through a file.

        Raises:
            FileFormatError: The file is missing, half-written, of another kind or schema version,
                or has an unknown key beside the grasps.
        """
        self._path = path
        self._whole: list[Any] | None = None
        try:
            with path.open("rb") as file:
                self._stamp = _stamp(file)
                self.sha256 = _sha256(file)
                file.seek(0)
                count = _count_lines(file)
        except OSError as error:
            raise FileFormatError(f"{path}: cannot be read: {error.strerror}") from error
        if count is None:
            self._whole = read_whole(path)
            count = len(self._whole)
        self.count = count

    def __iter__(self) -> Iterator[GraspOrRefusal]:
        """Its grasps in order, and refusals of those that cannot be replayed.

        Raises:
            FileFormatError: The file has changed since it was looked through.
        """
        yield from grasps_of(self._lines() if self._whole is None else self._whole)

    def _lines(self) -> Iterator[Any]:
        with self._path.open("rb") as file:
            if _stamp(file) != self._stamp:
                raise FileFormatError(f"{self._path}: expected the file as it was, got another")
            file.seek(len(_HEAD))
            for _ in range(self.count):
                yield json.loads(_bare(file.readline()))


def read_whole(path: Path) -> list[Any]:
    """The grasps of a file as plain data, not checked one by one.

    Raises:
        FileFormatError: As for a `GraspReader`.
    """
    content = read_document(path, GRASPS_KIND, allow_nan=True)
    try:
        return check_record(_GraspFileRecord, content).grasps
    except FileFormatError as error:
        raise FileFormatError(f"{path}: {error}") from error


def grasps_of(entries: Iterable[Any]) -> Iterator[GraspOrRefusal]:
    """Grasps of plain data; a refusal for each that cannot be replayed, or whose id came before."""
    seen = Seen()
    for index, raw in enumerate(entries):
        try:
            grasp = grasp_from_dict(raw)
            if not seen.add(grasp.id):
                raise InvalidGraspError(
                    f"grasp {grasp.id}: id: expected unique within the file, got it a second time"
                )
        except InvalidGraspError as error:
            yield RefusedGrasp(index, given_id(raw, "id"), str(error))
        else:
            yield grasp


def _count_lines(file: BinaryIO) -> int | None:
    """Number of grasps; None if the layout is another, or anything is wrong."""
    if file.read(len(_HEAD)) != _HEAD:
        return None
    more = True  # the line before ended in a comma
    for count, line in enumerate(file):
        if not more:
            return count if [line, *file] == _TAIL else None
        bare = _bare(line)
        more = len(bare) < len(line) - 1
        try:
            json.loads(bare)
        except (ValueError, RecursionError):
            return None
    return None


def _bare(line: bytes) -> bytes:
    return line.removesuffix(b"\n").removesuffix(b",")


def _sha256(file: BinaryIO) -> str:
    digest = hashlib.sha256()
    while chunk := file.read(1 << 16):
        digest.update(chunk)
    return digest.hexdigest()


def _stamp(file: BinaryIO) -> tuple[int, int, int]:
    status = os.fstat(file.fileno())
    return status.st_ino, status.st_mtime_ns, status.st_size
