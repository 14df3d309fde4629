"""Files that are whole or not there, and what killed processes leave of them."""

import fcntl
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from dr_grasp.common import atomic
from dr_grasp.common.atomic import whole_file, write_whole

WRITER = """
import pathlib, sys
from dr_grasp.common.atomic import whole_file
with whole_file(pathlib.Path(sys.argv[1])) as file:
    file.write(b"new")
    print("writing", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def writing():
    """Starts processes that are in the middle of a file until their input ends."""
    started = []

    def start(path):
        process = subprocess.Popen(
            [sys.executable, "-c", WRITER, str(path)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        started.append(process)
        assert process.stdout.readline() == b"writing\n"
        return process

    yield start
    for process in started:
        process.kill()
        process.communicate()


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_what_a_killed_process_left_is_removed_by_the_next(tmp_path, writing):
    path = tmp_path / "scores[1].json"
    process = writing(path)
    process.send_signal(signal.SIGKILL)
    process.wait()
    (left,) = names(tmp_path)
    assert left.startswith(".scores[1].json.")
    write_whole(path, b"x")
    assert names(tmp_path) == [path.name]


def test_what_a_live_process_writes_stays(tmp_path, writing):
    path = tmp_path / "scores.json"
    process = writing(path)
    write_whole(path, b"old")
    assert len(names(tmp_path)) == 2
    process.communicate()
    assert process.returncode == 0
    assert path.read_bytes() == b"new"
    assert names(tmp_path) == [path.name]


def test_only_leftovers_of_the_same_file_are_removed(tmp_path):
    others = [
        ".out.json.journal.12-0123abcd.tmp",
        ".out_json.12-0123abcd.tmp",
        ".out.json.12-0123abcd.tmp.bak",
        ".out.json.me-0123abcd.tmp",
        "out.json.12-0123abcd.tmp",
    ]
    for name in [*others, ".out.json.12-0123abcd.tmp"]:
        (tmp_path / name).write_text("half")
    (tmp_path / ".out.json.13-0123abcd.tmp").mkdir()
    (tmp_path / ".out.json.14-0123abcd.tmp").symlink_to(others[0])
    write_whole(tmp_path / "out.json", b"x")
    kept = [*others, ".out.json.13-0123abcd.tmp", ".out.json.14-0123abcd.tmp", "out.json"]
    assert names(tmp_path) == sorted(kept)


def test_a_file_that_was_taken_for_a_leftover_is_begun_again(tmp_path, monkeypatch):
    """Another process looks between its creation and its lock."""
    path, lock, meddled = tmp_path / "out", fcntl.flock, []

    def meddle(descriptor, how):
        if not meddled:
            (scratch,) = tmp_path.iterdir()
            meddled.append(scratch)
            scratch.unlink()
        lock(descriptor, how)

    monkeypatch.setattr(atomic.fcntl, "flock", meddle)
    write_whole(path, b"x")
    assert meddled and names(tmp_path) == ["out"]
    assert path.read_bytes() == b"x"


def test_where_there_are_no_locks_nothing_is_removed(tmp_path, monkeypatch):
    def refuse(descriptor, how):
        raise OSError(95, "Operation not supported")

    left = tmp_path / ".out.12-0123abcd.tmp"
    left.write_text("half")
    monkeypatch.setattr(atomic.fcntl, "flock", refuse)
    with whole_file(tmp_path / "out") as file:
        file.write(b"x")
    assert names(tmp_path) == [left.name, "out"]


def test_content_is_on_disk_before_it_takes_the_name_and_the_name_is_after(tmp_path, monkeypatch):
    """A power cut between any two steps leaves the old file or the new one, whole."""
    path, done = tmp_path / "out", []
    fsync, replace = os.fsync, Path.replace

    def note_sync(descriptor):
        fsync(descriptor)
        done.append(("synced", Path(f"/proc/self/fd/{descriptor}").resolve()))

    def note_replace(source, target):
        replace(source, target)
        done.append(("replaced", source))

    monkeypatch.setattr(os, "fsync", note_sync)
    # Not os.replace: pathlib of Python 3.10 has its own reference to it.
    monkeypatch.setattr(Path, "replace", note_replace)
    write_whole(path, b"x")
    scratch = done[0][1]
    assert scratch.parent == tmp_path and scratch != path
    assert done == [("synced", scratch), ("replaced", scratch), ("synced", tmp_path)]


def test_no_descriptor_stays_open(tmp_path):
    opened = Path("/proc/self/fd")
    before = len(list(opened.iterdir()))
    (tmp_path / ".out.12-0123abcd.tmp").write_text("half")
    for _ in range(5):
        write_whole(tmp_path / "out", b"x")
    assert len(list(opened.iterdir())) == before
