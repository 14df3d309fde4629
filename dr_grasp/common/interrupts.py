"""Postpones Ctrl-C while processes start, so that it is not lost and no process is half started."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing import resource_tracker


@contextmanager
def uninterrupted() -> Iterator[None]:
    """Postpone Ctrl-C to the end of the block."""
    if threading.current_thread() is not threading.main_thread():
        yield  # only the main thread is ever interrupted
        return
    interrupted = threading.Event()
    before = signal.signal(signal.SIGINT, lambda *_: interrupted.set())
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, signal.SIG_DFL if before is None else before)
    if interrupted.is_set():
        signal.raise_signal(signal.SIGINT)


@contextmanager
def starting_workers() -> Iterator[None]:
    """Start processes that ignore Ctrl-C; this process receives it at the end of the block.

    A terminal sends Ctrl-C to all its processes, but the parent decides when a worker ends. A new
    process inherits the signal mask of the thread that starts it, so it ignores Ctrl-C from its
    first instruction.
    """
    resource_tracker.ensure_running()  # if it started inside the block, it would unblock Ctrl-C
    with uninterrupted():
        before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
        try:
            yield
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)
