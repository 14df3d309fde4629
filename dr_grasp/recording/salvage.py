"""Reads MCAP files without their index, also broken ones: killed writers, full disks, flipped bits.

Records are read one after the other, from the first to where they stop making sense, those of half
a chunk as well. A chunk that is broken inside costs what follows in it, not the chunks behind it.
Format: https://mcap.dev/spec
"""

from __future__ import annotations

import struct
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any, BinaryIO
from zlib import crc32

MAGIC = b"\x89MCAP0\r\n"
_FOOTER, _SCHEMA, _CHANNEL, _MESSAGE, _CHUNK, _STATISTICS = 0x02, 0x03, 0x04, 0x05, 0x06, 0x0B
_READ = {_SCHEMA, _CHANNEL, _MESSAGE, _CHUNK, _STATISTICS}
_LAST_KIND, _FIRST_PRIVATE_KIND = 0x0F, 0x80

_HEAD = struct.Struct("<BQ")
_FOOTER_SIZE = 20
_PIECE = 4096


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


class _BrokenError(Exception):
    """Bytes that make no sense, or fewer than there should be; says what the file does."""


class Salvage:
    """Goes through one file.

    Attributes:
        ended: Whether the file has its end, once `messages` has gone through it.
        problems: What is wrong with the file, in words that follow on its name, each once.
        lost: How many messages there are that cannot be told apart.
    """

    def __init__(self, path: Path) -> None:
        """Open nothing yet.

        Args:
            path: The file.
        """
        self._path = path
        self._schemas: dict[int, tuple[str, str]] = {}
        self._channels: dict[int, tuple[int, str]] = {}
        self._stated: dict[int, int] = {}
        self.ended = False
        self.problems: list[str] = []
        self.lost = 0

    @property
    def complete(self) -> bool:
        """Whether the file has its end, and nothing before it is broken."""
        return self.ended and not self.problems and not self.lost

    @property
    def stated(self) -> Counter[str]:
        """How many messages of each type the file itself says it holds, by the types' names."""
        found: Counter[str] = Counter()
        for channel, count in self._stated.items():
            schema, _ = self._channels.get(channel, (0, ""))
            typename, _ = self._schemas.get(schema, ("", ""))
            found[typename] += count
        return found

    def messages(self) -> Iterator[Salvaged]:
        """All whole messages; afterwards `problems` says what is wrong with the file.

        Raises:
            OSError: It cannot be read.
        """
        with self._path.open("rb") as file:
            size = file.seek(0, 2)
            # Definitions stand before the first message and again in the index: one may be broken.
            with suppress(_BrokenError):
                self._note_index(file, size)
            file.seek(0)
            if file.read(len(MAGIC)) != MAGIC:
                self._note("does not begin as an MCAP file")
            try:
                yield from self._whole_file(file, size)
            except _BrokenError as error:
                self._note(str(error))

    def _note(self, problem: str) -> None:
        if problem not in self.problems:
            self.problems.append(problem)

    def _note_index(self, file: BinaryIO, size: int) -> None:
        footer = size - len(MAGIC) - _FOOTER_SIZE - _HEAD.size
        if footer < len(MAGIC):
            return
        file.seek(footer)
        fields = _Fields(file.read())
        if _HEAD.unpack(fields.take(_HEAD.size)) != (_FOOTER, _FOOTER_SIZE):
            return
        start = fields.number(8)
        if not 0 < start < footer:
            return
        file.seek(start)
        for kind, body, _ in _records(file, footer):
            if kind in (_SCHEMA, _CHANNEL):
                self._definition(kind, _Fields(body))

    def _whole_file(self, file: BinaryIO, size: int) -> Iterator[Salvaged]:
        for kind, body, whole in _records(file, size):
            if kind == _CHUNK:
                yield from self._chunk(body, whole)
            elif kind == _FOOTER and file.read(len(MAGIC)) == MAGIC:
                self.ended = True
                if after := size - file.tell():
                    self._note(f"goes on for {after} bytes after its end")
                return
            elif whole:
                yield from self._record(kind, body)
        raise _BrokenError("ends in the middle")

    def _chunk(self, body: bytes, whole: bool) -> Iterator[Salvaged]:
        fields = _Fields(body)
        try:
            fields.take(16)  # first and last time
            size, checksum = fields.number(8), fields.number(4)
            compression = fields.text()
            packed_size = fields.number(8)
            packed = fields.rest()
            content = _decompressed(compression, packed)
            if whole and (len(packed), len(content)) != (packed_size, size):
                self._note("has a chunk of another size than it should")
            elif whole and checksum and crc32(content) != checksum:
                self._note("has a chunk whose checksum is wrong, so that its numbers may be, too")
            for kind, record, complete in _records(BytesIO(content), len(content)):
                if complete:
                    yield from self._record(kind, record)
        except _BrokenError as error:
            self._note(f"has a chunk that {error}" if whole else "ends in the middle")

    def _record(self, kind: int, body: bytes) -> Iterator[Salvaged]:
        fields = _Fields(body)
        try:
            if kind == _MESSAGE:
                yield from self._message(fields)
            elif kind == _STATISTICS:
                self._statistics(fields)
            else:
                self._definition(kind, fields)
        except _BrokenError:
            self._note("has a record that is too short")

    def _definition(self, kind: int, fields: _Fields) -> None:
        if kind == _SCHEMA:
            number, name, _ = fields.number(2), fields.text(), fields.text()
            schema = name, fields.text()
            if self._schemas.setdefault(number, schema) != schema:
                self._note(f"says twice, and differently, what type {number} is")
            self._schemas[number] = schema
        elif kind == _CHANNEL:
            number = fields.number(2)
            channel = fields.number(2), fields.text()
            if self._channels.setdefault(number, channel) != channel:
                self._note(f"says twice, and differently, what topic {number} is")
            self._channels[number] = channel

    def _message(self, fields: _Fields) -> Iterator[Salvaged]:
        number = fields.number(2)
        fields.take(4)  # sequence number
        stamp_ns = fields.number(8)
        fields.take(8)  # when it was published
        schema, topic = self._channels.get(number, (0, ""))
        if schema in self._schemas:
            yield Salvaged(topic, *self._schemas[schema], stamp_ns, fields.rest())
        else:
            self.lost += 1

    def _statistics(self, fields: _Fields) -> None:
        fields.take(42)  # counts of all kinds of records, first and last time
        counts = _Fields(fields.take(fields.number(4)))
        while counts.rest():
            channel = counts.number(2)
            self._stated[channel] = counts.number(8)


