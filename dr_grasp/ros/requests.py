"""Calls actions and services from a thread other than the executor's; every wait has a limit.

DDS connects the four endpoints of a service one by one. A server may receive a request before it
knows where to send the answer. Then it waits a tenth of a second and discards the answer
(rmw_fastrtps#842; 2 of 80 first goals on a machine with five processes for each core). So every
request without an answer is sent again, in such a way that two requests have the effect of one.
"""

from __future__ import annotations

import math
import threading
import time
import uuid
from collections.abc import Callable
from typing import Any

from action_msgs.msg import GoalStatus
from rclpy.action import ActionClient
from rclpy.action.client import ClientGoalHandle
from rclpy.client import Client
from rclpy.node import Node
from rclpy.task import Future
from unique_identifier_msgs.msg import UUID

from dr_grasp.errors import BackendError, GoalRefusedError, ResultLateError, ServerGoneError
from dr_grasp.ros.liveliness import Heartbeat, ServerWatch

POLL_S = 0.05
"""Time between two checks whether a goal was cancelled [s]."""

GONE_AFTER_S = 2.0
"""A server that does not announce itself is gone when it was not visible for this time [s]."""

CANCEL_S = 10.0
"""Time limit for a server to end a cancelled goal [s]."""

ASK_AGAIN_S = 2.0
"""Shortest pause before a request without an answer is sent again [s]."""

PAUSE_GROWTH = 0.25
"""Pauses grow to this share of the time since the first request: 40 requests in ten hours."""

ENDED = (GoalStatus.STATUS_SUCCEEDED, GoalStatus.STATUS_CANCELED, GoalStatus.STATUS_ABORTED)


class RetryingActionClient(ActionClient):
    """An action client that may be used from a thread other than its executor's.

    The client of ROS 2 Jazzy sends a request first, and then registers that it waits for an answer.
    An answer that comes in between is discarded, and the caller waits for ever (seen with rclpy
    7.1.6). In this class, answers are handled only after the request is registered.
    """

    def __init__(
        self, node: Node, kind: Any, name: str, *, ours: bool = False, **options: Any
    ) -> None:
        """Create the client.

        Args:
            node: Node of the client.
            kind: Class of the action.
            name: Name of the action.
            ours: Whether a node of dr_grasp is the server: it shows that it is alive, and wants to
                know that its client is.
            options: Further arguments of rclpy.action.ActionClient.
        """
        self._registering = threading.RLock()
        self._ended: frozenset[bytes] = frozenset()
        super().__init__(node, kind, name, **options)
        self._watch = ServerWatch(node, name) if ours else None
        self._heartbeat = Heartbeat(node, name) if ours else None

    def wait_until_ready(self, timeout_s: float) -> bool:
        """Wait for a server that lives, at most `timeout_s` [s]; return whether there is one."""
        deadline = time.monotonic() + timeout_s
        if not self.wait_for_server(timeout_s):
            return False
        return self._watch is None or self._watch.wait(deadline - time.monotonic())

    @property
    def server_is_gone(self) -> bool:
        """Whether the server has announced itself, and gives no sign of life any more."""
        return self._watch is not None and self._watch.gone

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


class RetriedRequest:
    """A request that is sent until an answer comes, `times` times so far."""

    def __init__(self, send: Callable[[], Future]) -> None:
        """Send the request for the first time.

        Args:
            send: Sends the request; two requests must have the same effect as one.
        """
        self.times = 0
        self._send = send
        self._began_s = time.monotonic()
        self._futures: list[Future] = []
        self._answered = threading.Event()
        self._send_again()

    def _send_again(self) -> None:
        self.times += 1
        self._sent_s = time.monotonic()
        pause_s = max(ASK_AGAIN_S, PAUSE_GROWTH * (self._sent_s - self._began_s))
        self._next_s = self._sent_s + pause_s
        future = self._send()
        self._futures.append(future)
        future.add_done_callback(lambda _: self._answered.set())

    def hurry(self) -> None:
        """Send the request again after the shortest pause, since the answer must be there."""
        self._next_s = min(self._next_s, self._sent_s + ASK_AGAIN_S)

    def wait(self, timeout_s: float) -> bool:
        """Wait for the answer, at most `timeout_s` [s], and send the request again when necessary.

        Returns:
            Whether there is an answer.
        """
        deadline = time.monotonic() + timeout_s
        while not self._answered.wait(max(0.0, min(self._next_s, deadline) - time.monotonic())):
            if time.monotonic() >= self._next_s:
                self._send_again()
            elif time.monotonic() >= deadline:
                return False
        return True

    def answer(self) -> Any:
        """Return the first answer; must be called only after `wait` has returned True."""
        return next(future.result() for future in self._futures if future.done())


