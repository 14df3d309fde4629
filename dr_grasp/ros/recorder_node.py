"""Node `recorder`: writes scores, attempts and reports on attempts into one bag."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from rclpy.node import Node

from dr_grasp.core.attempt import OutcomeReport
from dr_grasp.core.fitness import GraspScore
from dr_grasp.errors import DrGraspError
from dr_grasp.messages.decoding import decode_attempt, decode_outcome, decode_score
from dr_grasp.recording.bag_writer import BagWriter
from dr_grasp.ros.conversions import report_to_msg
from dr_grasp.ros.parameters import declare
from dr_grasp.ros.qos import RESULTS
from dr_grasp.ros.running import run_node
from dr_grasp_interfaces import msg, srv

FLUSH_PERIOD_S = 0.5
"""Time between two writes of scores [s]: thousands may come, and each write makes a file."""


class RecorderNode(Node):
    """Records a session in a bag.

    Services:
        record_attempt (RecordAttempt): Answers when the attempt is on disk.
        record_outcome (RecordOutcome): Records an operator's report beside the backend's outcome.

    If a client sends a request again because the answer was lost, it gets the same answer, and the
    request is recorded only once.

    Topics:
        scores (GraspScore), subscribed.
        outcome_reports (OutcomeReport), published: operators' reports.
    """

    def __init__(self) -> None:
        """Make the bag and begin to record.

        Raises:
            RecordingError: The bag's folder is not empty, or cannot be written.
        """
        super().__init__("recorder")
        named = declare(
            self,
            "bag",
            "",
            "Folder for the bag, new or empty; by default named after date and time, and in the "
            "working directory.",
        )
        directory = Path(named or time.strftime("dr_grasp_%Y-%m-%d_%H-%M-%S"))
        self._bag = BagWriter(directory)
        self._pending: list[GraspScore] = []
        # Callbacks never run at the same time, but `close` may run at the same time as a callback.
        self._lock = threading.Lock()
        self._reports = self.create_publisher(msg.OutcomeReport, "outcome_reports", RESULTS)
        self.create_subscription(msg.GraspScore, "scores", self._on_score, RESULTS)
        self._serve(srv.RecordAttempt, "record_attempt", self._record_attempt)
        self._serve(srv.RecordOutcome, "record_outcome", self._record_outcome)
        self.create_timer(FLUSH_PERIOD_S, self._flush_or_warn)
        self.get_logger().info(f"recording to {directory}")

    def close(self) -> None:
        """Write pending scores and close the bag; may be called twice.

        Raises:
            RecordingError: The scores or the bag could not be written.
        """
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

    def _record_attempt(self, request: srv.RecordAttempt.Request) -> None:
        attempt = decode_attempt(request.attempt)
        self._flush_or_warn()
        with self._lock:
            self._bag.write_attempt(attempt, request.attempt)

    def _record_outcome(self, request: srv.RecordOutcome.Request) -> None:
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

    def _serve(self, service: type[Any], name: str, record: Callable[[Any], None]) -> None:
        """Serve a service that records only the first of several equal requests in a row."""
        recorded, answer = "", None

        def callback(request: Any, response: Any) -> Any:
            nonlocal recorded, answer
            # Compared as text: by == NaN differs from itself, and as bytes the padding may differ.
            text = repr(request)
            if text == recorded:
                return answer
            try:
                record(request)
                response.success = True
            except DrGraspError as error:
                response.message = str(error)
                self.get_logger().warning(f"not recorded: {error}")
            # A failed request may be tried again.
            recorded, answer = (text, response) if response.success else ("", None)
            return response

        self.create_service(service, name, callback)

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
