"""Lets the node `recorder` record attempts, from the node that moves the arm."""

from __future__ import annotations

import threading
import time
from pathlib import Path

from rclpy.callback_groups import ReentrantCallbackGroup
from rclpy.node import Node

from dr_grasp.core.attempt import GraspAttempt
from dr_grasp.errors import DrGraspError, RecordingError
from dr_grasp.messages.decoding import decode_attempt
from dr_grasp.recording.bag_writer import BagWriter
from dr_grasp.ros.conversions import attempt_to_msg
from dr_grasp.ros.liveliness import ServerWatch
from dr_grasp.ros.requests import call_service
from dr_grasp_interfaces import msg
from dr_grasp_interfaces.srv import BeginAttempt, RecordAttempt

RECORD_S = 10.0
"""Time limit for the recorder to write an attempt to disk [s]."""

AGAIN_S = 1.0
"""Time between two tries to record what could not be recorded [s]."""

MOST_KEPT = 20
"""Most attempts that are kept until a recorder takes them: some megabytes. With more, nothing
moves."""


class AttemptRecorder:
    """Records that attempts begin and how they end; keeps what cannot be recorded yet."""

    def __init__(self, node: Node, connect_s: float) -> None:
        """Create the clients.

        Args:
            node: Node of the clients; its executor must have several threads.
            connect_s: Time limit to find the recorder [s].
        """
        self._node = node
        self._connect_s = connect_s
        group = ReentrantCallbackGroup()
        self._begin = node.create_client(BeginAttempt, "begin_attempt", callback_group=group)
        self._record = node.create_client(RecordAttempt, "record_attempt", callback_group=group)
        self._recorder = ServerWatch(node, "recorder")
        self._kept: list[tuple[GraspAttempt, msg.GraspAttempt]] = []
        self._turn = threading.Lock()
        self._timer = node.create_timer(AGAIN_S, self._record_kept, callback_group=group)

    def begin(self, attempt: GraspAttempt) -> None:
        """Let the recorder write that an attempt begins; on return that is on disk.

        Raises:
            RecordingError: There is no recorder, or it gives no answer, or refuses.
        """
        if len(self._kept) >= MOST_KEPT:
            raise RecordingError(
                f"expected at most {MOST_KEPT} attempts that could not be recorded yet, got more"
            )
        request = BeginAttempt.Request(attempt=attempt_to_msg(attempt))
        try:
            answer = call_service(self._begin, request, self._connect_s, self._recorder)
        except DrGraspError as error:
            raise RecordingError(
                f"nothing moved, since no recorder keeps it: {error}; start a recorder, or set the "
                "parameter record of this node to false"
            ) from error
        if not answer.success:
            raise RecordingError(f"nothing moved: the recorder refused it: {answer.message}")

    def record(self, attempt: msg.GraspAttempt) -> str:
        """Let the recorder write an attempt; if that fails, it is tried again until it succeeds.

        Returns:
            Why the attempt is not on disk yet; empty if it is.
        """
        try:
            decoded = decode_attempt(attempt)
        except DrGraspError as error:  # by a backend with a fault: no recorder would ever take it
            self._node.get_logger().error(f"lost: {error}")
            return str(error)
        try:
            self._try_to_record(attempt)
        except DrGraspError as error:
            with self._turn:
                self._kept.append((decoded, attempt))
            reason = f"attempt {attempt.attempt_id} is kept until it can be recorded: {error}"
            self._node.get_logger().error(reason)
            return reason
        return ""

    def close(self) -> None:
        """Write attempts that no recorder took into a bag of their own; may be called twice."""
        self._timer.cancel()
        with self._turn:
            kept, self._kept = self._kept, []
        if not kept:
            return
        directory = Path(time.strftime("dr_grasp_unrecorded_%Y-%m-%d_%H-%M-%S"))
        with BagWriter(directory) as bag:
            for decoded, attempt in kept:
                bag.write_attempt(decoded, attempt)
        self._node.get_logger().warning(f"{directory}: attempts that no recorder took")

    def _try_to_record(self, attempt: msg.GraspAttempt) -> None:
        request = RecordAttempt.Request(attempt=attempt)
        answer = call_service(self._record, request, RECORD_S, self._recorder)
        if not answer.success:
            raise RecordingError(f"the recorder refused the attempt: {answer.message}")

    def _record_kept(self) -> None:
        # One try at a time; the timer comes again.
        if not self._kept or self._recorder.gone or not self._turn.acquire(blocking=False):
            return
        try:
            for entry in list(self._kept):
                _, attempt = entry
                if not self._record.wait_for_service(0.0):
                    return
                self._try_to_record(attempt)
                self._kept.remove(entry)
                self._node.get_logger().info(f"attempt {attempt.attempt_id}: recorded after all")
        except DrGraspError as error:
            self._node.get_logger().warning(
                f"{len(self._kept)} attempts not recorded yet: {error}", throttle_duration_sec=30.0
            )
        finally:
            self._turn.release()
