"""Keeps two processes from working on the same run at the same time."""

from __future__ import annotations

import fcntl
import os
from contextlib import suppress
from pathlib import Path

from dr_grasp.common.closing import Closing
from dr_grasp.errors import FileFormatError


class RunLock(Closing):
    """A lock that a process holds while it works on a file; a killed process holds none.

    The lock is on a hidden file beside, `.NAME.lock`, which is removed with it. It is not on the
    file itself, since that is replaced while the run holds the lock.
    """

    def __init__(self, path: Path) -> None:
        """Take the lock.

        Args:
            path: The file that the process is going to work on; it need not exist.

        Raises:
            FileFormatError: Another process holds the lock, or it cannot be written.
        """
        self._path = path
        self._lock = path.with_name(f".{path.name}.lock")
        self._descriptor: int | None = None
        self.take()

    def take(self) -> None:
        """Take the lock again if it was released; see the constructor."""
        while self._descriptor is None:
            try:
                descriptor = os.open(self._lock, os.O_RDWR | os.O_CREAT, 0o666)
            except OSError as error:
                raise FileFormatError(
                    f"{self._path}: cannot be written: {self._lock}: {error.strerror}"
                ) from error
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                os.close(descriptor)
                raise FileFormatError(
                    f"{self._path}: another process is working on the same run"
                ) from None
            except OSError:  # a file system without locks: the run goes on, unguarded
                pass
            # Whoever held the lock before may have removed the file after we opened it.
            if os.fstat(descriptor).st_nlink:
                self._descriptor = descriptor
            else:
                os.close(descriptor)

    def close(self) -> None:
        """Release the lock; may be called twice."""
        descriptor, self._descriptor = self._descriptor, None
        if descriptor is not None:
            with suppress(OSError):
                self._lock.unlink()
            os.close(descriptor)
