"""Node `recorder`: writes scores, attempts and reports on attempts into one bag."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from rclpy.node import Node

from dr_grasp.core.attempt import OutcomeReport
from dr_grasp.core.fitness import GraspScore
from dr_grasp.errors import DrGraspError
from dr_grasp.messages.decoding import decode_attempt, decode_outcome, decode_score
from dr_grasp.recording.bag_writer import BagWriter
from dr_grasp.ros.answering import serve
from dr_grasp.ros.conversions import report_to_msg
from dr_grasp.ros.liveliness import announce
from dr_grasp.ros.parameters import Parameter, declare_all
from dr_grasp.ros.qos import RESULTS
from dr_grasp.ros.running import run_node
from dr_grasp_interfaces import msg, srv

FLUSH_PERIOD_S = 0.5
"""Time between two writes of scores [s]: thousands may come, and each write makes a file."""


LAST_ATTEMPT_S = 15.0
"""Time limit for an attempt in progress to end when the recorder is told to stop [s]: the node that
moves the arm has 12 s to stop it."""

PARAMETERS = (
    Parameter(
        "bag",
        "",
        "Folder for the bag, new or empty; by default named after namespace, date and time, and "
        "in the working directory.",
    ),
)


class RecorderNode(Node):
    """Records a session in a bag.

    Services:
        begin_attempt (BeginAttempt): Answers when it is on disk that the attempt begins.
        record_attempt (RecordAttempt): Answers when the attempt is on disk.
        record_outcome (RecordOutcome): Records an operator's report beside the backend's outcome.

    If a client sends a request again because the answer was lost, it gets the same answer, and the
    request is recorded only once.

    Topics:
        scores (GraspScore), subscribed: what is recorded beside the attempts.
        outcome_reports (OutcomeReport), published: operators' reports.
    """

    def __init__(self) -> None:
        """Make the bag and begin to record.

        Raises:
            RecordingError: The bag's folder is not empty, or cannot be written.
        """
        super().__init__("recorder")
        (named,) = declare_all(self, PARAMETERS).values()
        # With the namespace: two arms may be started at the same time, in the same folder.
        names = ["dr_grasp", *self.get_namespace().strip("/").split("/")]
        usual = "_".join(filter(None, names)) + time.strftime("_%Y-%m-%d_%H-%M-%S")
        directory = Path(named or usual)
        self._bag = BagWriter(directory)
        self._pending: list[GraspScore] = []
        self._last_said: tuple[object, ...] = ()
        # Callbacks never run at the same time, but `close` may run at the same time as a callback.
        self._lock = threading.Lock()
        self._reports = self.create_publisher(msg.OutcomeReport, "outcome_reports", RESULTS)
        self.create_subscription(msg.GraspScore, "scores", self._on_score, RESULTS)
        serve(self, srv.BeginAttempt, "begin_attempt", self._begin_attempt)
        serve(self, srv.RecordAttempt, "record_attempt", self._record_attempt)
        serve(self, srv.RecordOutcome, "record_outcome", self._record_outcome)
        self._alive = announce(self, "recorder")
        self.create_timer(FLUSH_PERIOD_S, self._flush_or_warn)
        self.get_logger().info(f"recording to {directory}")

    def close(self) -> None:
        """Write pending scores and close the bag; may be called twice.

        All nodes of a launch are told to stop at the same time. So the end of an attempt in
        progress is waited for.

        Raises:
            RecordingError: The scores or the bag could not be written.
        """
        deadline = time.monotonic() + LAST_ATTEMPT_S
        while self._bag.in_progress and time.monotonic() < deadline:
            time.sleep(0.05)
        with self._lock:
            try:
                self._flush()
            finally:
                self._pending.clear()
                self._bag.close()

    def _on_score(self, message: msg.GraspScore) -> None:
        try:
            score = decode_score(message)
            with self._lock:
                self._pending.append(score)
        except DrGraspError as error:
            self.get_logger().warning(f"not recorded: {error}")

    def _begin_attempt(
        self, request: srv.BeginAttempt.Request, response: srv.BeginAttempt.Response
    ) -> None:
        with self._noting_failures():
            attempt = decode_attempt(request.attempt)
            with self._lock:
                self._bag.write_begun(attempt, request.attempt)
            response.success = True

    def _record_attempt(
        self, request: srv.RecordAttempt.Request, response: srv.RecordAttempt.Response
    ) -> None:
        with self._noting_failures():
            attempt = decode_attempt(request.attempt)
            self._flush_or_warn()
            with self._lock:
                self._bag.write_attempt(attempt, request.attempt)
            response.success = True

    def _record_outcome(
        self, request: srv.RecordOutcome.Request, response: srv.RecordOutcome.Response
    ) -> None:
        said = request.attempt_id, request.outcome.value, request.reason, request.reporter
        # The answer to the same request before may have been lost.
        if said != self._last_said:
            with self._noting_failures():
                self._write_report(request)
        self._last_said = said
        response.success = True

    def _write_report(self, request: srv.RecordOutcome.Request) -> None:
        report = OutcomeReport(
            attempt_id=request.attempt_id,
            stamp_ns=self.get_clock().now().nanoseconds,
            outcome=decode_outcome("outcome", request.outcome),
            reason=request.reason,
            reporter=request.reporter,
        )
        with self._lock:
            self._bag.write_report(report)
        self._reports.publish(report_to_msg(report))

    @contextmanager
    def _noting_failures(self) -> Iterator[None]:
        try:
            yield
        except DrGraspError as error:
            self.get_logger().warning(f"not recorded: {error}")
            raise

    def _flush(self) -> None:
        if self._pending:
            self._bag.write_scores(self._pending, self.get_clock().now().nanoseconds)
            self._pending.clear()

    def _flush_or_warn(self) -> None:
        # Scores stay pending if they cannot be written, for example on a full disk.
        try:
            with self._lock:
                self._flush()
        except DrGraspError as error:
            self.get_logger().warning(
                f"{len(self._pending)} scores not recorded yet: {error}", throttle_duration_sec=10.0
            )


def main(args: list[str] | None = None) -> int:
    """Run the node `recorder`; returns the exit status."""
    return run_node(RecorderNode, args)


if __name__ == "__main__":
    sys.exit(main())
