"""Reads and writes JSON documents that have a kind and a schema version.

A document is written whole or not at all. Lists are written with one entry on each line, as the
entries come, so that a document need never be in memory.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Annotated, Any, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from dr_grasp.common.atomic import whole_file
from dr_grasp.common.json_text import parse_json
from dr_grasp.common.reading import read_text
from dr_grasp.common.settings import first_problem
from dr_grasp.errors import DrGraspError, FileFormatError, InvalidGraspError, quoted

SCHEMA_VERSION = 1

LARGEST_DOCUMENT_BYTES = 512 * 1024**2
"""Largest document that is read as a whole: about 600,000 scores, or 50,000 grasps. Files that
`write_grasps` wrote are read grasp by grasp, and may have any size."""

RecordT = TypeVar("RecordT", bound=BaseModel)


Count = Annotated[int, Field(ge=0, lt=2**32)]
"""A count, which must fit into uint32, as it is in messages."""


class Record(BaseModel):
    """Base of the schemas of our files. NaN passes: the values refuse it, and name the field."""

    model_config = ConfigDict(extra="forbid", strict=True)


def head(kind: str) -> dict[str, Any]:
    """The keys that every document begins with."""
    return {"schema_version": SCHEMA_VERSION, "kind": kind}


def check_writable(path: Path) -> None:
    """Check that a file can be written at a path, before hours of work are done for it.

    Raises:
        FileFormatError: The path is a folder, or its folder is missing or read-only.
    """
    folder = path.resolve().parent
    for wrong, problem in (
        (path.is_dir(), "is a folder, expected a file"),
        (not folder.is_dir(), f"cannot be written: no folder {folder}"),
        (not os.access(folder, os.W_OK), f"cannot be written: {folder} is read-only"),
    ):
        if wrong:
            raise FileFormatError(f"{path}: {problem}")


def write_document(path: Path, items: Iterable[tuple[str, Any]]) -> None:
    """Write a document, whole or not at all.

    Args:
        path: The file to write.
        items: Keys and values in the order of the file. A list or an iterator is written with one
            entry on each line, and is read to its end before the next key is.

    Raises:
        FileFormatError: The file cannot be written.
    """
    try:
        with whole_file(path) as file:
            file.writelines(text.encode() for text in _texts(items))
    except OSError as error:
        raise FileFormatError(f"{path}: cannot be written: {error.strerror}") from error


def read_document(path: Path, kind: str, *, allow_nan: bool) -> dict[str, Any]:
    """Read a document.

    Args:
        path: The file to read.
        kind: Expected kind of the document.
        allow_nan: Whether to accept NaN and infinity, so that a later check can name the field.

    Returns:
        The content without kind and schema version, which are checked here.

    Raises:
        FileFormatError: The file is missing, half-written, too large, nested too deep, of another
            kind or schema version, or has a key twice.
    """
    try:
        content = parse_json(read_text(path, LARGEST_DOCUMENT_BYTES), finite=not allow_nan)
    except OSError as error:
        raise FileFormatError(f"{path}: cannot be read: {error.strerror}") from error
    except FileFormatError as error:
        raise FileFormatError(f"{path}: {error}") from error
    if not isinstance(content, dict):
        raise FileFormatError(f"{path}: expected a JSON object, got a {type(content).__name__}")
    # Kind and version first: of another kind of file, every key would be wrong.
    for key, expected in (("kind", kind), ("schema_version", SCHEMA_VERSION)):
        came = quoted(content[key]) if key in content else "nothing"
        got = content.pop(key, None)
        if type(got) is not type(expected) or got != expected:
            raise FileFormatError(f"{path}: {key}: expected {expected!r}, got {came}")
    return content


def check_record(schema: type[RecordT], raw: object) -> RecordT:
    """Check plain data against a schema.

    Raises:
        FileFormatError: The data do not fit; one line with the field, what was expected, what came.
    """
    try:
        return schema.model_validate(raw)
    except ValidationError as error:
        raise FileFormatError(first_problem(error)) from error


class Within:
    """A context that puts a place, such as a file or a field, in front of the errors in its block.

    The errors become a FileFormatError. It is a class since it is entered for each field of each
    grasp: a generator of `contextlib` takes twice as long.
    """

    def __init__(self, place: str) -> None:
        """Note the place, as messages name it."""
        self._place = place

    def __enter__(self) -> None:
        """Enter the block."""

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        """Put the place in front of an error."""
        if isinstance(error, InvalidGraspError):  # begins with a field of that place
            raise FileFormatError(f"{self._place} {error}") from error
        if isinstance(error, DrGraspError | ValueError):
            raise FileFormatError(f"{self._place}: {error}") from error


def given_id(raw: object, key: str) -> str:
    """The id in a record that may be broken, as one line; empty if the record has no id."""
    name = raw.get(key) if isinstance(raw, dict) else None
    return " ".join(name.split()) if isinstance(name, str) else ""


def check_unique(what: str, ids: Iterable[str]) -> None:
    """Refuse ids of grasps that are not unique.

    Args:
        what: Begin of the message: what is expected, and where.
        ids: The ids to check.

    Raises:
        FileFormatError: An id comes twice.
    """
    seen: set[str] = set()
    for name in ids:
        if name in seen:
            raise FileFormatError(f"{what}, got {name} twice")
        seen.add(name)


def _texts(items: Iterable[tuple[str, Any]]) -> Iterator[str]:
    before = "{\n"
    for key, value in items:
        yield f"{before}{_dump(key)}: "
        if isinstance(value, list | Iterator):
            yield from _entries(value)
        else:
            yield _dump(value)
        before = ",\n"
    yield "\n}\n"


def _entries(values: Iterable[Any]) -> Iterator[str]:
    before = "[\n"
    for value in values:
        yield before + _dump(value)
        before = ",\n"
    yield "[]" if before == "[\n" else "\n]"


def _dump(value: object) -> str:
    return json.dumps(value, allow_nan=False)
