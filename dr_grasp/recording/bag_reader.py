"""Reads the record of a session back, as far as it is whole."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cache, partial
from hashlib import sha256
from pathlib import Path, PurePath
from typing import Any

import yaml
from rosbags.interfaces import Connection
from rosbags.rosbag2 import Reader, ReaderError
from rosbags.serde import SerdeError
from rosbags.typesys.store import Typestore

from dr_grasp.core.attempt import GraspAttempt, OutcomeReport
from dr_grasp.core.fitness import GraspScore
from dr_grasp.core.outcome import Outcome
from dr_grasp.errors import DrGraspError, RecordingError
from dr_grasp.messages.decoding import decode_attempt, decode_report, decode_score
from dr_grasp.messages.typestore import (
    ATTEMPT_TYPE,
    REPORT_TYPE,
    SCORE_TYPE,
    digest_of,
    our_typestore,
    typestore_of,
)
from dr_grasp.recording.salvage import Salvage

METADATA = "metadata.yaml"


@dataclass(frozen=True, slots=True)
class BagContents:
    """What a bag holds, each in the order of its time stamps.

    Attributes:
        scores: All that were received.
        attempts: With the outcomes as the backends judged them.
        reports: What others said of them.
        damage: What is wrong with the bag, in words; empty if nothing is.
    """

    scores: tuple[GraspScore, ...]
    attempts: tuple[GraspAttempt, ...]
    reports: tuple[OutcomeReport, ...]
    damage: str = ""

    @property
    def outcomes(self) -> dict[str, Outcome]:
        """The latest word on each attempt, by its id: a report overrules the backend."""
        words = {attempt.attempt_id: attempt.outcome for attempt in self.attempts}
        for report in sorted(self.reports, key=lambda report: report.stamp_ns):
            words[report.attempt_id] = report.outcome
        return words


def read_bag(path: Path) -> BagContents:
    """Read a bag back, also one whose writer was killed, or that an older version wrote.

    One that is broken is read as far as it is whole, and `damage` says so: it is empty only if
    nothing is missing that the bag says it holds.

    Args:
        path: A folder, or an MCAP file.

    Raises:
        RecordingError: It is no bag, nothing of it can be read, or its messages are of another
            version.
        SettingsError: Our message definitions are not installed.
    """
    _check_is_bag(path)
    readings: list[_Reading] = []
    for read in _ways(path):
        try:
            reading = read(path)
        except RecordingError:
            if any(one.count for one in readings):
                continue  # of our version by what was read; what names another one is broken
            raise
        if not reading.problems and (reading.thorough or not readings):
            return reading.contents()
        readings.append(reading)
    best = max(readings, key=lambda one: (one.count, one.thorough))
    problems = "; ".join(best.problems or readings[0].problems)
    if not best.count:
        raise RecordingError(f"{path}: cannot be read: {problems}")
    extent = "up to its last whole message" if best.cut else "without what is broken"
    return best.contents(f"read {extent}, {best.count} in all: {problems}")


def _ways(path: Path) -> tuple[Callable[[Path], _Reading], ...]:
    """How to read a bag, the next where one finds that something is wrong."""
    if (path / METADATA).exists():
        return (_by_index, _one_by_one) if _parts_of(path) else (_by_index,)
    if path.is_dir():
        return (_one_by_one,)
    # Without metadata.yaml, nothing would tell that the index leaves something out.
    return (_one_by_one, _by_index) if path.suffix == ".mcap" else (_by_index,)


def _check_is_bag(path: Path) -> None:
    try:
        found = (path / METADATA).exists() or any(map(Path.exists, _parts_of(path)))
        problem = "none in this folder" if path.exists() else "nothing of that name"
    except OSError as error:
        raise RecordingError(f"{path}: cannot be read: {_words(error)}") from error
    if not found:
        raise RecordingError(f"{path}: expected a bag, metadata.yaml or MCAP files, got {problem}")


def _parts_of(path: Path) -> list[Path]:
    return sorted(path.glob("*.mcap")) if path.is_dir() else [path]


_DECODERS: dict[str, Callable[[Any], Any]] = {
    SCORE_TYPE: decode_score,
    ATTEMPT_TYPE: decode_attempt,
    REPORT_TYPE: decode_report,
}


class _Reading:
    """What one way of reading a bag finds of it, and what it does not."""

    def __init__(self, *, thorough: bool = False) -> None:
        self.thorough = thorough
        self.cut = False
        self.problems: list[str] = []
        self.met: Counter[str] = Counter()
        self._found: dict[str, list[tuple[int, Any]]] = {name: [] for name in _DECODERS}
        self._undecodable: list[str] = []

    @property
    def count(self) -> int:
        return sum(map(len, self._found.values()))

    def add(self, typename: str, typestore: Typestore | None, stamp_ns: int, data: bytes) -> None:
        """Decode a message; without types, nobody can."""
        self.met[typename] += 1
        if typestore is None:
            self.skip(f"{typename} is defined by what makes no sense")
            return
        try:
            value = _DECODERS[typename](typestore.deserialize_cdr(data, typename))
        except Exception as error:
            # Whatever comes of bytes that are no such message, here or in the code of rosbags.
            self.skip(_words(error))
        else:
            self._found[typename].append((stamp_ns, value))

    def skip(self, reason: str, count: int = 1) -> None:
        """Count messages that cannot be decoded."""
        self._undecodable += [reason] * count

    def end(self, lacking: Counter[str]) -> _Reading:
        """Sum up; `lacking` has how many messages of each type should have been there as well."""
        if count := len(self._undecodable):
            messages = "1 message" if count == 1 else f"{count} messages"
            self.problems.append(f"{messages} cannot be decoded: {self._undecodable[0]}")
        for typename in _DECODERS:
            if lacking[typename] > 0:
                name = typename.rpartition("/")[2]
                self.problems.append(f"{lacking[typename]} of type {name} missing")
        return self

    def contents(self, damage: str = "") -> BagContents:
        # The files of a bag that was not closed may overlap in time.
        scores, attempts, reports = (
            tuple(value for _, value in sorted(entries, key=lambda entry: entry[0]))
            for entries in self._found.values()
        )
        return BagContents(scores, attempts, reports, damage)


def _by_index(path: Path) -> _Reading:
    """As everybody reads bags: by metadata.yaml, and by the index at the end of each file.

    Raises:
        RecordingError: Messages of another version.
    """
    reading = _Reading()
    stated: Counter[str] = Counter()
    try:
        with Reader(path) as reader:
            ours = [one for one in reader.connections if one.msgtype in _DECODERS]
            typestores = {one.id: _typestore_of(path, one.msgtype, _digest(one)) for one in ours}
            stated = _counts(ours)
            # What metadata.yaml calls otherwise than the files is in none of `ours`.
            files = getattr(reader.storage, "storages", ())
            stated |= _counts(one for file in files for one in file.connections)
            for connection, stamp_ns, data in reader.messages(ours) if ours else ():
                reading.add(connection.msgtype, typestores[connection.id], stamp_ns, data)
    except DrGraspError:
        raise
    except Exception as error:
        # A broken file can end in any error of what rosbags uses: struct, YAML, compression, enums,
        # seeking to where no file reaches.
        reading.problems.append(_words(error))
    return reading.end(stated - reading.met)


def _digest(connection: Connection) -> str:
    """Hash of a connection's type; only metadata.yaml has it ready."""
    definition = connection.msgdef.data
    if connection.digest or not definition:
        return str(connection.digest)
    return digest_of(connection.msgtype, definition)


