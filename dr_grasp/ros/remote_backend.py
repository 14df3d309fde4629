"""Executes grasps by another node that serves the action `attempt_grasp`, such as `twin`."""

from __future__ import annotations

from rclpy.callback_groups import ReentrantCallbackGroup
from rclpy.node import Node

from dr_grasp.common.closing import Closing
from dr_grasp.core.fitness import GraspScore
from dr_grasp.core.trajectory import GraspTrajectory
from dr_grasp.execution.backend import IsCancelled, OnPhase, ignore_phase, never_cancelled
from dr_grasp.ros.attempt_recorder import RECORD_S
from dr_grasp.ros.conversions import grasp_to_msg, score_to_msg
from dr_grasp.ros.goals import CANCEL_S, RetryingActionClient, run_goal
from dr_grasp_interfaces.action import AttemptGrasp

ACTION = "attempt_grasp"

ATTEMPT_CANCEL_S = CANCEL_S + RECORD_S + 2.0
"""Time limit for a cancelled attempt to end [s]: the arm is stopped, then the attempt recorded."""


class RemoteBackend(Closing):
    """Executes each grasp by a goal to an `AttemptGrasp` server."""

    def __init__(self, node: Node, name: str, connect_s: float, attempt_s: float) -> None:
        """Create the client.

        Args:
            node: Node of the client; its executor must have several threads, since `attempt` is
                called from one of them.
            name: Name of the backend in messages.
            connect_s: Time limit to find the server [s].
            attempt_s: Time limit of an attempt [s].
        """
        self.name = name
        self._connect_s = connect_s
        self._attempt_s = attempt_s
        self._closed = False
        self._client = RetryingActionClient(
            node,
            AttemptGrasp,
            ACTION,
            ours=True,
            heartbeat=True,
            callback_group=ReentrantCallbackGroup(),
        )

    def attempt(
        self,
        grasp: GraspTrajectory,
        score: GraspScore | None,
        *,
        seed: int,
        attempt_index: int,
        dry_run: bool = False,
        confirmed: str = "",
        force: bool = False,
        on_phase: OnPhase = ignore_phase,
        is_cancelled: IsCancelled = never_cancelled,
    ) -> AttemptGrasp.Result:
        """Execute one grasp to its end; see `Backend`. The server lets the attempt be recorded.

        Args:
            grasp: The grasp to execute.
            score: Score of the grasp; None if there is none.
            seed: Seed of the backend's errors.
            attempt_index: Number of this attempt under that seed.
            dry_run: Whether to do everything but move.
            confirmed: Token of the grasp's dry run, where the server asks for it.
            force: Whether a real arm may move though what the score was made of has changed.
            on_phase: Called with the name of each phase as it begins.
            is_cancelled: Polled during motions; True ends the attempt.

        Returns:
            The result as the server sent it. Its attempt was checked by the recorder, and is
            checked again by `decode_attempt` where it is read.

        Raises:
            BackendError: There is no server, or it refuses or takes too long.
            NoAnswerError: The server vanished or hangs; the arm may still be moving.
        """
        goal = AttemptGrasp.Goal(
            grasp=grasp_to_msg(grasp),
            score=[] if score is None else [score_to_msg(score)],
            seed=seed,
            attempt_index=attempt_index,
            dry_run=dry_run,
            confirmed=confirmed,
            force=force,
        )
        return run_goal(
            self._client,
            f"{self.name} {ACTION}",
            goal,
            connect_s=self._connect_s,
            timeout_s=self._attempt_s,
            is_cancelled=is_cancelled,
            cancel_s=ATTEMPT_CANCEL_S,
            on_feedback=lambda feedback: on_phase(feedback.phase),
        ).result

    def close(self) -> None:
        """Destroy the client; may be called twice."""
        if not self._closed:
            self._closed = True
            self._client.destroy()
