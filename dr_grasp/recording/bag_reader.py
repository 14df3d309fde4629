"""Reads the bag of a session, even if parts of it are broken."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path, PurePath
from typing import Any

from rosbags.rosbag2 import ReaderError
from rosbags.serde import SerdeError
from rosbags.typesys.store import Typestore

from dr_grasp.core.attempt import GraspAttempt, OutcomeReport
from dr_grasp.core.fitness import GraspScore
from dr_grasp.errors import DrGraspError, RecordingError, SettingsError, printable
from dr_grasp.messages.decoding import (
    decode_attempt,
    decode_begun,
    decode_report,
    decode_score,
)
from dr_grasp.messages.typestore import (
    ATTEMPT_TYPE,
    BEGUN_TYPE,
    REPORT_TYPE,
    SCORE_TYPE,
    digest_of,
    our_typestore,
    typestore_of,
)
from dr_grasp.recording.bounded_reader import METADATA, BoundedReader, read_metadata
from dr_grasp.recording.mcap_recovery import McapRecovery


@dataclass(frozen=True, slots=True)
class BagContents:
    """Messages of a bag, each kind in the order of the time stamps.

    Attributes:
        scores: All recorded scores.
        attempts: All recorded attempts, with the outcomes that the backends reported.
        reports: Operators' reports on the attempts.
        damage: Description of all damage to the bag; empty if there is none.
        begun: Attempts that began, as known then, and whose end is not in the bag.
    """

    scores: tuple[GraspScore, ...]
    attempts: tuple[GraspAttempt, ...]
    reports: tuple[OutcomeReport, ...]
    damage: str = ""
    begun: tuple[GraspAttempt, ...] = ()


def read_bag(path: Path) -> BagContents:
    """Read a bag, even if its writer was killed, or an older version of dr_grasp wrote it.

    All readable messages of a broken bag are returned, and `damage` describes what is wrong. It is
    empty only if all messages are there that the bag's own metadata counts.

    Args:
        path: The bag's folder, or an MCAP file.

    Raises:
        RecordingError: The path is no bag, nothing in the bag can be read, or its messages are of
            a version that is not supported.
        SettingsError: The message definitions of dr_grasp are not installed.
    """
    try:
        is_bag = path.is_file() or (path / METADATA).exists() or bool(_mcap_files(path))
        problem = "none in this folder" if path.exists() else "nothing of that name"
    except OSError as error:
        raise RecordingError(f"{path}: cannot be read: {_reason(error)}") from error
    if not is_bag:
        raise RecordingError(f"{path}: expected a bag, metadata.yaml or MCAP files, got {problem}")
    passes: list[_Pass] = []
    refusal: RecordingError | None = None
    # An index may not list all messages; but it may find messages behind broken records.
    for read in (_by_record, _by_index) if _mcap_files(path) else (_by_index,):
        try:
            found = read(path)
        except RecordingError as error:
            refusal = error
            continue
        if not found.problems and not passes:
            return found.contents()
        passes.append(found)
    if refusal and not any(found.count for found in passes):
        raise refusal
    # If any message has our version, a record that names another version must be broken.
    best = max(passes, key=lambda found: found.count)
    problems = "; ".join(best.problems or passes[0].problems)
    if not best.count:
        raise RecordingError(f"{path}: cannot be read: {problems}")
    extent = "up to its last whole message" if best.cut else "without what is broken"
    return best.contents(f"read {extent}, {best.count} in all: {problems}")


def _mcap_files(path: Path) -> list[Path]:
    if path.is_dir():
        return sorted(path.glob("*.mcap"))
    return [path] if path.suffix == ".mcap" and path.is_file() else []


_DECODERS: dict[str, Callable[[Any], Any]] = {
    SCORE_TYPE: decode_score,
    BEGUN_TYPE: decode_begun,
    ATTEMPT_TYPE: decode_attempt,
    REPORT_TYPE: decode_report,
}


class _Pass:
    """The messages and problems that one way of reading a bag finds.

    Attributes:
        cut: Whether a file has no end.
        problems: Descriptions of what is wrong.
        met: Number of messages of each type, decodable or not.
    """

    def __init__(self) -> None:
        self.cut = False
        self.problems: list[str] = []
        self.met: Counter[str] = Counter()
        self._found: dict[str, list[tuple[int, Any]]] = {name: [] for name in _DECODERS}
        self._undecodable: list[str] = []

    @property
    def count(self) -> int:
        return sum(map(len, self._found.values()))

    def add(self, typename: str, typestore: Typestore | None, stamp_ns: int, data: bytes) -> None:
        """Decode a message; `typestore` is None if the message's definition is broken."""
        self.met[typename] += 1
        if typestore is None:
            self.skip(f"{typename} is defined by what makes no sense")
            return
        try:
            value = _DECODERS[typename](typestore.deserialize_cdr(data, typename))
        except Exception as error:
            # Broken bytes can cause any error, here or in rosbags.
            self.skip(_reason(error))
        else:
            self._found[typename].append((stamp_ns, value))

    def skip(self, reason: str, count: int = 1) -> None:
        """Count messages that cannot be decoded."""
        self._undecodable += [reason] * count

    def sum_up(self, lacking: Counter[str]) -> _Pass:
        """Note what is missing; `lacking` is the number of absent messages of each type."""
        if count := len(self._undecodable):
            messages = "1 message" if count == 1 else f"{count} messages"
            self.problems.append(f"{messages} cannot be decoded: {self._undecodable[0]}")
        for typename in _DECODERS:
            if lacking[typename] > 0:
                name = typename.rpartition("/")[2]
                self.problems.append(f"{lacking[typename]} of type {name} missing")
        return self

    def contents(self, damage: str = "") -> BagContents:
        # Sorted, since the files of a bag that was not closed may overlap in time.
        scores, begun, attempts, reports = (
            tuple(value for _, value in sorted(entries, key=lambda entry: entry[0]))
            for entries in self._found.values()
        )
        ended = {attempt.attempt_id for attempt in attempts}
        open_ended = tuple(attempt for attempt in begun if attempt.attempt_id not in ended)
        return BagContents(scores, attempts, reports, damage, open_ended)


