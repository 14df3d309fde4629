"""A process that does one piece of work after another, and of which we know what it died of."""

from __future__ import annotations

import logging
import multiprocessing
import os
import threading
from collections.abc import Callable
from concurrent.futures import BrokenExecutor, Future, ProcessPoolExecutor
from multiprocessing.context import SpawnContext, SpawnProcess
from typing import Any, TypeVar

WorkT = TypeVar("WorkT")
ResultT = TypeVar("ResultT")


def start_worker() -> None:
    """Prepare a worker process, which ends with its parent, even if the parent is killed."""
    # The parent has loaded the robots before, and has given the warnings about them.
    logging.getLogger("dr_grasp.robots").setLevel(logging.ERROR)
    parent = multiprocessing.parent_process()
    if parent is not None:
        threading.Thread(target=_die_with, args=(parent,), daemon=True).start()


def _die_with(parent: multiprocessing.process.BaseProcess) -> None:
    parent.join()
    os._exit(1)


class _Context(SpawnContext):
    """Makes processes as usual, and keeps the last one, for its exit status.

    They are spawned, never forked: neither rclpy nor PyBullet survives a fork.
    """

    last: SpawnProcess | None = None

    def Process(self, *args: Any, **named: Any) -> SpawnProcess:  # type: ignore[override]  # noqa: N802
        self.last = SpawnProcess(*args, **named)
        return self.last


class WorkerProcess:
    """One process, with the work that was given to it.

    An executor of its own, since one that has several processes ends all of them if one dies, and
    does not tell which work that one was at.
    """

    def __init__(self) -> None:
        self._context = _Context()
        self._executor = ProcessPoolExecutor(1, self._context, start_worker)
        self._given: list[Future[Any]] = []
        self._closing = threading.Lock()

    def submit(self, function: Callable[[WorkT], ResultT], piece: WorkT) -> Future[ResultT]:
        """Give it a piece of work.

        Raises:
            BrokenExecutor: The process has died.
        """
        future = self._executor.submit(function, piece)
        self._given.append(future)
        return future

    def load(self) -> int:
        """Number of pieces that it has not done yet."""
        self._given = [future for future in self._given if not _is_done(future)]
        return len(self._given)

    def has_died(self) -> bool:
        """Whether it has died in the work that was given to it."""
        return any(future.done() and not _is_done(future) for future in self._given)

    def close(self) -> None:
        """End the process after its current work; may be called twice, also at the same time."""
        with self._closing:
            self._executor.shutdown(wait=True, cancel_futures=True)

    def death_in(self, future: Future[Any]) -> int | None:
        """Exit status of the process, now dead, if it died in this piece of work; else None."""
        self.close()  # waits for the status
        self.load()
        if self._given[0] is not future or self._context.last is None:
            return None
        return self._context.last.exitcode


def _is_done(future: Future[Any]) -> bool:
    """Whether a piece of work has ended in another way than with its worker's death."""
    if not future.done():
        return False
    return future.cancelled() or not isinstance(future.exception(), BrokenExecutor)
