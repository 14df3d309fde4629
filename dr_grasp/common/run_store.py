"""Keeps the results of a long run on disk as they come, so that the run can go on later.

An SQLite database in WAL mode with `synchronous=FULL`: a result is on disk once `put` returns.
`kill -9` and a power cut cost at most the results that had not been put yet.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from dr_grasp.common.closing import Closing
from dr_grasp.errors import FileFormatError

SCHEMA_VERSION = 2
"""Version of the database's tables. Version 1 was a file of JSON lines."""

_MAGIC = b"SQLite format 3\0"

_TABLES = """
CREATE TABLE asked (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE results (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
"""


class RunStore(Closing):
    """Results of one run by key, with the run's arguments. Only one process may have it open."""

    def __init__(
        self, path: Path, run: str, asked: Mapping[str, Any], resume: bool = False
    ) -> None:
        """Begin a store, or go on with an existing one.

        Args:
            path: The store's file.
            run: What the run is, such as "a search".
            asked: The arguments of the run, as plain data.
            resume: Whether to go on with the results in the file; if False the file is replaced.

        Raises:
            FileFormatError: The file is no store, is damaged, is open in another process, cannot be
                read or written, or holds a run with other arguments.
        """
        self._path = path
        self._run = run
        with self._readable_errors():
            if not resume:
                self._discard()
            elif not _may_be_database(path):
                raise self._wrong_file()
            self._database = self._open()
            try:
                self._begin_or_check({"run": run, "schema_version": SCHEMA_VERSION, **asked})
            except BaseException:
                self._database.close()
                raise

    def close(self) -> None:
        """Close the file, which stays; may be called twice."""
        self._database.close()

    def remove(self) -> None:
        """Close the file and remove it: the run is complete."""
        self.close()
        with self._readable_errors():
            self._unlink()

    def depend_on(self, key: str, value: Any) -> None:
        """Store an input of the results that became known only during the run.

        Args:
            key: Name of the input.
            value: Value of the input now, as plain data.

        Raises:
            FileFormatError: The input had another value when the run began.
        """
        with self._readable_errors():
            text = json.dumps(value)
            self._database.execute("INSERT OR IGNORE INTO asked VALUES (?, ?)", (key, text))
            query = "SELECT value FROM asked WHERE key = ?"
            ((found,),) = self._database.execute(query, (key,))
            self._check_same(key, json.loads(text), json.loads(found))

    def get(self, key: str) -> Any:
        """The result that is stored under a key; None if there is none."""
        with self._readable_errors():
            query = "SELECT value FROM results WHERE key = ?"
            row = self._database.execute(query, (key,)).fetchone()
            return None if row is None else json.loads(row[0])

    def put(self, key: str, value: Any) -> None:
        """Store a result; it replaces an earlier result of the same key. On return it is on disk.

        Args:
            key: Name of the piece of work that has this result.
            value: The result, as plain data, not None.

        Raises:
            FileFormatError: The file cannot be written.
        """
        with self._readable_errors():
            text = json.dumps(value, allow_nan=False)
            self._database.execute("INSERT OR REPLACE INTO results VALUES (?, ?)", (key, text))

    def _open(self) -> sqlite3.Connection:
        database = sqlite3.connect(self._path, timeout=0, isolation_level=None)
        try:
            # No other process may open the database until it is closed. So SQLite needs no shared
            # memory, which network file systems do not have.
            database.execute("PRAGMA locking_mode=EXCLUSIVE")
            database.execute("PRAGMA journal_mode=WAL")
            database.execute("PRAGMA synchronous=FULL")
        except BaseException:
            database.close()
            raise
        return database

    def _begin_or_check(self, asked: Mapping[str, Any]) -> None:
        wanted = json.loads(json.dumps(asked))
        tables = {name for (name,) in self._database.execute("SELECT name FROM sqlite_master")}
        if not tables:
            self._database.execute("BEGIN EXCLUSIVE")
            for statement in _TABLES.strip().splitlines():
                self._database.execute(statement)
            self._database.executemany(
                "INSERT INTO asked VALUES (?, ?)",
                [(key, json.dumps(value)) for key, value in wanted.items()],
            )
            self._database.execute("COMMIT")
            return
        if not {"asked", "results"} <= tables:
            raise self._wrong_file()
        rows = self._database.execute("SELECT key, value FROM asked")
        found = {key: json.loads(value) for key, value in rows}
        if found.get("run") != self._run:
            raise self._wrong_file()
        for key in sorted(wanted):
            self._check_same(key, wanted[key], found.get(key))

    def _discard(self) -> None:
        """Remove the file of an earlier run, unless that run is still going on."""
        if self._path.is_file() and _may_be_database(self._path):
            try:
                self._open().close()
            except sqlite3.DatabaseError as error:
                if _is_locked(error):
                    raise
        self._unlink()

    def _unlink(self) -> None:
        for path in (self._path, self._path.with_name(f"{self._path.name}-wal")):
            path.unlink(missing_ok=True)

    def _wrong_file(self) -> FileFormatError:
        return FileFormatError(
            f"{self._path}: expected the journal of {self._run}, got something else (journals of "
            "version 0.4.0 and before cannot be read); without --resume the run begins anew"
        )

    def _check_same(self, key: str, wanted: object, found: object) -> None:
        if wanted != found:
            raise FileFormatError(
                f"{self._path}: {key}: expected {wanted!r} as asked for now, got {found!r}; "
                "without --resume the run begins anew"
            )

    @contextmanager
    def _readable_errors(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            if _is_locked(error):
                problem = "another process is working on the same run"
            else:
                problem = f"the journal cannot be read or written: {error}"
            raise FileFormatError(f"{self._path}: {problem}") from error
        except OSError as error:
            problem = f"the journal cannot be read or written: {error.strerror}"
            raise FileFormatError(f"{self._path}: {problem}") from error


def _may_be_database(path: Path) -> bool:
    """Whether a file is missing, empty, or begins as an SQLite database."""
    with suppress(FileNotFoundError), path.open("rb") as file:
        return file.read(len(_MAGIC)) in (b"", _MAGIC)
    return True


def _is_locked(error: sqlite3.Error) -> bool:
    return "locked" in str(error)  # error codes came with Python 3.11
