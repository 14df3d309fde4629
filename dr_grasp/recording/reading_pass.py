"""What one way of reading a bag finds: its messages, and what is wrong with them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from rosbags.rosbag2 import ReaderError
from rosbags.serde import SerdeError
from rosbags.typesys.store import Typestore

from dr_grasp.core.attempt import GraspAttempt, OutcomeReport
from dr_grasp.core.fitness import GraspScore
from dr_grasp.errors import DrGraspError, printable
from dr_grasp.messages.decoding import (
    decode_attempt,
    decode_begun,
    decode_report,
    decode_score,
)
from dr_grasp.messages.typestore import ATTEMPT_TYPE, BEGUN_TYPE, REPORT_TYPE, SCORE_TYPE
from dr_grasp.recording.decompression import ZSTD_MAGIC, decompressed


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


DECODERS: dict[str, Callable[[Any], Any]] = {
    SCORE_TYPE: decode_score,
    BEGUN_TYPE: decode_begun,
    ATTEMPT_TYPE: decode_attempt,
    REPORT_TYPE: decode_report,
}


class ReadingPass:
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
        self._found: dict[str, list[tuple[int, Any]]] = {name: [] for name in DECODERS}
        self._undecodable: list[str] = []

    @property
    def count(self) -> int:
        """Number of messages that could be decoded."""
        return sum(map(len, self._found.values()))

    def add(self, typename: str, typestore: Typestore | None, stamp_ns: int, data: bytes) -> None:
        """Decode a message; `typestore` is None if the message's definition is broken."""
        self.met[typename] += 1
        if typestore is None:
            self.skip(f"{typename} is defined by what makes no sense")
            return
        try:
            if data.startswith(ZSTD_MAGIC):  # a bag without metadata.yaml does not say so
                data = decompressed(data, "zstd")
            value = DECODERS[typename](typestore.deserialize_cdr(data, typename))
        except Exception as error:
            # Broken bytes can cause any error, here or in rosbags.
            self.skip(reason_of(error))
        else:
            self._found[typename].append((stamp_ns, value))

    def skip(self, reason: str, count: int = 1) -> None:
        """Count messages that cannot be decoded."""
        self._undecodable += [reason] * count

    def sum_up(self, lacking: Counter[str]) -> ReadingPass:
        """Note what is missing; `lacking` is the number of absent messages of each type."""
        if count := len(self._undecodable):
            messages = "1 message" if count == 1 else f"{count} messages"
            self.problems.append(f"{messages} cannot be decoded: {self._undecodable[0]}")
        for typename in DECODERS:
            if lacking[typename] > 0:
                name = typename.rpartition("/")[2]
                self.problems.append(f"{lacking[typename]} of type {name} missing")
        return self

    def contents(self, damage: str = "") -> BagContents:
        """The messages of this way; `damage` describes what is wrong with them."""
        # Sorted, since the files of a bag that was not closed may overlap in time.
        scores, begun, attempts, reports = (
            tuple(value for _, value in sorted(entries, key=lambda entry: entry[0]))
            for entries in self._found.values()
        )
        ended = {attempt.attempt_id for attempt in attempts}
        open_ended = tuple(attempt for attempt in begun if attempt.attempt_id not in ended)
        return BagContents(scores, attempts, reports, damage, open_ended)


def reason_of(error: Exception) -> str:
    """An error as one line of printable characters, even if it quotes broken bytes."""
    words = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    if not isinstance(error, OSError | ReaderError | SerdeError | DrGraspError):
        words = f"{type(error).__name__}: {words}"
    return printable(" ".join(words.split())).rstrip(".")
