"""A file of records in the order of their writing; damage anywhere in it is found and cut off.

An SQLite database in WAL mode with `synchronous=FULL`: a record is on disk once `append` returns.
SQLite has no checksums of its own for what has reached the database's main file. So each record has
one, over itself and the checksum of the record before it: a record is good if all before it are.
"""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

from dr_grasp.common.atomic import sync
from dr_grasp.common.closing import Closing

_SCHEMA = {
    "CREATE TABLE records (number INTEGER PRIMARY KEY, kind TEXT NOT NULL, key TEXT NOT NULL, "
    "value TEXT NOT NULL, checksum BLOB NOT NULL)",
    "CREATE INDEX records_by_key ON records (kind, key)",
}

_ALL = "SELECT number, kind, key, value, checksum FROM records ORDER BY number"

_PAGE_BYTES = 4096
"""Size of a page of the database."""

_WAL_MAGIC = b"\x37\x7f\x06"

_WAL_HEAD_BYTES, _FRAME_HEAD_BYTES = 32, 24
"""Sizes in a WAL file, of its head and of that of each frame (sqlite.org/fileformat2.html, 4.1)."""


class OtherFileError(Exception):
    """A file that is no file of records."""


class RecordFile(Closing):
    """Records of text, each with a kind and a key. The caller sees to it that only one is open."""

    def __init__(self, path: Path) -> None:
        """Open a file, or make it.

        If it is damaged, the records before the first bad one are kept; see `damaged`.

        Raises:
            OtherFileError: The file holds something else; it is left as it was.
            sqlite3.Error: The file cannot be written, or is so damaged that it has no good record.
            OSError: The file cannot be read or written.
        """
        self.damaged = False
        """Whether records are lost, or could have been."""
        self.lost = 0
        """Number of records that are known to be lost; there may have been more."""
        self._path = path
        self._last = b""
        commits = _commits(_wal(path))
        self._database = _connect(path)
        try:
            self._open(commits)
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Close the file; may be called twice."""
        self._database.close()

    def remove(self) -> None:
        """Close the file and remove it."""
        self.close()
        remove_records(self._path)

    def append(self, kind: str, key: str, value: str) -> None:
        """Write a record; on return it is on disk.

        Raises:
            sqlite3.Error: The record could not be written; the file is as it was before.
        """
        checksum = _chained(self._last, [kind.encode(), key.encode(), value.encode()])
        self._database.execute(
            "INSERT INTO records (kind, key, value, checksum) VALUES (?, ?, ?, ?)",
            (kind, key, value, checksum),
        )
        self._last = checksum

    def latest(self, kind: str, key: str) -> str | None:
        """Value of the last record with a kind and a key; None if there is none."""
        query = "SELECT value FROM records WHERE kind = ? AND key = ? ORDER BY number DESC LIMIT 1"
        row = self._database.execute(query, (kind, key)).fetchone()
        return None if row is None else str(row[0])

    def count(self, kind: str) -> int:
        """Number of keys of the records of a kind."""
        query = "SELECT count(DISTINCT key) FROM records WHERE kind = ?"
        return int(self._database.execute(query, (kind,)).fetchone()[0])

    def _open(self, commits: Sequence[bool]) -> None:
        try:
            found = {sql for (sql,) in self._database.execute("SELECT sql FROM sqlite_master")}
        except sqlite3.DatabaseError as error:
            if "not a database" in str(error):
                raise OtherFileError from error
            raise
        if found and found != _SCHEMA:
            raise OtherFileError
        _write_ahead(self._database)
        if not found:
            _create(self._database)
        _, recovered, _ = self._database.execute("PRAGMA wal_checkpoint").fetchone()
        good, seen, whole = self._check()
        if not whole:
            if not good:
                raise sqlite3.DatabaseError("it is damaged, and has no record that is good")
            self._keep_only(good)
        self.lost = seen - good + sum(commits[recovered:])
        self.damaged = self.lost > 0 or not whole

    def _check(self) -> tuple[int, int, bool]:
        """Read all records.

        Returns:
            How many are good; how many were seen, good or not; whether the file is undamaged.
        """
        good = seen = 0
        whole = False
        # Texts come as bytearray, and so differ from blobs, which damage may have made of them.
        self._database.text_factory = bytearray
        try:
            for number, *texts, checksum in self._database.execute(_ALL):
                seen += 1
                typed = {type(text) for text in texts} == {bytearray} and type(checksum) is bytes
                in_order = number == seen == good + 1
                if typed and in_order and checksum == _chained(self._last, texts):
                    good, self._last = number, checksum
            # Fails if the head of the file says that it must not be written.
            self._database.execute("DELETE FROM records WHERE number < 0")
            # For the index, too.
            ((answer,),) = self._database.execute("PRAGMA integrity_check(1)")
            whole = good == seen and answer == b"ok"
        except sqlite3.DatabaseError as error:
            if is_locked(error):
                raise
        self._database.text_factory = str
        return good, seen, whole

    def _keep_only(self, good: int) -> None:
        """Replace the file by one with its first records."""
        mended = self._path.with_name(f".{self._path.name}.mended")
        remove_records(mended)
        with closing(_connect(mended)) as database:
            _create(database)
            database.execute("BEGIN")
            kept = self._database.execute(f"SELECT * FROM ({_ALL}) WHERE number <= ?", (good,))
            database.executemany("INSERT INTO records VALUES (?, ?, ?, ?, ?)", kept)
            database.execute("COMMIT")
        self.close()
        # First, since SQLite would take its content for newer than that of the mended file.
        _wal(self._path).unlink(missing_ok=True)
        mended.replace(self._path)
        sync(self._path.parent)
        self._database = _connect(self._path)
        _write_ahead(self._database)


def remove_records(path: Path) -> None:
    """Remove a file of records, if it is there, and what SQLite has beside it.

    Raises:
        OSError: It cannot be removed.
    """
    for file in (path, _wal(path), path.with_name(f"{path.name}-journal")):
        file.unlink(missing_ok=True)


def is_locked(error: sqlite3.Error) -> bool:
    """Whether SQLite failed because another process has the file open."""
    return "locked" in str(error)  # error codes came with Python 3.11


def _connect(path: Path) -> sqlite3.Connection:
    database = sqlite3.connect(path, timeout=0, isolation_level=None)
    # Else SQLite reads nothing of a database whose end is cut off. We check all that we read.
    database.execute("PRAGMA writable_schema=ON")
    # No other process may open the database until it is closed. So SQLite needs no shared memory,
    # which network file systems do not have.
    database.execute("PRAGMA locking_mode=EXCLUSIVE")
    database.execute(f"PRAGMA page_size={_PAGE_BYTES}")
    return database


def _write_ahead(database: sqlite3.Connection) -> None:
    database.execute("PRAGMA journal_mode=WAL")
    database.execute("PRAGMA synchronous=FULL")


def _create(database: sqlite3.Connection) -> None:
    database.execute("BEGIN EXCLUSIVE")
    for statement in sorted(_SCHEMA, reverse=True):  # the table before its index
        database.execute(statement)
    database.execute("COMMIT")


def _chained(last: bytes, texts: Sequence[bytes]) -> bytes:
    """The checksum of a record, from that of the record before it and the record's texts."""
    digest = hashlib.blake2b(last, digest_size=16)
    for text in texts:
        digest.update(len(text).to_bytes(8, "little"))
        digest.update(text)
    return digest.digest()


def _wal(path: Path) -> Path:
    return path.with_name(f"{path.name}-wal")


def _commits(wal: Path) -> list[bool]:
    """For each frame that was written into a WAL, good or not, whether it completed a record.

    SQLite silently leaves out the first frame with a wrong checksum and all after it. That is right
    where a process was killed while it wrote: such frames complete nothing.
    """
    content = wal.read_bytes() if wal.exists() else b""
    size = _FRAME_HEAD_BYTES + _PAGE_BYTES
    frames = [
        content[start : start + _FRAME_HEAD_BYTES]
        for start in range(_WAL_HEAD_BYTES, len(content) - size + 1, size)
    ]
    # Frames of an earlier use of the file have other marks than its head and its first frame.
    marks = {content[16:24], *(frame[8:16] for frame in frames[:1])}
    headless = content[:3] != _WAL_MAGIC
    zeroed = bytes(_FRAME_HEAD_BYTES)
    return [
        frame == zeroed or (frame[4:8] != bytes(4) and (headless or frame[8:16] in marks))
        for frame in frames
    ]
