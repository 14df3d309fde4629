"""Writes the scores, attempts and operators' reports of a session into a rosbag2 bag (MCAP)."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any

from rosbags.interfaces import (
    Qos,
    QosDurability,
    QosHistory,
    QosLiveliness,
    QosReliability,
    QosTime,
)

from dr_grasp.common.closing import Closing
from dr_grasp.core.attempt import GraspAttempt, OutcomeReport
from dr_grasp.core.fitness import GraspScore
from dr_grasp.core.trajectory import Waypoints
from dr_grasp.errors import RecordingError
from dr_grasp.messages.encoding import (
    encode_attempt,
    encode_begun,
    encode_joint_state,
    encode_report,
    encode_score,
    to_ns,
)
from dr_grasp.messages.typestore import (
    ATTEMPT_TYPE,
    BEGUN_TYPE,
    JOINT_STATE_TYPE,
    REPORT_TYPE,
    SCORE_TYPE,
    serialize,
)
from dr_grasp.recording.splits import LoggedMessage, SplitBag, Topic

SCORES_TOPIC = "/scores"
BEGUN_TOPIC = "/attempts_begun"
ATTEMPTS_TOPIC = "/attempts"
REPORTS_TOPIC = "/outcome_reports"
JOINT_STATES_TOPIC = "/joint_states"


LISTED = 10
"""Most ids of attempts in an error message; the latest are the most useful."""


def _qos(durability: QosDurability) -> Qos:
    forever = QosTime(9223372036, 854775807)
    return Qos(
        history=QosHistory.KEEP_LAST,
        depth=1000,
        reliability=QosReliability.RELIABLE,
        durability=durability,
        deadline=forever,
        lifespan=forever,
        liveliness=QosLiveliness.AUTOMATIC,
        liveliness_lease_duration=forever,
        avoid_ros_namespace_conventions=False,
    )


TOPICS = (
    Topic(SCORES_TOPIC, SCORE_TYPE, _qos(QosDurability.TRANSIENT_LOCAL)),
    Topic(BEGUN_TOPIC, BEGUN_TYPE, _qos(QosDurability.TRANSIENT_LOCAL)),
    Topic(ATTEMPTS_TOPIC, ATTEMPT_TYPE, _qos(QosDurability.TRANSIENT_LOCAL)),
    Topic(REPORTS_TOPIC, REPORT_TYPE, _qos(QosDurability.TRANSIENT_LOCAL)),
    Topic(JOINT_STATES_TOPIC, JOINT_STATE_TYPE, _qos(QosDurability.VOLATILE)),
)


class BagWriter(Closing):
    """Writes one bag; when a method returns, its messages are on disk.

    Even after kill -9 at any moment, the bag can be opened and holds all these messages.
    """

    def __init__(
        self,
        directory: Path,
        *,
        splits_before_merge: int = 50,
        clock: Callable[[], int] = time.time_ns,
    ) -> None:
        """Make an empty bag.

        Args:
            directory: Folder for the bag, new or empty.
            splits_before_merge: Number of small files that are merged into a larger file.
            clock: Gives the time, nanoseconds since the epoch.

        Raises:
            RecordingError: The folder is not empty, or cannot be written.
            SettingsError: The message definitions of dr_grasp are not installed.
        """
        self._bag: SplitBag | None = SplitBag(directory, TOPICS, splits_before_merge)
        self._clock = clock
        # Log time of attempts that began, the end of the motion of those that ended.
        self._logged_ns: dict[str, int] = {}
        # What was written of each attempt: its begin, its end.
        self._digests: dict[tuple[str, str], bytes] = {}
        self._begun_last = ""
        self._moving_until_ns = 0
        self.directory = directory

    def write_scores(self, scores: Iterable[GraspScore], stamp_ns: int) -> None:
        """Add scores, either all or none.

        Args:
            scores: The scores, any number.
            stamp_ns: Time at which the scores were received, nanoseconds since the epoch.

        Raises:
            RecordingError: The scores could not be written; the bag is as it was before.
        """
        # Stamps differ by a nanosecond, since readers sort by time and must keep this order.
        messages = [
            (SCORES_TOPIC, stamp_ns + index, serialize(SCORE_TYPE, encode_score(score)))
            for index, score in enumerate(scores)
        ]
        if messages:
            self._open_bag().append(messages)

    def write_begun(self, attempt: GraspAttempt, message: Any = None) -> None:
        """Add that an attempt begins, before anything moves.

        Args:
            attempt: The attempt as known so far.
            message: The message that the attempt was decoded from, which is then written as it is;
                None to encode the attempt.

        Raises:
            RecordingError: The bag already holds another attempt with this id, or the attempt could
                not be written; the bag is as it was before.
        """
        fields = encode_begun(attempt) if message is None else {"attempt": message}
        data = serialize(BEGUN_TYPE, fields)
        if not self._is_new(BEGUN_TOPIC, attempt.attempt_id, data):
            return
        log_ns = self._clock()
        self._open_bag().append([(BEGUN_TOPIC, log_ns, data)])
        self._digests[BEGUN_TOPIC, attempt.attempt_id] = sha256(data).digest()
        self._begun_last = attempt.attempt_id
        self._logged_ns[attempt.attempt_id] = log_ns

    def write_attempt(self, attempt: GraspAttempt, message: Any = None) -> None:
        """Add an attempt, and the joint states that were measured in it.

        Log times are those of this machine's clock, whatever the attempt's own stamp is, which is
        kept. They never run ahead of the clock, and the motion of one attempt ends before that of
        the next begins, or else a player of the bag would make the arm jump between the two. So the
        motion of a twin that does not wait for the clock is logged as fast as it really went.

        Args:
            attempt: The attempt. If the bag has this very attempt already, nothing happens.
            message: The message that the attempt was decoded from, which is then written as it is;
                None to encode the attempt.

        Raises:
            RecordingError: The bag already holds another attempt with this id, or the attempt could
                not be written; the bag is as it was before.
        """
        data = serialize(ATTEMPT_TYPE, encode_attempt(attempt) if message is None else message)
        if not self._is_new(ATTEMPTS_TOPIC, attempt.attempt_id, data):
            return
        now_ns = self._clock()
        lasts_ns = 0 if attempt.measured is None else to_ns(attempt.measured.times_s[-1])
        # A stamp in the future is that of a wrong clock.
        began_ns = attempt.stamp_ns if attempt.stamp_ns <= now_ns else now_ns - lasts_ns
        log_ns = min(max(began_ns, self._moving_until_ns), now_ns)
        until_ns = max(log_ns, min(log_ns + lasts_ns, now_ns))
        joint_states = _joint_states(attempt.measured, log_ns, until_ns)
        self._open_bag().append([(ATTEMPTS_TOPIC, log_ns, data), *joint_states])
        self._digests[ATTEMPTS_TOPIC, attempt.attempt_id] = sha256(data).digest()
        self._logged_ns[attempt.attempt_id] = self._moving_until_ns = until_ns + 1

    def write_report(self, report: OutcomeReport) -> None:
        """Add an operator's report on an attempt; the outcome from the backend is kept, too.

        Raises:
            RecordingError: The bag holds no attempt with this id, not even its begin, or the report
                could not be written; the bag is as it was before.
        """
        bag = self._open_bag()
        if report.attempt_id not in self._logged_ns:
            latest = [*self._logged_ns][-LISTED:]
            known = ("... " * (len(self._logged_ns) > LISTED) + ", ".join(latest)) or "none yet"
            raise RecordingError(
                f"attempt {report.attempt_id!r}: expected one that is recorded ({known})"
            )
        data = serialize(REPORT_TYPE, encode_report(report))
        # Later than the attempt and than earlier reports on it, also by a clock that went back:
        # the latest report counts.
        log_ns = max(self._clock(), self._logged_ns[report.attempt_id] + 1)
        bag.append([(REPORTS_TOPIC, log_ns, data)])
        self._logged_ns[report.attempt_id] = log_ns

    def close(self) -> None:
        """Merge the bag into one file; may be called twice.

        Raises:
            RecordingError: The merge failed; the bag is complete, but has several files.
        """
        bag, self._bag = self._bag, None
        if bag is not None:
            bag.close()

    @property
    def in_progress(self) -> bool:
        """Whether the end of the attempt that began last is not in the bag yet."""
        last = self._begun_last
        ended = not last or (ATTEMPTS_TOPIC, last) in self._digests
        return self._bag is not None and not ended

    def _is_new(self, topic: str, attempt_id: str, data: memoryview) -> bool:
        """Whether data are not in the bag yet; a request whose answer was lost comes again."""
        self._open_bag()
        written = self._digests.get((topic, attempt_id))
        if written is not None and written != sha256(data).digest():
            raise RecordingError(
                f"attempt {attempt_id}: expected a new id, got one that is recorded already"
            )
        return written is None

    def _open_bag(self) -> SplitBag:
        if self._bag is None:
            raise RecordingError(f"{self.directory}: expected an open bag, got a closed one")
        return self._bag


def _joint_states(
    measured: Waypoints | None, first_ns: int, last_ns: int
) -> Iterator[LoggedMessage]:
    if measured is None:
        return
    lasts_s = float(measured.times_s[-1]) or 1.0
    for time_s, positions in zip(measured.times_s, measured.positions, strict=True):
        stamp_ns = first_ns + round((last_ns - first_ns) * (time_s / lasts_s))
        fields = encode_joint_state(stamp_ns, measured.joints, positions)
        yield JOINT_STATES_TOPIC, stamp_ns, serialize(JOINT_STATE_TYPE, fields)
