"""Writes a rosbag2 bag that is complete at every moment: kill -9 loses no appended message.

An MCAP file is readable only with its footer, which a killed writer does not write. But a bag may
have several files, listed in its metadata.yaml. So each append writes a small complete file; when
it is on disk, metadata.yaml is replaced atomically by a version that lists it. Small files are
merged now and then, and all files on close.
"""

from __future__ import annotations

import logging
import os
import secrets
import shutil
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

import yaml
from rosbags.interfaces import Qos
from rosbags.rosbag2 import Reader, StoragePlugin, Writer, WriterError

from dr_grasp.common.atomic import sync, write_whole
from dr_grasp.errors import RecordingError
from dr_grasp.messages.typestore import our_typestore

_LOGGER = logging.getLogger(__name__)

METADATA_VERSION: Final = 9
"""Version of metadata.yaml in ROS 2 Jazzy."""

LoggedMessage = tuple[str, int, "bytes | memoryview"]
"""Name of the topic, log time in nanoseconds since the epoch, message as CDR bytes."""


@dataclass(frozen=True, slots=True)
class Topic:
    """A topic of a bag.

    Attributes:
        name: Name of the topic with its leading slash.
        typename: Name of the message type, such as "package/msg/Name".
        qos: Quality of service that a player of the bag should offer.
    """

    name: str
    typename: str
    qos: Qos


@dataclass(frozen=True, slots=True)
class _Split:
    """A complete MCAP file of the bag; times in nanoseconds since the epoch."""

    path: Path
    counts: dict[str, int]
    start_ns: int
    end_ns: int
    merged: bool

    @property
    def count(self) -> int:
        return sum(self.counts.values())


