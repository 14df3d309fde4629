"""One process at a time works on a run; one that was killed is not waited for."""

import os
import signal
import subprocess
import sys

import pytest

from dr_grasp.common.run_lock import RunLock
from dr_grasp.errors import FileFormatError

HOLDER = """
import pathlib, subprocess, sys
from dr_grasp.common.run_lock import RunLock
with RunLock(pathlib.Path(sys.argv[1])):
    child = subprocess.Popen([sys.executable, "-c", "import sys; sys.stdin.read()"])
    print(child.pid, flush=True)
    sys.stdin.read()
"""

RACER = """
import pathlib, sys, time
from dr_grasp.common.run_lock import RunLock
from dr_grasp.errors import FileFormatError
path = pathlib.Path(sys.argv[1])
wins = 0
while wins < 50:
    try:
        with RunLock(path):
            path.touch(exist_ok=False)
            path.unlink()
            wins += 1
    except FileFormatError:
        pass
"""


@pytest.fixture
def path(tmp_path):
    return tmp_path / "out.json"


def refused(path):
    with pytest.raises(FileFormatError) as caught:
        RunLock(path)
    return str(caught.value) == f"{path}: another process is working on the same run"


def test_it_holds_until_it_is_closed_and_leaves_nothing(path):
    lock = RunLock(path)
    assert refused(path)
    lock.take()
    lock.close()
    lock.close()
    assert list(path.parent.iterdir()) == []
    lock.take()
    assert refused(path)
    lock.close()


def test_a_killed_holder_holds_nothing_though_its_child_lives_on(path):
    command = [sys.executable, "-c", HOLDER, str(path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        child = int(process.stdout.readline())
        assert refused(path)
        process.send_signal(signal.SIGKILL)
        process.wait()
        os.kill(child, 0)
        with RunLock(path):
            pass
        os.kill(child, signal.SIGKILL)
    assert list(path.parent.iterdir()) == []


def test_never_do_two_hold_it(path):
    """Also where one removes the file of the lock while the other opens it."""
    racers = [subprocess.Popen([sys.executable, "-c", RACER, str(path)]) for _ in range(2)]
    assert [racer.wait(60) for racer in racers] == [0, 0]


def test_where_it_cannot_be_written_is_named(tmp_path):
    place = tmp_path / "no" / "out.json"
    message = f"{place}: cannot be written: {place.with_name('.out.json.lock')}: No such file or"
    with pytest.raises(FileFormatError, match=message):
        RunLock(place)
