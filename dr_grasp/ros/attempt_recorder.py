"""Lets the node `recorder` record attempts, from the node that moves the arm."""

from __future__ import annotations

import secrets
import tempfile
import threading
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from rclpy.callback_groups import ReentrantCallbackGroup
from rclpy.client import Client
from rclpy.node import Node

from dr_grasp.core.attempt import GraspAttempt
from dr_grasp.core.outcome import Outcome
from dr_grasp.errors import DrGraspError, NoAnswerError, RecordingError
from dr_grasp.messages.decoding import decode_attempt
from dr_grasp.recording.bag_writer import BagWriter
from dr_grasp.ros.answering import explain
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

UNRECORDED = "dr_grasp_unrecorded_%Y-%m-%d_%H-%M-%S"
"""Name of the bag for attempts that no recorder took, by the time of writing."""


class AttemptRecorder:
    """Records that attempts begin and how they end; keeps what cannot be recorded yet."""

    def __init__(self, node: Node, connect_s: float) -> None:
        """Create the clients.

        Args:
            node: Node of the clients; its executor must have several threads.
            connect_s: Time limit to find the recorder before anything moves [s].
        """
        self._node = node
        self._connect_s = connect_s
        group = ReentrantCallbackGroup()
        self._begin = node.create_client(BeginAttempt, "begin_attempt", callback_group=group)
        self._record = node.create_client(RecordAttempt, "record_attempt", callback_group=group)
        self._recorder = ServerWatch(node, "recorder")
        self._kept: list[msg.GraspAttempt] = []
        self._changing = threading.Lock()
        self._recording = threading.Lock()
        self._closing = threading.Event()
        self._timer = node.create_timer(AGAIN_S, self._record_kept, callback_group=group)

    def begin(self, attempt: GraspAttempt) -> None:
        """Let the recorder write that an attempt begins; on return that is on disk.

        Raises:
            RecordingError: There is no recorder, or it gives no answer, or refuses.
        """
        if len(self._kept) >= MOST_KEPT:
            raise RecordingError(
                f"nothing moved: expected at most {MOST_KEPT} attempts that no recorder took, "
                "got more"
            )
        request = BeginAttempt.Request(attempt=attempt_to_msg(attempt))
        try:
            answer = self._call(self._begin, request, self._connect_s)
        except DrGraspError as error:
            if isinstance(error, NoAnswerError):  # so it may have been written
                reason = f"nothing moved: {error}"
                self._keep(attempt_to_msg(replace(attempt, outcome=Outcome.REFUSED, reason=reason)))
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
            decode_attempt(attempt)
        except DrGraspError as error:  # by a backend with a fault: no recorder would ever take it
            self._node.get_logger().error(f"lost: {error}")
            return str(error)
        try:
            # There was a recorder when the attempt began, so it is not waited for.
            self._try_to_record(attempt, 0.0)
        except Exception as error:
            self._keep(attempt)
            reason = explain(self._node, "record_attempt", error)
            reason = f"attempt {attempt.attempt_id} is kept until it can be recorded: {reason}"
            self._node.get_logger().error(reason)
            return reason
        return ""

    def close(self) -> None:
        """Write attempts that no recorder took into a bag of their own; may be called twice.

        Attempts that come later are written at once.
        """
        self._closing.set()
        self._timer.cancel()
        with self._changing:
            kept, self._kept = self._kept, []
        if kept:
            self._write(kept)

    def _keep(self, attempt: msg.GraspAttempt) -> None:
        with self._changing:
            if not self._closing.is_set():
                self._kept.append(attempt)
                return
        self._write([attempt])

    def _write(self, attempts: Sequence[msg.GraspAttempt]) -> None:
        """Write attempts into a new bag in the working directory, or else among temporary files."""
        for folder in (Path.cwd(), Path(tempfile.gettempdir())):
            directory = folder / f"{time.strftime(UNRECORDED)}_{secrets.token_hex(2)}"
            try:
                with BagWriter(directory) as bag:
                    for attempt in attempts:
                        bag.write_attempt(decode_attempt(attempt), attempt)
            except DrGraspError as error:
                self._node.get_logger().error(str(error))
            else:
                self._node.get_logger().warning(f"{directory}: attempts that no recorder took")
                return

    def _call(self, client: Client, request: Any, find_s: float) -> Any:
        return call_service(
            client,
            request,
            RECORD_S,
            self._recorder,
            find_s=find_s,
            gives_up=self._closing.is_set,
        )

    def _try_to_record(self, attempt: msg.GraspAttempt, find_s: float) -> None:
        answer = self._call(self._record, RecordAttempt.Request(attempt=attempt), find_s)
        if not answer.success:
            raise RecordingError(f"the recorder refused the attempt: {answer.message}")

    def _record_kept(self) -> None:
        # One at a time; the timer comes again.
        if not self._kept or not self._recording.acquire(blocking=False):
            return
        try:
            for attempt in list(self._kept):
                self._try_to_record(attempt, 0.0)
                with self._changing:
                    self._kept = [other for other in self._kept if other is not attempt]
                self._node.get_logger().info(f"attempt {attempt.attempt_id}: recorded after all")
        except DrGraspError as error:
            self._node.get_logger().warning(
                f"{len(self._kept)} attempts not recorded yet: {error}", throttle_duration_sec=30.0
            )
        finally:
            self._recording.release()
