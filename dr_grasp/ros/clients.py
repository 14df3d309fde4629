"""Calling actions and services from a thread other than the executor's; every wait has a limit."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

from rclpy.action import ActionClient
from rclpy.client import Client
from rclpy.task import Future

from dr_grasp.errors import BackendError

POLL_S = 0.05
"""How often a wait looks whether it was cancelled."""

GONE_AFTER_S = 2.0
"""A server that is not to be seen for so long is gone."""

CANCEL_S = 10.0
"""Most that a server may take to end a cancelled goal."""


class PatientActionClient(ActionClient):
    """An action client that may be used from a thread other than its executor's.

    Jazzy's sends a request first and notes that it waits for an answer afterwards; an answer that
    comes in between is thrown away, and the caller waits for ever (seen with rclpy 7.1.6). Here
    answers are looked at only once the note is made.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        """As rclpy.action.ActionClient."""
        self._noting = threading.RLock()
        super().__init__(*args, **kwargs)

    def send_goal_async(self, *args: Any, **kwargs: Any) -> Future:
        """Send a goal."""
        with self._noting:
            return super().send_goal_async(*args, **kwargs)

    def _cancel_goal_async(self, goal_handle: Any) -> Future:
        with self._noting:
            return super()._cancel_goal_async(goal_handle)

    def _get_result_async(self, goal_handle: Any) -> Future:
        with self._noting:
            return super()._get_result_async(goal_handle)

    async def execute(self, taken_data: Any) -> None:
        """Handle answers and feedback."""
        with self._noting:
            pass
        await super().execute(taken_data)


def wait_for(future: Future, timeout_s: float, what: str) -> Any:
    """Wait for a future that another thread completes.

    Raises:
        BackendError: It took too long.
    """
    done = threading.Event()
    future.add_done_callback(lambda _: done.set())
    if not done.wait(timeout_s):
        raise BackendError(f"{what}: expected an answer within {timeout_s:g} s, got none")
    return future.result()


def call_service(client: Client, request: Any, timeout_s: float) -> Any:
    """Call a service once.

    Raises:
        BackendError: No server, or no answer in time.
    """
    name = client.srv_name
    if not client.wait_for_service(timeout_s):
        raise BackendError(f"{name}: no such service within {timeout_s:g} s; is its node running?")
    return wait_for(client.call_async(request), timeout_s, name)


def run_goal(
    client: PatientActionClient,
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
        is_cancelled: Polled; True cancels the goal and waits for its result.
        on_feedback: Told each feedback.

    Returns:
        The result.

    Raises:
        BackendError: No server, a refused goal, no result in time, or the server vanished.
    """
    if not client.wait_for_server(connect_s):
        raise BackendError(f"{name}: no such action within {connect_s:g} s; is its node running?")
    heard = (lambda message: on_feedback(message.feedback)) if on_feedback else None
    sent = client.send_goal_async(goal, heard)
    try:
        handle = wait_for(sent, connect_s, name)
    except BackendError:
        # Should it be accepted after all, nobody would be watching what moves.
        sent.add_done_callback(_cancel_if_accepted)
        raise
    if not handle.accepted:
        raise BackendError(f"{name}: the goal was refused")
    future = handle.get_result_async()
    done = threading.Event()
    future.add_done_callback(lambda _: done.set())
    deadline = None if timeout_s is None else time.monotonic() + timeout_s
    seen = time.monotonic()
    cancelling = False
    while not done.wait(POLL_S):
        now = time.monotonic()
        if client.server_is_ready():
            seen = now
        elif now - seen > GONE_AFTER_S:
            raise BackendError(f"{name}: the server vanished during the goal")
        if deadline is not None and now > deadline:
            handle.cancel_goal_async()
            raise BackendError(f"{name}: expected a result in time, got none")
        if not cancelling and is_cancelled():
            cancelling = True
            handle.cancel_goal_async()
            deadline = now + CANCEL_S
    return future.result().result


def _cancel_if_accepted(sent: Future) -> None:
    handle = sent.result()
    if handle is not None and handle.accepted:
        handle.cancel_goal_async()
