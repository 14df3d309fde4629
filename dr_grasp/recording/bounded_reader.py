"""The library's reader of bags, kept from what it would decompress or parse without bounds."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from pathlib import Path, PurePath
from typing import Any, cast

from rosbags.interfaces import Connection
from rosbags.rosbag2 import Reader, storage_mcap

from dr_grasp.common.reading import read_bytes
from dr_grasp.common.yaml_text import parse_yaml
from dr_grasp.recording.decompression import check_compressed_file, decompressed

METADATA = "metadata.yaml"

LARGEST_METADATA_BYTES = 16 * 1024**2
"""Largest metadata.yaml that is read; a bag of a thousand files has less than 1 MB."""

# The table by which the library decompresses chunks, without bounds.
storage_mcap.DECOMPRESSORS.update(
    lz4=lambda data, _: decompressed(data, "lz4"), zstd=lambda data, _: decompressed(data, "zstd")
)


def read_metadata(bag: Path) -> Any:
    """The content of a bag's metadata.yaml, not checked.

    Raises:
        OSError: The file cannot be read.
        FileFormatError: The file is no YAML within our bounds.
        KeyError: It is not about a bag; or a TypeError.
    """
    return parse_yaml(read_bytes(bag / METADATA, LARGEST_METADATA_BYTES))[
        "rosbag2_bagfile_information"
    ]


class BoundedReader(Reader):
    """Reads a bag by its metadata.yaml and the indices of its files."""

    def __init__(self, path: Path) -> None:
        """Check what the library would read or decompress as a whole.

        Raises:
            Exception: It is too large, or broken in one of many ways.
        """
        self._mode = ""
        if (path / METADATA).exists():
            information = read_metadata(path)
            self._mode = str(information.get("compression_mode", "")).lower()
            if self._mode == "file":
                for name in information["relative_file_paths"]:
                    check_compressed_file(path / PurePath(name).name)
        super().__init__(path)

    def open(self) -> None:
        """Open the bag."""
        super().open()
        if self._mode == "message":  # the library would decompress without bounds
            storage = cast(Any, self.storage)
            storage.metadata = storage.metadata._replace(compression_mode=None)

    def bounded_messages(
        self, connections: Collection[Connection]
    ) -> Iterator[tuple[Connection, int, bytes]]:
        """Read the messages of some topics: topic, log time [ns], CDR bytes as they are stored."""
        yield from self.messages(connections)
