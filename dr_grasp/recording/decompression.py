"""Decompresses parts of bags within bounds: a few kilobytes may stand for gigabytes of zeros."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from io import BytesIO
from pathlib import Path
from typing import BinaryIO

import lz4.frame
import zstandard

from dr_grasp.errors import FileFormatError

LARGEST_PART_BYTES = 1024**3
"""Largest chunk or message. Two paths of an hour with a waypoint each millisecond have 650 MB."""

ALWAYS_DECOMPRESSED_BYTES = 32 * 1024**2
"""So much is decompressed, however little it is made from; more only within `MOST_EXPANSION`."""

MOST_EXPANSION = 200
"""Largest ratio of a large part to its compressed bytes. Paths of an arm that stands still reach
about 30."""

_PIECE_BYTES = 1024**2

ZSTD_MAGIC = b"\x28\xb5\x2f\xfd"
"""First bytes of what zstd compressed; the first byte of a message that is not compressed is 0."""

FILE_COMPRESSIONS: Mapping[str, str] = {".zstd": "zstd", ".zst": "zstd", ".lz4": "lz4"}
"""Compression of a file by the ending of its name: rosbag2's, and those of the usual programs."""


def _open_zstd(stream: BinaryIO) -> BinaryIO:
    # `zstd` compresses a large file in several frames, and `cat` joins files.
    return zstandard.ZstdDecompressor().stream_reader(stream, read_across_frames=True)


_OPENERS: Mapping[str, Callable[[BinaryIO], BinaryIO]] = {
    "lz4": lz4.frame.open,
    "zstd": _open_zstd,
}


def decompressed(data: bytes, compression: str) -> bytes:
    """Decompress a chunk or a message.

    Args:
        data: The compressed bytes.
        compression: "lz4", "zstd", or "" for none.

    Raises:
        FileFormatError: The compression is unknown, or the result would be too large.
        Exception: The bytes are broken; each library of compression has its own errors.
    """
    if not compression:
        return data
    if compression not in _OPENERS:
        raise FileFormatError(f"expected compression by lz4 or zstd, got {compression!r}")
    largest = min(LARGEST_PART_BYTES, _largest(len(data)))
    found = bytearray()
    with _OPENERS[compression](BytesIO(data)) as stream:
        while piece := stream.read(_PIECE_BYTES):
            found += piece
            _check(len(found), largest, len(data))
    return bytes(found)


def decompress_file(file: Path, target: BinaryIO) -> None:
    """Decompress a file that was compressed as a whole; see `FILE_COMPRESSIONS`.

    Args:
        file: The compressed file.
        target: Where to write; what was whole before broken bytes is there even after an error.

    Raises:
        FileFormatError: It would become too large.
        Exception: The bytes are broken; each library of compression has its own errors.
    """
    size, length = file.stat().st_size, 0
    opener = _OPENERS[FILE_COMPRESSIONS[file.suffix]]
    with file.open("rb") as packed, opener(packed) as stream:
        while piece := stream.read(_PIECE_BYTES):
            length += len(piece)
            _check(length, _largest(size), size)
            target.write(piece)


def check_compressed_file(file: Path) -> None:
    """Check that a compressed file does not fill memory or disk.

    Raises:
        FileFormatError: It would become too large.
        Exception: The bytes are broken.
    """
    with Path(os.devnull).open("wb") as nowhere:
        decompress_file(file, nowhere)


def _largest(size: int) -> int:
    return max(ALWAYS_DECOMPRESSED_BYTES, MOST_EXPANSION * size)


def _check(length: int, largest: int, size: int) -> None:
    if length > largest:
        raise FileFormatError(
            f"expected {size} compressed bytes to hold at most {largest} bytes, got more"
        )
