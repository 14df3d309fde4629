"""Serves the action `attempt_grasp` with a backend, in the nodes `twin` and `moveit`.

The gates before a motion are here, in the process that commands it, and not only in the executor:
anybody in the ROS domain may send a goal.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from rclpy.node import Node

from dr_grasp.common.closing import Closing
from dr_grasp.core.attempt import GraspAttempt
from dr_grasp.core.outcome import Outcome
from dr_grasp.errors import BackendError
from dr_grasp.execution.backend import Backend, IsCancelled
from dr_grasp.messages.decoding import decode_grasp, decode_score
from dr_grasp.replaying.since_scored import Changes, changes_since_scored
from dr_grasp.ros.answering import explain
from dr_grasp.ros.attempt_recorder import AttemptRecorder
from dr_grasp.ros.confirmations import Confirmations
from dr_grasp.ros.conversions import attempt_to_msg
from dr_grasp.ros.exclusive_action import VANISHED, ExclusiveAction
from dr_grasp.ros.goals import CANCEL_S
from dr_grasp.ros.parameters import Parameter
from dr_grasp.ros.qos import ATTEMPTS
from dr_grasp.ros.remote_backend import ACTION
from dr_grasp_interfaces import msg
from dr_grasp_interfaces.action import AttemptGrasp

STOP_S = CANCEL_S + 2.0
"""Time limit for a goal in progress to stop when the node ends [s]: as long as a controller may
take to stop the arm, and a little more."""

CONFIRM = Parameter(
    "confirm",
    False,
    "Refuse to move without the token of the grasp's dry run; by default true before a real arm.",
)
RECORD = Parameter("record", True, "Refuse to move without a recorder that keeps each attempt.")
RECORDER_S = Parameter("recorder_s", 5, "Seconds to wait for the recorder.", (1, 600))
PARAMETERS = (CONFIRM, RECORD, RECORDER_S)


class AttemptServer(Closing):
    """Serves a backend over ROS, one goal at a time, since there is only one arm.

    Nothing moves without a recorder that has written that the attempt begins; with the parameter
    `confirm`, nothing moves without the token of a dry run. If the client vanishes, the arm stops.

    Actions:
        attempt_grasp (AttemptGrasp): Executes one grasp, one goal at a time.

    Topics:
        attempts (GraspAttempt), published: each attempt when it has ended.
    """

    def __init__(self, node: Node, backend: Backend, *, real: bool = False) -> None:
        """Declare the parameters `confirm`, `record` and `recorder_s`, and advertise the action.

        Args:
            node: Node that offers the action; its executor must have several threads.
            backend: Backend that executes the grasps; it is closed together with this server.
            real: Whether the backend moves a real arm: then `confirm` is true by default, and a
                grasp moves it only with `force` if what its score was made of has changed.
        """
        self._real = real
        self._confirm = CONFIRM.declare(node, default=real)
        record, limit_s = RECORD.declare(node), RECORDER_S.declare(node)
        self._node = node
        self._backend = backend
        self._confirmations = Confirmations()
        self._recorder = AttemptRecorder(node, float(limit_s)) if record else None
        self._attempts = node.create_publisher(msg.GraspAttempt, "attempts", ATTEMPTS)
        self._goals = ExclusiveAction(
            node, AttemptGrasp, ACTION, self._execute, watches_clients=True
        )

    def close(self) -> None:
        """Stop the goal in progress and close the backend; may be called twice."""
        if self._goals.stop(STOP_S):
            self._backend.close()
        if self._recorder is not None:
            self._recorder.close()

    def _execute(self, goal: Any, result: AttemptGrasp.Result, is_cancelled: IsCancelled) -> None:
        request = goal.request
        grasp = decode_grasp(request.grasp)

        def report(phase: str) -> None:
            goal.publish_feedback(AttemptGrasp.Feedback(phase=phase))

        confirms = not request.dry_run and (self._confirm or bool(request.confirmed))
        if confirms:
            self._confirmations.check(request.confirmed, grasp)
        begun: list[GraspAttempt] = []

        def begin(attempt: GraspAttempt) -> None:
            changes = self._warn_of_changes(attempt, result)
            if self._real and changes.differ and not request.force:
                raise BackendError(
                    f"grasp {grasp.id}: nothing moved, since its score was made of something else: "
                    f"{'; '.join(changes.differ)}; or execute it with `force`"
                )
            if self._recorder is not None:
                self._recorder.begin(attempt)
            begun.append(attempt)
            if confirms:
                self._confirmations.use(request.confirmed)

        try:
            attempt = self._backend.attempt(
                grasp,
                decode_score(request.score[0]) if request.score else None,
                seed=request.seed,
                attempt_index=request.attempt_index,
                dry_run=request.dry_run,
                on_begin=begin,
                on_phase=report,
                is_cancelled=is_cancelled,
            )
            result.success = True
        except Exception as error:
            if not begun:
                raise
            # Something may have moved, so this is an attempt, too.
            result.message = explain(self._node, ACTION, error)
            attempt = replace(begun[0], outcome=Outcome.BACKEND_ERROR, reason=result.message)
        if request.dry_run:
            self._warn_of_changes(attempt, result)
            result.attempt = attempt_to_msg(attempt)
            result.token = self._confirmations.token(grasp)
            return
        told = bool(goal.is_cancel_requested) or self._goals.closing.is_set()
        if attempt.outcome is Outcome.CANCELLED and not told:
            attempt = replace(attempt, reason=f"{attempt.reason}: {VANISHED}")
        result.attempt = attempt_to_msg(attempt)
        if self._recorder is not None:
            report("record")
            unrecorded = self._recorder.record(result.attempt)
            result.recorded = not unrecorded
            result.message = result.message or unrecorded
        self._attempts.publish(result.attempt)

    def _warn_of_changes(self, attempt: GraspAttempt, result: AttemptGrasp.Result) -> Changes:
        changes = changes_since_scored(attempt.grasp, attempt.score, attempt.models)
        result.warnings = list(changes.lines)
        for line in changes.lines:
            self._node.get_logger().warning(line)
        return changes
