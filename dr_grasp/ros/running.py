"""Starts, spins and ends the nodes of dr_grasp."""

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
from rclpy.impl.implementation_singleton import rclpy_implementation
from rclpy.logging import get_logger
from rclpy.node import Node
from rclpy.signals import SignalHandlerOptions

from dr_grasp.errors import DrGraspError
from dr_grasp.ros.answering import traceback_of

THREADS = 4
"""Number of threads of most nodes: for a goal, services, and all short callbacks."""

LAST_WORDS_S = 0.5
"""Time that a closed node goes on spinning, so that clients can fetch their results [s]."""


class ClosableNode(Protocol):
    """A ROS node that releases processes and files at its end."""

    def close(self) -> None:
        """Release processes and files, while the node still spins."""

    def destroy_node(self) -> None:
        """Release ROS entities."""


def run_node(
    make: Callable[[], ClosableNode], args: list[str] | None = None, threads: int = THREADS
) -> int:
    """Run a node until SIGINT or SIGTERM, then close it.

    Args:
        make: Makes the node, an rclpy.node.Node; called after ROS is initialised.
        args: Command line for ROS; None for the command line of the process.
        threads: Number of threads that run the node's callbacks.

    Returns:
        Exit status: 0, or 1 with one line on standard error if the node could not start.
    """
    stopped = False
    executor: MultiThreadedExecutor | None = None

    # Our own handler, which only wakes the executor. The handler of rclpy shuts the context down at
    # once, and then results of goals in progress can no longer be sent.
    def stop(number: int, frame: object) -> None:
        nonlocal stopped
        stopped = True
        if executor is not None:
            executor.wake()

    # Before ROS begins: a process that ends in between leaves shared memory behind.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, stop)
    rclpy.init(args=args, signal_handler_options=SignalHandlerOptions.NO)
    executor = MultiThreadedExecutor(threads)
    node: ClosableNode | None = None
    try:
        node = make()
        executor.add_node(cast(Node, node))
        with suppress(ExternalShutdownException):
            while not stopped:
                _spin_once(executor)
        _close_while_spinning(node, executor)
        return 0
    # RCLError: for example of a node that has no keys, where security is on.
    except (DrGraspError, rclpy_implementation.RCLError) as error:
        print(" ".join(str(error).split()), file=sys.stderr)
        return 1
    finally:
        executor.shutdown(timeout_sec=2.0)
        if node is not None:
            node.destroy_node()
        rclpy.try_shutdown()


def _close_while_spinning(node: ClosableNode, executor: MultiThreadedExecutor) -> None:
    # Spinning, since goals in progress end with messages: answers to cancels, requests of results.
    with ThreadPoolExecutor(1) as closing:
        closed = closing.submit(node.close)
        while not closed.done():
            _spin_once(executor)
    deadline = time.monotonic() + LAST_WORDS_S
    while time.monotonic() < deadline:
        _spin_once(executor)
    closed.result()


def _spin_once(executor: MultiThreadedExecutor) -> None:
    """Run callbacks for a moment; an error in a callback is logged, and the node lives on."""
    try:
        executor.spin_once(timeout_sec=0.1)
    except ExternalShutdownException:
        raise
    except Exception as error:
        get_logger("dr_grasp").error(
            f"an error in a callback; please report it:\n{traceback_of(error)}"
        )
