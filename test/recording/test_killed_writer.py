"""The bag: what was acknowledged is there, whatever killed the writer."""

import os
import random
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

from dr_grasp.formats.grasp_file import write_grasps
from dr_grasp.recording.bag_reader import read_bag
from dr_grasp.recording.bag_writer import BagWriter

from .bags import check_metadata


def test_a_writer_that_dies_at_any_step_leaves_a_whole_bag(tmp_path, samples, monkeypatch):
    """Takes a copy of the disk before each step on it: what a killed writer would leave there."""
    disk, copies = tmp_path / "disk", tmp_path / "copies"
    disk.mkdir()
    written = []
    left = []

    def photographed(function):
        def call(*args, **named):
            copy = copies / str(len(left))
            shutil.copytree(disk, copy)
            left.append((copy, list(written)))
            return function(*args, **named)

        return call

    names = ["a0", "a1", "a2"]
    attempts = [samples.attempt(name) for name in names]
    with monkeypatch.context() as patch:
        steps = [(os, "fsync"), (Path, "mkdir"), (Path, "rename"), (Path, "replace")]
        for module, name in [*steps, (Path, "unlink"), (shutil, "rmtree")]:
            patch.setattr(module, name, photographed(getattr(module, name)))
        with BagWriter(disk / "bag", splits_before_merge=1) as writer:
            written.append("opened")
            for attempt in attempts:
                writer.write_attempt(attempt)
                written.append(attempt.attempt_id)
    assert len(left) > 50
    for copy, acknowledged in left:
        if acknowledged or (copy / "bag").exists():
            found = [attempt.attempt_id for attempt in read_bag(copy / "bag").attempts]
            # What was acknowledged, and at most the one that was just being written.
            assert found in (acknowledged[1:], names[: len(acknowledged)])


WRITER = """
import os, sys
from pathlib import Path
from dr_grasp.core.attempt import GraspAttempt
from dr_grasp.core.outcome import Outcome
from dr_grasp.formats.grasp_file import read_grasps
from dr_grasp.recording.bag_writer import BagWriter
grasp = read_grasps(Path(sys.argv[1])).grasps[0]
with BagWriter(Path(sys.argv[2]), splits_before_merge=4) as writer:
    for index in range(1_000_000):
        writer.write_attempt(GraspAttempt(
            f"a{index}", 10**18 + index, "twin", 0, index, grasp, None, Outcome.SUCCESS, "",
            grasp.approach, grasp.approach, 0.0, None, None))
        os.write(1, f"a{index}\\n".encode())
"""


def test_kill_9_at_random_moments_loses_nothing(tmp_path, samples):
    write_grasps(tmp_path / "grasps.json", [samples.grasp()])
    rng = random.Random(time.time_ns())
    total = 0
    for repetition in range(3):
        bag = tmp_path / f"bag{repetition}"
        command = [sys.executable, "-c", WRITER, str(tmp_path / "grasps.json"), str(bag)]
        with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
            first = process.stdout.readline()
            time.sleep(rng.uniform(0.0, 0.8))
            process.send_signal(signal.SIGKILL)
            acknowledged = (first + process.stdout.read()).decode().split()
        found = [attempt.attempt_id for attempt in read_bag(bag).attempts]
        expected = [f"a{index}" for index in range(len(found))]
        assert found == expected
        assert acknowledged == expected[: len(acknowledged)]
        assert len(found) - len(acknowledged) in (0, 1)
        check_metadata(bag)
        total += len(acknowledged)
    assert total >= 3
