"""Turns errors in callbacks into answers: one bad request must not end a node."""

from __future__ import annotations

import traceback
from collections.abc import Callable
from typing import Any

from rclpy.node import Node
from rclpy.service import Service

from dr_grasp.errors import DrGraspError, printable


def explain(node: Node, what: str, error: Exception) -> str:
    """Make the message of an answer from an error; log the traceback if nobody expected the error.

    Args:
        node: Node with the logger.
        what: Name of the service or action that failed.
        error: The error.

    Returns:
        One line of text.
    """
    if isinstance(error, DrGraspError):
        return str(error)
    node.get_logger().error(
        f"{what}: an error that nobody expected; please report it:\n{traceback_of(error)}"
    )
    reason = printable(" ".join(str(error).split()))
    return f"internal error of node {node.get_name()}: {type(error).__name__}: {reason}"


def traceback_of(error: BaseException) -> str:
    """The traceback of an error as text, whose lines are safe in a terminal."""
    lines = "".join(traceback.format_exception(error)).split("\n")
    return "\n".join(map(printable, lines))


def serve(
    node: Node, kind: Any, name: str, work: Callable[[Any, Any], None], **options: Any
) -> Service:
    """Create a service that answers whatever happens.

    Args:
        node: Node of the service.
        kind: Class of the service; its response has the fields `success` and `message`.
        name: Name of the service.
        work: Called with request and response; it sets `success` of the response, or raises an
            error, which becomes the response's message.
        options: Further arguments of `Node.create_service`.
    """

    def callback(request: Any, response: Any) -> Any:
        try:
            work(request, response)
        except Exception as error:
            response = kind.Response(success=False, message=explain(node, name, error))
        return response

    return node.create_service(kind, name, callback, **options)
