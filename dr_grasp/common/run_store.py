"""Keeps the results of a long run on disk as they come, so that the run can go on later.

A result is on disk once `put` returns. `kill -9` and a power cut cost at most the results that had
not been put yet. Of a file that is damaged later, the results before the damage are kept.
"""

from __future__ import annotations

import json
import logging
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from dr_grasp.common.closing import Closing
from dr_grasp.common.record_file import OtherFileError, RecordFile, is_locked, remove_records
from dr_grasp.common.run_lock import RunLock
from dr_grasp.errors import FileFormatError

_LOGGER = logging.getLogger(__name__)

SCHEMA_VERSION = 4
"""Version of the records. Version 1 was a file of JSON lines, version 2 had no checksums, version 3
did not say which links touched."""

_ASKED, _INPUT, _RESULT = "asked", "input", "result"
"""Kinds of records: the run's arguments, which come first; inputs found later; results."""

_ANEW = "without --resume the run begins anew"


class RunStore(Closing):
    """Results of one run by key, with the run's arguments. Only one process may have it open."""

    def __init__(
        self, path: Path, run: str, asked: Mapping[str, Any], resume: bool = False
    ) -> None:
        """Begin a store, or go on with an existing one.

        If an existing one is damaged, a warning says how many of its results are kept.

        Args:
            path: The store's file.
            run: What the run is, such as "a search".
            asked: The arguments of the run, as plain data.
            resume: Whether to go on with the results in the file; if False the file is replaced.

        Raises:
            FileFormatError: The file is no store, is damaged from its beginning, is open in another
                process, cannot be read or written, or holds a run with other arguments.
        """
        self._path = path
        self._run = run
        self._lock = RunLock(path)
        try:
            with self._readable_errors(f"; {_ANEW}" if resume else ""):
                if not resume:
                    remove_records(path)
                self._records = RecordFile(path)
            try:
                self._begin_or_check({"run": run, "schema_version": SCHEMA_VERSION, **asked})
                if self._records.damaged:
                    self._say_what_is_lost()
            except BaseException:
                self._records.close()
                raise
        except BaseException:
            self._lock.close()
            raise

    def close(self) -> None:
        """Close the file, which stays; may be called twice."""
        self._records.close()
        self._lock.close()

    def remove(self) -> None:
        """Close the file and remove it: the run is complete."""
        self._lock.take()
        with self._lock, self._readable_errors():
            self._records.remove()

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
            found = self._records.latest(_INPUT, key)
            if found is None:
                self._records.append(_INPUT, key, text)
            else:
                self._check_same(key, json.loads(text), json.loads(found))

    def get(self, key: str) -> Any:
        """The result that is stored under a key; None if there is none."""
        with self._readable_errors():
            text = self._records.latest(_RESULT, key)
            return None if text is None else json.loads(text)

    def put(self, key: str, value: Any) -> None:
        """Store a result; it replaces an earlier result of the same key. On return it is on disk.

        Args:
            key: Name of the piece of work that has this result.
            value: The result, as plain data, not None.

        Raises:
            FileFormatError: The file cannot be written.
        """
        with self._readable_errors():
            self._records.append(_RESULT, key, json.dumps(value, allow_nan=False))

    def _begin_or_check(self, asked: Mapping[str, Any]) -> None:
        with self._readable_errors():
            text = json.dumps(asked)
            wanted, known = json.loads(text), self._records.latest(_ASKED, "")
            if known is None:
                self._records.append(_ASKED, "", text)
                return
        found = json.loads(known)
        if found.get("run") != self._run:
            raise self._wrong_file()
        for key in sorted(wanted):
            self._check_same(key, wanted[key], found.get(key))

    def _say_what_is_lost(self) -> None:
        lost = self._records.lost
        _LOGGER.warning(
            "%s: the journal is damaged: its first %d results are kept; %s lost and will "
            "be computed again",
            self._path,
            self._records.count(_RESULT),
            f"at least {lost} records after them are" if lost else "any after them are",
        )

    def _wrong_file(self) -> FileFormatError:
        return FileFormatError(
            f"{self._path}: expected the journal of {self._run}, got something else (journals of "
            f"version 0.4.0 and before cannot be read); {_ANEW}"
        )

    def _check_same(self, key: str, wanted: object, found: object) -> None:
        if wanted != found:
            raise FileFormatError(
                f"{self._path}: {key}: expected {wanted!r} as asked for now, got {found!r}; {_ANEW}"
            )

    @contextmanager
    def _readable_errors(self, advice: str = "") -> Iterator[None]:
        try:
            yield
        except OtherFileError:
            raise self._wrong_file() from None
        except sqlite3.Error as error:
            if is_locked(error):
                problem = "another process is working on the same run"
            else:
                problem = f"the journal cannot be read or written: {error}{advice}"
            raise FileFormatError(f"{self._path}: {problem}") from error
        except OSError as error:
            problem = f"the journal cannot be read or written: {error.strerror}{advice}"
            raise FileFormatError(f"{self._path}: {problem}") from error
