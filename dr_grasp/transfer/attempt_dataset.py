"""Reads all the bags below a folder into one row for each attempt.

Bags are read one after the other, and only their rows are kept in memory: a folder may be larger
than memory. A bag that cannot be read is listed with the reason, never left out in silence.
"""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from dr_grasp.core.engine import Engine
from dr_grasp.core.outcome import Outcome
from dr_grasp.core.trajectory import GraspTrajectory
from dr_grasp.errors import RecordingError, UnknownNameError
from dr_grasp.recording.bag_files import LeftOut, find_bags
from dr_grasp.recording.bag_reader import read_bag
from dr_grasp.transfer.clustered import Eta, eta_of
from dr_grasp.transfer.grasp_tally import tally_grasps
from dr_grasp.transfer.rows import AttemptRow, joined, rows_of


@dataclass(frozen=True, slots=True)
class BagSummary:
    """Summary of a bag that could be read.

    Attributes:
        bag: Path of the bag below the folder that was read; the folder's name, if that is the bag.
        path: Path of the bag on this machine.
        attempts: Number of attempts in the bag.
        eta: Eta of the attempts whose outcome tells whether the grasp held; None without any.
        copies: Number of attempts that an earlier bag has as well.
        robots: Robot names, sorted.
        objects: Object names, sorted.
        first_ns: Start of the first attempt, nanoseconds since the epoch; None without attempts.
        last_ns: Start of the last attempt, nanoseconds since the epoch; None without attempts.
        damage: What is wrong with a bag that could be read in part only; empty for a whole bag.
    """

    bag: str
    path: Path
    attempts: int
    eta: Eta | None
    copies: int
    robots: tuple[str, ...]
    objects: tuple[str, ...]
    first_ns: int | None
    last_ns: int | None
    damage: str = ""

    @property
    def counted(self) -> int:
        """Number of attempts whose outcome tells whether the grasp held."""
        return self.eta.attempts if self.eta else 0

    @property
    def held(self) -> int:
        """Number of attempts whose grasp held."""
        return self.eta.held if self.eta else 0


@dataclass(frozen=True, slots=True)
class UnreadBag:
    """A bag that could not be read.

    Attributes:
        bag: Path of the bag below the folder that was read.
        reason: Why the bag could not be read, in one line.
    """

    bag: str
    reason: str


@dataclass(frozen=True, slots=True)
class Dataset:
    """All attempts in the bags of a folder.

    Attributes:
        folder: The folder that was read.
        rows: One row for each attempt id, by bag and then by time.
        bags: Bags that could be read.
        unread: Bags that could not be read.
        left_out: Files and hidden folders that are no bags, or do not look like any.
    """

    folder: Path
    rows: tuple[AttemptRow, ...]
    bags: tuple[BagSummary, ...]
    unread: tuple[UnreadBag, ...]
    left_out: tuple[LeftOut, ...] = ()

    @property
    def open_ended(self) -> tuple[AttemptRow, ...]:
        """Attempts that began, and of which neither the end nor an operator's word is known."""
        return tuple(row for row in self.rows if row.open_ended and row.outcome is Outcome.UNKNOWN)

    @property
    def copies(self) -> int:
        """Number of attempts that are in a second bag as well; each attempt is only one row."""
        return sum(bag.copies for bag in self.bags)

    def of_backend(self, backend: str | None) -> Dataset:
        """Keep only the attempts of a backend, since the twin may hold more often than an arm.

        Args:
            backend: Name of the backend; None for all backends.

        Returns:
            The attempts of the backend, and the bags with any of them.

        Raises:
            UnknownNameError: No attempt was executed by that backend.
        """
        if backend is None:
            return self
        rows = tuple(row for row in self.rows if row.backend == backend)
        if not rows:
            raise UnknownNameError("backend", backend, {row.backend for row in self.rows})
        return self._with_rows(rows)

    def of_engine(self, engine: str | None) -> Dataset:
        """Keep only the attempts whose scores an engine made: others are other measurements.

        Args:
            engine: Name of the engine; None for all engines, and attempts without a score.

        Returns:
            The attempts with such scores, and the bags with any of them.

        Raises:
            UnknownNameError: No attempt has a score of that engine.
        """
        if engine is None:
            return self
        found = {row.engine.value for row in self.rows if row.engine is not None}
        if engine not in found:
            raise UnknownNameError("engine", engine, found)
        wanted = Engine.from_name(engine)
        return self._with_rows(tuple(row for row in self.rows if row.engine is wanted))

    def _with_rows(self, rows: Sequence[AttemptRow]) -> Dataset:
        in_bag: dict[str, list[AttemptRow]] = defaultdict(list)
        for row in rows:
            in_bag[row.bag].append(row)
        bags = tuple(
            _summary(bag.bag, bag.path, in_bag[bag.bag], 0, bag.damage)
            for bag in self.bags
            if bag.bag in in_bag
        )
        return replace(self, rows=tuple(rows), bags=bags)

    def grasps_of(self, rows: Iterable[AttemptRow]) -> dict[str, GraspTrajectory]:
        """Read the grasps of attempts from their bags, since rows do not keep trajectories.

        Returns:
            Grasps by attempt id, without attempts that are no longer in their bag.

        Raises:
            RecordingError: A bag can no longer be read.
        """
        wanted: dict[str, set[str]] = defaultdict(set)
        for row in rows:
            wanted[row.bag].add(row.attempt_id)
        return {
            attempt.attempt_id: attempt.grasp
            for bag in self.bags
            if bag.bag in wanted
            for contents in [read_bag(bag.path)]
            for attempt in (*contents.begun, *contents.attempts)
            if attempt.attempt_id in wanted[bag.bag]
        }


