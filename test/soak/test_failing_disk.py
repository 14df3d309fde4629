"""A disk that fails at any call: the bag stays whole, what was acknowledged stays in it."""

import errno
import io
import os
import shutil
from contextlib import suppress
from pathlib import Path

import pytest
from rosbags.rosbag2 import Reader

from dr_grasp.errors import RecordingError
from dr_grasp.recording.bag_writer import TOPICS
from dr_grasp.recording.splits import SplitBag

CALLS = [(os, name) for name in ("fsync", "open", "close", "mkdir", "rmdir", "unlink", "scandir")]
CALLS += [(Path, name) for name in ("mkdir", "rename", "replace", "unlink", "open")]
CALLS += [(os, "fdopen")]


class Disk:
    """Counts the calls to it, and fails from one of them on, a number of times.

    A call fails before it has done anything, or afterwards, as an `fsync` or a `close` may.
    """

    def __init__(self, monkeypatch, first=-1, times=1, afterwards=False):
        self.count = 0
        self._failing = range(first, first + times)
        self._afterwards = afterwards
        for owner, name in CALLS:
            real = getattr(owner, name)
            # Nothing is synced for real: no power is cut here.
            monkeypatch.setattr(owner, name, self._meddled(name, real))

    def _meddled(self, name, real):
        def call(*args, **named):
            done = self.passes(lambda: None if name == "fsync" else real(*args, **named))
            return File(done, self) if isinstance(done, io.IOBase) else done

        return call

    def passes(self, function):
        fails = self.count in self._failing
        self.count += 1
        if fails and not self._afterwards:
            raise self._error()
        done = function()
        if fails:
            raise self._error()
        return done

    def _error(self):
        code = (errno.EIO, errno.ENOSPC)[self.count % 2]
        return OSError(code, os.strerror(code))


class File:
    """A file whose disk may fail."""

    def __init__(self, file, disk):
        self._file, self._disk = file, disk

    def write(self, data):
        return self._disk.passes(lambda: self._file.write(data))

    def close(self):
        if not self._file.closed:
            self._disk.passes(self._file.close)

    def __getattr__(self, name):
        return getattr(self._file, name)

    def __iter__(self):
        return iter(self._file)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


NAMES = ["m0", "m1", "m2"]


def record(folder):
    """Record messages, two at a time; which names were acknowledged, and which were refused.

    None if the bag could not even be made.
    """
    acknowledged, refused = [], []
    try:
        bag = SplitBag(folder, TOPICS[:1], splits_before_merge=1)
    except RecordingError:
        return None
    for stamp_ns, name in enumerate(NAMES, 1):
        message = (TOPICS[0].name, stamp_ns, name.encode())
        try:
            bag.append([message, message])
            acknowledged.append(name)
        except RecordingError:
            refused.append(name)
    with suppress(RecordingError):
        bag.close()
    return acknowledged, refused


def recorded(folder):
    """Names of the messages in a bag."""
    with Reader(folder) as reader:
        found = [bytes(data).decode() for _, _, data in reader.messages()]
        assert len(found) == reader.message_count
    assert found[::2] == found[1::2], "half of what was recorded at once"
    return found[::2]


@pytest.mark.parametrize("afterwards", [False, True])
@pytest.mark.parametrize("times", [1, 4])
def test_a_bag_on_a_disk_that_fails_now_and_then(tmp_path, rounds, figures, times, afterwards):
    with pytest.MonkeyPatch.context() as patch:
        disk = Disk(patch)
        assert record(tmp_path / "bag") == (NAMES, [])
    assert disk.count > 100
    tried = refusals = 0
    for first in range(0, disk.count, max(1, 31 // rounds(1))):
        bag = tmp_path / f"bag{first}"
        with pytest.MonkeyPatch.context() as patch:
            Disk(patch, first, times, afterwards)
            done = record(bag)
        tried += 1
        if done is None:
            # Nothing is in the way of whoever tries again, unless the disk failed at that, too.
            if times > 1:
                shutil.rmtree(bag, ignore_errors=True)
            assert record(bag) == (NAMES, [])
            continue
        acknowledged, refused = done
        found = recorded(bag)
        assert len(found) == len(set(found)) and set(acknowledged) <= set(found) <= set(NAMES)
        refusals += len(refused)
        if times == 1:
            # One fault costs one step, which leaves nothing, and those after it work.
            assert len(refused) <= 1 and found == acknowledged, first
        shutil.rmtree(bag)
    assert refusals
    figures[f"disk failing {times} times, {'after' if afterwards else 'before'} the act"] = {
        "faults": tried,
        "appends refused": refusals,
        "acknowledged messages lost": 0,
    }
