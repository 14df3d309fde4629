"""Keeps C libraries from writing to the terminal."""

from __future__ import annotations

import ctypes
import os
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager


@contextmanager
def quiet() -> Iterator[Callable[[], str]]:
    """Keep all that C code writes to standard output and error within this context to itself.

    Yields:
        A function that returns what has been written until then.
    """
    # printf buffers when writing to a pipe: flush before and after.
    flush = ctypes.CDLL(None).fflush
    sys.stdout.flush()
    sys.stderr.flush()
    flush(None)
    saved = [(stream, os.dup(stream)) for stream in (1, 2)]
    with tempfile.TemporaryFile() as file:

        def written() -> str:
            flush(None)
            file.seek(0)
            return file.read().decode(errors="replace")

        try:
            for stream, _ in saved:
                os.dup2(file.fileno(), stream)
            yield written
            flush(None)
        finally:
            for stream, copy in saved:
                os.dup2(copy, stream)
                os.close(copy)
