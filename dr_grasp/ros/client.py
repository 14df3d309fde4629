"""Client of the nodes of dr_grasp: for programs, the command line, the demonstration and tests."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import Any

from dr_grasp.common.closing import Closing
from dr_grasp.core.fitness import GraspScore
from dr_grasp.core.outcome import Outcome
from dr_grasp.core.trajectory import GraspTrajectory
from dr_grasp.errors import BackendError
from dr_grasp.execution.runner import AttemptProgress
from dr_grasp.messages.requests import encode_request
from dr_grasp.ros.conversions import grasps_to_msgs, outcome_to_msg, score_to_msg, to_msg
from dr_grasp.ros.goals import RetryingActionClient, run_goal
from dr_grasp.ros.liveliness import ServerWatch
from dr_grasp.ros.own_node import OwnNode
from dr_grasp.ros.remote_backend import ATTEMPT_CANCEL_S
from dr_grasp.ros.requests import call_service
from dr_grasp.ros.results import ExecutionResult, ScoringResult, execution_result, scoring_result
from dr_grasp.scoring.progress import Progress
from dr_grasp.scoring.request import check_stopping
from dr_grasp_interfaces import action, srv

CANCEL_S = ATTEMPT_CANCEL_S + 2.0
"""Time limit for a node to end a cancelled goal [s]: an arm stops, and its attempt is recorded."""


class DrGraspClient(Closing):
    """Requests scores and executions from the nodes of dr_grasp. A context manager.

    It has its own ROS node, ROS context and thread, so a program needs nothing else of rclpy, and
    a program that has nodes of its own need not spin them for it. Each method waits for its answer.
    It may be called from any thread, from several at the same time, and from a callback of a node
    of yours; that node's other callbacks wait as long as they would for any long callback. Only
    the functions that are given as `on_progress` must not call the client: they run in its thread.

        with DrGraspClient() as client:
            scores = client.score(grasps, trials=50).scores
            print(client.execute(grasps, scores, top=3).attempts)
    """

    def __init__(self, namespace: str = "", connect_s: float = 30.0) -> None:
        """Start the client's node; nothing is requested yet.

        Args:
            namespace: ROS namespace of the nodes `scorer`, `executor` and `recorder`.
            connect_s: Time limit to find each of these nodes [s].

        Raises:
            SettingsError: ROS has no such namespaces.
        """
        self._connect_s = connect_s
        self._own = OwnNode("planner", namespace)
        node = self._own.node
        # The scorer does not ask whether its client lives: a score moves nothing.
        self._score = RetryingActionClient(node, action.ScoreGrasps, "score_grasps", ours=True)
        self._execute = RetryingActionClient(
            node, action.ExecuteGrasps, "execute_grasps", ours=True, heartbeat=True
        )
        self._score_few = node.create_client(srv.ScoreGrasps, "score_grasps")
        self._outcome = node.create_client(srv.RecordOutcome, "record_outcome")
        self._recorder = ServerWatch(node, "recorder")
        self._own.start()

    def close(self) -> None:
        """Stop the client's node; may be called twice."""
        self._own.close()

    def score_few(
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
        engine: str | None = None,
        metrics: Sequence[str] = (),
        timeout_s: float = 600.0,
    ) -> ScoringResult:
        """Score a handful of grasps by the scorer's service, also while it works on a goal.

        The answer comes before that of a goal of many grasps, and cannot be cancelled: the
        scorer refuses more than 5000 rollouts in all. The scores are the same as those of `score`.

        Args:
            grasps: The grasps to score.
            trials: Number of rollouts for each criterion; with `until`, the largest number. None
                for the number in the profile.
            criteria: Names of the criteria, such as "mdr"; empty for all four.
            seed: Seed of the perturbations, from 0 to 2**64 - 1.
            profile: Name of the randomisation profile.
            until: Stop sampling a criterion once its interval is no wider than this, in
                (0, 1); None for a fixed number of rollouts.
            top: Find only this number of best grasps, with fewer rollouts; None to score all.
            own_trials: Criteria that get another number of rollouts, each with the number.
            engine: Name of the physics engine; None for the scorer's choice.
            metrics: Names of metrics to measure beside the criteria, such as "tug".
            timeout_s: Time limit for the answer [s]. The scorer goes on when it has passed.

        Raises:
            SettingsError: A number is out of bounds, or there are too many grasps.
            BackendError: There is no scorer within `connect_s`, or it refused the whole request.
            ServerGoneError: The scorer died meanwhile; noticed within 3 s. A BackendError.
            NoAnswerError: There is no answer in time. A BackendError.
        """
        check_stopping(until, top)
        fields = encode_request(
            grasps,
            trials=trials,
            criteria=criteria,
            seed=seed,
            profile=profile,
            until=until,
            top=top,
            own_trials=own_trials,
            engine=engine,
            metrics=metrics,
        )
        request, server = to_msg(srv.ScoreGrasps.Request, fields), self._score.watch
        # An empty request first, which costs nothing and so may be sent twice: once it is answered,
        # nothing gets lost any more, and nobody scores the same grasps twice.
        ask = partial(call_service, self._score_few, server=server, find_s=self._connect_s)
        ask(srv.ScoreGrasps.Request(), timeout_s)
        return scoring_result(ask(request, timeout_s, repeats=False))

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
        engine: str | None = None,
        metrics: Sequence[str] = (),
        on_progress: Callable[[Progress], None] | None = None,
        is_cancelled: Callable[[], bool] = lambda: False,
    ) -> ScoringResult:
        """Score any number of grasps up to 10,000 by the scorer's action.

        Args:
            grasps: The grasps to score.
            trials: Number of rollouts for each criterion; with `until`, the largest number. None
                for the number in the profile.
            criteria: Names of the criteria, such as "mdr"; empty for all four.
            seed: Seed of the perturbations, from 0 to 2**64 - 1.
            profile: Name of the randomisation profile.
            until: Stop sampling a criterion once its interval is no wider than this, in
                (0, 1); None for a fixed number of rollouts.
            top: Find only this number of best grasps, with fewer rollouts; None to score all.
            own_trials: Criteria that get another number of rollouts, each with the number.
            engine: Name of the physics engine; None for the scorer's choice.
            metrics: Names of metrics to measure beside the criteria, such as "tug".
            on_progress: Called in the client's thread with the progress, at most five times a
                second. An error that it raises cancels the goal, and is raised here.
            is_cancelled: Polled every 50 ms; True cancels the goal.

        Raises:
            SettingsError: A number is out of bounds, or there are too many grasps.
            BackendError: There is no scorer within `connect_s`, it refused the whole request, or
                the goal was cancelled.
            ServerGoneError: The scorer died meanwhile; noticed within 3 s. A BackendError.
        """
        # Checked here, since in the goal 0 means None, and negative numbers are impossible.
        check_stopping(until, top)
        fields = encode_request(
            grasps,
            trials=trials,
            criteria=criteria,
            seed=seed,
            profile=profile,
            until=until,
            top=top,
            own_trials=own_trials,
            engine=engine,
            metrics=metrics,
        )

        def forward(feedback: Any) -> None:
            if on_progress is not None:
                done, total = feedback.rollouts_done, feedback.rollouts_total
                on_progress(Progress(done, total, feedback.best_grasp_id, feedback.best_value))

        goal = to_msg(action.ScoreGrasps.Goal, fields)
        return scoring_result(self._run(self._score, "score_grasps", goal, forward, is_cancelled))

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
            on_progress: Called in the client's thread at the beginning of each phase of each
                attempt. An error that it raises cancels the goal, and is raised here.
            is_cancelled: Polled every 50 ms; True stops the arm.

        Raises:
            SettingsError: There are too many grasps.
            ExecutionFailedError: The hardware or the recorder has failed, or the goal was
                cancelled; the error has the attempts that were made. A BackendError.
            BackendError: There is no executor within `connect_s`, or it refused the goal.
            ServerGoneError: The executor died meanwhile; noticed within 3 s. A BackendError.
        """
        goal = action.ExecuteGrasps.Goal(
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

        return execution_result(
            self._run(self._execute, "execute_grasps", goal, forward, is_cancelled)
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
            BackendError: There is no recorder within `connect_s`, or it does not know the attempt.
        """
        request = srv.RecordOutcome.Request(
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
        client: RetryingActionClient,
        name: str,
        goal: Any,
        on_feedback: Callable[[Any], None],
        is_cancelled: Callable[[], bool],
    ) -> Any:
        return run_goal(
            client,
            name,
            goal,
            connect_s=self._connect_s,
            timeout_s=None,
            is_cancelled=is_cancelled,
            cancel_s=CANCEL_S,
            on_feedback=on_feedback,
        ).result
