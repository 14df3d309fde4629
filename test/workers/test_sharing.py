"""Runs that share worker processes: whose turn it is, and what one run's end means to another."""

import gc
import importlib
import itertools
import multiprocessing
import os
import signal
import threading
import time
import weakref
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import pytest

from dr_grasp.workers import sharing
from dr_grasp.workers.pool import WorkerPool
from dr_grasp.workers.sharing import Lane, Workers

LIMIT_S = 60.0


@pytest.fixture
def deadly(monkeypatch):
    """Functions that worker processes can import, too."""
    monkeypatch.syspath_prepend(Path(__file__).parent)
    return importlib.import_module("deadly")


class OneByOne:
    """In place of a process: does a piece when it is told to, and notes which."""

    living = ()

    def __init__(self):
        OneByOne.living = (*OneByOne.living, self)
        self.given = []

    def submit(self, function, piece):
        self.given.append((piece, Future()))
        return self.given[-1][1]

    def load(self):
        return sum(not future.done() for _, future in self.given)

    def has_died(self):
        return False

    def close(self):
        pass


@pytest.fixture
def one(monkeypatch):
    """One worker, and a function by which it does its next piece."""
    monkeypatch.setattr(sharing, "WorkerProcess", OneByOne)
    monkeypatch.setattr(OneByOne, "living", ())
    workers = Workers(1)

    def do_next():
        (worker,) = OneByOne.living
        piece, future = next(given for given in worker.given if not given[1].done())
        future.set_result(piece)
        workers.give_out()
        return piece

    return workers, do_next


def put(workers, lane, name, count):
    return [workers.submit(lane, None, f"{name}{number}") for number in range(count)]


def test_a_call_comes_between_the_pieces_of_a_goal_by_its_share(one):
    workers, do_next = one
    goal, call = Lane(1), Lane(3)
    put(workers, goal, "g", 6)
    put(workers, call, "c", 6)
    # The worker had two pieces of the goal already.
    order = [do_next() for _ in range(12)]
    assert order[:2] == ["g0", "g1"]
    assert sorted(order) == sorted([f"{name}{number}" for name in "gc" for number in range(6)])
    # Six of the call, and two of the goal between them: no call holds up a goal for ever.
    assert order[2:10] == ["c0", "c1", "c2", "g2", "c3", "c4", "c5", "g3"]


def test_short_runs_in_one_lane_do_not_hold_up_another_run(one):
    workers, do_next = one
    goal, calls = Lane(1), Lane(3)
    put(workers, goal, "g", 20)
    put(workers, calls, "c", 3)
    order = []
    for _ in range(22):
        order.append(do_next())
        if order[-1].startswith("c"):
            put(workers, calls, "c", 1)  # a call ends, and the next one comes
    assert sum(piece.startswith("g") for piece in order[2:]) == 5


def test_results_are_kept_by_nobody_else(one):
    workers, do_next = one
    results = weakref.WeakSet(put(workers, Lane(1), "a", 3))
    for _ in range(3):
        do_next()
    OneByOne.living[0].given.clear()
    gc.collect()
    assert not results


def test_a_run_hears_that_no_process_can_start(monkeypatch):
    class Unable(OneByOne):
        def submit(self, function, piece):
            raise OSError("no more processes")

    monkeypatch.setattr(sharing, "WorkerProcess", Unable)
    # Not in the thread that gave it out, which may be another run's.
    [future] = put(Workers(1), Lane(1), "a", 1)
    with pytest.raises(OSError, match="no more processes"):
        future.result(0)


def test_one_run_alone_uses_all_workers(monkeypatch):
    monkeypatch.setattr(sharing, "WorkerProcess", OneByOne)
    monkeypatch.setattr(OneByOne, "living", ())
    put(Workers(3), Lane(3), "c", 9)
    assert [[piece for piece, _ in worker.given] for worker in OneByOne.living] == [
        ["c0", "c3"],
        ["c1", "c4"],
        ["c2", "c5"],
    ]


def test_equals_take_turns_and_nobody_saves_them_up(one):
    workers, do_next = one
    first, second = Lane(1), Lane(1)
    put(workers, first, "a", 8)
    assert [do_next() for _ in range(4)] == ["a0", "a1", "a2", "a3"]
    put(workers, second, "b", 4)
    assert [do_next() for _ in range(8)] == ["a4", "a5", "b0", "a6", "b1", "a7", "b2", "b3"]


def test_what_is_cancelled_before_its_turn_is_left_out(one):
    workers, do_next = one
    futures = put(workers, Lane(1), "a", 5)
    assert [future.cancel() for future in futures] == [False, False, True, True, True]
    put(workers, Lane(1), "b", 1)
    assert [do_next() for _ in range(3)] == ["a0", "a1", "b0"]


def test_a_cancelled_run_leaves_the_workers_to_the_other(deadly):
    stop = threading.Event()
    with Workers(2) as workers, ThreadPoolExecutor(1) as threads:
        long, few = (WorkerPool(shared=workers, lane=Lane(share)) for share in (1, 3))
        running = threads.submit(list, long.run(deadly.square, range(10**9), stop.is_set))
        found = list(few.run(deadly.square, range(4), lambda: False))
        assert not running.done()
        stop.set()
        assert running.result(LIMIT_S)[-1] is None
        assert sorted(found) == [(0, 0), (1, 1), (2, 4), (3, 9)]
        long.close()
        again = list(few.run(deadly.square, range(4), lambda: False))
        assert sorted(again) == sorted(found)


def test_a_worker_that_died_in_a_cancelled_run_is_replaced(deadly):
    with Workers(1) as workers:
        polls = itertools.count()
        cancelled = WorkerPool(shared=workers).run(
            deadly.slow, range(10**9), lambda: next(polls) == 5
        )
        assert list(cancelled)[-1] is None
        (child,) = multiprocessing.active_children()
        child.kill()
        child.join(LIMIT_S)
        end_s = time.monotonic() + LIMIT_S
        pool = WorkerPool(shared=workers)
        found = list(pool.run(deadly.square, range(2), lambda: time.monotonic() > end_s))
        assert sorted(found) == [(0, 0), (1, 1)]


def test_both_runs_go_on_when_a_worker_is_killed(deadly):
    with Workers(2) as workers, ThreadPoolExecutor(2) as threads:
        pools = [WorkerPool(shared=workers) for _ in range(2)]
        killed = threading.Event()

        def kill_once():
            # Both have work at the workers by then.
            pids = [child.pid for child in multiprocessing.active_children()]
            if len(pids) == 2 and not killed.is_set():
                killed.set()
                for pid in pids:
                    os.kill(pid, signal.SIGKILL)
            return False

        runs = [threads.submit(list, pool.run(deadly.slow, range(6), kill_once)) for pool in pools]
        found = [sorted(run.result(LIMIT_S)) for run in runs]
    assert killed.is_set()
    assert found == [[(number, number**2) for number in range(6)]] * 2
