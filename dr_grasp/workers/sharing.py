"""Worker processes that several runs share by turns."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from concurrent.futures import BrokenExecutor, CancelledError, Future
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any, TypeVar

from dr_grasp.common.closing import Closing
from dr_grasp.common.interrupts import starting_workers
from dr_grasp.errors import SettingsError
from dr_grasp.workers.worker_process import WorkerProcess

AHEAD = 2
"""Most pieces of work that a worker has: the one that it does, and the next, so that it never
waits. Whoever comes later waits for these at most."""

WorkT = TypeVar("WorkT")
ResultT = TypeVar("ResultT")


@dataclass(frozen=True, slots=True)
class _Order:
    """A piece of work that no worker has yet, and where its result is to appear."""

    future: Future[Any]
    function: Callable[[Any], Any]
    piece: Any


@dataclass(eq=False, slots=True)
class Lane:
    """The work of one run, or of all runs of one kind.

    Attributes:
        share: How many pieces are taken from here while one is taken from a lane whose share is 1.
            Shares hold between lanes that last: a new lane is served at once, so a lane for each
            of many short runs would hold up the others for ever.
        turn: Number of pieces taken so far, divided by the share: the lowest is next.
        orders: The work that waits.
    """

    share: int
    turn: Fraction = Fraction(0)
    orders: deque[_Order] = field(default_factory=deque)


class Workers(Closing):
    """Spawned processes of this machine, which any number of threads may give work at once.

    If a process dies, its work ends with a BrokenExecutor.
    """

    def __init__(self, jobs: int = 1) -> None:
        """Prepare to run work; processes start as work comes.

        Args:
            jobs: Number of processes, at least 1.

        Raises:
            SettingsError: `jobs` is below 1.
        """
        if jobs < 1:
            raise SettingsError(f"jobs: expected at least 1, got {jobs}")
        self.jobs = jobs
        self._lock = threading.Lock()
        self._living: list[WorkerProcess] = []
        self._waiting: list[Lane] = []
        self._turn = Fraction(0)
        # Of the work that a worker has, or with which it died.
        self._worker_of: dict[Future[Any], tuple[WorkerProcess, Future[Any]]] = {}

    def close(self) -> None:
        """End the processes after their current work; may be called twice."""
        with self._lock:
            ending, self._living = self._living, []
        for worker in ending:
            worker.close()

    def submit(
        self, lane: Lane, function: Callable[[WorkT], ResultT], piece: WorkT
    ) -> Future[ResultT]:
        """Put a piece of work into a lane; a worker takes it when it is the lane's turn.

        Whoever submits calls `give_out` until the result is there.
        """
        future: Future[ResultT] = Future()
        with self._lock:
            if not lane.orders:
                # A lane that had nothing to do has not saved up turns meanwhile.
                lane.turn = max(lane.turn, self._turn)
                self._waiting.append(lane)
            lane.orders.append(_Order(future, function, piece))
        self.give_out()
        return future

    def give_out(self) -> None:
        """Give waiting work to workers that have room for it."""
        with self._lock:
            while self._waiting and (worker := self._with_room()) is not None:
                lane = min(self._waiting, key=lambda lane: lane.turn)
                order = lane.orders.popleft()
                if not lane.orders:
                    self._waiting.remove(lane)
                if order.future.set_running_or_notify_cancel():
                    self._turn = lane.turn
                    lane.turn += Fraction(1, lane.share)
                    self._give(order, worker)

    def _with_room(self) -> WorkerProcess | None:
        """A worker that can take a piece, started if need be; None if all have enough."""
        # One may have died in work whose run was cancelled meanwhile, so that nobody has noticed.
        self._living = [worker for worker in self._living if not worker.has_died()]
        worker = min(self._living, key=WorkerProcess.load, default=None)
        if worker is None or (worker.load() and len(self._living) < self.jobs):
            worker = WorkerProcess()
            self._living.append(worker)
        return worker if worker.load() < AHEAD else None

    def _give(self, order: _Order, worker: WorkerProcess) -> None:
        try:
            with starting_workers():
                done = worker.submit(order.function, order.piece)
        except Exception as error:  # it has died since it did its last work, or cannot start
            self._living.remove(worker)
            worker.close()
            order.future.set_exception(error)
            return
        self._worker_of[order.future] = worker, done
        done.add_done_callback(lambda done: self._pass_on(done, order.future))

    def death_in(self, future: Future[Any]) -> int | None:
        """Exit status of the worker that died in a piece of work; None if it had not begun."""
        with self._lock:
            if future not in self._worker_of:
                return None
            worker, done = self._worker_of.pop(future)
            if worker in self._living:
                self._living.remove(worker)
        return worker.death_in(done)

    def _pass_on(self, done: Future[Any], future: Future[Any]) -> None:
        # In a thread of the worker's executor; `close` waits for it, so it must not take our lock.
        error = CancelledError() if done.cancelled() else done.exception()
        if not isinstance(error, BrokenExecutor):
            self._worker_of.pop(future)
        if error is None:
            future.set_result(done.result())
        else:
            future.set_exception(error)
