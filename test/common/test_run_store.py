"""What a run has found stays: through kills, resumptions, and full disks; and for one process."""

import resource
import signal
import sqlite3
import subprocess
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dr_grasp.common.run_store import RunStore
from dr_grasp.errors import FileFormatError

ASKED = {"seed": 1, "criteria": ["mdr"], "top": None}

WRITER = """
import pathlib, sys
from dr_grasp.common.run_store import RunStore
store = RunStore(pathlib.Path(sys.argv[1]), "a test", {"seed": 1})
for number in range(10 ** 9):
    store.put(str(number), {"square": number ** 2})
    print(number, flush=True)
"""


@pytest.fixture
def path(tmp_path):
    return tmp_path / "out.json.journal"


def refusal(call, *args, **kwargs):
    with pytest.raises(FileFormatError) as caught:
        call(*args, **kwargs)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_results_come_back(path):
    results = {"1": [1, 0.1, None], "2 é": {"a": {"b": "ü"}}, "3": -0.1 / 3}
    with RunStore(path, "a test", ASKED) as store:
        assert store.get("1") is None
        store.put("1", "an earlier one")
        for key, value in results.items():
            store.put(key, value)
    with RunStore(path, "a test", ASKED, resume=True) as store:
        assert {key: store.get(key) for key in results} == results
        assert store.get("4") is None
    assert names(path.parent) == [path.name]


def test_without_resume_it_begins_anew(path):
    with RunStore(path, "a test", ASKED) as store:
        store.put("1", 1)
    with RunStore(path, "another", {"seed": 2}) as store:
        assert store.get("1") is None
    # Whatever was there before.
    path.write_text("half a journal of an older version")
    with RunStore(path, "a test", ASKED) as store:
        assert store.get("1") is None


@pytest.mark.parametrize("content", [None, b""])
def test_resuming_nothing_begins_anew(path, content):
    if content is not None:
        path.write_bytes(content)
    with RunStore(path, "a test", ASKED, resume=True) as store:
        store.put("1", 1)
    with RunStore(path, "a test", ASKED, resume=True) as store:
        assert store.get("1") == 1


def test_closing_twice_and_removing(path):
    store = RunStore(path, "a test", ASKED)
    store.close()
    store.close()
    assert path.exists()
    store.remove()
    store.remove()
    assert names(path.parent) == []


def test_a_killed_process_leaves_what_it_had_put(path):
    command = [sys.executable, "-c", WRITER, str(path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        last = [process.stdout.readline() for _ in range(50)][-1]
        # Meanwhile nobody else may touch it.
        for resume in (True, False):
            message = refusal(RunStore, path, "a test", {"seed": 1}, resume)
            assert message == f"{path}: another process is working on the same run"
        process.send_signal(signal.SIGKILL)
        last = (process.stdout.read().splitlines() or [last])[-1]
    with RunStore(path, "a test", {"seed": 1}, resume=True) as store:
        for number in range(int(last) + 1):
            assert store.get(str(number)) == {"square": number**2}
        store.remove()
    assert names(path.parent) == []


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ({**ASKED, "seed": 2}, "seed: expected 2 as asked for now, got 1"),
        ({**ASKED, "criteria": ("fdr",)}, "criteria: expected ['fdr'] as asked for now, got ['md"),
        ({**ASKED, "whole": True}, "whole: expected True as asked for now, got None"),
    ],
)
def test_a_run_that_was_asked_something_else_is_refused(path, asked, message):
    RunStore(path, "a test", ASKED).close()
    before = path.read_bytes()
    said = refusal(RunStore, path, "a test", asked, resume=True)
    assert said.startswith(f"{path}: {message}")
    assert said.endswith("; without --resume the run begins anew")
    assert path.read_bytes() == before and names(path.parent) == [path.name]


def test_what_becomes_known_during_a_run_is_held_against_too(path):
    with RunStore(path, "a test", ASKED) as store:
        store.depend_on("object mug", "abc")
        store.depend_on("object mug", "abc")
    with RunStore(path, "a test", ASKED, resume=True) as store:
        store.depend_on("object box", "def")
        message = refusal(store.depend_on, "object mug", "xyz")
        assert message.startswith(f"{path}: object mug: expected 'xyz' as asked for now, got 'abc'")


