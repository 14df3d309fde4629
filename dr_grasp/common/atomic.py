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

    The umask decides the permission bits. A symbolic link is followed.

    Raises:
        OSError: The file could not be written; see `whole_file`.
    """
    with whole_file(path) as file:
        file.write(content)


@contextmanager
def whole_file(path: Path) -> Iterator[BinaryIO]:
    """Open a file to write it part by part; it appears when the block ends without an error.

    Unfinished files that killed processes have left beside it are removed.

    Raises:
        OSError: The file could not be written. It has its earlier content; or, if only the last
            steps failed, such as the sync of its folder, the new content, which a power cut may
            undo. Whoever has to know reads it.
    """
    path = path.resolve()
    _remove_leftovers(path)
    scratch, descriptor = _open_scratch(path)
    try:
        with os.fdopen(descriptor, "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
            # Still locked, so that no other process removes the scratch file as a leftover.
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
    """Make a file beside `path`, locked while it is open; a process that dies releases the lock.

    A lock, since the process number in the name cannot show whether the process lives: containers
    that share a folder number their processes alike, and numbers are used again.
    """
    while True:
        scratch = path.with_name(f".{path.name}.{os.getpid()}-{secrets.token_hex(4)}.tmp")
        descriptor = os.open(scratch, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666)
        with suppress(OSError):  # without locks, no process removes leftovers either
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        # Before this lock, another process may have removed the file as a leftover.
        if os.fstat(descriptor).st_nlink:
            return scratch, descriptor
        os.close(descriptor)


def _remove_leftovers(path: Path) -> None:
    """Remove unfinished files of killed processes; files of live processes stay."""
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