def _records(file: BinaryIO, end: int) -> Iterator[tuple[int, bytes, bool]]:
    """Kind and body of each record from here on, and whether it is whole, as the last may not be.

    Raises:
        _BrokenError: The records do not end where they should.
    """
    at = file.tell()
    while at < end:
        head = file.read(_HEAD.size)
        if len(head) < _HEAD.size:
            raise _BrokenError("ends in the middle")
        kind, size = _HEAD.unpack(head)
        if not (0 < kind <= _LAST_KIND or kind >= _FIRST_PRIVATE_KIND):
            raise _BrokenError(f"makes no sense from byte {at} on")
        left = end - file.tell()
        body = file.read(min(size, left)) if kind in _READ else b""
        following = at + _HEAD.size + size
        if size <= left:
            file.seek(following)
        yield kind, body, size <= left
        if size > left:
            raise _BrokenError("ends in the middle")
        at = file.seek(following)


class _Fields:
    """The fields of a record, from first to last."""

    def __init__(self, body: bytes) -> None:
        self._body = body
        self._at = 0

    def take(self, size: int) -> bytes:
        taken = self._body[self._at : self._at + size]
        if len(taken) < size:
            raise _BrokenError("ends in the middle")
        self._at += size
        return taken

    def number(self, size: int) -> int:
        return int.from_bytes(self.take(size), "little")

    def text(self) -> str:
        return self.take(self.number(4)).decode("utf-8", "replace")

    def rest(self) -> bytes:
        return self._body[self._at :]


def _decompressed(name: str, data: bytes) -> bytes:
    """As much as there is, up to where it is broken.

    Raises:
        _BrokenError: Compressed by what cannot be read here.
    """
    if not name:
        return data
    decompressor = _decompressor(name)
    found: list[bytes] = []
    # Each library has errors of its own for broken bytes, and whoever asked sees from the size that
    # there is less than there should be. Piece by piece, so that what came before is kept.
    with suppress(Exception):
        for at in range(0, len(data), _PIECE):
            found.append(decompressor.decompress(data[at : at + _PIECE]))
            if decompressor.eof:
                break
    return b"".join(found)


def _decompressor(name: str) -> Any:
    try:
        if name == "lz4":
            from lz4.frame import LZ4FrameDecompressor

            return LZ4FrameDecompressor()
        if name == "zstd":
            try:
                from compression import zstd  # Python 3.14
            except ImportError:
                from backports import zstd
            return zstd.ZstdDecompressor()
    except ImportError as error:
        raise _BrokenError(f"needs what is not installed: {error}") from error
    raise _BrokenError(f"is compressed by {name!r}, which nobody knows")
