"""Which files of a folder belong to a bag, and which files are not read, and why."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path, PurePath

from dr_grasp.errors import RecordingError
from dr_grasp.recording.bounded_reader import METADATA
from dr_grasp.recording.decompression import FILE_COMPRESSIONS
from dr_grasp.recording.mcap_recovery import MAGIC as MCAP_MAGIC
from dr_grasp.recording.sqlite_recovery import MAGIC as SQLITE_MAGIC
from dr_grasp.recording.sqlite_recovery import PENDING, has_messages, read_only

STORAGE = (".mcap", ".db3")
"""Endings of the files that rosbag2 writes; one of `FILE_COMPRESSIONS` may follow."""

ROS1_MAGIC = b"#ROSBAG V"

_KNOWN = f"{' or '.join(STORAGE)}, alone or with {', '.join(FILE_COMPRESSIONS)} after it"


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A file or folder that is not read.

    Attributes:
        path: Its path.
        reason: Why it is not read, in one line.
        like_a_bag: Whether it looks like a part of a bag, so that attempts may be missing.
    """

    path: Path
    reason: str
    like_a_bag: bool = False


def plain_name(name: str) -> str:
    """Name of a file without its path and the ending of its compression."""
    path = PurePath(name)
    return path.stem if path.suffix in FILE_COMPRESSIONS else path.name


def storage_files(path: Path) -> list[Path]:
    """The files with messages of a bag's folder, sorted; or the file itself.

    A link to a file that is not there counts, so that whoever reads the bag hears of it.
    """
    candidates = sorted(path.iterdir()) if path.is_dir() else [path]
    return [file for file in candidates if _is_storage(file)]


def find_bags(
    folder: Path, on_error: Callable[[OSError], None]
) -> tuple[list[Path], list[LeftOut]]:
    """Find all bags in a folder and below; the folder itself may be a bag, or a bag's file.

    A bag is a folder with metadata.yaml or files with messages. Hidden folders are left out, among
    them unfinished bags; links are followed, and no bag is found twice.

    Args:
        folder: The folder, or a bag's file.
        on_error: Called for each folder that cannot be read.

    Returns:
        The bags, sorted, and all that is neither a bag nor part of it.

    Raises:
        RecordingError: There is no such folder, or there is no bag in the folder.
    """
    if not folder.is_dir():
        if storage_files(folder) and folder.exists():
            return [folder], []
        got = f"a file: {_reason(folder)[0]}" if folder.exists() else "none of that name"
        raise RecordingError(f"{folder}: expected a folder of bags, got {got}")
    found: list[Path] = []
    others: list[LeftOut] = []
    seen: set[str] = set()
    for place, folders, files in os.walk(folder, onerror=on_error, followlinks=True):
        real_place = os.path.realpath(place)
        if real_place in seen:
            folders.clear()
            continue
        seen.add(real_place)
        paths = [Path(place, name) for name in sorted(files)]
        if any(path.name == METADATA or _is_storage(path) for path in paths):
            found.append(Path(place))
        hidden = sorted(name for name in folders if name.startswith("."))
        others += [LeftOut(Path(place, name), "a hidden folder") for name in hidden]
        others += _left_out(paths)
        folders[:] = sorted(set(folders) - set(hidden))
    if not found:
        like = "".join(f"; {item.path}: {item.reason}" for item in others if item.like_a_bag)
        raise RecordingError(
            f"{folder}: expected bags in it (folders with {METADATA}, or with files of "
            f"{' or '.join(STORAGE)}), got no such folder{like[:1000]}"
        )
    return sorted(found), others


def left_out_of(bag: Path) -> list[LeftOut]:
    """All that is in a bag's folder, and is not read as part of the bag."""
    if not bag.is_dir():
        return []
    entries = sorted(bag.iterdir())
    files = [entry for entry in entries if not entry.is_dir()]
    return [
        *_left_out(files),
        *(LeftOut(entry, "a folder in a bag") for entry in entries if entry.is_dir()),
    ]


def _left_out(files: Iterable[Path]) -> Iterator[LeftOut]:
    names = {file.name for file in files}
    for file in files:
        # SQLite keeps such a file beside a database; it is read together with that.
        base = next((file.name.removesuffix(end) for end in PENDING if file.name.endswith(end)), "")
        if file.name != METADATA and base not in names and not _is_storage(file):
            reason, like_a_bag = _reason(file)
            yield LeftOut(file, reason, like_a_bag)


def _is_storage(file: Path) -> bool:
    if PurePath(plain_name(file.name)).suffix not in STORAGE:
        return False
    return file.is_file() or (file.is_symlink() and not file.exists())


def _reason(file: Path) -> tuple[str, bool]:
    """Why a file is not read, and whether it looks like a part of a bag."""
    like_a_name = any(f"{ending}." in f"{file.name}." for ending in STORAGE)
    if not file.is_file():
        return "no regular file", like_a_name
    try:
        with file.open("rb") as stream:
            head = stream.read(len(SQLITE_MAGIC))
    except OSError as error:
        return f"cannot be read: {error.strerror}", like_a_name
    if head.startswith(ROS1_MAGIC):
        return "a bag of ROS 1: convert it with rosbags-convert", True
    is_database = head == SQLITE_MAGIC and _is_bag_database(file)
    if head.startswith(MCAP_MAGIC) or is_database:
        ending = STORAGE[is_database]
        return f"has the content of a bag's file: it is read if its name ends in {ending}", True
    if like_a_name:
        return f"expected a name that ends in {_KNOWN}", True
    return "no bag", False


def _is_bag_database(file: Path) -> bool:
    try:
        with closing(read_only(file)) as database:
            return has_messages(database)
    except sqlite3.Error:
        return False
