"""Cached folders: whole or not there, and mended when something has happened to them."""

import errno
import os
import shutil
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from dr_grasp.common import cache as caches
from dr_grasp.common.cache import MANIFEST, cached_folder
from dr_grasp.errors import ModelError


@pytest.fixture
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("DR_GRASP_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def test_the_cache_is_where_the_environment_says(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.delenv("DR_GRASP_CACHE", raising=False)
    assert caches.cache_directory() == tmp_path / "dr_grasp"
    monkeypatch.setenv("DR_GRASP_CACHE", str(tmp_path / "named"))
    assert caches.cache_directory() == tmp_path / "named"


def test_a_cached_folder_is_built_once_for_each_content(cache):
    built = []

    def build(folder: Path):
        built.append(folder)
        (folder / "file").write_text(str(len(built)))

    first = cached_folder("kind", [b"ab", b"c"], build)
    assert cached_folder("kind", [b"ab", b"c"], build) == first
    assert len(built) == 1 and (first / "file").read_text() == "1"
    # The same bytes, cut elsewhere, are other content.
    assert cached_folder("kind", [b"a", b"bc"], build) != first
    assert cached_folder("other", [b"ab", b"c"], build) != first


def test_a_cached_folder_is_on_disk_before_it_has_its_name(cache, monkeypatch):
    """A power cut leaves it whole or not there: half a model would stay in use."""
    synced, fsync = [], os.fsync

    def note(descriptor):
        synced.append(Path(f"/proc/self/fd/{descriptor}").resolve())
        fsync(descriptor)

    def build(folder: Path):
        (folder / "parts").mkdir()
        (folder / "parts" / "mesh").write_text("v 0 0 0")

    monkeypatch.setattr(os, "fsync", note)
    final = cached_folder("kind", [b"x"], build)
    *before, after = synced
    scratch = before[-1]
    assert scratch.name.startswith(".building-") and not scratch.exists()
    assert set(before) == {
        scratch,
        scratch / "parts",
        scratch / "parts" / "mesh",
        scratch / MANIFEST,
    }
    assert after == final.parent


def test_a_build_that_fails_leaves_nothing(cache):
    def build(folder: Path):
        (folder / "half").touch()
        raise ModelError("no")

    with pytest.raises(ModelError):
        cached_folder("kind", [b"x"], build)
    assert list((cache / "kind").iterdir()) == []
    cached_folder("kind", [b"x"], lambda folder: (folder / "whole").touch())


def test_of_two_that_build_the_same_the_first_is_kept(cache):
    def slow(folder: Path):
        cached_folder("kind", [b"x"], lambda other: (other / "fast").touch())
        (folder / "slow").touch()

    kept = cached_folder("kind", [b"x"], slow)
    assert sorted(file.name for file in kept.iterdir()) == ["fast", MANIFEST]
    assert list((cache / "kind").iterdir()) == [kept]


def test_a_cache_that_cannot_be_written_is_named(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("DR_GRASP_CACHE", str(tmp_path / "file" / "cache"))
    with pytest.raises(ModelError, match=r"the cache cannot be written: .* DR_GRASP_CACHE"):
        cached_folder("kind", [b"content"], lambda folder: None)


def fill(folder):
    (folder / "parts").mkdir()
    (folder / "parts" / "a.obj").write_text("v 0 0 0\n" * 100)
    (folder / "b.obj").write_text("v 1 1 1\n")


def contents(folder):
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def truncate(folder):
    os.truncate(folder / "parts" / "a.obj", 10)


def zero(folder):
    (folder / "b.obj").write_bytes(bytes(8))


def flip(folder):
    (folder / "b.obj").write_text("v 1 1 3\n")


def lose(folder):
    (folder / "b.obj").unlink()


def add(folder):
    (folder / "c.obj").touch()


def empty(folder):
    shutil.rmtree(folder / "parts")
    for path in folder.iterdir():
        path.unlink()


def lose_manifest(folder):
    (folder / MANIFEST).unlink()


def cut_manifest(folder):
    os.truncate(folder / MANIFEST, 20)


def zero_manifest(folder):
    (folder / MANIFEST).write_bytes(bytes(20))


def list_in_manifest(folder):
    (folder / MANIFEST).write_text("[]")


DAMAGES = {
    truncate: "parts/a.obj: expected other content",
    zero: "b.obj: expected other content",
    flip: "b.obj: expected other content",
    lose: "b.obj: expected other content",
    add: "c.obj: expected other content",
    empty: "No such file or directory",
    lose_manifest: "No such file or directory",
    cut_manifest: f"{MANIFEST} is not whole",
    zero_manifest: f"{MANIFEST} is not whole",
    list_in_manifest: f"{MANIFEST} is not whole",
}


@pytest.mark.parametrize("damage", DAMAGES, ids=lambda damage: damage.__name__)
def test_a_damaged_folder_is_made_again_and_that_is_said(cache, monkeypatch, caplog, damage):
    folder = cached_folder("kind", [b"x"], fill)
    whole = contents(folder)
    damage(folder)
    # Once in a process it is looked at.
    monkeypatch.setattr(caches, "_checked", set())
    assert cached_folder("kind", [b"x"], fill) == folder
    assert contents(folder) == whole
    (message,) = caplog.messages
    assert message.startswith(f"{folder}: damaged: ") and DAMAGES[damage] in message
    assert message.endswith("; it is made again")
    assert list((cache / "kind").iterdir()) == [folder]
    monkeypatch.setattr(caches, "_checked", set())
    cached_folder("kind", [b"x"], lambda other: pytest.fail("it is whole"))
    assert len(caplog.messages) == 1


def test_a_folder_that_cannot_be_mended_is_named(cache, monkeypatch):
    folder = cached_folder("kind", [b"x"], fill)
    lose(folder)
    (folder / "b.obj").mkdir()
    monkeypatch.setattr(caches, "_checked", set())
    with pytest.raises(ModelError, match=f"{folder}: the cache cannot be written: Is a directory"):
        cached_folder("kind", [b"x"], fill)


def test_a_full_disk_is_named_and_leaves_nothing(cache):
    def build(folder):
        (folder / "half").touch()
        raise OSError(errno.ENOSPC, "No space left on device")

    with pytest.raises(ModelError, match="No space left on device; name another place in DR_GRASP"):
        cached_folder("kind", [b"x"], build)
    assert list((cache / "kind").iterdir()) == []


def test_what_cannot_be_read_to_build_is_no_fault_of_the_cache(cache, tmp_path):
    with pytest.raises(FileNotFoundError):
        cached_folder("kind", [b"x"], lambda folder: (tmp_path / "mesh").read_bytes())


MENDER = """
import logging, sys, time
from dr_grasp.common.cache import MANIFEST, cached_folder
def build(folder):
    time.sleep(0.3)
    (folder / "mesh").write_text("v 0 0 0\\n" * 1000)
    (folder / "other").write_text("v 1 1 1\\n")
logging.basicConfig(stream=sys.stdout, format="%(message)s")
print("reads", len((cached_folder("kind", [b"x"], build) / "mesh").read_bytes()))
"""


def test_of_several_processes_one_mends_while_others_read(cache):
    def menders(number):
        command = [sys.executable, "-c", MENDER]
        started = [
            subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(number)
        ]
        return [line for process in started for line in process.communicate()[0].splitlines()]

    assert menders(1) == ["reads 8000"]
    (folder,) = (cache / "kind").iterdir()
    os.truncate(folder / "mesh", 10)
    ended, sizes = threading.Event(), []

    def read():
        # A file that is there is never missing, not even for a moment.
        while not ended.is_set():
            sizes.append(
                (len((folder / "mesh").read_bytes()), len((folder / "other").read_bytes()))
            )

    reader = threading.Thread(target=read)
    reader.start()
    lines = menders(3)
    ended.set()
    reader.join()
    assert lines.count("reads 8000") == 3
    (warning,) = set(lines) - {"reads 8000"}
    assert "mesh: expected other content; it is made again" in warning and len(lines) == 4
    assert set(sizes) == {(10, 8), (8000, 8)}


def test_what_killed_builds_left_is_removed_a_day_later(cache):
    kind = cache / "things"
    for name, age_s in ((".building-old", 2 * 86_400), (".building-now", 60)):
        (kind / name).mkdir(parents=True)
        then = time.time() - age_s
        os.utime(kind / name, (then, then))
    cached_folder("things", [b"new"], lambda folder: (folder / "a").write_text("a"))
    assert not (kind / ".building-old").exists()
    assert (kind / ".building-now").exists()
