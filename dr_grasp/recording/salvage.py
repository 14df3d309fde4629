"""Reads what is left of MCAP files that end in the middle: a killed writer, a full disk.

Such a file has no index, and perhaps half a chunk at its end. Records are read one after the other
up to the last whole message, those of a half chunk as well.
Format: https://mcap.dev/spec
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

MAGIC = b"\x89MCAP0\r\n"
_SCHEMA, _CHANNEL, _MESSAGE, _CHUNK, _FOOTER = 0x03, 0x04, 0x05, 0x06, 0x02

_HEAD = struct.Struct("<BQ")


@dataclass(frozen=True, slots=True)
class Salvaged:
    """A message.

    Attributes:
        topic: Of its channel.
        typename: As "package/msg/Name".
        definition: The text of its type and of those it uses.
        stamp_ns: When it was logged, nanoseconds since the epoch.
        data: CDR bytes.
    """

    topic: str
    typename: str
    definition: str
    stamp_ns: int
    data: bytes


class _EndedError(Exception):
    """There are not as many bytes as there should be."""


class Salvage:
    """Goes through one file."""

    def __init__(self, path: Path) -> None:
        """Open nothing yet.

        Args:
            path: The file.
        """
        self._path = path
        self._schemas: dict[int, tuple[str, str]] = {}
        self._channels: dict[int, tuple[int, str]] = {}
        self.complete = False

    def messages(self) -> Iterator[Salvaged]:
        """All whole messages; afterwards `complete` says whether the file has its end.

        Raises:
            OSError: It cannot be read.
        """
        content = self._path.read_bytes()
        if not content.startswith(MAGIC):
            return
        try:
            yield from self._records(content[len(MAGIC) :])
        except _EndedError:
            return

    def _records(self, content: bytes) -> Iterator[Salvaged]:
        at = 0
        while at < len(content):
            if at + _HEAD.size > len(content):
                raise _EndedError
            kind, size = _HEAD.unpack_from(content, at)
            at += _HEAD.size
            body = content[at : at + size]
            at += size
            if kind == _CHUNK:
                yield from self._chunk(body)
            if len(body) < size:
                raise _EndedError
            if kind == _FOOTER:
                self.complete = True
                return
            if kind == _SCHEMA:
                self._note_schema(_Fields(body))
            elif kind == _CHANNEL:
                self._note_channel(_Fields(body))
            elif kind == _MESSAGE:
                yield self._message(_Fields(body))

    def _chunk(self, body: bytes) -> Iterator[Salvaged]:
        fields = _Fields(body)
        fields.take(28)  # first and last time, size and checksum of the uncompressed records
        compression = fields.text()
        fields.take(8)  # size of the records
        yield from self._records(_decompressor(compression)(fields.rest()))

    def _note_schema(self, fields: _Fields) -> None:
        number = fields.number(2)
        name, _ = fields.text(), fields.text()
        self._schemas[number] = name, fields.text()

    def _note_channel(self, fields: _Fields) -> None:
        number = fields.number(2)
        self._channels[number] = fields.number(2), fields.text()

    def _message(self, fields: _Fields) -> Salvaged:
        schema, topic = self._channels[fields.number(2)]
        fields.take(4)  # sequence number
        stamp_ns = fields.number(8)
        fields.take(8)  # when it was published
        return Salvaged(topic, *self._schemas[schema], stamp_ns, fields.rest())


class _Fields:
    """The fields of a record, from first to last."""

    def __init__(self, body: bytes) -> None:
        self._body = body
        self._at = 0

    def take(self, size: int) -> bytes:
        taken = self._body[self._at : self._at + size]
        if len(taken) < size:
            raise _EndedError
        self._at += size
        return taken

    def number(self, size: int) -> int:
        return int.from_bytes(self.take(size), "little")

    def text(self) -> str:
        return self.take(self.number(4)).decode("utf-8", "replace")

    def rest(self) -> bytes:
        return self._body[self._at :]


def _decompressor(name: str) -> Callable[[bytes], bytes]:
    """Decompresses as much as there is."""
    if name == "lz4":
        from lz4.frame import LZ4FrameDecompressor

        return _as_far_as_it_goes(LZ4FrameDecompressor)
    if name == "zstd":
        try:
            from compression import zstd  # Python 3.14
        except ImportError:
            from backports import zstd
        return _as_far_as_it_goes(zstd.ZstdDecompressor)
    return bytes


def _as_far_as_it_goes(make: Callable[[], Any]) -> Callable[[bytes], bytes]:
    def decompress(data: bytes) -> bytes:
        content: bytes = make().decompress(data)
        return content

    return decompress
