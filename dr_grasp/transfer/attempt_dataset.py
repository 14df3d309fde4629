"""One row for each attempt, of all the bags below a folder.

Bags are read one after the other, and of each only the rows are kept: a folder may be larger than
memory. A bag that cannot be read is named beside the others, never left out in silence.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from dr_grasp.core.trajectory import GraspTrajectory
from dr_grasp.errors import RecordingError, UnknownNameError
from dr_grasp.recording.bag_reader import read_bag
from dr_grasp.transfer.rows import AttemptRow, rows_of


@dataclass(frozen=True, slots=True)
class BagSummary:
    """One bag that could be read.

    Attributes:
        bag: Its path below the folder that was read; the folder's name, if that is the bag.
        path: Where it is.
        attempts: How many it has.
        counted: Those that say something about their grasp.
        held: Those of them whose grasp held.
        copies: Attempts that an earlier bag has as well.
        robots: Robot names, sorted.
        objects: Object names, sorted.
        first_ns: Stamp of its first attempt, nanoseconds since the epoch; None if it has none.
        last_ns: Stamp of its last attempt, likewise.
        damage: What is wrong with it, in words: it is read as far as it is whole; else empty.
    """

    bag: str
    path: Path
    attempts: int
    counted: int
    held: int
    copies: int
    robots: tuple[str, ...]
    objects: tuple[str, ...]
    first_ns: int | None
    last_ns: int | None
    damage: str = ""


@dataclass(frozen=True, slots=True)
class UnreadBag:
    """A bag that could not be read.

    Attributes:
        bag: Its path below the folder that was read.
        reason: One line.
    """

    bag: str
    reason: str


@dataclass(frozen=True, slots=True)
class Dataset:
    """All attempts of a folder.

    Attributes:
        folder: What was read.
        rows: One for each attempt id, by bag and then by time.
        bags: Those that could be read.
        unread: The others.
    """

    folder: Path
    rows: tuple[AttemptRow, ...]
    bags: tuple[BagSummary, ...]
    unread: tuple[UnreadBag, ...]

    @property
    def copies(self) -> int:
        """How many attempts are in more than one bag; each is one row all the same."""
        return sum(bag.copies for bag in self.bags)

    def grasps_of(self, rows: Iterable[AttemptRow]) -> dict[str, GraspTrajectory]:
        """Read again what attempts executed, which rows do not keep; each bag is read once.

        Returns:
            By attempt id; without those that are in their bag no more.

        Raises:
            RecordingError: A bag can no longer be read.
        """
        wanted: dict[str, set[str]] = {}
        for row in rows:
            wanted.setdefault(row.bag, set()).add(row.attempt_id)
        found: dict[str, GraspTrajectory] = {}
        for bag in self.bags:
            if ids := wanted.get(bag.bag):
                for attempt in read_bag(bag.path).attempts:
                    if attempt.attempt_id in ids:
                        found[attempt.attempt_id] = attempt.grasp
        return found


def find_bags(folder: Path, on_error: Callable[[OSError], None] = lambda error: None) -> list[Path]:
    """All bags below a folder, sorted; that folder itself, if it is one.

    A bag is a folder with a metadata.yaml or MCAP files. Hidden folders are left out, among them
    bags that are only being made; links are followed, and no bag is found twice.

    Args:
        folder: Where to look.
        on_error: Told of each folder below that cannot be looked into.

    Raises:
        RecordingError: There is no such folder, or no bag in it.
    """
    if not folder.is_dir():
        raise RecordingError(f"{folder}: expected a folder of bags, got none of that name")
    found: list[Path] = []
    seen: set[str] = set()
    for name, folders, files in os.walk(folder, onerror=on_error, followlinks=True):
        place = os.path.realpath(name)
        is_bag = "metadata.yaml" in files or any(file.endswith(".mcap") for file in files)
        if place in seen:
            folders.clear()
            continue
        seen.add(place)
        if is_bag:
            found.append(Path(name))
        folders[:] = sorted(one for one in folders if not one.startswith("."))
    if not found:
        raise RecordingError(
            f"{folder}: expected bags in it (folders with metadata.yaml), got no such folder"
        )
    return sorted(found)


def read_folder(
    folder: Path, on_bag: Callable[[str, int, int], None] = lambda name, number, total: None
) -> Dataset:
    """Read all bags below a folder.

    An attempt that is in two bags, of which one is a copy of the other, is one row: that with the
    later last word, since a copy may be older than an operator's report.

    Args:
        folder: What holds the bags, or one bag.
        on_bag: Told of each bag before it is read: its name, its number from 1, how many there are.

    Raises:
        RecordingError: There is no such folder, or no bag in it.
        SettingsError: Our message definitions are not installed.
    """
    rows: dict[str, AttemptRow] = {}
    bags: list[BagSummary] = []
    unread: list[UnreadBag] = []
    thin = _Sharing()

    def name_it(error: OSError) -> None:
        reason = readable(f"{error.filename}: cannot be read: {error.strerror}")
        unread.append(UnreadBag(_name(folder, Path(error.filename)), reason))

    paths = find_bags(folder, name_it)
    for number, path in enumerate(paths, 1):
        name = _name(folder, path)
        on_bag(name, number, len(paths))
        try:
            contents = read_bag(path)
        except RecordingError as error:
            unread.append(UnreadBag(name, readable(str(error))))
            continue
        found = list(rows_of(name, contents))
        copies = 0
        for row in found:
            earlier = rows.get(row.attempt_id)
            copies += earlier is not None
            if earlier is None or row.said_ns > earlier.said_ns:
                rows[row.attempt_id] = thin.row(row)
        bags.append(_summary(name, path, found, copies, contents.damage))
    return Dataset(folder, tuple(rows.values()), tuple(bags), tuple(unread))


def of_backend(dataset: Dataset, backend: str | None) -> Dataset:
    """Attempts of one backend: how often the twin holds is not how often an arm does.

    Args:
        dataset: Attempts of any.
        backend: Which; None for all of them.

    Returns:
        Its attempts, and the bags that have any.

    Raises:
        UnknownNameError: None of them was executed by it.
    """
    if backend is None:
        return dataset
    found: dict[str, list[AttemptRow]] = {}
    for row in dataset.rows:
        if row.backend == backend:
            found.setdefault(row.bag, []).append(row)
    if not found:
        raise UnknownNameError("backend", backend, {row.backend for row in dataset.rows})
    bags = tuple(
        _summary(bag.bag, bag.path, found[bag.bag], 0, bag.damage)
        for bag in dataset.bags
        if bag.bag in found
    )
    rows = tuple(row for some in found.values() for row in some)
    return Dataset(dataset.folder, rows, bags, dataset.unread)


def _name(folder: Path, path: Path) -> str:
    return readable(folder.resolve().name if path == folder else path.relative_to(folder))


def readable(path: Path | str) -> str:
    """A path that can be written as UTF-8, as one made on another machine perhaps cannot."""
    return os.fsencode(path).decode(errors="backslashreplace")


def _summary(
    name: str, path: Path, rows: Sequence[AttemptRow], copies: int, damage: str
) -> BagSummary:
    words = [row.held for row in rows if row.held is not None]
    stamps = [row.stamp_ns for row in rows]
    return BagSummary(
        bag=name,
        path=path,
        attempts=len(rows),
        counted=len(words),
        held=sum(words),
        copies=copies,
        robots=tuple(sorted({row.robot for row in rows})),
        objects=tuple(sorted({row.object for row in rows})),
        first_ns=min(stamps, default=None),
        last_ns=max(stamps, default=None),
        damage=damage,
    )


REPEATED: Final = (
    *("bag", "robot", "object", "method", "grasp_id", "trajectory"),
    *("backend", "profile", "scored_by", "said_by"),
)
"""Texts of a row that many others have as well."""


class _Sharing:
    """Lets rows share what is equal: ten attempts of a grasp need its score only once."""

    def __init__(self) -> None:
        self._seen: dict[Any, Any] = {}

    def row(self, row: AttemptRow) -> AttemptRow:
        """The same row, of parts that other rows have as well."""
        parts: dict[str, Any] = {name: self._one(getattr(row, name)) for name in REPEATED}
        fitness = tuple(row.fitness.values())
        parts["fitness"] = self._seen.setdefault(fitness, row.fitness)
        failures = tuple(row.failures.items())
        parts["failures"] = self._seen.setdefault(failures, row.failures)
        return replace(row, **parts)

    def _one(self, value: str) -> str:
        shared: str = self._seen.setdefault(value, value)
        return shared
