"""Runs work on worker processes; work can be cancelled, and runs again if a process dies."""

from __future__ import annotations

import signal
from abc import abstractmethod
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, BrokenExecutor, Future, wait
from dataclasses import dataclass
from itertools import islice
from textwrap import shorten
from typing import Generic, TypeVar

from dr_grasp.common.closing import Closing
from dr_grasp.errors import WorkerError
from dr_grasp.workers.sharing import Lane, Workers

MOST_CRASHES = 3
"""A run fails when this many workers have crashed in the same piece of work. Work does the same
each time, so the second crash would be proof, were it not for the rest of the machine."""

MOST_KILLS = 21
"""A run fails when this many workers were killed in the same piece of work. A kill comes from
outside, and most have nothing to do with the work: 20 in a minute must only cost time. But the
system also kills what takes too much memory, and that would go on for ever."""

KILLED = (-signal.SIGKILL, -signal.SIGTERM)
"""Exit statuses of workers that were killed; all others have crashed."""

POLL_S = 0.05
"""Time between two checks whether the work was cancelled [s]."""

WorkT = TypeVar("WorkT")
ResultT = TypeVar("ResultT")


@dataclass(slots=True)
class _Piece(Generic[WorkT]):
    """A piece of work, and how often workers died while they were at it."""

    work: WorkT
    crashes: int = 0
    kills: int = 0

    def died(self, status: int) -> None:
        """Count the death of a worker.

        Args:
            status: Its exit status; negative for the signal that ended it.

        Raises:
            WorkerError: There were too many.
        """
        if status in KILLED:
            self.kills += 1
        else:
            self.crashes += 1
        if self.kills >= MOST_KILLS or self.crashes >= MOST_CRASHES:
            ended = f"by {signal.strsignal(-status)}" if status < 0 else f"with status {status}"
            raise WorkerError(
                f"worker processes died {self.kills + self.crashes} times at the same work, the "
                f"last one {ended}: {shorten(str(self.work), 200)}; is there enough memory, and "
                "does a calling script have its `if __name__ == '__main__'`?"
            )


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
            work: Arguments for the function, read as they are needed: there may be millions. An
                error names one by its `str`.
            is_cancelled: Polled every 50 ms; True ends the run at once.

        Yields:
            Pieces of work with their results; None last if the run was cancelled.

        Raises:
            WorkerError: Workers died again and again at the same piece of work.
        """
        running: dict[Future[ResultT], _Piece[WorkT]] = {}
        # Work that dead workers left undone is first in this queue.
        left = map(_Piece, work)
        waiting = deque(islice(left, 1))
        while waiting or running:
            if is_cancelled():
                for future in running:
                    future.cancel()
                yield None
                return
            # Two pieces for each worker keep it busy; more would only delay a cancel.
            places = 2 * self._workers()
            while waiting and len(running) < places:
                future = self._submit(function, waiting[0].work)
                running[future] = waiting.popleft()
                if not waiting:
                    waiting.extend(islice(left, 1))
            for future in wait(running, timeout=POLL_S, return_when=FIRST_COMPLETED).done:
                piece = running.pop(future)
                try:
                    result = future.result()
                except BrokenExecutor:
                    waiting.appendleft(piece)
                    status = self._death_in(future)
                    if status is not None:
                        piece.died(status)
                else:
                    yield piece.work, result

    @abstractmethod
    def _workers(self) -> int:
        """Number of pieces that can run at the same time, at least 1; called again and again."""

    @abstractmethod
    def _submit(self, function: Callable[[WorkT], ResultT], piece: WorkT) -> Future[ResultT]:
        """Give a piece of work to any worker."""

    def _death_in(self, future: Future[ResultT]) -> int | None:
        """Exit status of the worker that died in a piece of work.

        None if the piece had not begun, or if whoever runs it counts the deaths.
        """
        return None


class WorkerPool(Pool):
    """Spawned processes of this machine, its own or shared with other pools."""

    def __init__(
        self, jobs: int = 1, *, shared: Workers | None = None, lane: Lane | None = None
    ) -> None:
        """Prepare to run work; processes start as work comes.

        Args:
            jobs: Number of worker processes of its own, at least 1.
            shared: Processes to use instead, which are not closed with this pool.
            lane: Where work waits while others use the same processes, with the work of other
                pools that have the same lane; None for a lane of its own, with a share of 1.

        Raises:
            SettingsError: `jobs` is below 1.
        """
        self._processes = Workers(jobs) if shared is None else shared
        self._closes = shared is None
        self._lane = Lane(1) if lane is None else lane

    def close(self) -> None:
        """End processes of its own after their current work; may be called twice."""
        if self._closes:
            self._processes.close()

    def _workers(self) -> int:
        self._processes.give_out()
        return self._processes.jobs

    def _submit(self, function: Callable[[WorkT], ResultT], piece: WorkT) -> Future[ResultT]:
        return self._processes.submit(self._lane, function, piece)

    def _death_in(self, future: Future[ResultT]) -> int | None:
        return self._processes.death_in(future)
