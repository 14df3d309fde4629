"""A backend in another node: any that serves the action `attempt_grasp`, such as the twin."""

from __future__ import annotations

from rclpy.callback_groups import ReentrantCallbackGroup
from rclpy.node import Node

from dr_grasp.common.closing import Closing
from dr_grasp.core.fitness import GraspScore
from dr_grasp.core.trajectory import GraspTrajectory
from dr_grasp.errors import BackendError
from dr_grasp.execution.backend import IsCancelled, OnPhase, ignore_phase, never_cancelled
from dr_grasp.ros.conversions import grasp_to_msg, score_to_msg
from dr_grasp.ros.requests import RetryingActionClient, run_goal
from dr_grasp_interfaces.action import AttemptGrasp
from dr_grasp_interfaces.msg import GraspAttempt

ACTION = "attempt_grasp"


class RemoteBackend(Closing):
    """Sends each grasp to an `AttemptGrasp` server and waits for the attempt."""

    def __init__(self, node: Node, name: str, connect_s: float, attempt_s: float) -> None:
        """Create the client.

        Args:
            node: Spun by an executor of several threads; `attempt` is called from one of them.
            name: Name of the backend, for messages.
            connect_s: How long to wait for the server.
            attempt_s: How long an attempt may take.
        """
        self.name = name
        self._connect_s = connect_s
        self._attempt_s = attempt_s
        self._closed = False
        self._client = RetryingActionClient(
            node, AttemptGrasp, ACTION, callback_group=ReentrantCallbackGroup()
        )

    def attempt(
        self,
        grasp: GraspTrajectory,
        score: GraspScore | None,
        *,
        seed: int,
        attempt_index: int,
        dry_run: bool = False,
        on_phase: OnPhase = ignore_phase,
        is_cancelled: IsCancelled = never_cancelled,
    ) -> GraspAttempt:
        """Execute one grasp to its end; see `Backend`.

        Returns:
            The message just as the server sent it: the recorder checks it before it writes it, and
            `decode_attempt` wherever it is read.

        Raises:
            BackendError: The server is not there, refuses, breaks down or takes too long.
        """
        goal = AttemptGrasp.Goal(
            grasp=grasp_to_msg(grasp),
            score=[] if score is None else [score_to_msg(score)],
            seed=seed,
            attempt_index=attempt_index,
            dry_run=dry_run,
        )
        result = run_goal(
            self._client,
            f"{self.name} {ACTION}",
            goal,
            connect_s=self._connect_s,
            timeout_s=self._attempt_s,
            is_cancelled=is_cancelled,
            on_feedback=lambda feedback: on_phase(feedback.phase),
        ).result
        if not result.success:
            raise BackendError(f"{self.name}: {result.message or 'the attempt was aborted'}")
        return result.attempt

    def close(self) -> None:
        """Destroy the client; may be called twice."""
        if not self._closed:
            self._closed = True
            self._client.destroy()
