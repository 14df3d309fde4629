"""The table as CSV and as Parquet says what the rows say."""

import csv
import sys
from datetime import datetime

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyarrow import parquet

from dr_grasp.core.fitness import Fitness
from dr_grasp.core.metric import Metric
from dr_grasp.core.outcome import Outcome
from dr_grasp.core.perturbation import Criterion
from dr_grasp.errors import FileFormatError
from dr_grasp.transfer.export import COLUMNS, PREDICTED, write_csv, write_parquet

from .conftest import make_row

NASTY = 'a "mug", <b>größe</b>\n=1+1'


def test_csv_says_what_the_rows_say(tmp_path, row):
    rows = [
        row("a1", 0.82, object=NASTY, metrics={Metric.TUG: 2.5, Metric.PENETRATION: 0.0004}),
        row("a2", 1.0, Outcome.MISSED),
    ]
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
    assert (first["tug"], first["penetration"], second["tug"]) == ("2.5", "0.0004", "")


@pytest.mark.parametrize(
    ("reason", "cell"),
    [
        ("=1+1", "'=1+1"),
        ("+1", "'+1"),
        ("-1", "'-1"),
        ("@SUM(A1)", "'@SUM(A1)"),
        ("'quoted", "''quoted"),
        ("\t=1+1", "'\t=1+1"),
        ("\r=1+1", "'\r=1+1"),
        ("\n=1+1", "'\n=1+1"),
        ("a=1", "a=1"),
    ],
)
def test_no_text_is_a_formula(tmp_path, row, reason, cell):
    write_csv(tmp_path / "t.csv", [row("a1", reason=reason, gripper_opening=-0.5)])
    with (tmp_path / "t.csv").open(encoding="utf-8", newline="") as file:
        (cells,) = csv.DictReader(file)
    assert cells["reason"] == cell
    assert cells["gripper_opening"] == "-0.5"  # a number stays one
    write_parquet(tmp_path / "t.parquet", [row("a1", reason=reason)])
    assert parquet.read_table(tmp_path / "t.parquet").to_pylist()[0]["reason"] == reason


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
        engine=None,
    )
    missing = {"nominal_outcome", "profile", "scored_by", "method", "reason", "gripper_opening"}
    missing |= {"engine", "backend_engine", *(metric.value for metric in Metric)}
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


def test_every_failure_of_a_rollout_has_a_column(row):
    """What counts against a grasp, but for an operator's FAILED; and what no attempt ends in."""
    lost = {outcome for outcome in Outcome if row(outcome=outcome).held is False}
    assert set(PREDICTED) == lost - {Outcome.FAILED} | {Outcome.NOT_SETTLED, Outcome.DIVERGED}
    names = [column.name for column in COLUMNS]
    assert all(f"predicted_{outcome.label}" in names for outcome in PREDICTED)


TEXT = st.text(st.characters(codec="utf-8", exclude_characters="\0\r"), max_size=20)
STAMP = st.integers(0, 2**62)


@st.composite
def changes(draw):
    """What attempts differ in."""
    trials = draw(st.integers(1, 10**6))
    fitnesses = {
        criterion: Fitness(criterion, draw(st.integers(0, trials)), trials)
        for criterion in draw(st.sets(st.sampled_from(list(Criterion))))
    }
    texts = ("object", "method", "grasp_id", "reason", "said_by")
    return {
        **{name: draw(TEXT) for name in texts},
        "fitness": fitnesses,
        "outcome": draw(st.sampled_from(list(Outcome))),
        "stamp_ns": draw(STAMP),
        "said_ns": draw(STAMP),
        "transfer_probability": draw(st.none() | st.floats(0, 1)),
        "gripper_opening": draw(st.none() | st.floats(-1, 1)),
    }


def parsed(kind, cell):
    """A cell of the CSV as the value that was written."""
    if cell == "":
        return None
    if kind == "time":
        seconds, _, rest = cell.removesuffix("Z").partition(".")
        return int(datetime.fromisoformat(f"{seconds}+00:00").timestamp()) * 10**9 + int(rest)
    if kind == "flag":
        return {"true": True, "false": False}[cell]
    if kind == "text":
        return cell.removeprefix("'")
    return {"count": int}.get(kind, float)(cell)


@given(st.lists(changes(), max_size=4))
def test_both_formats_bring_every_value_back(tmp_path_factory, all_changes):
    folder = tmp_path_factory.getbasetemp()
    rows = [make_row(f"a{number}", **given) for number, given in enumerate(all_changes)]
    write_csv(folder / "t.csv", rows)
    write_parquet(folder / "t.parquet", rows)
    table = parquet.read_table(folder / "t.parquet")
    with (folder / "t.csv").open(encoding="utf-8", newline="") as file:
        lines = list(csv.DictReader(file))
    assert len(lines) == table.num_rows == len(rows)
    for column in COLUMNS:
        values = [column.of(row) for row in rows]
        stored = table.column(column.name)
        if column.kind == "time":
            stored = stored.cast(pa.int64())
        assert stored.to_pylist() == values
        # CSV cannot tell an empty text from a missing one.
        assert [parsed(column.kind, line[column.name]) for line in lines] == [
            None if value == "" else value for value in values
        ]


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
