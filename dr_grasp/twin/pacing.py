"""Calls a function at a steady pace of the wall clock."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from dr_grasp.common.closing import Closing

LATE_S = 0.25
"""Steps that are later than this are skipped [s]; their time is lost."""

STOP_S = 5.0


class Pacer(Closing):
    """Calls a step function at a steady pace in its own thread, from `start` to `close`.

    Attributes:
        lost_s: Time by which the steps are behind the wall clock and will not catch up [s].
    """

    def __init__(self, step: Callable[[], None], step_s: float, speed: float) -> None:
        """Prepare the thread.

        Args:
            step: Function to call for each step; an exception ends the thread.
            step_s: Duration of a step in simulated time [s].
            speed: Simulated seconds per second of the wall clock.
        """
        self._step = step
        self._wall_s = step_s / speed
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._run, name="pacer", daemon=True)
        self.lost_s = 0.0

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    @property
    def running(self) -> bool:
        """Whether the thread is running."""
        return self._thread.is_alive()

    def close(self) -> None:
        """Stop the thread; may be called twice."""
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
