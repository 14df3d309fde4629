"""What all commands print: tables, progress bars (not into pipes), and errors of one line."""

from __future__ import annotations

import functools
import json
import logging
import shutil
import signal
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any, ParamSpec, TypeVar

import typer
from rich.console import Console
from rich.markup import escape
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.table import Table

from dr_grasp.core.fitness import Fitness, GraspScore, RefusedGrasp
from dr_grasp.core.perturbation import Criterion
from dr_grasp.errors import DrGraspError

INTERRUPTED = 130
"""Exit status after Ctrl-C, as shells have it."""

P = ParamSpec("P")
T = TypeVar("T")


def reports_errors(verb: Callable[P, T]) -> Callable[P, T]:
    """Turn our errors into one line on standard error and exit status 1."""

    @functools.wraps(verb)
    def wrapped(*args: P.args, **kwargs: P.kwargs) -> T:
        try:
            return verb(*args, **kwargs)
        except DrGraspError as error:
            complain(str(error))
            raise typer.Exit(1) from None
        except OSError as error:
            complain(f"{error.filename or 'system'}: {error.strerror or error}")
            raise typer.Exit(1) from None
        except KeyboardInterrupt:
            complain("interrupted")
            raise typer.Exit(INTERRUPTED) from None

    return wrapped


def complain(message: str) -> None:
    """Print one line on standard error."""
    print(f"dr-grasp: {' '.join(message.split())}", file=sys.stderr, flush=True)


class _Complaints(logging.Handler):
    """Prints warnings of the library as the program prints its own."""

    def emit(self, record: logging.LogRecord) -> None:
        try:
            complain(record.getMessage())
        except Exception:  # whatever a closed stream raises: logging stops no program
            self.handleError(record)


_COMPLAINTS = _Complaints(logging.WARNING)


def complain_of_warnings() -> None:
    """Print warnings of the library on standard error; may be called twice."""
    logging.getLogger("dr_grasp").addHandler(_COMPLAINTS)  # a handler is added only once


@contextmanager
def kept_from_ctrl_c() -> Iterator[Callable[[], bool]]:
    """Postpone Ctrl-C, so that work can end in good order; a second Ctrl-C acts at once.

    Only for a main thread.

    Yields:
        A function that says whether Ctrl-C was pressed.
    """
    pressed = False

    def note(number: int, frame: FrameType | None) -> None:
        nonlocal pressed
        pressed = True
        signal.signal(signal.SIGINT, before)

    before = signal.signal(signal.SIGINT, note)
    try:
        yield lambda: pressed
    finally:
        signal.signal(signal.SIGINT, before)


def journal_of(out: Path) -> Path:
    """Path of the journal of a run that writes this file in the end."""
    return out.with_name(f"{out.name}.journal")


def say_refusals(refused: Iterable[RefusedGrasp]) -> None:
    """Print a line on standard error for each refused grasp."""
    for refusal in refused:
        complain(refusal.reason)


def as_they_come(results: Iterable[T | None]) -> Iterator[T]:
    """The same results, each refusal printed on standard error.

    Raises:
        KeyboardInterrupt: A None came: the work was cancelled, and is not complete.
    """
    for result in results:
        if result is None:
            raise KeyboardInterrupt
        if isinstance(result, RefusedGrasp):
            say_refusals([result])
        yield result


def print_file(path: Path) -> None:
    """Print a file on standard output, however long it is."""
    with path.open(encoding="utf-8") as file:
        shutil.copyfileobj(file, sys.stdout)


def print_json(value: Any) -> None:
    """Print a value as JSON on standard output."""
    print(json.dumps(value, indent=2, allow_nan=False))


def progress_bar() -> Progress:
    """A progress bar on standard error; silent unless that is a terminal."""
    console = Console(stderr=True)
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
        TextColumn("{task.fields[note]}", markup=False),
        console=console,
        disable=not console.is_terminal,
        transient=True,
    )


def print_table(columns: Sequence[str], rows: Iterable[Sequence[str]], title: str = "") -> None:
    """Print a table on standard output; names in the first column are never cut short."""
    table = Table(title=title or None)
    for index, column in enumerate(columns):
        table.add_column(column, no_wrap=True, justify="left" if index == 0 else "center")
    for row in rows:
        table.add_row(*map(escape, row))  # an id may look like rich's markup
    # A pipe has no width: without a large one, rich would cut what a script wants to read.
    console = Console() if sys.stdout.isatty() else Console(width=200)
    console.print(table)


def fitness_text(fitness: Fitness | None) -> str:
    """A fitness and its 95 % interval, as in a table."""
    if fitness is None:
        return "-"
    low, high = fitness.interval
    return f"{fitness.value:.2f} [{low:.2f}, {high:.2f}]"


def score_cells(score: GraspScore | None) -> list[str]:
    """The cells of a score in a table, for all four criteria; without a score they are empty."""
    fitness = score.fitness if score is not None else {}
    return [fitness_text(fitness.get(criterion)) for criterion in Criterion]


CRITERION_COLUMNS = [criterion.name for criterion in Criterion]
