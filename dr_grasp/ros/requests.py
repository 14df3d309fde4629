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
from rclpy.task import Future
from unique_identifier_msgs.msg import UUID

from dr_grasp.errors import BackendError, GoalRefusedError, ResultLateError

POLL_S = 0.05
"""Time between two checks whether a goal was cancelled [s]."""

GONE_AFTER_S = 2.0
"""A server counts as gone when it was not visible for this time [s]."""

CANCEL_S = 10.0
"""Time limit for a server to end a cancelled goal [s]."""

ASK_AGAIN_S = 2.0
"""Pause before a request without an answer is sent again [s]; it doubles each time."""

RESULT_REQUESTS = 4
"""Number of requests for a result: four take 14 s, and by then DDS has connected all endpoints."""


class RetryingActionClient(ActionClient):
    """An action client that may be used from a thread other than its executor's.

    The client of ROS 2 Jazzy sends a request first, and then registers that it waits for an answer.
    An answer that comes in between is discarded, and the caller waits for ever (seen with rclpy
    7.1.6). In this class, answers are handled only after the request is registered.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        """Create the client; the arguments are the same as for rclpy.action.ActionClient."""
        self._registering = threading.RLock()
        super().__init__(*args, **kwargs)

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
        await super().execute(taken_data)


class RetriedRequest:
    """A request that is sent until an answer comes, `times` times so far."""

    def __init__(self, send: Callable[[], Future], most: float = math.inf) -> None:
        """Send the request for the first time.

        Args:
            send: Sends the request; two requests must have the same effect as one.
            most: Largest number of times that the request is sent.
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


def call_service(client: Client, request: Any, timeout_s: float) -> Any:
    """Call a service for which two equal requests have the same effect as one.

    Raises:
        BackendError: There is no server, or no answer in time.
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
        client: Client of the action.
        name: Name of the server in error messages.
        goal: The goal.
        connect_s: Time limit to find the server [s].
        timeout_s: Time limit of the goal [s]; None for no limit as long as the server is visible.
        is_cancelled: Polled every 50 ms; True cancels the goal and waits for its result.
        on_feedback: Called with each feedback of the server.

    Returns:
        The action's response: the `result` of the goal, and its `status`.

    Raises:
        BackendError: There is no server, or it vanished.
        GoalRefusedError: The server refused the goal.
        ResultLateError: There is no result in time; a cancel of the goal was requested.
    """
    if not client.wait_for_server(connect_s):
        raise BackendError(f"{name}: no such action within {connect_s:g} s; is its node running?")
    forward = (lambda message: on_feedback(message.feedback)) if on_feedback else None
    # A server accepts each goal id only once, so the goal may be sent again. By the id, the goal
    # can be cancelled and its result requested even if the answer that it was accepted is lost.
    goal_id = UUID(uuid=list(uuid.uuid4().bytes))
    handle = ClientGoalHandle(client, goal_id, None)
    sent = RetriedRequest(lambda: client.send_goal_async(goal, forward, goal_id))
    if not sent.wait(connect_s):
        # The server may have accepted the goal, and an arm must not move without supervision.
        handle.cancel_goal_async()
        raise BackendError(f"{name}: expected an answer within {connect_s:g} s, got none")
    # A second request is also refused if the first was accepted and its answer was lost.
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
