"""Sends requests from a thread other than the executor's; every wait has a limit.

DDS connects the four endpoints of a service one by one. A server may receive a request before it
knows where to send the answer. Then it waits a tenth of a second and discards the answer
(rmw_fastrtps#842; 2 of 80 first goals on a machine with five processes for each core). So every
request without an answer is sent again, in such a way that two requests have the effect of one.
"""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable
from typing import Any

from rclpy.client import Client
from rclpy.logging import get_logger
from rclpy.task import Future

from dr_grasp.errors import BackendError, NoAnswerError, ServerGoneError
from dr_grasp.ros.liveliness import ServerWatch

POLL_S = 0.05
"""Time between two checks whether a goal was cancelled [s]."""

ASK_AGAIN_S = 2.0
"""Shortest pause before a request without an answer is sent again [s]."""

PAUSE_GROWTH = 0.25
"""Pauses grow to this share of the time since the first request: 40 requests in ten hours."""

SAY_AFTER_S = 5.0
"""A server that was not found for this time [s] is named in the log: who waits is told for what."""


LOOK_S = 0.25
"""Time between two looks for a server, and for a reason to give up [s]; rclpy looks as often."""


def find_server(
    name: str,
    is_there: Callable[[float], bool],
    watch: ServerWatch | None,
    timeout_s: float,
    gives_up: Callable[[], bool] = lambda: False,
) -> bool:
    """Wait for a server that lives; what is waited for is logged once after `SAY_AFTER_S`.

    Args:
        name: Name of the service or action, for the log.
        is_there: Waits until DDS shows the server, at most the given time [s]; False if it is not.
        watch: Watches the node that serves; None if it does not announce itself.
        timeout_s: Time limit [s].
        gives_up: Asked again and again while there is none; True ends the wait.

    Returns:
        Whether there is one.
    """
    began = time.monotonic()
    said = False
    while True:
        now = time.monotonic()
        left_s = began + timeout_s - now
        look_s = max(0.0, min(LOOK_S, left_s))
        if not is_there(look_s):
            missing = "nobody offers it yet; is its node running?"
        elif watch is not None and not watch.wait(look_s):
            missing = "its node gives no sign of life"
        else:
            return True
        if not said and time.monotonic() - began >= SAY_AFTER_S:
            said = True
            get_logger("dr_grasp").warning(
                f"waiting for {name}, {timeout_s:g} s at most: {missing}"
            )
        if left_s <= 0.0 or gives_up():
            return False
        # In a context that was shut down, rclpy does not wait.
        time.sleep(max(0.0, now + look_s - time.monotonic()))


class RetriedRequest:
    """A request that is sent until an answer comes, `times` times so far."""

    def __init__(self, send: Callable[[], Future], repeats: bool = True) -> None:
        """Send the request for the first time.

        Args:
            send: Sends the request; two requests must have the same effect as one.
            repeats: Whether to send it again; False where a request surely arrives.
        """
        self.times = 0
        self._send = send
        self._repeats = repeats
        self._began_s = time.monotonic()
        self._futures: list[Future] = []
        self._answered = threading.Event()
        self._send_again()

    def _send_again(self) -> None:
        self.times += 1
        self._sent_s = time.monotonic()
        pause_s = max(ASK_AGAIN_S, PAUSE_GROWTH * (self._sent_s - self._began_s))
        self._next_s = self._sent_s + pause_s if self._repeats else math.inf
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
    client: Client,
    request: Any,
    timeout_s: float,
    server: ServerWatch | None = None,
    *,
    find_s: float | None = None,
    repeats: bool = True,
    gives_up: Callable[[], bool] = lambda: False,
) -> Any:
    """Call a service.

    Args:
        client: Client of the service.
        request: The request.
        timeout_s: Time limit for the answer [s].
        server: Watches the node that serves; None if it does not announce itself.
        find_s: Time limit to find the service [s]; None for the same as for the answer.
        repeats: Whether to send the request again while there is no answer: then two equal requests
            must have the same effect as one. Without it, the caller must have had an answer of this
            server before, by the same client: after that, DDS loses nothing.
        gives_up: Polled every 50 ms while there is no answer; True ends the wait.

    Raises:
        BackendError: There is no server.
        NoAnswerError: The server vanished, or there is no answer in time.
    """
    name = client.srv_name
    find_s = timeout_s if find_s is None else find_s
    if not find_server(name, client.wait_for_service, server, find_s):
        raise BackendError(f"{name}: no such service within {find_s:g} s; is its node running?")
    sent = RetriedRequest(lambda: client.call_async(request), repeats)
    deadline = time.monotonic() + timeout_s
    while not sent.wait(POLL_S):
        if server is not None and server.gone:
            raise ServerGoneError(f"{name}: the server vanished during a request")
        if gives_up() or time.monotonic() > deadline:
            raise NoAnswerError(f"{name}: expected an answer within {timeout_s:g} s, got none")
    return sent.answer()
