"""How every node of ours starts, spins and ends."""

from __future__ import annotations

import signal
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Protocol, cast

import rclpy
from rclpy.executors import ExternalShutdownException, MultiThreadedExecutor
from rclpy.node import Node
from rclpy.signals import SignalHandlerOptions

from dr_grasp.errors import DrGraspError

THREADS = 4
"""A goal that runs, a second one that waits, a service, and everything quick."""


LAST_WORDS_S = 0.5
"""How long a closed node goes on sending, for results to be fetched."""


class ClosableNode(Protocol):
    """A node with something to put in order at the end."""

    def close(self) -> None:
        """Let go of processes and files."""
        raise NotImplementedError

    def destroy_node(self) -> None:
        """Let go of ROS entities."""
        raise NotImplementedError


def run_node(make: Callable[[], ClosableNode], args: list[str] | None) -> int:
    """Run a node until SIGINT or SIGTERM, then close it.

    Returns:
        Exit status: 0, or 1 with one line on standard error if the node could not start.
    """
    rclpy.init(args=args, signal_handler_options=SignalHandlerOptions.NO)
    executor = MultiThreadedExecutor(THREADS)
    # Our own handlers, which only wake the executor: rclpy's shut the context down at once, and
    # then results of goals in progress can no longer be sent.
    stop = _StopOnSignal(executor)
    node: ClosableNode | None = None
    try:
        node = make()
        executor.add_node(cast(Node, node))
        with suppress(ExternalShutdownException):
            while not stop.requested:
                executor.spin_once(timeout_sec=0.1)
        _close_while_spinning(node, executor)
        return 0
    except DrGraspError as error:
        print(error, file=sys.stderr)
        return 1
    finally:
        executor.shutdown(timeout_sec=2.0)
        if node is not None:
            node.destroy_node()
        rclpy.try_shutdown()


def _close_while_spinning(node: ClosableNode, executor: MultiThreadedExecutor) -> None:
    """Close a node while messages still come and go.

    Goals in progress end by messages: a cancel that is answered, a result that is fetched.
    """
    with ThreadPoolExecutor(1) as closing:
        closed = closing.submit(node.close)
        while not closed.done():
            executor.spin_once(timeout_sec=0.1)
    deadline = time.monotonic() + LAST_WORDS_S
    while time.monotonic() < deadline:
        executor.spin_once(timeout_sec=0.1)
    closed.result()


class _StopOnSignal:
    """Remembers that SIGINT or SIGTERM came."""

    def __init__(self, executor: MultiThreadedExecutor) -> None:
        self.requested = False
        self._executor = executor
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, self._handle)

    def _handle(self, number: int, frame: object) -> None:
        self.requested = True
        self._executor.wake()
