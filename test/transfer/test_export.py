"""The table as CSV and as Parquet says what the rows say."""

import csv
import inspect
import re
import sys

import pyarrow as pa
import pytest
from pyarrow import parquet

from dr_grasp.core.outcome import Judge, Outcome
from dr_grasp.core.perturbation import Criterion
from dr_grasp.errors import FileFormatError
from dr_grasp.simulation.rollout_runner import EarlyEnd
from dr_grasp.transfer.export import COLUMNS, PREDICTED, write_csv, write_parquet

NASTY = 'a "mug", <b>größe</b>\n=1+1'


def test_csv_says_what_the_rows_say(tmp_path, row):
    rows = [row("a1", 0.82, object=NASTY, reported=True), row("a2", 1.0, Outcome.MISSED)]
    write_csv(tmp_path / "t.csv", rows)
    with (tmp_path / "t.csv").open(encoding="utf-8", newline="") as file:
        first, second = csv.DictReader(file)
    assert list(first) == [column.name for column in COLUMNS]
    assert first["object"] == NASTY
    assert first["stamp"] == "2025-11-21T01:53:20.123456789Z"
    assert (first["outcome"], first["held"], second["held"]) == ("success", "true", "false")
    assert (first["mdr_successes"], first["mdr_trials"], first["predicted_dropped_lifting"]) == (
        "41",
        "50",
        "36",
    )
    low, high = rows[0].fitness[Criterion.MDR].interval
    assert (float(first["mdr"]), float(first["mdr_low"]), float(first["mdr_high"])) == (
        0.82,
        low,
        high,
    )
    assert (second["outcome"], second["mdr"], second["predicted_missed"]) == ("missed", "1.0", "0")


def test_what_is_missing_is_empty_or_null(tmp_path, row):
    bare = row(
        "a1",
        outcome=Outcome.CANCELLED,
        fitness={},
        failures={},
        nominal_outcome=None,
        profile="",
        scored_by="",
        method="",
        reason="",
        gripper_opening=None,
    )
    missing = {"nominal_outcome", "profile", "scored_by", "method", "reason", "gripper_opening"}
    missing |= {"held", "transfer_probability", *(f"predicted_{one.label}" for one in PREDICTED)}
    for one in Criterion:
        missing |= {one.value, *(f"{one.value}_{end}" for end in ("low", "high"))}
        missing |= {f"{one.value}_successes", f"{one.value}_trials"}
    write_csv(tmp_path / "t.csv", [bare])
    with (tmp_path / "t.csv").open(newline="") as file:
        (cells,) = csv.DictReader(file)
    assert {name for name, cell in cells.items() if cell == ""} == missing
    write_parquet(tmp_path / "t.parquet", [bare])
    (values,) = parquet.read_table(tmp_path / "t.parquet").to_pylist()
    assert {name for name, value in values.items() if value is None} == missing


def test_parquet_has_types_and_loses_nothing(tmp_path, row):
    rows = [row(f"a{n}", n / 50, object=NASTY, stamp_ns=10**18 + n) for n in range(5)]
    write_parquet(tmp_path / "t.parquet", rows)
    table = parquet.read_table(tmp_path / "t.parquet")
    assert table.schema.field("stamp").type == pa.timestamp("ns", tz="UTC")
    assert table.schema.field("mdr").type == pa.float64()
    assert table.schema.field("mdr_trials").type == pa.int64()
    assert table.schema.field("held").type == pa.bool_()
    assert table.schema.field("robot").type == pa.string()
    assert table.column("stamp").cast(pa.int64()).to_pylist() == [10**18 + n for n in range(5)]
    for column in COLUMNS:
        if column.kind != "time":
            assert table.column(column.name).to_pylist() == [column.of(one) for one in rows]


def test_an_empty_table_has_its_columns(tmp_path):
    write_csv(tmp_path / "t.csv", [])
    write_parquet(tmp_path / "t.parquet", [])
    names = [column.name for column in COLUMNS]
    assert (tmp_path / "t.csv").read_text().strip().split(",") == names
    assert parquet.read_table(tmp_path / "t.parquet").column_names == names


def test_every_failure_of_a_rollout_has_a_column():
    """All that the judge and what ends rollouts early can say, but that it holds."""
    named = set()
    for source in (inspect.getsource(Judge), inspect.getsource(EarlyEnd)):
        named |= {Outcome[name] for name in re.findall(r"Outcome\.([A-Z_]+)", source)}
    assert len(named) > 5
    assert set(PREDICTED) == named - {Outcome.SUCCESS}


@pytest.mark.parametrize("write", [write_csv, write_parquet])
def test_a_file_is_there_whole_or_not_at_all(tmp_path, row, write):
    def rows():
        yield row()
        raise KeyboardInterrupt

    path = tmp_path / "t"
    path.write_text("before")
    with pytest.raises(KeyboardInterrupt):
        write(path, rows())
    assert path.read_text() == "before"
    assert [one.name for one in tmp_path.iterdir()] == ["t"]
    with pytest.raises(FileFormatError, match="cannot be written: No such file"):
        write(tmp_path / "absent" / "t", [row()])


def test_without_pyarrow_there_is_still_csv(tmp_path, row, monkeypatch):
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(FileFormatError, match=r"Parquet needs pyarrow .* or write CSV"):
        write_parquet(tmp_path / "t.parquet", [row()])
    write_csv(tmp_path / "t.csv", [row()])
