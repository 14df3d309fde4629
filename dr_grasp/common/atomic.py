"""Writes files whole or not at all, even if the process is killed or the power fails."""

from __future__ import annotations

import fcntl
import os
import re
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO


def write_whole(path: Path, content: bytes) -> None:
    """Write or replace a file; on return it is on disk. No reader ever sees half of it.

    The permission bits are those that the umask gives. A symbolic link is followed.

    Raises:
        OSError: It could not be written; a file that was there before is untouched.
    """
    with whole_file(path) as file:
        file.write(content)


@contextmanager
def whole_file(path: Path) -> Iterator[BinaryIO]:
    """As `write_whole`, part by part; the file appears when the block ends without an error.

    Unfinished files that killed processes have left beside it are removed.

    Raises:
        OSError: It could not be written; a file that was there before is untouched.
    """
    path = path.resolve()
    _remove_leftovers(path)
    scratch, descriptor = _open_scratch(path)
    try:
        with os.fdopen(descriptor, "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
            # While it is locked, so that no other process removes it as a leftover.
            scratch.replace(path)
    except BaseException:
        with suppress(OSError):
            scratch.unlink()
        raise
    sync(path.parent)


def sync(path: Path) -> None:
    """Put a file's content, or a folder's list of names, on disk (fsync)."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _open_scratch(path: Path) -> tuple[Path, int]:
    """Make a file beside another, locked while it is open; a process that dies releases the lock.

    The process number in its name would tell less: containers that share a folder number their
    processes alike, and numbers are used again.
    """
    while True:
        scratch = path.with_name(f".{path.name}.{os.getpid()}-{secrets.token_hex(4)}.tmp")
        descriptor = os.open(scratch, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666)
        with suppress(OSError):  # without locks, no process removes leftovers either
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        # Before it was locked, another process may have removed it as a leftover.
        if os.fstat(descriptor).st_nlink:
            return scratch, descriptor
        os.close(descriptor)


def _remove_leftovers(path: Path) -> None:
    """Remove unfinished files of killed processes; those that live processes write to stay."""
    ours = re.compile(re.escape(f".{path.name}.") + r"\d+-[0-9a-f]{8}\.tmp")
    with suppress(OSError), os.scandir(path.parent) as entries:
        for entry in entries:
            if ours.fullmatch(entry.name) and entry.is_file(follow_symlinks=False):
                _remove_if_dead(Path(entry.path))


def _remove_if_dead(scratch: Path) -> None:
    with suppress(OSError):  # locked by a live process, or gone already
        descriptor = os.open(scratch, os.O_WRONLY)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            scratch.unlink()
        finally:
            os.close(descriptor)