def _by_index(path: Path) -> _Pass:
    """Read a bag in the normal way: by metadata.yaml and the index at the end of each file.

    Raises:
        RecordingError: The messages are of a version that is not supported.
    """
    found = _Pass()
    try:
        with BoundedReader(path) as reader:
            ours = [topic for topic in reader.connections if topic.msgtype in _DECODERS]
            types = {}
            for topic in ours:
                digest = topic.digest or digest_of(topic.msgtype, topic.msgdef.data)
                types[topic.id] = _typestore_of(path, topic.msgtype, digest)
            for topic, stamp_ns, data in reader.bounded_messages(ours) if ours else ():
                found.add(topic.msgtype, types[topic.id], stamp_ns, data)
    except (RecordingError, SettingsError):
        raise
    except Exception as error:
        # A broken file can cause any error of the libraries that rosbags uses: struct, YAML,
        # compression, enums, a seek beyond the end of the file.
        found.problems.append(_reason(error))
    return found.sum_up(Counter())


def _by_record(path: Path) -> _Pass:
    """Read all MCAP files from the first to the last byte without an index, as far as possible.

    Raises:
        RecordingError: The messages are of a version that is not supported.
        SettingsError: The message definitions of dr_grasp are not installed.
    """
    found = _Pass()
    stated, found.problems = _stated_in_metadata(path)
    lacking: Counter[str] = Counter()
    known: set[int] = set()

    @lru_cache
    def types(typename: str, definition: bytes) -> Typestore | None:
        try:
            digest = digest_of(typename, definition.decode())
        except Exception:
            return None  # the parser of rosbags can raise any error for a broken text
        return _typestore_of(path, typename, digest)

    for file in _mcap_files(path):
        recovery = McapRecovery(file)
        met: Counter[str] = Counter()
        keys = set()
        try:
            for message in recovery.messages():
                if message.typename not in _DECODERS:
                    continue
                met[message.typename] += 1
                # A writer that was killed during a merge leaves some messages in two files.
                key = hash((message.typename, message.stamp_ns, message.data))
                keys.add(key)
                if key not in known:
                    typestore = types(message.typename, message.definition)
                    found.add(message.typename, typestore, message.stamp_ns, message.data)
        except OSError as error:
            found.problems.append(f"{file.name}: {_reason(error)}")
        known |= keys
        lacking += recovery.stated - met
        found.cut |= not recovery.ended
        found.problems += [f"{file.name} {problem}" for problem in recovery.problems]
        found.skip("of no known topic", recovery.lost)
    return found.sum_up(lacking | (stated - found.met))


def _stated_in_metadata(path: Path) -> tuple[Counter[str], list[str]]:
    """The number of messages of each type in metadata.yaml, and problems of that file.

    Raises:
        RecordingError: The file names a type of a version that is not supported.
    """
    stated: Counter[str] = Counter()
    file = path / METADATA
    if not file.exists():
        return stated, []
    try:
        information = read_metadata(path)
        for entry in information["topics_with_message_count"]:
            topic = entry["topic_metadata"]
            stated[topic["type"]] += int(entry["message_count"])
            if topic["type"] in _DECODERS and (digest := topic.get("type_description_hash")):
                _typestore_of(path, topic["type"], digest)
        names = [PurePath(name).name for name in information["relative_file_paths"]]
        lost = [f"{name} is not there" for name in names if not (path / name).exists()]
    except (RecordingError, SettingsError):
        raise
    except Exception as error:
        # Broken YAML may be anything: lists for dicts, impossible dates, broken UTF-8.
        return Counter(), [f"{METADATA} cannot be read: {_reason(error)}"]
    return stated, lost


def _typestore_of(path: Path, typename: str, digest: str) -> Typestore:
    found = typestore_of(typename, digest)
    if found is None:
        raise RecordingError(
            f"{path}: {typename}: expected type hash "
            f"{our_typestore().hash_rihs01(typename)}, got {digest or 'none'}"
        )
    return found


def _reason(error: Exception) -> str:
    """An error as one line of printable characters, even if it quotes broken bytes."""
    words = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    if not isinstance(error, OSError | ReaderError | SerdeError | DrGraspError):
        words = f"{type(error).__name__}: {words}"
    return printable(" ".join(words.split())).rstrip(".")
