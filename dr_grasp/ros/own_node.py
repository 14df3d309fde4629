"""A ROS node with its own context and thread, for a program that needs nothing else of rclpy."""

from __future__ import annotations

import threading

import rclpy
from rclpy.exceptions import InvalidNamespaceException
from rclpy.executors import SingleThreadedExecutor
from rclpy.signals import SignalHandlerOptions
from rclpy.validate_namespace import validate_namespace

from dr_grasp.common.closing import Closing
from dr_grasp.errors import SettingsError
from dr_grasp.ros.answering import traceback_of


class OwnNode(Closing):
    """Spins a node in a thread of its own, beside whatever else the program does with rclpy.

    Attributes:
        node: The node; add what it needs, then `start`.
    """

    def __init__(self, name: str, namespace: str) -> None:
        """Make the node.

        Args:
            name: Name of the node.
            namespace: ROS namespace of the node.

        Raises:
            SettingsError: ROS has no such namespaces.
        """
        try:
            validate_namespace("/" + namespace.removeprefix("/"))
        except InvalidNamespaceException as error:
            raise SettingsError(
                f"namespace: expected letters, digits, _ and /, no digit first, got {namespace!r}"
            ) from error
        self._context = rclpy.Context()
        rclpy.init(context=self._context, signal_handler_options=SignalHandlerOptions.NO)
        self.node = rclpy.create_node(name, namespace=namespace, context=self._context)
        self._executor = SingleThreadedExecutor(context=self._context)
        self._executor.add_node(self.node)
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._spin, daemon=True)

    def start(self) -> None:
        """Begin to run the node's callbacks."""
        self._thread.start()

    def _spin(self) -> None:
        # rclpy's own loop ends by a shutdown of the executor while the loop still uses it, which
        # sometimes prints a traceback.
        while not self._closing.is_set():
            try:
                self._executor.spin_once(timeout_sec=0.1)
            except Exception as error:  # the client must go on to hear of its goals
                self.node.get_logger().error(f"an error in a callback:\n{traceback_of(error)}")

    def close(self) -> None:
        """Stop the node; may be called twice."""
        if not self._context.ok():
            return
        self._closing.set()
        self._thread.join(timeout=5.0)
        self._executor.shutdown(timeout_sec=2.0)
        self.node.destroy_node()
        self._context.try_shutdown()
