"""An action server that runs one goal at a time, and answers every goal."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

from rclpy.action import ActionServer, CancelResponse, GoalResponse
from rclpy.callback_groups import ReentrantCallbackGroup
from rclpy.node import Node

from dr_grasp.execution.backend import IsCancelled
from dr_grasp.ros.answering import explain
from dr_grasp.ros.liveliness import ClientWatches, announce

RESULT_KEPT_S = 20
"""Time for which a result is kept [s]: clients ask every 2 s, and a result may have a megabyte."""

Work = Callable[[Any, Any, IsCancelled], None]
"""Function that executes a goal: called with the goal's handle, the result to fill in, and a
function that returns whether the goal was cancelled. It sets `success` and `message` of the result,
or raises an error, which becomes the message."""

VANISHED = "the client gave no sign of life for 2 s"


class ExclusiveAction:
    """Serves an action, and runs its goals one after the other.

    Attributes:
        closing: Set when the server is stopping: goals are cancelled, and new goals refused.
    """

    def __init__(
        self,
        node: Node,
        action: Any,
        name: str,
        work: Work,
        places: int = 1,
        *,
        watches_clients: bool = False,
    ) -> None:
        """Advertise the action.

        Args:
            node: Node that offers the action; its executor must have several threads.
            action: Class of the action; its result has the fields `success` and `message`.
            name: Name of the action.
            work: Function that executes a goal.
            places: Largest number of accepted goals: one runs, the rest wait; more are refused.
                Each needs a thread of the executor, which needs one more to receive a cancel.
            watches_clients: Whether a goal is cancelled when its client has no heartbeat.
        """
        self._node = node
        self._action = action
        self._work = work
        self._name = name
        self._watches = ClientWatches(node, name) if watches_clients else None
        self._places = threading.BoundedSemaphore(places)
        self._full = f"{name}: expected at most {places} goal{'s' * (places > 1)} at a time"
        self._turn = threading.Lock()
        self.closing = threading.Event()
        self._server = ActionServer(
            node,
            action,
            name,
            self._execute,
            goal_callback=self._accept,
            cancel_callback=lambda _: CancelResponse.ACCEPT,
            callback_group=ReentrantCallbackGroup(),
            result_timeout=RESULT_KEPT_S,
        )
        self._alive = announce(node, name)

    @property
    def busy(self) -> bool:
        """Whether a goal runs."""
        return self._turn.locked()

    def stop(self, within_s: float) -> bool:
        """Cancel all goals and refuse new goals; may be called twice.

        Args:
            within_s: Time limit to wait for the running goal [s].

        Returns:
            Whether no goal is running any more.
        """
        self.closing.set()
        ended = self._turn.acquire(timeout=within_s)
        if ended:
            self._turn.release()
        return ended

    def _accept(self, request: Any) -> GoalResponse:
        # `_execute` takes the place: an accepted goal never begins if its client is gone.
        if not self.closing.is_set() and self._places.acquire(blocking=False):
            self._places.release()
            return GoalResponse.ACCEPT
        reason = "the node is shutting down" if self.closing.is_set() else self._full
        self._node.get_logger().warning(f"refused a goal: {reason}")
        return GoalResponse.REJECT

    def _execute(self, goal: Any) -> Any:
        result = self._action.Result()

        vanished = self._watches.watch(goal.goal_id) if self._watches else lambda: False

        def is_cancelled() -> bool:
            return bool(goal.is_cancel_requested) or self.closing.is_set() or vanished()

        if self._places.acquire(blocking=False):
            try:
                self._run(goal, result, is_cancelled)
            except Exception as error:
                result.success, result.message = False, explain(self._node, self._name, error)
            finally:
                self._places.release()
        else:
            result.message = self._full
        if vanished():
            self._node.get_logger().error(f"{self._name}: stopped a goal: {VANISHED}")
        if self._watches:
            self._watches.forget(goal.goal_id)
        if goal.is_cancel_requested:
            goal.canceled()
        elif result.success:
            goal.succeed()
        else:
            goal.abort()
        return result

    def _run(self, goal: Any, result: Any, is_cancelled: IsCancelled) -> None:
        while not self._turn.acquire(timeout=0.1):
            if is_cancelled():
                result.message = "cancelled"
                return
        try:
            self._work(goal, result, is_cancelled)
        finally:
            self._turn.release()
