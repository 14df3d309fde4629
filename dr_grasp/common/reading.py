"""Reads files of bounded size."""

from __future__ import annotations

from pathlib import Path

from dr_grasp.errors import FileFormatError


def read_bytes(path: Path, largest: int) -> bytes:
    """Read a whole file.

    Args:
        path: The file.
        largest: Most bytes that the file may have.

    Raises:
        OSError: The file cannot be read.
        FileFormatError: The file is larger; the message does not name it.
    """
    with path.open("rb") as file:
        data = file.read(largest + 1)  # not by its stated size, which devices do not have
    if len(data) > largest:
        raise FileFormatError(f"expected at most {largest} bytes, got more")
    return data


def read_text(path: Path, largest: int) -> str:
    """Read a whole file of text in UTF-8, with or without a byte order mark.

    Args:
        path: The file.
        largest: Most bytes that the file may have.

    Raises:
        OSError: The file cannot be read.
        FileFormatError: The file is larger, or not in UTF-8; the message does not name it.
    """
    try:
        return read_bytes(path, largest).decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise FileFormatError("expected text in UTF-8, got other bytes") from error


def one_line(error: BaseException) -> str:
    """The message of a library's error, without its line breaks, in at most 200 characters."""
    return " ".join(str(error).split())[:200] or type(error).__name__