def call_service(
    client: Client, request: Any, timeout_s: float, server: ServerWatch | None = None
) -> Any:
    """Call a service for which two equal requests have the same effect as one.

    Args:
        client: Client of the service.
        request: The request.
        timeout_s: Time limit to find the service, and again for its answer [s].
        server: Watches the node that serves; None if it does not announce itself.

    Raises:
        BackendError: There is no server, it vanished, or there is no answer in time.
    """
    name = client.srv_name
    deadline = time.monotonic() + timeout_s
    found = client.wait_for_service(timeout_s)
    if not found or not (server is None or server.wait(deadline - time.monotonic())):
        raise BackendError(f"{name}: no such service within {timeout_s:g} s; is its node running?")
    sent = RetriedRequest(lambda: client.call_async(request))
    deadline = time.monotonic() + timeout_s
    while not sent.wait(POLL_S):
        if server is not None and server.gone:
            raise ServerGoneError(f"{name}: the server vanished during a request")
        if time.monotonic() > deadline:
            raise BackendError(f"{name}: expected an answer within {timeout_s:g} s, got none")
    return sent.answer()


def run_goal(
    client: RetryingActionClient,
    name: str,
    goal: Any,
    *,
    connect_s: float,
    timeout_s: float | None,
    is_cancelled: Callable[[], bool],
    on_feedback: Callable[[Any], None] | None = None,
) -> Any:
    """Send a goal and wait for its result.

    Args:
        client: Client of the action.
        name: Name of the server in error messages.
        goal: The goal.
        connect_s: Time limit to find the server [s].
        timeout_s: Time limit of the goal [s]; None for no limit as long as the server is alive.
        is_cancelled: Polled every 50 ms; True cancels the goal and waits for its result.
        on_feedback: Called with each feedback of the server.

    Returns:
        The action's response: the `result` of the goal, and its `status`.

    Raises:
        BackendError: There is no server.
        ServerGoneError: The server vanished.
        GoalRefusedError: The server refused the goal.
        ResultLateError: There is no result in time; a cancel of the goal was requested.
    """
    if not client.wait_until_ready(connect_s):
        raise BackendError(f"{name}: no such action within {connect_s:g} s; is its node running?")
    forward = (lambda message: on_feedback(message.feedback)) if on_feedback else None
    # A server accepts each goal id only once, so the goal may be sent again. By the id, the goal
    # can be cancelled and its result requested even if the answer that it was accepted is lost.
    goal_id = UUID(uuid=list(uuid.uuid4().bytes))
    try:
        handle = ClientGoalHandle(client, goal_id, None)
        sent = RetriedRequest(lambda: client.send_goal_async(goal, forward, goal_id))
        deadline = time.monotonic() + connect_s
        while not sent.wait(POLL_S):
            client.beat(goal_id)
            if client.server_is_gone:
                raise ServerGoneError(f"{name}: the server vanished when it got the goal")
            if time.monotonic() > deadline:
                # The server may have accepted the goal, and no arm must move unattended.
                handle.cancel_goal_async()
                raise BackendError(f"{name}: expected an answer within {connect_s:g} s, got none")
        # A second request is also refused if the first was accepted and its answer was lost.
        if not sent.answer().accepted and sent.times == 1:
            raise GoalRefusedError(f"{name}: the goal was refused")
        response = _wait_for_result(client, handle, name, timeout_s, is_cancelled)
    finally:
        client.forget(goal_id)
    if response.status == GoalStatus.STATUS_UNKNOWN:
        raise GoalRefusedError(f"{name}: the goal was refused")
    return response


def _wait_for_result(
    client: RetryingActionClient,
    handle: ClientGoalHandle,
    name: str,
    timeout_s: float | None,
    is_cancelled: Callable[[], bool],
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
            handle.cancel_goal_async()
            raise ResultLateError(f"{name}: expected a result in time, got none")
        if client.has_ended(handle.goal_id):
            result.hurry()
        if cancelling is not None:
            cancelling.wait(0.0)  # which sends the request again when it is time
        elif is_cancelled():
            cancelling = RetriedRequest(handle.cancel_goal_async)
            deadline = now + CANCEL_S
    return result.answer()
