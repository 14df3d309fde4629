"""Calling actions and services from a thread other than the executor's; every wait has a limit.

DDS matches the four ends of a service one by one. A server may hear a request before it has found
where to answer: then it waits a tenth of a second, and throws the answer away (rmw_fastrtps#842;
2 of 80 first goals on a machine with five processes a core). So here every question is asked again,
in such a way that asking twice does no more than asking once.
"""

from __future__ import annotations

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
"""How often a wait looks whether it was cancelled."""

GONE_AFTER_S = 2.0
"""A server that is not to be seen for so long is gone."""

CANCEL_S = 10.0
"""Most that a server may take to end a cancelled goal."""

ASK_AGAIN_S = 2.0
"""A question without answer is repeated after so long, then after twice, four times, ... that."""

RESULT_QUESTIONS = 4
"""How often a result is asked for: four questions take 14 s, and DDS has found its ends by then."""


class RetryingActionClient(ActionClient):
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


class RetriedRequest:
    """Something asked as often as need be; the first answer counts."""

    def __init__(self, ask: Callable[[], Future]) -> None:
        """Ask for the first time.

        Args:
            ask: Sends a request. Two of them must do no more than one.
        """
        self.times = 0
        self._ask = ask
        self._wait_s = ASK_AGAIN_S
        self._futures: list[Future] = []
        self._answered = threading.Event()
        self._ask_again()

    def _ask_again(self) -> None:
        self.times += 1
        self._again = time.monotonic() + self._wait_s
        self._wait_s *= 2.0
        future = self._ask()
        self._futures.append(future)
        future.add_done_callback(lambda _: self._answered.set())

    def wait(self, timeout_s: float, at_most: float = float("inf")) -> bool:
        """Wait for the answer, asking again when it is time.

        Args:
            timeout_s: Seconds.
            at_most: How often to ask in all.

        Returns:
            Whether it is there.
        """
        deadline = time.monotonic() + timeout_s
        while True:
            again = self._again if self.times < at_most else deadline
            if self._answered.wait(max(0.0, min(again, deadline) - time.monotonic())):
                return True
            now = time.monotonic()
            if self.times < at_most and now >= self._again:
                self._ask_again()
            elif now >= deadline:
                return False

    def answer(self) -> Any:
        """The first answer; only after `wait` said that it is there."""
        return next(future.result() for future in self._futures if future.done())


def call_service(client: Client, request: Any, timeout_s: float) -> Any:
    """Call a service whose request may come twice.

    Raises:
        BackendError: No server, or no answer in time.
    """
    name = client.srv_name
    if not client.wait_for_service(timeout_s):
        raise BackendError(f"{name}: no such service within {timeout_s:g} s; is its node running?")
    question = RetriedRequest(lambda: client.call_async(request))
    if not question.wait(timeout_s):
        raise BackendError(f"{name}: expected an answer within {timeout_s:g} s, got none")
    return question.answer()


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
        is_cancelled: Polled; True cancels the goal and waits for its result.
        on_feedback: Told each feedback.

    Returns:
        The result.

    Raises:
        BackendError: No server, or it vanished.
        GoalRefusedError: It refused the goal.
        ResultLateError: No result in time; the goal is being cancelled.
    """
    return run_goal_to_end(
        client,
        name,
        goal,
        connect_s=connect_s,
        timeout_s=timeout_s,
        is_cancelled=is_cancelled,
        on_feedback=on_feedback,
    ).result


def run_goal_to_end(
    client: RetryingActionClient,
    name: str,
    goal: Any,
    *,
    connect_s: float,
    timeout_s: float | None,
    is_cancelled: Callable[[], bool],
    on_feedback: Callable[[Any], None] | None = None,
) -> Any:
    """As `run_goal`; returns the response, which has the goal's `status` beside its `result`."""
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
    # A second question is refused as well when the first one was accepted and its answer lost.
    if not sent.answer().accepted and sent.times == 1:
        raise GoalRefusedError(_refused(name))
    response = _wait_for_result(client, handle, name, timeout_s, is_cancelled)
    if response.status == GoalStatus.STATUS_UNKNOWN:
        raise GoalRefusedError(_refused(name))
    return response


def _refused(name: str) -> str:
    return f"{name}: the goal was refused"


def _wait_for_result(
    client: RetryingActionClient,
    handle: ClientGoalHandle,
    name: str,
    timeout_s: float | None,
    is_cancelled: Callable[[], bool],
) -> Any:
    result = RetriedRequest(handle.get_result_async)
    cancelling: RetriedRequest | None = None
    deadline = None if timeout_s is None else time.monotonic() + timeout_s
    seen = time.monotonic()
    while not result.wait(POLL_S, RESULT_QUESTIONS):
        now = time.monotonic()
        if client.server_is_ready():
            seen = now
        elif now - seen > GONE_AFTER_S:
            raise BackendError(f"{name}: the server vanished during the goal")
        if deadline is not None and now > deadline:
            handle.cancel_goal_async()
            raise ResultLateError(f"{name}: expected a result in time, got none")
        if cancelling is None and is_cancelled():
            cancelling = RetriedRequest(handle.cancel_goal_async)
            deadline = now + CANCEL_S
        if cancelling is not None:
            cancelling.wait(0.0)
    return result.answer()