class SplitBag:
    """The files of one bag while it grows."""

    def __init__(self, directory: Path, topics: Sequence[Topic], splits_before_merge: int) -> None:
        """Make an empty bag, which can be opened as soon as its folder exists.

        Args:
            directory: Folder for the bag, new or empty.
            topics: All topics that the bag will ever have.
            splits_before_merge: Number of small files that are merged into a larger file.

        Raises:
            RecordingError: The folder is not empty, or cannot be written.
        """
        self.directory = directory.resolve()
        self._topics = topics
        self._splits_before_merge = splits_before_merge
        self._next_index = 0
        self._splits: list[_Split] = []
        self._template: dict[str, Any] = {}
        try:
            if self.directory.exists() and any(self.directory.iterdir()):
                raise RecordingError(
                    f"{directory}: expected a new or empty folder for the bag, got one with files"
                )
            self._make_empty()
        except (OSError, WriterError) as error:
            raise RecordingError(f"{directory}: cannot be written: {_reason(error)}") from error

    def append(self, messages: Iterable[LoggedMessage]) -> None:
        """Add messages; on return they are on disk, and the bag can be opened.

        Raises:
            RecordingError: The messages could not be written; the bag is as it was before.
        """
        try:
            split = self._write_split(self.directory, messages, merged=False)
            # Replaces the empty first file: rosbag2's players fail if one of several is empty.
            self._admit(split, instead_of=[split for split in self._splits if not split.count])
        except (OSError, WriterError) as error:
            raise RecordingError(
                f"{self.directory}: cannot be written: {_reason(error)}"
            ) from error
        small = [split for split in self._splits if not split.merged]
        if len(small) > self._splits_before_merge:
            # The messages are on disk, so the append has not failed. A merge that cannot be done
            # now is tried again later, at the latest on close.
            try:
                self._merge(small)
            except RecordingError as error:
                _LOGGER.warning("%s", error)

    def close(self) -> None:
        """Merge all files into one.

        Raises:
            RecordingError: The merge failed; the bag is as it was before.
        """
        if len(self._splits) > 1:
            self._merge(self._splits)

    def _make_empty(self) -> None:
        # Filled under another name, then renamed: a rename replaces an empty folder.
        parent = self.directory.parent
        parent.mkdir(parents=True, exist_ok=True)
        nascent = parent / f".{self.directory.name}.{os.getpid()}-{secrets.token_hex(4)}"
        nascent.mkdir()
        try:
            self._splits = [self._write_split(nascent, [], merged=False)]
            write_whole(nascent / "metadata.yaml", self._metadata(self._splits))
            nascent.rename(self.directory)
            sync(parent)
        except BaseException:
            # If it has its final name already, the folder is ours, and the bag in it is empty.
            made = nascent if nascent.exists() else self.directory
            shutil.rmtree(made, ignore_errors=True)
            raise

    def _write_split(
        self, directory: Path, messages: Iterable[LoggedMessage], *, merged: bool
    ) -> _Split:
        """Write a complete file into the bag's folder, where metadata.yaml does not name it yet."""
        name = f"{self.directory.name}_{self._next_index}"
        self._next_index += 1
        path = directory / f"{name}.mcap"
        try:
            with TemporaryDirectory(prefix=".writing_", dir=directory) as scratch:
                folder = Path(scratch, name)
                writer = Writer(folder, version=METADATA_VERSION, storage_plugin=StoragePlugin.MCAP)
                with writer:
                    connections = {
                        topic.name: writer.add_connection(
                            topic.name,
                            topic.typename,
                            typestore=our_typestore(),
                            offered_qos_profiles=[topic.qos],
                        )
                        for topic in self._topics
                    }
                    for topic_name, stamp_ns, data in messages:
                        writer.write(connections[topic_name], stamp_ns, data)
                if not self._template:
                    # Version, topics and quality of service, as `rosbags` wrote them for this file.
                    content = yaml.safe_load((folder / "metadata.yaml").read_bytes())
                    self._template = content["rosbag2_bagfile_information"] | {
                        "ros_distro": "jazzy"
                    }
                sync(folder / path.name)
                (folder / path.name).rename(path)
            sync(directory)
        except BaseException:
            _remove(path)
            raise
        counts = {topic: writer.counts[entry.id] for topic, entry in connections.items()}
        filled = any(counts.values())
        start_ns, end_ns = (writer.min_timestamp, writer.max_timestamp) if filled else (0, 0)
        return _Split(self.directory / path.name, counts, start_ns, end_ns, merged)

    def _admit(self, new: _Split, *, instead_of: Sequence[_Split]) -> None:
        """List a new file in metadata.yaml, and remove the files that it replaces."""
        splits = [*(split for split in self._splits if split not in instead_of), new]
        metadata = self.directory / "metadata.yaml"
        try:
            write_whole(metadata, self._metadata(splits))
        except BaseException:
            if self._take_back(new):
                _remove(new.path)
            elif _names(metadata, new):
                self._splits = splits
            raise
        self._splits = splits
        for split in instead_of:
            _remove(split.path)

    def _take_back(self, new: _Split) -> bool:
        """After metadata.yaml could not be written: see to it that it does not name a new file.

        Returns:
            Whether it does not, and would not after a power cut either.
        """
        metadata = self.directory / "metadata.yaml"
        if not _names(metadata, new):
            return True
        # It has its new content, and then something failed: it was not synced, for example.
        try:
            write_whole(metadata, self._metadata(self._splits))
        except OSError:
            return False
        return True

    def _merge(self, splits: Sequence[_Split]) -> None:
        try:
            merged = self._write_split(self.directory, _messages_of(splits), merged=True)
            # Larger files hold older messages than small files.
            self._admit(merged, instead_of=splits)
        except Exception as error:  # a damaged file can cause any error of the library
            raise RecordingError(f"{self.directory}: cannot be merged: {_reason(error)}") from error

    def _metadata(self, splits: Sequence[_Split]) -> bytes:
        filled = [split for split in splits if split.count]
        start_ns = min((split.start_ns for split in filled), default=0)
        end_ns = max((split.end_ns for split in filled), default=0)
        information = self._template | {
            **_extent(start_ns, end_ns, sum(split.count for split in splits)),
            "topics_with_message_count": [
                entry
                | {"message_count": sum(s.counts[entry["topic_metadata"]["name"]] for s in splits)}
                for entry in self._template["topics_with_message_count"]
            ],
            "relative_file_paths": [split.path.name for split in splits],
            "files": [
                {"path": split.path.name, **_extent(split.start_ns, split.end_ns, split.count)}
                for split in splits
            ],
        }
        content = {"rosbag2_bagfile_information": information}
        dumper = getattr(yaml, "CSafeDumper", yaml.SafeDumper)
        text: str = yaml.dump(content, Dumper=dumper, sort_keys=False)
        return text.encode()


def _names(metadata: Path, split: _Split) -> bool:
    """Whether metadata.yaml names a file, as far as can be told."""
    try:
        return split.path.name in metadata.read_text(encoding="utf-8")
    except OSError:
        return True


def _remove(path: Path) -> None:
    """Remove a file that metadata.yaml does not name: if it stays, it only takes up space."""
    with suppress(OSError):
        path.unlink()


def _extent(start_ns: int, end_ns: int, count: int) -> dict[str, Any]:
    return {
        "starting_time": {"nanoseconds_since_epoch": start_ns},
        "duration": {"nanoseconds": end_ns - start_ns},
        "message_count": count,
    }


def _messages_of(splits: Iterable[_Split]) -> Iterator[LoggedMessage]:
    for split in splits:
        with Reader(split.path) as reader:
            for connection, stamp_ns, data in reader.messages():
                yield connection.topic, stamp_ns, data


def _reason(error: Exception) -> str:
    words = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    return " ".join(words.split())