def test_what_holds_something_else_is_refused_and_left_alone(path, tmp_path):
    path.write_text('{"kind": "dr_grasp/journal", "schema_version": 1, "seed": 1}\n')
    RunStore(tmp_path / "of_another", "another", ASKED).close()
    foreign = sqlite3.connect(tmp_path / "foreign")
    foreign.execute("CREATE TABLE songs (title TEXT)")
    foreign.close()
    for other in (path, tmp_path / "of_another", tmp_path / "foreign"):
        before = other.read_bytes()
        assert refusal(RunStore, other, "a test", ASKED, resume=True) == (
            f"{other}: expected the journal of a test, got something else (journals of version "
            "0.4.0 and before cannot be read); without --resume the run begins anew"
        )
        assert len(other.read_bytes()) == len(before)


def test_a_damaged_file_is_refused_and_may_be_replaced(path):
    with RunStore(path, "a test", ASKED) as store:
        for number in range(1000):
            store.depend_on(str(number), "x" * 100)
    content = path.read_bytes()
    path.write_bytes(content[:100] + b"\xff" * (len(content) - 100))
    message = refusal(RunStore, path, "a test", ASKED, resume=True)
    assert message.startswith(f"{path}: the journal cannot be read or written: ")
    with RunStore(path, "a test", ASKED) as store:
        assert store.get("1") is None


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE records SET value = '7' WHERE key = '6'",
        "UPDATE records SET key = '99' WHERE key = '6'",
        "UPDATE records SET number = 999 WHERE key = '6'",
        "UPDATE records SET value = CAST(value AS BLOB) WHERE key = '6'",
        "UPDATE records SET value = value || ' ' WHERE key = '6'",
    ],
)
def test_results_before_a_bad_record_are_kept_and_that_is_said(path, caplog, change):
    with RunStore(path, "a test", ASKED) as store:
        store.depend_on("object mug", "abc")
        for number in range(8):
            store.put(str(number), number)
        store.depend_on("object box", "abc")
        store.put("8", 8)
    database = sqlite3.connect(path)
    with database:
        database.execute(change)
    database.close()
    with RunStore(path, "a test", ASKED, resume=True) as store:
        assert [store.get(str(number)) for number in range(9)] == [*range(6), None, None, None]
        # What those results were made of must still be so; of the lost ones nothing is known.
        refusal(store.depend_on, "object mug", "xyz")
        store.depend_on("object box", "xyz")
        store.put("6", 6)
    assert caplog.messages == [
        f"{path}: the journal is damaged: its first 6 results are kept; at least 4 records after "
        "them are lost and will be computed again"
    ]
    with RunStore(path, "a test", ASKED, resume=True) as store:
        assert store.get("6") == 6
        refusal(store.depend_on, "object box", "abc")
    assert len(caplog.messages) == 1 and names(path.parent) == [path.name]


def test_a_journal_without_checksums_is_refused(path):
    database = sqlite3.connect(path)
    for table in ("asked", "results"):
        database.execute(
            f"CREATE TABLE {table} (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID"
        )
    database.close()
    message = refusal(RunStore, path, "a test", ASKED, resume=True)
    assert message.startswith(f"{path}: expected the journal of a test, got something else")


def test_where_nothing_can_be_written(tmp_path):
    place = tmp_path / "no" / "journal"
    lock = place.with_name(".journal.lock")
    message = refusal(RunStore, place, "a test", ASKED)
    assert message == f"{place}: cannot be written: {lock}: No such file or directory"
    message = refusal(RunStore, tmp_path, "a test", ASKED)
    assert message.startswith(f"{tmp_path}: the journal cannot be read or written: ")


def test_a_full_disk_is_one_line_and_costs_what_was_not_put(path):
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    with RunStore(path, "a test", ASKED) as store:
        store.put("1", 1)
        wal = path.with_name(f"{path.name}-wal")
        resource.setrlimit(resource.RLIMIT_FSIZE, (wal.stat().st_size + 100, limits[1]))
        try:
            message = refusal(store.put, "2", "x" * 10_000)
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert message.startswith(f"{path}: the journal cannot be read or written: ")
    with RunStore(path, "a test", ASKED, resume=True) as store:
        assert store.get("1") == 1 and store.get("2") is None


plain = st.recursive(
    st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda values: st.lists(values, max_size=3) | st.dictionaries(st.text(), values, max_size=3),
    max_leaves=8,
)


@settings(max_examples=20)
@given(st.lists(st.tuples(st.text(), plain), max_size=5))
def test_any_plain_data_comes_back(tmp_path_factory, results):
    path = tmp_path_factory.mktemp("store") / "journal"
    with RunStore(path, "a test", {}) as store:
        for key, value in results:
            store.put(key, value)
    with RunStore(path, "a test", {}, resume=True) as store:
        assert all(store.get(key) == value for key, value in dict(results).items())
