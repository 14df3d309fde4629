"""Reads the SQLite files of bags, which rosbag2 wrote by default before ROS 2 Iron.

A recorder that is killed may leave messages in a file beside the database, the write-ahead log.
"""

from __future__ import annotations

import shutil
import sqlite3
from collections import Counter
from collections.abc import Collection, Iterator
from contextlib import ExitStack, closing
from pathlib import Path
from tempfile import TemporaryDirectory

from dr_grasp.recording.mcap_recovery import RecoveredMessage

MAGIC = b"SQLite format 3\0"

PENDING = ("-wal", "-journal", "-shm")
"""Endings of the files that SQLite keeps beside a database while somebody writes to it."""

_TABLES = {"topics", "messages"}


def read_only(file: Path) -> sqlite3.Connection:
    """Open a database for reading, without files beside it, in any folder.

    SQLite itself refuses texts and messages above 1 GB.
    """
    return sqlite3.connect(f"{file.absolute().as_uri()}?mode=ro&immutable=1", uri=True)


def has_messages(database: sqlite3.Connection) -> bool:
    """Whether a database has the tables of a bag."""
    found = database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
    return {name for (name,) in found} >= _TABLES


class SqliteRecovery:
    """Reads one file, once, up to its last message or to the first one that cannot be read.

    It has the same attributes as `McapRecovery`.

    Attributes:
        ended: Whether all of the file could be read; valid after `messages` was read to the end.
        problems: Descriptions of what is wrong with the file, to be written after its name.
        lost: Number of messages that are no messages: without a time or without bytes.
        stated: Empty, since these files do not say how many messages they have.
    """

    def __init__(self, path: Path, typenames: Collection[str]) -> None:
        """Prepare to read a file; `messages` opens it.

        Args:
            path: The database.
            typenames: Types of the messages to read; a bag may have gigabytes of others.
        """
        self._path = path
        self._typenames = sorted(typenames)
        self.ended = False
        self.problems: list[str] = []
        self.lost = 0
        self.stated: Counter[str] = Counter()

    def messages(self) -> Iterator[RecoveredMessage]:
        """Read all messages in the order of their times; also fills `problems` and `lost`.

        Raises:
            OSError: The file cannot be read.
        """
        with self._path.open("rb") as file:
            if file.read(len(MAGIC)) != MAGIC:
                self.problems.append("does not begin as an SQLite file")
                return
        try:
            with ExitStack() as stack:
                database = stack.enter_context(closing(self._open(stack)))
                if not has_messages(database):
                    self.problems.append(f"has no tables {' and '.join(sorted(_TABLES))}")
                    return
                yield from self._read(database)
            self.ended = True
        except (sqlite3.Error, UnicodeError) as error:  # broken texts are no UTF-8
            self.problems.append(f"cannot be read to its end: {error}")

    def _open(self, stack: ExitStack) -> sqlite3.Connection:
        pending = [
            file
            for file in (Path(f"{self._path}{ending}") for ending in PENDING[:2])
            if file.is_file() and file.stat().st_size
        ]
        if not pending:
            return read_only(self._path)
        # SQLite puts the two together, which would change the files: not in somebody's bag.
        folder = Path(stack.enter_context(TemporaryDirectory(prefix="dr_grasp_")))
        for file in (self._path, *pending):
            shutil.copyfile(file, folder / file.name)
        return sqlite3.connect(folder / self._path.name)

    def _read(self, database: sqlite3.Connection) -> Iterator[RecoveredMessage]:
        # Before ROS 2 Iron, a file had neither hashes nor definitions of types.
        columns = {name for _, name, *_ in database.execute("PRAGMA table_info(topics)")}
        digest = "type_description_hash" if "type_description_hash" in columns else "''"
        definitions = {}
        if list(database.execute("PRAGMA table_info(message_definitions)")):
            definitions = dict(
                database.execute(
                    "SELECT topic_type, encoded_message_definition FROM message_definitions "
                    "WHERE encoding = 'ros2msg'"
                )
            )
        marks = ", ".join("?" * len(self._typenames))
        for typename, digest_, stamp_ns, data in database.execute(
            f"SELECT type, {digest}, timestamp, data FROM messages "
            f"JOIN topics ON topic_id = topics.id WHERE type IN ({marks}) ORDER BY timestamp",
            self._typenames,
        ):
            if isinstance(stamp_ns, int) and isinstance(data, bytes):
                definition = str(definitions.get(typename, "")).encode()
                yield RecoveredMessage(typename, definition, stamp_ns, data, str(digest_))
            else:
                self.lost += 1
