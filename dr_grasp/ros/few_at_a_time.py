"""Lets an executor run a few callbacks of a group at the same time; the others wait."""

from __future__ import annotations

import threading

from rclpy.callback_groups import CallbackGroup


class FewAtATime(CallbackGroup):
    """Between rclpy's groups, of which one allows a single callback, and the other any number.

    Requests of a service wait in DDS meanwhile, in the order in which they came. With any number,
    they could take all threads of the executor, and nobody would hear a cancel.
    """

    def __init__(self, most: int) -> None:
        """Begin without callbacks.

        Args:
            most: Largest number of callbacks at the same time.
        """
        super().__init__()
        self._most = most
        self._running = 0
        self._changed = threading.Condition()

    @property
    def busy(self) -> bool:
        """Whether a callback runs."""
        return self._running > 0

    def can_execute(self, entity: object) -> bool:
        """Whether a callback may begin; called by the executor."""
        return self._running < self._most

    def beginning_execution(self, entity: object) -> bool:
        """Note that a callback begins, and return whether it may; called by the executor."""
        with self._changed:
            begins = self._running < self._most
            self._running += begins
            return begins

    def ending_execution(self, entity: object) -> None:
        """Note the end of a callback; called by the executor."""
        with self._changed:
            self._running -= 1
            self._changed.notify_all()

    def wait(self, timeout_s: float) -> bool:
        """Wait until no callback runs, at most `timeout_s` [s]; False if one still does."""
        with self._changed:
            return self._changed.wait_for(lambda: not self._running, timeout_s)
