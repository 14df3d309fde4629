"""Reads broken MCAP files record by record, without their index.

Files break when a writer is killed, a disk is full or bits flip. Only the messages of a broken
chunk are lost, not the chunks after it. A file that was cut is read up to its last whole message,
or up to its last whole chunk if chunks are compressed.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from io import BytesIO
from pathlib import Path
from struct import Struct
from typing import BinaryIO

from mcap.data_stream import ReadDataStream
from mcap.opcode import Opcode
from mcap.reader import make_reader
from mcap.records import Channel, Chunk, McapRecord, Message, Schema, Statistics
from mcap.stream_reader import CRCValidationError, StreamReader, breakup_chunk

from dr_grasp.recording.decompression import decompressed

MAGIC = b"\x89MCAP0\r\n"
HEAD = Struct("<BQ")
"""Header of each record: its kind and its length in bytes."""


@dataclass(frozen=True, slots=True)
class RecoveredMessage:
    """A message that was read from a file.

    Attributes:
        typename: Name of the message's type, such as "package/msg/Name".
        definition: Definition of the type and of all types in it, text in UTF-8.
        stamp_ns: Log time, nanoseconds since the epoch.
        data: The message as CDR bytes, possibly compressed.
        digest: Hash of the type, as ROS computes it; empty if only the definition is known.
    """

    typename: str
    definition: bytes
    stamp_ns: int
    data: bytes
    digest: str = ""


class McapRecovery:
    """Reads one file, once, from its first record to its end or to the first unreadable record.

    Attributes:
        ended: Whether the file has its end; valid after `messages` was read to the end.
        problems: Descriptions of what is wrong with the file, to be written after its name.
        lost: Number of messages without a definition of their topic or type.
    """

    def __init__(self, path: Path) -> None:
        """Prepare to read a file; `messages` opens it.

        Args:
            path: The MCAP file.
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
        """Number of messages of each type in the statistics that the file contains."""
        counts: Counter[str] = Counter()
        for channel_id, count in self._stated.items():
            schema = self._schema_of(channel_id)
            counts[schema.name if schema else ""] += count
        return counts

    def messages(self) -> Iterator[RecoveredMessage]:
        """Read all whole messages; this also fills `problems`, `ended` and `lost`.

        Raises:
            OSError: The file cannot be read.
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
                # Broken bytes can cause any error of the libraries that mcap uses.
                cut = file.tell() == size
                self._note("ends in the middle" if cut else f"makes no sense from byte {begin} on")
                file.seek(begin)
                yield from self._messages_of_half_chunk(file)

    def _note(self, problem: str) -> None:
        if problem not in self.problems:
            self.problems.append(problem)

    def _read_definitions_of_index(self, file: BinaryIO) -> None:
        # They replace the definitions in the first chunk if that chunk is broken.
        with suppress(Exception):  # the index may be broken or missing
            if summary := make_reader(file).get_summary():
                self._schemas |= summary.schemas
                self._channels |= summary.channels

    def _parts(self, record: McapRecord) -> list[McapRecord]:
        if not isinstance(record, Chunk):
            return [record]
        try:
            data = decompressed(record.data, record.compression)
            chunk = replace(record, compression="", data=data)
            try:
                return breakup_chunk(chunk, validate_crc=True)
            except CRCValidationError:
                self._note("has a chunk whose checksum is wrong, so that its numbers may be, too")
                return breakup_chunk(chunk)
        except Exception as error:
            # Broken bytes can cause any error, and each compression library has its own errors.
            self._note(f"has a chunk that is broken ({str(error) or type(error).__name__})")
            return []

    def _messages_of_half_chunk(self, file: BinaryIO) -> Iterator[RecoveredMessage]:
        # A small bag is a single chunk: if such a bag was cut, all its messages are in half a
        # chunk. Half a compressed chunk cannot be read.
        with suppress(Exception):  # the file ends here, with any error
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
