"""Sends goals of actions from a thread other than the executor's; every wait has a limit."""

from __future__ import annotations

import math
import threading
import time
import uuid
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from action_msgs.msg import GoalStatus
from rclpy.action import ActionClient
from rclpy.action.client import ClientGoalHandle
from rclpy.node import Node
from unique_identifier_msgs.msg import UUID

from dr_grasp.errors import (
    BackendError,
    GoalRefusedError,
    NoAnswerError,
    ResultLateError,
    ServerGoneError,
)
from dr_grasp.ros.liveliness import Heartbeat, ServerWatch
from dr_grasp.ros.requests import POLL_S, RetriedRequest, find_server

GONE_AFTER_S = 2.0
"""A server that does not announce itself is gone when it was not visible for this time [s]."""

CANCEL_S = 10.0
"""Time limit for a controller to end a cancelled goal [s]. A server whose own goals take so long to
be cancelled needs more."""

ENDED = (GoalStatus.STATUS_SUCCEEDED, GoalStatus.STATUS_CANCELED, GoalStatus.STATUS_ABORTED)


class RetryingActionClient(ActionClient):
    """An action client that may be used from a thread other than its executor's.

    The client of ROS 2 Jazzy sends a request first, and then registers that it waits for an answer.
    An answer that comes in between is discarded, and the caller waits for ever (seen with rclpy
    7.1.6). In this class, answers are handled only after the request is registered.

    Attributes:
        watch: Watches the server; None if it does not show that it is alive.
    """

    def __init__(
        self,
        node: Node,
        kind: Any,
        name: str,
        *,
        ours: bool = False,
        heartbeat: bool = False,
        **options: Any,
    ) -> None:
        """Create the client.

        Args:
            node: Node of the client.
            kind: Class of the action.
            name: Name of the action.
            ours: Whether a node of dr_grasp is the server, which shows that it is alive.
            heartbeat: Whether the server wants to know that its client is alive.
            options: Further arguments of rclpy.action.ActionClient.
        """
        self._registering = threading.RLock()
        self._ended: frozenset[bytes] = frozenset()
        super().__init__(node, kind, name, **options)
        self.watch = ServerWatch(node, name) if ours else None
        self._heartbeat = Heartbeat(node, name) if heartbeat else None

    def wait_until_ready(self, timeout_s: float, gives_up: Callable[[], bool]) -> bool:
        """Wait for a server that lives, and return whether there is one; see `find_server`."""
        return find_server(self._action_name, self.wait_for_server, self.watch, timeout_s, gives_up)

    @property
    def server_is_gone(self) -> bool:
        """Whether the server has announced itself, and gives no sign of life any more."""
        return self.watch is not None and self.watch.gone

    def beat(self, goal_id: UUID) -> None:
        """Show the server of a goal that this client is alive; call it at least every 100 ms."""
        if self._heartbeat is not None:
            self._heartbeat.beat(goal_id)

    def has_ended(self, goal_id: UUID) -> bool:
        """Whether the server has said that a goal came to its end, with a result."""
        return bytes(goal_id.uuid) in self._ended

    def forget(self, goal_id: UUID) -> None:
        """Release what is kept of a goal: rclpy keeps feedback callbacks for ever."""
        self._feedback_callbacks.pop(bytes(goal_id.uuid), None)

    def send_goal_async(self, *args: Any, **kwargs: Any) -> Any:
        """Send a goal; the arguments are the same as in the base class."""
        with self._registering:
            return super().send_goal_async(*args, **kwargs)

    def _cancel_goal_async(self, goal_handle: Any) -> Any:
        with self._registering:
            return super()._cancel_goal_async(goal_handle)

    def _get_result_async(self, goal_handle: Any) -> Any:
        with self._registering:
            return super()._get_result_async(goal_handle)

    async def execute(self, taken_data: Any) -> None:
        """Handle answers and feedback, after all requests so far are registered."""
        with self._registering:
            pass
        if "status" in taken_data:
            self._ended = frozenset(
                bytes(status.goal_info.goal_id.uuid)
                for status in taken_data["status"].status_list
                if status.status in ENDED
            )
        await super().execute(taken_data)


