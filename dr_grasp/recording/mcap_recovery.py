"""Reads MCAP files record by record, without their index, also broken ones.

For killed writers, full disks and flipped bits. A broken chunk costs its own messages, not those of
the chunks behind it; a file that was cut is read up to its last whole message, or to its last whole
chunk where chunks are compressed.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from struct import Struct
from typing import BinaryIO

from mcap.data_stream import ReadDataStream
from mcap.opcode import Opcode
from mcap.reader import make_reader
from mcap.records import Channel, Chunk, McapRecord, Message, Schema, Statistics
from mcap.stream_reader import CRCValidationError, StreamReader, breakup_chunk

MAGIC = b"\x89MCAP0\r\n"
HEAD = Struct("<BQ")
"""What each record begins with: its kind and its length in bytes."""


@dataclass(frozen=True, slots=True)
class RecoveredMessage:
    """A message of a file.

    Attributes:
        typename: As "package/msg/Name".
        definition: The text of its type and of those it uses, in UTF-8.
        stamp_ns: When it was logged, nanoseconds since the epoch.
        data: CDR bytes.
    """

    typename: str
    definition: bytes
    stamp_ns: int
    data: bytes


class McapRecovery:
    """Reads one file, once, from its first record to its end or to where it makes no sense.

    Attributes:
        ended: Whether the file has its end; known once `messages` has gone through it.
        problems: What is wrong with the file, each once, in words that follow on its name.
        lost: Number of messages whose topic or type is defined nowhere.
    """

    def __init__(self, path: Path) -> None:
        """Open nothing yet.

        Args:
            path: The file.
        """
        self._path = path
        self._schemas: dict[int, Schema] = {}
        self._channels: dict[int, Channel] = {}
        self._stated: dict[int, int] = {}
        self.ended = False
        self.problems: list[str] = []
        self.lost = 0

    @property
    def stated(self) -> Counter[str]:
        """Number of messages of each type that the file itself says it holds, by type name."""
        counts: Counter[str] = Counter()
        for channel_id, count in self._stated.items():
            schema = self._schema_of(channel_id)
            counts[schema.name if schema else ""] += count
        return counts

    def messages(self) -> Iterator[RecoveredMessage]:
        """All messages that are whole; afterwards `problems` says what is wrong with the file.

        Raises:
            OSError: It cannot be read.
        """
        with self._path.open("rb") as file:
            self._read_definitions_of_index(file)
            size = file.seek(0, os.SEEK_END)
            file.seek(0)
            if file.read(len(MAGIC)) != MAGIC:
                self._note("does not begin as an MCAP file")
            begin = file.tell()
            try:
                for record in StreamReader(file, skip_magic=True, emit_chunks=True).records:
                    for part in self._parts(record):
                        yield from self._take(part)
                    begin = file.tell()
                self.ended = True
                if after := size - file.tell():
                    self._note(f"goes on for {after} bytes after its end")
            except OSError:
                raise
            except Exception:
                # Broken bytes end in any error of what mcap uses: struct, Unicode, memory.
                cut = file.tell() == size
                self._note("ends in the middle" if cut else f"makes no sense from byte {begin} on")
                file.seek(begin)
                yield from self._half_a_chunk(file)

    def _note(self, problem: str) -> None:
        if problem not in self.problems:
            self.problems.append(problem)

    def _read_definitions_of_index(self, file: BinaryIO) -> None:
        # They stand in for those of the first chunk, should that be the one that is broken.
        with suppress(Exception):  # an index that is broken or absent has none to offer
            if summary := make_reader(file).get_summary():
                self._schemas |= summary.schemas
                self._channels |= summary.channels

    def _parts(self, record: McapRecord) -> list[McapRecord]:
        if not isinstance(record, Chunk):
            return [record]
        try:
            try:
                return breakup_chunk(record, validate_crc=True)
            except CRCValidationError:
                self._note("has a chunk whose checksum is wrong, so that its numbers may be, too")
                return breakup_chunk(record)
        except Exception as error:
            # As above, and each library for compression has errors of its own.
            self._note(f"has a chunk that is broken ({str(error) or type(error).__name__})")
            return []

    def _half_a_chunk(self, file: BinaryIO) -> Iterator[RecoveredMessage]:
        # A small bag is one chunk: without its first half, nothing would be left of a bag that was
        # cut. What is compressed is given up.
        with suppress(Exception):  # as in `messages`; this is where the file ends
            opcode, _ = HEAD.unpack(file.read(HEAD.size))
            chunk = Chunk.read(ReadDataStream(file)) if opcode == Opcode.CHUNK else None
            if chunk and not chunk.compression:
                for record in StreamReader(BytesIO(chunk.data), skip_magic=True).records:
                    yield from self._take(record)

    def _take(self, record: McapRecord) -> Iterator[RecoveredMessage]:
        if isinstance(record, Schema):
            self._schemas[record.id] = record
        elif isinstance(record, Channel):
            self._channels[record.id] = record
        elif isinstance(record, Statistics):
            self._stated = record.channel_message_counts
        elif isinstance(record, Message):
            schema = self._schema_of(record.channel_id)
            if schema is None:
                self.lost += 1
                return
            yield RecoveredMessage(schema.name, schema.data, record.log_time, record.data)

    def _schema_of(self, channel_id: int) -> Schema | None:
        channel = self._channels.get(channel_id)
        return self._schemas.get(channel.schema_id) if channel else None
