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
"""Scores come by the thousand; each flush costs a file."""


class RecorderNode(Node):
    """Records a session.

    Services:
        record_attempt (RecordAttempt): Answers once the attempt is on disk.
        record_outcome (RecordOutcome): An operator's word, kept beside the backend's.

    A request that comes a second time, its answer lost on the way, is answered as the first time
    and recorded once.

    Topics:
        scores (GraspScore), subscribed.
        outcome_reports (OutcomeReport), published: what operators report.
    """

    def __init__(self) -> None:
        """Open the bag and begin.

        Raises:
            RecordingError: The bag's folder holds something, or cannot be written.
        """
        super().__init__("recorder")
        named = declare(
            self,
            "bag",
            "",
            "Folder of the bag, new or empty; by default one named after date and time, in the "
            "working directory.",
        )
        directory = Path(named or time.strftime("dr_grasp_%Y-%m-%d_%H-%M-%S"))
        self._bag = BagWriter(directory)
        self._pending: list[GraspScore] = []
        # The callbacks exclude each other, but `close` is called while one may still be running.
        self._lock = threading.Lock()
        self._reports = self.create_publisher(msg.OutcomeReport, "outcome_reports", RESULTS)
        self.create_subscription(msg.GraspScore, "scores", self._on_score, RESULTS)
        self._serve(srv.RecordAttempt, "record_attempt", self._record_attempt)
        self._serve(srv.RecordOutcome, "record_outcome", self._record_outcome)
        self.create_timer(FLUSH_PERIOD_S, self._flush_or_warn)
        self.get_logger().info(f"recording to {directory}")

    def close(self) -> None:
        """Write what is pending and close the bag; may be called twice.

        Raises:
            RecordingError: Something could not be written.
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
        """Offer a service; of equal requests in a row, only the first is recorded."""
        recorded, answer = "", None

        def callback(request: Any, response: Any) -> Any:
            nonlocal recorded, answer
            # Not ==, by which NaN differs from itself, nor the bytes, whose padding is arbitrary.
            text = repr(request)
            if text == recorded:
                return answer
            try:
                record(request)
                response.success = True
            except DrGraspError as error:
                response.message = str(error)
                self.get_logger().warning(f"not recorded: {error}")
            # What failed may be tried again.
            recorded, answer = (text, response) if response.success else ("", None)
            return response

        self.create_service(service, name, callback)

    def _flush(self) -> None:
        if self._pending:
            self._bag.write_scores(self._pending, self.get_clock().now().nanoseconds)
            self._pending.clear()

    def _flush_or_warn(self) -> None:
        # A disk that is full for a while must not cost the scores: they stay pending.
        try:
            with self._lock:
                self._flush()
        except DrGraspError as error:
            self.get_logger().warning(
                f"{len(self._pending)} scores not recorded yet: {error}", throttle_duration_sec=10.0
            )


def main(args: list[str] | None = None) -> int:
    """Run the node."""
    return run_node(RecorderNode, args)


if __name__ == "__main__":
    sys.exit(main())
