"""Calls a function at a steady pace of the wall clock."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from dr_grasp.common.closing import Closing

LATE_S = 0.25
"""Steps later than this are not made up for; the time is lost."""

STOP_S = 5.0


class Pacer(Closing):
    """Takes equal steps in a thread of its own, from `start` to `close`.

    Attributes:
        lost_s: By how much it has fallen behind for good [s of the wall clock].
    """

    def __init__(self, step: Callable[[], None], step_s: float, speed: float) -> None:
        """Prepare.

        Args:
            step: Takes a step; an exception ends the thread.
            step_s: How long a step is, in simulated seconds.
            speed: Simulated seconds in a second of the wall clock.
        """
        self._step = step
        self._wall_s = step_s / speed
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._run, name="pacer", daemon=True)
        self.lost_s = 0.0

    def start(self) -> None:
        """Begin to take steps."""
        self._thread.start()

    @property
    def running(self) -> bool:
        """Whether steps are being taken."""
        return self._thread.is_alive()

    def close(self) -> None:
        """Take no further steps; may be called twice."""
        self._closing.set()
        if self._thread.is_alive() and threading.current_thread() is not self._thread:
            self._thread.join(STOP_S)

    def _run(self) -> None:
        due = time.monotonic()
        while not self._closing.is_set():
            ahead = due - time.monotonic()
            if ahead > 0.0:
                time.sleep(ahead)
                continue
            if -ahead > LATE_S:
                self.lost_s -= ahead
                due -= ahead
            self._step()
            due += self._wall_s
