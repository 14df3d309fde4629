"""Calls actions and services from a thread other than the executor's; every wait has a limit.

DDS connects the four ends of a service one by one. A server may hear a request before it knows
where to send the answer: then it waits a tenth of a second, and throws the answer away
(rmw_fastrtps#842; 2 of 80 first goals on a machine with five processes a core). So every request is
sent again here, in such a way that sending it twice does no more than sending it once.
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
from rclpy.task import Future
from unique_identifier_msgs.msg import UUID

from dr_grasp.errors import BackendError, GoalRefusedError, ResultLateError

POLL_S = 0.05
"""Time between two looks at whether a goal was cancelled."""

GONE_AFTER_S = 2.0
"""A server that has not been visible for so long is gone."""

CANCEL_S = 10.0
"""The longest that a server may take to end a cancelled goal."""

ASK_AGAIN_S = 2.0
"""A request without an answer is sent again after this time; the pause doubles each time."""

RESULT_REQUESTS = 4
"""How often a result is requested: four requests take 14 s, and DDS has connected all by then."""


class RetryingActionClient(ActionClient):
    """An action client that may be used from a thread other than its executor's.

    The client of ROS 2 Jazzy sends a request, and only then notes that it waits for an answer; an
    answer that comes in between is thrown away, and the caller waits for ever (seen with rclpy
    7.1.6). Here an answer is looked at only once the note is made.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        """As rclpy.action.ActionClient."""
        self._noting = threading.RLock()
        super().__init__(*args, **kwargs)

    def send_goal_async(self, *args: Any, **kwargs: Any) -> Any:
        """Send a goal."""
        with self._noting:
            return super().send_goal_async(*args, **kwargs)

    def _cancel_goal_async(self, goal_handle: Any) -> Any:
        with self._noting:
            return super()._cancel_goal_async(goal_handle)

    def _get_result_async(self, goal_handle: Any) -> Any:
        with self._noting:
            return super()._get_result_async(goal_handle)

    async def execute(self, taken_data: Any) -> None:
        """Handle answers and feedback."""
        with self._noting:
            pass
        await super().execute(taken_data)


class RetriedRequest:
    """A request that is sent as often as need be; the first answer counts."""

    def __init__(self, send: Callable[[], Future], most: float = math.inf) -> None:
        """Send the request for the first time.

        Args:
            send: Sends the request. Sending it twice must do no more than sending it once.
            most: How often it is sent at most.
        """
        self.times = 0
        self._send = send
        self._most = most
        self._pause_s = ASK_AGAIN_S
        self._futures: list[Future] = []
        self._answered = threading.Event()
        self._send_again()

    def _send_again(self) -> None:
        self.times += 1
        last = self.times >= self._most
        self._next_s = math.inf if last else time.monotonic() + self._pause_s
        self._pause_s *= 2.0
        future = self._send()
        self._futures.append(future)
        future.add_done_callback(lambda _: self._answered.set())

    def wait(self, timeout_s: float) -> bool:
        """Wait for the answer, and send the request again when it is time.

        Returns:
            Whether the answer is there.
        """
        deadline = time.monotonic() + timeout_s
        while not self._answered.wait(max(0.0, min(self._next_s, deadline) - time.monotonic())):
            if time.monotonic() >= self._next_s:
                self._send_again()
            elif time.monotonic() >= deadline:
                return False
        return True

    def answer(self) -> Any:
        """The first answer; only after `wait` said that it is there."""
        return next(future.result() for future in self._futures if future.done())


def call_service(client: Client, request: Any, timeout_s: float) -> Any:
    """Call a service for which the same request twice is as good as once.

    Raises:
        BackendError: No server, or no answer in time.
    """
    name = client.srv_name
    if not client.wait_for_service(timeout_s):
        raise BackendError(f"{name}: no such service within {timeout_s:g} s; is its node running?")
    sent = RetriedRequest(lambda: client.call_async(request))
    if not sent.wait(timeout_s):
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
        client: The action client.
        name: What to call the server in messages.
        goal: The goal.
        connect_s: How long to wait for the server.
        timeout_s: How long to wait for the result; None for as long as the server is there.
        is_cancelled: Asked every 50 ms; True cancels the goal and waits for its result.
        on_feedback: Called with each feedback.

    Returns:
        The action's response: the `result` of the goal, and its `status`.

    Raises:
        BackendError: No server, or it vanished.
        GoalRefusedError: The server refused the goal.
        ResultLateError: No result in time; the goal is being cancelled.
    """
    if not client.wait_for_server(connect_s):
        raise BackendError(f"{name}: no such action within {connect_s:g} s; is its node running?")
    heard = (lambda message: on_feedback(message.feedback)) if on_feedback else None
    # A server takes a goal of one identity once, so the goal may be sent again; and it can be
    # cancelled and its result be asked for without having heard that it was accepted.
    identity = UUID(uuid=list(uuid.uuid4().bytes))
    handle = ClientGoalHandle(client, identity, None)
    sent = RetriedRequest(lambda: client.send_goal_async(goal, heard, identity))
    if not sent.wait(connect_s):
        # Should it be accepted after all, nobody would be watching what moves.
        handle.cancel_goal_async()
        raise BackendError(f"{name}: expected an answer within {connect_s:g} s, got none")
    # A second request is refused as well when the first one was accepted and its answer lost.
    accepted = sent.answer().accepted or sent.times > 1
    response = _wait_for_result(client, handle, name, timeout_s, is_cancelled) if accepted else None
    if response is None or response.status == GoalStatus.STATUS_UNKNOWN:
        raise GoalRefusedError(f"{name}: the goal was refused")
    return response


def _wait_for_result(
    client: RetryingActionClient,
    handle: ClientGoalHandle,
    name: str,
    timeout_s: float | None,
    is_cancelled: Callable[[], bool],
) -> Any:
    result = RetriedRequest(handle.get_result_async, RESULT_REQUESTS)
    cancelling: RetriedRequest | None = None
    seen = time.monotonic()
    deadline = math.inf if timeout_s is None else seen + timeout_s
    while not result.wait(POLL_S):
        now = time.monotonic()
        if client.server_is_ready():
            seen = now
        elif now - seen > GONE_AFTER_S:
            raise BackendError(f"{name}: the server vanished during the goal")
        if now > deadline:
            handle.cancel_goal_async()
            raise ResultLateError(f"{name}: expected a result in time, got none")
        if cancelling is not None:
            cancelling.wait(0.0)  # which sends the request again when it is time
        elif is_cancelled():
            cancelling = RetriedRequest(handle.cancel_goal_async)
            deadline = now + CANCEL_S
    return result.answer()