def _counts(connections: Iterable[Connection]) -> Counter[str]:
    counts: Counter[str] = Counter()
    for one in connections:
        counts[one.msgtype] += one.msgcount
    return counts


def _one_by_one(path: Path) -> _Reading:
    """Without any index: all MCAP files from first to last, as far as they make sense.

    Raises:
        RecordingError: Messages of another version.
        SettingsError: Our message definitions are not installed.
    """
    reading = _Reading(thorough=True)
    stated, reading.problems = _stated_in_metadata(path)
    typestore = cache(partial(_typestore_by_definition, path))
    lacking: Counter[str] = Counter()
    known: set[bytes] = set()
    for file in _parts_of(path):
        lacking += _salvage(file, reading, known, typestore)
    return reading.end(lacking | (stated - reading.met))


def _salvage(
    file: Path,
    reading: _Reading,
    known: set[bytes],
    typestore: Callable[[str, str], Typestore | None],
) -> Counter[str]:
    """Read one file but for what is known from others; how many messages of each type it lacks."""
    salvage = Salvage(file)
    met: Counter[str] = Counter()
    keys = set()
    try:
        for one in salvage.messages():
            if one.typename not in _DECODERS:
                continue
            met[one.typename] += 1
            # A writer that is killed while it merges files leaves some messages in two of them.
            key = sha256(f"{one.typename} {one.stamp_ns} ".encode() + one.data).digest()
            keys.add(key)
            if key not in known:
                types = typestore(one.typename, one.definition)
                reading.add(one.typename, types, one.stamp_ns, one.data)
    except OSError as error:
        reading.problems.append(f"{file.name}: {_words(error)}")
    known |= keys
    reading.cut |= not salvage.ended
    reading.problems += [f"{file.name} {problem}" for problem in salvage.problems]
    reading.skip("of no known topic", salvage.lost)
    return salvage.stated - met


def _stated_in_metadata(path: Path) -> tuple[Counter[str], list[str]]:
    """How many messages of each type metadata.yaml names, and what is wrong with it."""
    stated: Counter[str] = Counter()
    file = path / METADATA
    if not file.exists():
        return stated, []
    try:
        information = yaml.safe_load(file.read_bytes())["rosbag2_bagfile_information"]
        for entry in information["topics_with_message_count"]:
            stated[entry["topic_metadata"]["type"]] += int(entry["message_count"])
        names = [PurePath(name).name for name in information["relative_file_paths"]]
        lost = [f"{name} is not there" for name in names if not (path / name).exists()]
    except Exception as error:
        # Broken YAML may be anything: lists for dicts, dates that there are not, broken UTF-8.
        return Counter(), [f"{METADATA} cannot be read: {_words(error)}"]
    return stated, lost


def _typestore_by_definition(path: Path, typename: str, definition: str) -> Typestore | None:
    try:
        digest = digest_of(typename, definition)
    except Exception:
        # Whatever the parser of rosbags makes of a broken text.
        return None
    return _typestore_of(path, typename, digest)


def _typestore_of(path: Path, typename: str, digest: str) -> Typestore:
    found = typestore_of(typename, digest)
    if found is None:
        raise RecordingError(
            f"{path}: {typename}: expected type hash "
            f"{our_typestore().hash_rihs01(typename)}, got {digest or 'none'}"
        )
    return found


def _words(error: Exception) -> str:
    """One line that can be printed, whatever broken bytes are quoted in it."""
    words = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    if not isinstance(error, OSError | ReaderError | SerdeError | DrGraspError):
        words = f"{type(error).__name__}: {words}"
    return "".join(one if one.isprintable() else "?" for one in " ".join(words.split())).rstrip(".")