def read_folder(
    folder: Path, on_bag: Callable[[str, int, int], None] = lambda name, number, total: None
) -> Dataset:
    """Read all bags below a folder.

    An attempt that is in two bags is one row; see `joined`.

    Args:
        folder: Folder that holds the bags, or a bag, or a bag's file.
        on_bag: Called before each bag with its name, its number from 1, and the number of bags.

    Raises:
        RecordingError: There is no such folder, or there is no bag in the folder.
        SettingsError: The message definitions of dr_grasp are not installed.
    """
    rows: dict[str, AttemptRow] = {}
    bags: list[BagSummary] = []
    unread: list[UnreadBag] = []

    def note_unread(error: OSError) -> None:
        reason = readable(f"{error.filename}: cannot be read: {error.strerror}")
        unread.append(UnreadBag(_name(folder, Path(error.filename)), reason))

    paths, left_out = find_bags(folder, note_unread)
    for number, path in enumerate(paths, 1):
        name = _name(folder, path)
        on_bag(name, number, len(paths))
        try:
            contents = read_bag(path)
        except RecordingError as error:
            unread.append(UnreadBag(name, readable(str(error))))
            continue
        in_bag = list(rows_of(name, contents))
        copies = sum(
            row.attempt_id in rows and row.open_ended == rows[row.attempt_id].open_ended
            for row in in_bag
        )
        for row in in_bag:
            earlier = rows.get(row.attempt_id)
            rows[row.attempt_id] = row if earlier is None else joined(earlier, row)
        bags.append(_summary(name, path, in_bag, copies, contents.damage))
    return Dataset(folder, tuple(rows.values()), tuple(bags), tuple(unread), tuple(left_out))


def readable(path: Path | str) -> str:
    """Make text of a path that can be encoded as UTF-8; a path's bytes may be no valid UTF-8."""
    return os.fsencode(path).decode(errors="backslashreplace")


def _name(folder: Path, path: Path) -> str:
    return readable(folder.resolve().name if path == folder else path.relative_to(folder))


def _summary(
    name: str, path: Path, rows: Sequence[AttemptRow], copies: int, damage: str
) -> BagSummary:
    stamps = [row.stamp_ns for row in rows]
    return BagSummary(
        bag=name,
        path=path,
        attempts=len(rows),
        eta=eta_of(tally_grasps(rows)),
        copies=copies,
        robots=tuple(sorted({row.robot for row in rows})),
        objects=tuple(sorted({row.object for row in rows})),
        first_ns=min(stamps, default=None),
        last_ns=max(stamps, default=None),
        damage=damage,
    )
