"""Writes attempts as a CSV or Parquet table: a row for each attempt, columns in a fixed order."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timezone
from itertools import islice
from pathlib import Path
from typing import Any, Final, Literal

from dr_grasp.common.atomic import whole_file
from dr_grasp.core.fitness import Fitness
from dr_grasp.core.metric import Metric
from dr_grasp.core.outcome import LOST, Outcome
from dr_grasp.core.perturbation import Criterion
from dr_grasp.errors import FileFormatError
from dr_grasp.transfer.rows import AttemptRow

Kind = Literal["text", "time", "share", "count", "flag", "number"]

PREDICTED: Final = tuple(
    outcome
    for outcome in Outcome
    if outcome in LOST - {Outcome.FAILED} or outcome in (Outcome.NOT_SETTLED, Outcome.DIVERGED)
)
"""The failures that rollouts may have; each has its own column."""

FORMULA_STARTS: Final = ("=", "+", "-", "@", "\t", "\r", "\n", "'")
"""Begins of a text that spreadsheets take for a formula (OWASP, "CSV Injection"), and the mark that
says it is none."""

ROWS_AT_ONCE: Final = 20_000
"""Number of rows that are turned into columns at once, to limit memory."""


@dataclass(frozen=True, slots=True)
class Column:
    """A column of the table.

    Attributes:
        name: Name of the column.
        kind: "text"; "time" in nanoseconds since the epoch (UTC); "share" in [0, 1]; "count";
            "flag"; "number".
        of: Gives the value of an attempt; None where it has none.
    """

    name: str
    kind: Kind
    of: Callable[[AttemptRow], Any]


def _of_criterion(criterion: Criterion) -> Iterator[Column]:
    def column(suffix: str, kind: Kind, of: Callable[[Fitness], float]) -> Column:
        def value(row: AttemptRow) -> float | None:
            return of(row.fitness[criterion]) if criterion in row.fitness else None

        return Column(criterion.value + suffix, kind, value)

    yield column("", "share", lambda fitness: fitness.value)
    yield column("_low", "share", lambda fitness: fitness.interval[0])
    yield column("_high", "share", lambda fitness: fitness.interval[1])
    yield column("_successes", "count", lambda fitness: fitness.successes)
    yield column("_trials", "count", lambda fitness: fitness.trials)


def _predicted(reason: Outcome) -> Column:
    def value(row: AttemptRow) -> int | None:
        return row.failures.get(reason, 0) if row.fitness else None

    return Column(f"predicted_{reason.label}", "count", value)


def _metric(metric: Metric) -> Column:
    return Column(metric.value, "number", lambda row: row.metrics.get(metric))


COLUMNS: Final[Sequence[Column]] = (
    Column("bag", "text", lambda row: row.bag),
    Column("attempt_id", "text", lambda row: row.attempt_id),
    Column("stamp", "time", lambda row: row.stamp_ns),
    Column("robot", "text", lambda row: row.robot),
    Column("object", "text", lambda row: row.object),
    Column("method", "text", lambda row: row.method or None),
    Column("grasp_id", "text", lambda row: row.grasp_id),
    Column("trajectory", "text", lambda row: row.trajectory),
    Column("backend", "text", lambda row: row.backend),
    Column("profile", "text", lambda row: row.profile or None),
    Column("scored_by", "text", lambda row: row.scored_by or None),
    Column(
        "nominal_outcome",
        "text",
        lambda row: None if row.nominal_outcome is None else row.nominal_outcome.label,
    ),
    *(column for criterion in Criterion for column in _of_criterion(criterion)),
    *map(_predicted, PREDICTED),
    Column("transfer_probability", "share", lambda row: row.transfer_probability),
    Column("outcome", "text", lambda row: row.outcome.label),
    Column("reason", "text", lambda row: row.reason or None),
    Column("said_by", "text", lambda row: row.said_by),
    Column("said_at", "time", lambda row: row.said_ns),
    Column("backend_outcome", "text", lambda row: row.backend_outcome.label),
    Column("held", "flag", lambda row: row.held),
    Column("gripper_opening", "number", lambda row: row.gripper_opening),
    Column("engine", "text", lambda row: None if row.engine is None else row.engine.value),
    Column("backend_engine", "text", lambda row: row.backend_engine or None),
    *map(_metric, Metric),
)


def write_csv(path: Path, rows: Iterable[AttemptRow]) -> None:
    """Write a table of attempts as CSV (RFC 4180, UTF-8), whole or not at all.

    Times are ISO 8601 in UTC with nanoseconds, flags `true` and `false`; a missing value is an
    empty cell. A text that a spreadsheet could take for a formula, by its `FORMULA_STARTS`, has an
    apostrophe in front, and so has a text that begins with one itself: whoever takes one away has
    the text exactly. Parquet has all texts as they are.

    Raises:
        FileFormatError: The file cannot be written.
    """
    try:
        with whole_file(path) as file:
            text = io.TextIOWrapper(file, encoding="utf-8", newline="", write_through=True)
            writer = csv.writer(text)
            writer.writerow([column.name for column in COLUMNS])
            for row in rows:
                writer.writerow([_cell(column.kind, column.of(row)) for column in COLUMNS])
            text.detach()
    except OSError as error:
        raise FileFormatError(f"{path}: cannot be written: {error.strerror}") from error


def write_parquet(path: Path, rows: Iterable[AttemptRow]) -> None:
    """Write a table of attempts as Parquet, whole or not at all; a missing value is null.

    Raises:
        FileFormatError: The file cannot be written, or pyarrow is not installed.
    """
    try:
        import pyarrow as arrow
        from pyarrow import parquet
    except ImportError as error:
        raise FileFormatError(
            f"{path}: Parquet needs pyarrow ({error}): `pip install pyarrow`, or write CSV"
        ) from error
    types = {
        "text": arrow.string(),
        "time": arrow.timestamp("ns", tz="UTC"),
        "share": arrow.float64(),
        "number": arrow.float64(),
        "count": arrow.int64(),
        "flag": arrow.bool_(),
    }
    schema = arrow.schema([(column.name, types[column.kind]) for column in COLUMNS])
    remaining = iter(rows)
    try:
        with whole_file(path) as file, parquet.ParquetWriter(file, schema) as writer:
            while part := list(islice(remaining, ROWS_AT_ONCE)):
                columns = [
                    arrow.array([column.of(row) for row in part], types[column.kind])
                    for column in COLUMNS
                ]
                writer.write_table(arrow.table(columns, schema=schema))
    except OSError as error:
        raise FileFormatError(f"{path}: cannot be written: {error.strerror or error}") from error


def iso_time(stamp_ns: int) -> str:
    """A time as ISO 8601 in UTC, with all nanoseconds, e.g. "2026-08-22T10:22:07.000000001Z"."""
    seconds, rest = divmod(stamp_ns, 1_000_000_000)
    return f"{datetime.fromtimestamp(seconds, timezone.utc):%Y-%m-%dT%H:%M:%S}.{rest:09d}Z"


def _cell(kind: Kind, value: Any) -> Any:
    if value is None:
        return ""
    if kind == "time":
        return iso_time(value)
    if kind == "text":
        return f"'{value}" if value.startswith(FORMULA_STARTS) else value
    return str(value).lower() if kind == "flag" else value
