"""The grasp file: JSON with one grasp on each line, whole on disk or not at all.

Equal grasps give equal bytes, and all numbers are read back exactly. An invalid grasp is refused by
itself, and the other grasps of the file are read; an invalid file is refused as a whole.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, BinaryIO

import numpy as np
from pydantic import BeforeValidator, Field

from dr_grasp.common.json_text import parse_json
from dr_grasp.core.arrays import check_widths
from dr_grasp.core.fitness import GraspOrRefusal, RefusedGrasp
from dr_grasp.core.geometry import Pose
from dr_grasp.core.trajectory import GraspTrajectory, HandClose, Waypoints
from dr_grasp.errors import DrGraspError, FileFormatError, InvalidGraspError
from dr_grasp.formats.documents import (
    SCHEMA_VERSION,
    Record,
    Within,
    check_record,
    check_unique,
    given_id,
    head,
    read_document,
    write_document,
)

GRASPS_KIND = "dr_grasp/grasps"

LONGEST_LINE_BYTES = 64 * 1024**2
"""Longest line of a grasp file. A grasp of 55 s with a waypoint each millisecond has 10 MB."""

_HEAD = f'{{\n"schema_version": {SCHEMA_VERSION},\n"kind": "{GRASPS_KIND}",\n"grasps": [\n'.encode()
_TAIL = b"}\n]\n}\n"


@dataclass(frozen=True, slots=True)
class GraspFile:
    """The content of a grasp file.

    Attributes:
        grasps: The valid grasps, in the order of the file.
        refused: A refusal for each invalid grasp.
    """

    grasps: tuple[GraspTrajectory, ...]
    refused: tuple[RefusedGrasp, ...] = ()


def _as_list(value: Any) -> Any:
    """Arrays and tuples of a grasp as lists; data of a file stay as they are, to be checked."""
    if isinstance(value, np.ndarray):
        return value.tolist()
    return list(value) if isinstance(value, tuple) else value


_Names = Annotated[list[str], BeforeValidator(_as_list)]
_Floats = Annotated[list[float], BeforeValidator(_as_list)]


class PoseRecord(Record):
    """The schema of a `Pose`."""

    position: _Floats
    quaternion_xyzw: _Floats


class WaypointsRecord(Record):
    """The schema of `Waypoints`."""

    joints: _Names
    times_s: _Floats
    positions: Annotated[list[list[float]], BeforeValidator(_as_list)]


class CloseRecord(Record):
    """The schema of a `HandClose`."""

    joints: _Names
    preshape: _Floats
    positions: _Floats
    force: float
    duration_s: float


class GraspRecord(Record):
    """The schema of a `GraspTrajectory`."""

    id: str
    robot: str
    object: str
    object_in_base: PoseRecord
    approach: WaypointsRecord
    close: CloseRecord
    lift: WaypointsRecord
    hold_s: float
    provenance: dict[str, str] = Field(default_factory=dict)


class GraspFileRecord(Record):
    """The schema of a grasp file, beside its kind and version.

    Attributes:
        grasps: The grasps, one on each line; each is checked by itself.
    """

    grasps: list[Any]


class GraspReader:
    """Reads a grasp file of any size, grasp by grasp.

    Of a file that `write_grasps` wrote, only one grasp is in memory at a time; a file with another
    layout is read as a whole.

    Attributes:
        count: Number of grasps in the file, including invalid ones.
        sha256: SHA-256 of the bytes of the file, in hexadecimal.
    """

    def __init__(self, path: Path) -> None:
        """Check the layout of a file, count its grasps and hash it; grasps are not parsed yet.

        Raises:
            FileFormatError: The file is missing, half-written, of another kind or schema version,
                or has an unknown key beside the grasps.
        """
        self._path = path
        digest = hashlib.sha256()
        lines = commas = self.count = 0
        end = b""
        try:
            with path.open("rb") as file:
                self._stamp = _stamp(file)
                start = file.read(len(_HEAD))
                digest.update(start)
                # By parts of bounded size: a hostile file may have no second line.
                for line in iter(lambda: file.readline(LONGEST_LINE_BYTES), b""):
                    digest.update(line)
                    end = end[-len(_TAIL) :] + line
                    lines += 1
                    self.count += line.startswith(b"{")
                    commas += line.startswith(b"{") and line.endswith(b"},\n")
        except OSError as error:
            raise FileFormatError(f"{path}: cannot be read: {error.strerror}") from error
        self.sha256 = digest.hexdigest()
        self._whole: list[Any] | None = None
        framed = start == _HEAD and end.endswith(_TAIL)
        if not framed or not lines - 2 == self.count == commas + 1:
            content = read_document(path, GRASPS_KIND, allow_nan=True)
            with Within(str(path)):
                self._whole = check_record(GraspFileRecord, content).grasps
            self.count = len(self._whole)

    def __iter__(self) -> Iterator[GraspOrRefusal]:
        """Yield the grasps of the file in order, with a refusal in place of each invalid grasp.

        Raises:
            FileFormatError: A line is no JSON, or the file has changed since this was constructed.
        """
        for index, raw in enumerate(self._lines() if self._whole is None else self._whole):
            try:
                yield grasp_from_dict(raw)
            except InvalidGraspError as error:
                yield RefusedGrasp(index, given_id(raw, "id"), str(error))

    def _lines(self) -> Iterator[Any]:
        with self._path.open("rb") as file:
            if _stamp(file) != self._stamp:
                raise FileFormatError(f"{self._path}: expected the file as it was, got another")
            file.seek(len(_HEAD))
            for number in range(self.count):
                try:
                    yield parse_json(file.readline(LONGEST_LINE_BYTES).rstrip(b",\n"))
                except FileFormatError as error:
                    raise FileFormatError(
                        f"{self._path}: grasp {number} of {self.count}: {error}"
                    ) from error


def read_grasps(path: Path) -> GraspFile:
    """Read a grasp file; invalid grasps become refusals.

    Raises:
        FileFormatError: The file is missing, half-written, of another kind or schema version, or
            has an unknown key beside the grasps.
    """
    entries = list(GraspReader(path))
    return GraspFile(
        tuple(entry for entry in entries if isinstance(entry, GraspTrajectory)),
        tuple(entry for entry in entries if isinstance(entry, RefusedGrasp)),
    )


def write_grasps(path: Path, grasps: Iterable[GraspTrajectory]) -> None:
    """Write a grasp file, whole or not at all.

    Raises:
        FileFormatError: Two grasps share an id, or the file cannot be written.
    """
    grasps = tuple(grasps)
    with Within(str(path)):
        check_unique("grasps: expected unique ids", (grasp.id for grasp in grasps))
    items = {**head(GRASPS_KIND), "grasps": map(grasp_to_dict, grasps)}
    write_document(path, items.items())


def grasp_to_dict(grasp: GraspTrajectory) -> dict[str, Any]:
    """Plain data of a grasp for a grasp file; equal grasps give equal JSON text."""
    record = GraspRecord.model_validate(grasp, from_attributes=True).model_dump()
    return {**record, "provenance": dict(sorted(grasp.provenance.items()))}


def grasp_from_dict(raw: object) -> GraspTrajectory:
    """Make a grasp from the plain data that `grasp_to_dict` gives.

    Raises:
        InvalidGraspError: A field is missing, unknown, of a wrong type or out of bounds; the
            message begins with the grasp's id and the field.
    """
    try:
        record = check_record(GraspRecord, raw)
        with Within("object_in_base"):
            pose = Pose(**vars(record.object_in_base))
        with Within("approach"):
            approach = _waypoints(record.approach)
        with Within("close"):
            close = HandClose(**vars(record.close))
        with Within("lift"):
            lift = _waypoints(record.lift)
        parts = {"object_in_base": pose, "approach": approach, "close": close, "lift": lift}
        return GraspTrajectory(**{**vars(record), **parts})
    except DrGraspError as error:
        named = given_id(raw, "id") or "without an id"
        raise InvalidGraspError(f"grasp {named}: {error}") from error


def _waypoints(record: WaypointsRecord) -> Waypoints:
    check_widths("positions", record.positions, len(record.joints))
    return Waypoints(**vars(record))


def _stamp(file: BinaryIO) -> tuple[int, int, int]:
    status = os.fstat(file.fileno())
    return status.st_ino, status.st_mtime_ns, status.st_size
