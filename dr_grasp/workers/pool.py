"""Runs work on worker processes; work can be cancelled, and runs again if a process dies."""

from __future__ import annotations

import logging
import multiprocessing
import os
import threading
from abc import abstractmethod
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, BrokenExecutor, Future, ProcessPoolExecutor, wait
from itertools import islice
from typing import TypeVar

from dr_grasp.common.closing import Closing
from dr_grasp.common.interrupts import starting_workers
from dr_grasp.errors import SettingsError, WorkerError

MOST_DEATHS = 5
"""A run fails when workers have died this many times without any result in between."""

POLL_S = 0.05
"""Time between two checks whether the work was cancelled [s]."""

WorkT = TypeVar("WorkT")
ResultT = TypeVar("ResultT")


class Pool(Closing):
    """Workers on this machine or on others, which are kept between pieces of work.

    If a worker dies, its work runs again on another worker. So the result of a function must depend
    on its argument alone.
    """

    def run(
        self,
        function: Callable[[WorkT], ResultT],
        work: Iterable[WorkT],
        is_cancelled: Callable[[], bool],
    ) -> Iterator[tuple[WorkT, ResultT] | None]:
        """Call a function with each piece of work, in any order, in worker processes.

        Args:
            function: A function of a module, so that other processes can import it.
            work: Arguments for the function, read as they are needed: there may be millions.
            is_cancelled: Polled every 50 ms; True ends the run at once.

        Yields:
            Pieces of work with their results; None last if the run was cancelled.

        Raises:
            WorkerError: Workers died again and again without finishing anything.
        """
        running: dict[Future[ResultT], WorkT] = {}
        # Work that dead workers left undone is first in this queue.
        left = iter(work)
        waiting = deque(islice(left, 1))
        deaths = 0
        while waiting or running:
            if is_cancelled():
                for future in running:
                    future.cancel()
                yield None
                return
            # Two pieces for each worker keep it busy; more would only delay a cancel.
            places = 2 * self._workers()
            try:
                while waiting and len(running) < places:
                    future = self._submit(function, waiting[0])
                    running[future] = waiting.popleft()
                    if not waiting:
                        waiting.extend(islice(left, 1))
                finished = wait(running, timeout=POLL_S, return_when=FIRST_COMPLETED).done
                for future in finished:
                    result = future.result()
                    deaths = 0
                    yield running.pop(future), result
            except BrokenExecutor as error:
                deaths += 1
                if deaths >= MOST_DEATHS:
                    raise WorkerError(
                        f"worker processes died {deaths} times in a row at the same work; "
                        "is there enough memory, and does a calling script have its "
                        "`if __name__ == '__main__'`?"
                    ) from error
                waiting.extendleft(reversed(running.values()))
                running.clear()
                self.close()

    @abstractmethod
    def _workers(self) -> int:
        """Number of pieces that can run at the same time, at least 1; called again and again."""

    @abstractmethod
    def _submit(self, function: Callable[[WorkT], ResultT], piece: WorkT) -> Future[ResultT]:
        """Give a piece of work to any worker."""


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


class WorkerPool(Pool):
    """Spawned processes of this machine."""

    def __init__(self, jobs: int = 1) -> None:
        """Prepare to run work; processes start with the first piece of work.

        Args:
            jobs: Number of worker processes, at least 1.

        Raises:
            SettingsError: `jobs` is below 1.
        """
        if jobs < 1:
            raise SettingsError(f"jobs: expected at least 1, got {jobs}")
        self._jobs = jobs
        self._pool: ProcessPoolExecutor | None = None

    def close(self) -> None:
        """End the worker processes after their current work; may be called twice."""
        if self._pool is not None:
            self._pool.shutdown(wait=True, cancel_futures=True)
            self._pool = None

    def _workers(self) -> int:
        return self._jobs

    def _submit(self, function: Callable[[WorkT], ResultT], piece: WorkT) -> Future[ResultT]:
        with starting_workers():
            if self._pool is None:
                # Spawned, never forked: neither rclpy nor PyBullet survives a fork.
                self._pool = ProcessPoolExecutor(
                    self._jobs,
                    mp_context=multiprocessing.get_context("spawn"),
                    initializer=start_worker,
                )
            return self._pool.submit(function, piece)