def run_goal(
    client: RetryingActionClient,
    name: str,
    goal: Any,
    *,
    connect_s: float,
    timeout_s: float | None,
    is_cancelled: Callable[[], bool],
    cancel_s: float = CANCEL_S,
    on_feedback: Callable[[Any], None] | None = None,
) -> Any:
    """Send a goal and wait for its result. Whatever ends the wait, the goal is cancelled.

    Args:
        client: Client of the action.
        name: Name of the server in error messages.
        goal: The goal.
        connect_s: Time limit to find the server [s].
        timeout_s: Time limit of the goal [s]; None for no limit as long as the server is alive.
        is_cancelled: Polled every 50 ms; True cancels the goal and waits for its result.
        cancel_s: Time limit for the server to end a cancelled goal [s].
        on_feedback: Called with each feedback of the server. An error that it raises cancels the
            goal, and is raised here when that has ended.

    Returns:
        The action's response: the `result` of the goal, and its `status`.

    Raises:
        BackendError: There is no server.
        ServerGoneError: The server vanished, or does not know the goal any more.
        GoalRefusedError: The server refused the goal.
        NoAnswerError: The server does not say whether it accepts the goal.
        ResultLateError: There is no result in time.
    """
    if not client.wait_until_ready(connect_s, is_cancelled):
        if is_cancelled():
            raise BackendError(f"{name}: cancelled before there was such an action")
        raise BackendError(f"{name}: no such action within {connect_s:g} s; is its node running?")
    failed: list[Exception] = []

    def forward(message: Any) -> None:
        # In a thread of the node's executor, which an error would end.
        try:
            if on_feedback is not None and not failed:
                on_feedback(message.feedback)
        except Exception as error:
            failed.append(error)

    # A server accepts each goal id only once, so the goal may be sent again. By the id, the goal
    # can be cancelled and its result requested even if the answer that it was accepted is lost.
    goal_id = UUID(uuid=list(uuid.uuid4().bytes))
    handle = ClientGoalHandle(client, goal_id, None)
    try:
        accepted = _send_goal(client, goal, goal_id, name, connect_s, forward)
        response = _wait_for_result(
            client, handle, name, timeout_s, lambda: bool(failed) or is_cancelled(), cancel_s
        )
    except GoalRefusedError:
        raise
    except BaseException:
        # The server may have accepted the goal, and no arm must move unattended.
        with suppress(Exception):
            handle.cancel_goal_async()
        raise
    finally:
        client.forget(goal_id)
    if failed:
        raise failed[0]
    if response.status == GoalStatus.STATUS_UNKNOWN:
        if accepted:
            raise ServerGoneError(f"{name}: the server vanished and another took its place")
        raise GoalRefusedError(f"{name}: the goal was refused")
    return response


def _send_goal(
    client: RetryingActionClient,
    goal: Any,
    goal_id: UUID,
    name: str,
    connect_s: float,
    forward: Callable[[Any], None],
) -> bool:
    """Send a goal; return whether the server said that it accepts it, or False if that was lost."""
    sent = RetriedRequest(lambda: client.send_goal_async(goal, forward, goal_id))
    deadline = time.monotonic() + connect_s
    while not sent.wait(POLL_S):
        client.beat(goal_id)
        if client.server_is_gone:
            raise ServerGoneError(f"{name}: the server vanished when it got the goal")
        if time.monotonic() > deadline:
            raise NoAnswerError(f"{name}: expected an answer within {connect_s:g} s, got none")
    accepted = bool(sent.answer().accepted)
    # A second request is also refused if the first was accepted and its answer was lost.
    if not accepted and sent.times == 1:
        raise GoalRefusedError(f"{name}: the goal was refused")
    return accepted


def _wait_for_result(
    client: RetryingActionClient,
    handle: ClientGoalHandle,
    name: str,
    timeout_s: float | None,
    is_cancelled: Callable[[], bool],
    cancel_s: float,
) -> Any:
    result = RetriedRequest(handle.get_result_async)
    cancelling: RetriedRequest | None = None
    seen = time.monotonic()
    deadline = math.inf if timeout_s is None else seen + timeout_s
    while not result.wait(POLL_S):
        client.beat(handle.goal_id)
        now = time.monotonic()
        if client.server_is_ready():
            seen = now
        if client.server_is_gone or now - seen > GONE_AFTER_S:
            raise ServerGoneError(f"{name}: the server vanished during the goal")
        if now > deadline:
            raise ResultLateError(f"{name}: expected a result in time, got none")
        if client.has_ended(handle.goal_id):
            result.hurry()
        if cancelling is not None:
            cancelling.wait(0.0)  # which sends the request again when it is time
        elif is_cancelled():
            cancelling = RetriedRequest(handle.cancel_goal_async)
            deadline = now + cancel_s
    return result.answer()
