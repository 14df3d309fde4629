"""Writes the record of a session, one rosbag2 bag (MCAP): scores, attempts, reports on attempts."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
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
    encode_joint_state,
    encode_report,
    encode_score,
    to_ns,
)
from dr_grasp.messages.typestore import (
    ATTEMPT_TYPE,
    JOINT_STATE_TYPE,
    REPORT_TYPE,
    SCORE_TYPE,
    serialize,
)
from dr_grasp.recording.splits import LoggedMessage, SplitBag, Topic

SCORES_TOPIC = "/scores"
ATTEMPTS_TOPIC = "/attempts"
REPORTS_TOPIC = "/outcome_reports"
JOINT_STATES_TOPIC = "/joint_states"


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
    Topic(ATTEMPTS_TOPIC, ATTEMPT_TYPE, _qos(QosDurability.TRANSIENT_LOCAL)),
    Topic(REPORTS_TOPIC, REPORT_TYPE, _qos(QosDurability.TRANSIENT_LOCAL)),
    Topic(JOINT_STATES_TOPIC, JOINT_STATE_TYPE, _qos(QosDurability.VOLATILE)),
)


class BagWriter(Closing):
    """Writes one bag; what a method has written is on disk when it returns.

    Kill -9 at any moment leaves a bag that opens and holds all of it.
    """

    def __init__(self, directory: Path, *, splits_before_merge: int = 50) -> None:
        """Make an empty bag.

        Args:
            directory: New, or an empty folder.
            splits_before_merge: Number of small files that are merged into a larger one.

        Raises:
            RecordingError: The folder holds something, or cannot be written.
            SettingsError: Our message definitions are not installed.
        """
        self._bag: SplitBag | None = SplitBag(directory, TOPICS, splits_before_merge)
        self._logged_ns: dict[str, int] = {}
        self._moving_until_ns = 0
        self.directory = directory

    def write_scores(self, scores: Iterable[GraspScore], stamp_ns: int) -> None:
        """Add scores, all at once.

        Args:
            scores: Any number of them.
            stamp_ns: When they were received, nanoseconds since the epoch.

        Raises:
            RecordingError: They could not be written; the bag is as it was before.
        """
        # A nanosecond apart, since readers sort by time and would else be free in their order.
        messages = [
            (SCORES_TOPIC, stamp_ns + index, serialize(SCORE_TYPE, encode_score(score)))
            for index, score in enumerate(scores)
        ]
        if messages:
            self._open_bag().append(messages)

    def write_attempt(self, attempt: GraspAttempt, message: Any = None) -> None:
        """Add an attempt, and the joint states that were measured in it.

        It is logged when it began, or when the motion of the attempt before had ended: a twin that
        does not wait for the clock begins its attempts within each other, and a player of the bag
        would throw the arm to and fro between them. The attempt's own stamp stays.

        Args:
            attempt: The attempt.
            message: The message that it was decoded from, if it came as one: this is what the bag
                then keeps.

        Raises:
            RecordingError: The bag holds one of that id, or it could not be written; the bag is as
                it was before.
        """
        bag = self._open_bag()
        if attempt.attempt_id in self._logged_ns:
            raise RecordingError(
                f"attempt {attempt.attempt_id}: expected a new id, got one that is recorded already"
            )
        log_ns = max(attempt.stamp_ns, self._moving_until_ns)
        data = serialize(ATTEMPT_TYPE, encode_attempt(attempt) if message is None else message)
        bag.append([(ATTEMPTS_TOPIC, log_ns, data), *_joint_states(attempt.measured, log_ns)])
        self._logged_ns[attempt.attempt_id] = log_ns
        if attempt.measured is not None:
            self._moving_until_ns = log_ns + to_ns(attempt.measured.times_s[-1]) + 1

    def write_report(self, report: OutcomeReport) -> None:
        """Add what somebody reports of an attempt; what the backend said stays beside it.

        Raises:
            RecordingError: The bag holds no such attempt, or it could not be written; the bag is as
                it was before.
        """
        bag = self._open_bag()
        if report.attempt_id not in self._logged_ns:
            known = ", ".join(sorted(self._logged_ns)) or "none yet"
            raise RecordingError(
                f"attempt {report.attempt_id!r}: expected one that is recorded ({known})"
            )
        data = serialize(REPORT_TYPE, encode_report(report))
        # So that players publish it after the attempt.
        log_ns = max(report.stamp_ns, self._logged_ns[report.attempt_id] + 1)
        bag.append([(REPORTS_TOPIC, log_ns, data)])

    def close(self) -> None:
        """Merge the bag into one file; may be called twice.

        Raises:
            RecordingError: The merge failed; the bag is whole all the same.
        """
        bag, self._bag = self._bag, None
        if bag is not None:
            bag.close()

    def _open_bag(self) -> SplitBag:
        if self._bag is None:
            raise RecordingError(f"{self.directory}: expected an open bag, got a closed one")
        return self._bag


def _joint_states(measured: Waypoints | None, log_ns: int) -> Iterator[LoggedMessage]:
    if measured is None:
        return
    for time_s, positions in zip(measured.times_s, measured.positions, strict=True):
        stamp_ns = log_ns + to_ns(time_s)
        fields = encode_joint_state(stamp_ns, measured.joints, positions)
        yield JOINT_STATES_TOPIC, stamp_ns, serialize(JOINT_STATE_TYPE, fields)
