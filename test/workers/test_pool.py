"""Workers that die: of a kill, which costs time only, and of their work, which is named."""

import importlib
import multiprocessing
import os
import random
import signal
import time
from pathlib import Path

import pytest

from dr_grasp.errors import WorkerError
from dr_grasp.workers import pool as pools
from dr_grasp.workers.pool import WorkerPool


@pytest.fixture
def deadly(monkeypatch):
    """Functions that worker processes can import, too."""
    monkeypatch.syspath_prepend(Path(__file__).parent)
    return importlib.import_module("deadly")


@pytest.fixture
def two():
    with WorkerPool(2) as pool:
        yield pool


def results(pool, function, work, is_cancelled=lambda: False):
    found = list(pool.run(function, work, is_cancelled))
    assert None not in found
    return sorted(found)


def workers():
    return [child.pid for child in multiprocessing.active_children()]


def test_each_piece_once_whatever_is_killed(two, deadly):
    """Kills at random, more often than any worker has the time to do two pieces."""
    rng, kills = random.Random(2), []
    next_s = time.monotonic() + 0.5

    def kill_now_and_then():
        nonlocal next_s
        if workers() and len(kills) < 12 and time.monotonic() > next_s:
            kills.append(rng.choice(workers()))
            os.kill(kills[-1], signal.SIGKILL)
            next_s = time.monotonic() + rng.uniform(0.0, 0.5)
        return False

    found = results(two, deadly.slow, range(12), kill_now_and_then)
    assert found == [(number, number**2) for number in range(12)]
    assert len(kills) >= 5


@pytest.mark.parametrize(
    ("function", "message"),
    [
        (
            "crash_at_7",
            "died 3 times at the same work, the last one by Segmentation fault: 7; is there",
        ),
        ("exit_at_7", "died 3 times at the same work, the last one with status 9: 7; is there"),
        ("killed_at_7", "died 4 times at the same work, the last one by Killed: 7; is there"),
    ],
)
def test_a_piece_that_its_workers_die_of_is_named(two, deadly, monkeypatch, function, message):
    monkeypatch.setattr(pools, "MOST_KILLS", 4)
    found = []
    with pytest.raises(WorkerError, match=message):
        for result in two.run(getattr(deadly, function), range(1000), lambda: False):
            found.append(result)
    # The work beside it was done, and was not taken for the cause.
    assert {(number, number**2) for number in range(7)} <= set(found)
    assert results(two, deadly.square, range(3)) == [(0, 0), (1, 1), (2, 4)]


def test_a_worker_that_dies_between_two_runs_is_replaced(two, deadly):
    results(two, deadly.square, range(4))
    assert len(workers()) == 2
    for worker in workers():
        os.kill(worker, signal.SIGKILL)
    assert results(two, deadly.square, range(4)) == [(0, 0), (1, 1), (2, 4), (3, 9)]


def test_no_more_kills_are_forgiven_than_twenty_in_a_minute():
    assert pools.MOST_KILLS == 20 + 1


def test_no_process_is_left(deadly):
    with WorkerPool(2) as pool:
        results(pool, deadly.square, range(4))
    assert workers() == []
    pool.close()
