"""Output of all commands: tables, progress bars (not into pipes), and errors of one line."""

from __future__ import annotations

import functools
import json
import logging
import shlex
import shutil
import signal
import sys
import traceback
import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import NamedTemporaryFile
from types import FrameType
from typing import Any, ParamSpec, TextIO, TypeVar

import typer
from rich.console import Console
from rich.markup import escape
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    Task,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.table import Table
from rich.text import Text

from dr_grasp import __version__
from dr_grasp.cli.start import INTERRUPTED
from dr_grasp.core.fitness import Fitness, GraspScore, RefusedGrasp
from dr_grasp.core.perturbation import Criterion
from dr_grasp.errors import DrGraspError, printable

CRASHED = 70
"""Exit status after an error of the program itself, EX_SOFTWARE of <sysexits.h>."""

PIPE_COLUMNS = 1000
"""Most columns of a table in a pipe: more than ours need; reasons in words are the widest."""

P = ParamSpec("P")
T = TypeVar("T")


def reports_errors(verb: Callable[P, T]) -> Callable[P, T]:
    """Decorate a command: its errors become one line on standard error and exit status 1."""

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
    print(f"dr-grasp: {printable(' '.join(message.split()))}", file=sys.stderr, flush=True)


def report_crash(error: Exception) -> None:
    """Say in one line that the program itself went wrong, and keep the traceback in a file."""
    kept = ""
    # Best effort: what went wrong may be a full disk.
    with (
        suppress(OSError),
        NamedTemporaryFile(
            "w", prefix="dr-grasp-", suffix=".log", delete=False, errors="backslashreplace"
        ) as file,
    ):
        file.write(f"dr_grasp {__version__}: {shlex.join(sys.argv)}\n")
        file.writelines(traceback.format_exception(error))
        kept = f" with {file.name}, which has the traceback"
    complain(f"internal error: {type(error).__name__}: {str(error)[:200]}; please report it{kept}")


class _Complaints(logging.Handler):
    """Prints warnings of the library in the same way as messages of the program."""

    def emit(self, record: logging.LogRecord) -> None:
        try:
            complain(record.getMessage())
        except Exception:  # any error of a closed stream, since logging must not stop a program
            self.handleError(record)


_COMPLAINTS = _Complaints(logging.WARNING)


def complain_of_warnings() -> None:
    """Print warnings of ours and of all libraries as lines on standard error; may be called twice.

    Without a handler, Python would print those of other libraries as they are.
    """
    logging.getLogger().addHandler(_COMPLAINTS)  # a handler is added only once
    warnings.showwarning = _show_warning


def _show_warning(
    message: Warning | str,
    category: type[Warning],
    filename: str,
    lineno: int,
    file: TextIO | None = None,
    line: str | None = None,
) -> None:
    complain(f"{category.__name__}: {message}")


@contextmanager
def kept_from_ctrl_c() -> Iterator[Callable[[], bool]]:
    """Postpone Ctrl-C, so that work can end in good order; a second Ctrl-C has its normal effect.

    Works only in the main thread.

    Yields:
        A function that returns whether Ctrl-C was pressed.
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
    """Path of the journal of a run, beside the file that the run writes at its end."""
    return out.with_name(f"{out.name}.journal")


def say_refusals(refused: Iterable[RefusedGrasp]) -> None:
    """Print a line on standard error for each refused grasp."""
    for refusal in refused:
        complain(refusal.reason)


def as_they_come(results: Iterable[T | None]) -> Iterator[T]:
    """Pass results on, and print each refusal on standard error.

    Raises:
        KeyboardInterrupt: A result is None: the work was cancelled, and is not complete.
    """
    for result in results:
        if result is None:
            raise KeyboardInterrupt
        if isinstance(result, RefusedGrasp):
            say_refusals([result])
        yield result


class AllRefusedError(DrGraspError):
    """No grasp of a file could be used, so there is nothing to write."""


def check_any_done(done: int, refused: int, out: Path | None) -> None:
    """Check at the end of a stream of results that not all grasps were refused.

    Args:
        done: Number of results.
        refused: Number of refused grasps, each of which was named.
        out: File that would be written; None if there is none.

    Raises:
        AllRefusedError: There is no result.
    """
    if refused and not done:
        unwritten = "" if out is None else f": {out} not written"
        raise AllRefusedError(f"{refused} of {refused} grasps refused{unwritten}")


def print_file(path: Path) -> None:
    """Print a file on standard output, in small parts, since it may be large."""
    with path.open(encoding="utf-8") as file:
        shutil.copyfileobj(file, sys.stdout)


def print_line(text: str) -> None:
    """Print one line on standard output."""
    print(printable(text))


def print_json(value: Any) -> None:
    """Print a value as JSON on standard output."""
    print(json.dumps(value, indent=2, allow_nan=False))


class _NoteColumn(ProgressColumn):
    """Shows what is worked on, such as the name of a file."""

    def render(self, task: Task) -> Text:
        return Text(printable(task.fields["note"]))


def progress_bar() -> Progress:
    """Make a progress bar on standard error, which is shown only if that is a terminal."""
    console = Console(stderr=True)
    # Rich 13, that of Ubuntu 24.04, ends a bar that is not shown with an empty line.
    console.quiet = not console.is_terminal
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
        _NoteColumn(),
        console=console,
        disable=not console.is_terminal,
        transient=True,
    )


def print_table(columns: Sequence[str], rows: Iterable[Sequence[str]], title: str = "") -> None:
    """Print a table on standard output; a pipe has the width that it needs."""
    # A pipe has no width, and with rich's small default a script would read texts that are cut.
    console = Console() if sys.stdout.isatty() else Console(width=PIPE_COLUMNS)
    # An id may look like rich's markup, or hold what a terminal obeys.
    cells = [[escape(printable(cell)) for cell in row] for row in rows]
    table = _table(columns, cells, title)
    unlimited = console.options.update(max_width=PIPE_COLUMNS)
    if console.measure(table, options=unlimited).maximum > console.width:
        table = _table(columns, cells, title, narrow=True)
    console.print(table)


def _table(
    columns: Sequence[str], rows: Sequence[Sequence[str]], title: str, narrow: bool = False
) -> Table:
    """Make a table; a narrow one breaks ids anywhere and other texts between words."""
    table = Table(title=escape(printable(title)) or None, padding=(0, 0 if narrow else 1))
    for index, column in enumerate(columns):
        breaks = narrow and (index == 0 or any(" " in row[index] for row in rows))
        table.add_column(
            column.replace(" ", "\n") if narrow else column,
            no_wrap=not breaks,
            overflow="fold",
            justify="left" if index == 0 else "center",
        )
    for row in rows:
        table.add_row(*row)
    return table


def fitness_text(fitness: Fitness | None) -> str:
    """Write a fitness and its 95 % interval as text for a table; "-" without a fitness."""
    if fitness is None:
        return "-"
    low, high = fitness.interval
    return f"{fitness.value:.2f} [{low:.2f}, {high:.2f}]"


def score_cells(score: GraspScore | None) -> list[str]:
    """Make the cells of a score in a table, for all four criteria; "-" without a fitness."""
    fitness = score.fitness if score is not None else {}
    return [fitness_text(fitness.get(criterion)) for criterion in Criterion]


CRITERION_COLUMNS = [criterion.name for criterion in Criterion]
