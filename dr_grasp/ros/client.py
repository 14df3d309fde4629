"""Client of the nodes of dr_grasp: for programs, the command line, the demonstration and tests."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import rclpy
from rclpy.executors import SingleThreadedExecutor
from rclpy.signals import SignalHandlerOptions

from dr_grasp.common.closing import Closing
from dr_grasp.core.attempt import GraspAttempt
from dr_grasp.core.fitness import GraspScore, RefusedGrasp, Selection
from dr_grasp.core.outcome import Outcome
from dr_grasp.core.trajectory import GraspTrajectory
from dr_grasp.errors import BackendError, InvalidGraspError
from dr_grasp.execution.runner import AttemptProgress, ExecutionFailedError
from dr_grasp.messages.decoding import decode_attempt, decode_score, decode_selection
from dr_grasp.ros.answering import traceback_of
from dr_grasp.ros.conversions import grasps_to_msgs, outcome_to_msg, score_to_msg
from dr_grasp.ros.goals import RetryingActionClient, run_goal
from dr_grasp.ros.liveliness import ServerWatch
from dr_grasp.ros.remote_backend import ATTEMPT_CANCEL_S
from dr_grasp.ros.requests import call_service
from dr_grasp.scoring.request import Progress, check_stopping
from dr_grasp_interfaces.action import ExecuteGrasps, ScoreGrasps
from dr_grasp_interfaces.msg import CriterionTrials
from dr_grasp_interfaces.srv import RecordOutcome


@dataclass(frozen=True, slots=True)
class ScoringResult:
    """Answer of the node `scorer`; with a selection if only the best grasps were requested."""

    scores: tuple[GraspScore, ...]
    refused: tuple[RefusedGrasp, ...]
    selection: Selection | None = None


@dataclass(frozen=True, slots=True)
class ExecutionResult:
    """Answer of the node `executor`.

    If `needs_confirmation`, nothing has moved: the attempts are of a dry run. The token of a dry
    run lets these very grasps move the arm, once. A warning names what has changed since the scores
    were made.
    """

    attempts: tuple[GraspAttempt, ...]
    refused: tuple[RefusedGrasp, ...]
    needs_confirmation: bool = False
    token: str = ""
    warnings: tuple[str, ...] = ()


class DrGraspClient(Closing):
    """Requests scores and executions from the nodes of dr_grasp. A context manager.

    It has its own ROS node, ROS context and thread, so a program needs nothing else of rclpy.
    """

    def __init__(self, namespace: str = "", connect_s: float = 30.0) -> None:
        """Start the client's node.

        Args:
            namespace: ROS namespace of the nodes `scorer`, `executor` and `recorder`.
            connect_s: Time limit to find each of these nodes [s].
        """
        self._connect_s = connect_s
        self._context = rclpy.Context()
        rclpy.init(context=self._context, signal_handler_options=SignalHandlerOptions.NO)
        self._node = rclpy.create_node("planner", namespace=namespace, context=self._context)
        self._actions = {
            name: RetryingActionClient(self._node, kind, name, ours=True)
            for name, kind in (("score_grasps", ScoreGrasps), ("execute_grasps", ExecuteGrasps))
        }
        self._outcome = self._node.create_client(RecordOutcome, "record_outcome")
        self._recorder = ServerWatch(self._node, "recorder")
        self._executor = SingleThreadedExecutor(context=self._context)
        self._executor.add_node(self._node)
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._spin, daemon=True)
        self._thread.start()

    def _spin(self) -> None:
        # rclpy's own loop ends by a shutdown of the executor while the loop still uses it, which
        # sometimes prints a traceback.
        while not self._closing.is_set():
            try:
                self._executor.spin_once(timeout_sec=0.1)
            except Exception as error:  # the client must go on to hear of its goals
                self._node.get_logger().error(f"an error in a callback:\n{traceback_of(error)}")

    def close(self) -> None:
        """Stop the node; may be called twice."""
        if not self._context.ok():
            return
        self._closing.set()
        self._thread.join(timeout=5.0)
        self._executor.shutdown(timeout_sec=2.0)
        self._node.destroy_node()
        self._context.try_shutdown()

    def score(
        self,
        grasps: Sequence[GraspTrajectory],
        *,
        trials: int | None = None,
        criteria: Sequence[str] = (),
        seed: int = 0,
        profile: str = "default",
        until: float | None = None,
        top: int | None = None,
        own_trials: Iterable[tuple[str, int]] = (),
        on_progress: Callable[[Progress], None] | None = None,
        is_cancelled: Callable[[], bool] = lambda: False,
    ) -> ScoringResult:
        """Score grasps with the node `scorer`.

        Args:
            grasps: The grasps to score.
            trials: Number of rollouts for each criterion; with `until`, the largest number. None
                for the number in the profile.
            criteria: Names of the criteria; empty for all four.
            seed: Seed of the perturbations.
            profile: Name of the randomisation profile.
            until: Stop sampling a criterion once its interval is no wider than this, in
                (0, 1); None for a fixed number of rollouts.
            top: Find only this number of best grasps, with fewer rollouts; None to score all.
            own_trials: Criteria that get another number of rollouts, each with the number.
            on_progress: Called with the progress that the scorer reports.
            is_cancelled: Polled every 50 ms; True cancels the goal.

        Raises:
            SettingsError: `until` or `top` is out of bounds, or there are too many grasps.
            BackendError: There is no scorer, it refused the whole request, or it was cancelled.
        """
        # Checked here, since in the goal 0 means None, and negative numbers are impossible.
        check_stopping(until, top)
        goal = ScoreGrasps.Goal(
            grasps=grasps_to_msgs(grasps),
            criteria=list(criteria),
            trials=ScoreGrasps.Goal.PROFILE_TRIALS if trials is None else trials,
            own_trials=[CriterionTrials(criterion=name, trials=n) for name, n in own_trials],
            seed=seed,
            profile=profile,
            until=until or 0.0,
            top_k=top or 0,
        )

        def forward(feedback: Any) -> None:
            if on_progress is not None:
                done, total = feedback.rollouts_done, feedback.rollouts_total
                on_progress(Progress(done, total, feedback.best_grasp_id, feedback.best_value))

        result = self._run("score_grasps", goal, forward, is_cancelled)
        if not result.success:
            raise BackendError(f"score_grasps: {result.message or 'the goal was aborted'}")
        scores = tuple(decode_score(message) for message in result.scores)
        selection = next((decode_selection(message) for message in result.selection), None)
        return ScoringResult(scores, _refusals(result.refused), selection)

    def execute(
        self,
        grasps: Sequence[GraspTrajectory],
        scores: Sequence[GraspScore],
        *,
        top: int,
        seed: int = 0,
        dry_run: bool = False,
        confirmed: str = "",
        force: bool = False,
        on_progress: Callable[[AttemptProgress], None] | None = None,
        is_cancelled: Callable[[], bool] = lambda: False,
    ) -> ExecutionResult:
        """Execute the best grasps with the node `executor`.

        Args:
            grasps: Grasps from which the best are executed.
            scores: Scores of these grasps, by which they are ranked.
            top: Number of grasps to execute.
            seed: Seed of the twin's errors.
            dry_run: Whether to do everything but move.
            confirmed: Token of a dry run of the same grasps, after a person has seen what will
                move, and watches the arm. Without it, an executor that asks for confirmation makes
                a dry run, and the result says so and has the token.
            force: Whether a real arm may move though robot, object or profile have changed since
                the scores were made.
            on_progress: Called at the beginning of each phase of each attempt. An error that it
                raises cancels the goal.
            is_cancelled: Polled every 50 ms; True stops the arm.

        Raises:
            SettingsError: There are too many grasps.
            ExecutionFailedError: The hardware or the recorder has failed, or the goal was
                cancelled; the error has the attempts that were made.
            BackendError: There is no executor, or it refused the goal.
        """
        goal = ExecuteGrasps.Goal(
            grasps=grasps_to_msgs(grasps),
            scores=[score_to_msg(score) for score in scores],
            top_k=top,
            seed=seed,
            dry_run=dry_run,
            confirmed=confirmed,
            force=force,
        )

        def forward(feedback: Any) -> None:
            if on_progress is not None:
                number, total = feedback.attempt_number, feedback.attempts_total
                on_progress(AttemptProgress(feedback.grasp_id, number, total, feedback.phase))

        result = self._run("execute_grasps", goal, forward, is_cancelled)
        refused = _refusals(result.refused)
        if not result.success and not result.needs_confirmation:
            reason = result.message or "the goal was aborted"
            raise ExecutionFailedError(f"execute_grasps: {reason}", _readable(result.attempts))
        attempts = tuple(decode_attempt(message) for message in result.attempts)
        return ExecutionResult(
            attempts, refused, result.needs_confirmation, result.token, tuple(result.warnings)
        )

    def record_outcome(
        self, attempt_id: str, outcome: Outcome, reason: str = "", reporter: str = "operator"
    ) -> None:
        """Record an operator's report on an attempt; the backend's outcome is kept, too.

        Args:
            attempt_id: Id of a recorded attempt.
            outcome: Outcome that the operator has seen.
            reason: Reason for this outcome, in one line.
            reporter: Name of the operator.

        Raises:
            BackendError: There is no recorder, or it does not know the attempt.
        """
        request = RecordOutcome.Request(
            attempt_id=attempt_id,
            outcome=outcome_to_msg(outcome),
            reason=reason,
            reporter=reporter,
        )
        answer = call_service(self._outcome, request, self._connect_s, self._recorder)
        if not answer.success:
            raise BackendError(f"record_outcome: {answer.message}")

    def _run(
        self,
        name: str,
        goal: Any,
        on_feedback: Callable[[Any], None],
        is_cancelled: Callable[[], bool],
    ) -> Any:
        return run_goal(
            self._actions[name],
            name,
            goal,
            connect_s=self._connect_s,
            timeout_s=None,
            is_cancelled=is_cancelled,
            cancel_s=ATTEMPT_CANCEL_S + 2.0,
            on_feedback=on_feedback,
        ).result


def _readable(messages: Sequence[Any]) -> tuple[GraspAttempt, ...]:
    """The attempts that are valid, of an execution that failed."""
    attempts = []
    for message in messages:
        with suppress(InvalidGraspError):
            attempts.append(decode_attempt(message))
    return tuple(attempts)


def _refusals(messages: Sequence[Any]) -> tuple[RefusedGrasp, ...]:
    return tuple(
        RefusedGrasp(message.index, message.grasp_id, message.reason) for message in messages
    )
