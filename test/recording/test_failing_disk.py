"""A split that metadata.yaml names is never deleted, also where syncing the folder fails."""

import errno
import os
from pathlib import Path

import pytest
import yaml

from dr_grasp.errors import RecordingError
from dr_grasp.recording import splits
from dr_grasp.recording.bag_reader import read_bag
from dr_grasp.recording.bag_writer import BagWriter

from .bags import mcaps


def failing_syncs(monkeypatch, bag, times):
    """The sync of the bag's folder fails, a number of times, once metadata.yaml was replaced."""
    fsync, replace, replaced, failed = os.fsync, Path.replace, [], []

    def fail(descriptor):
        place = Path(f"/proc/self/fd/{descriptor}").resolve()
        if place == bag and bag / "metadata.yaml" in replaced and len(failed) < times:
            failed.append(place)
            raise OSError(errno.EIO, "Input/output error")
        fsync(descriptor)

    def note(source, target):
        replaced.append(target)
        return replace(source, target)

    monkeypatch.setattr(Path, "replace", note)
    monkeypatch.setattr(os, "fsync", fail)


@pytest.mark.parametrize("times", [1, 2])
def test_the_folder_cannot_be_synced_after_metadata_was_replaced(
    tmp_path, samples, monkeypatch, times
):
    bag = tmp_path / "bag"
    with BagWriter(bag) as writer:
        writer.write_attempt(samples.attempt("a0"))
        with monkeypatch.context() as patch:
            failing_syncs(patch, bag, times)
            with pytest.raises(RecordingError, match="cannot be written: Input/output error"):
                writer.write_attempt(samples.attempt("a1"))
        # Taken back. If that could not be synced either, metadata.yaml may name the file of a1
        # again after a power cut, so the file stays.
        assert listed(bag) == ["bag_1.mcap"]
        assert mcaps(bag) == ["bag_1.mcap", "bag_2.mcap"][:times]
        writer.write_attempt(samples.attempt("a2"))
        assert listed(bag) == ["bag_1.mcap", "bag_3.mcap"]
    found = [attempt.attempt_id for attempt in read_bag(bag).attempts]
    assert found in (["a0", "a2"], ["a0", "a1", "a2"])


def test_metadata_that_cannot_be_taken_back_keeps_its_file(tmp_path, samples, monkeypatch):
    """After the failed sync no file can be written at all, for a while."""
    bag = tmp_path / "bag"
    with BagWriter(bag) as writer:
        writer.write_attempt(samples.attempt("a0"))
        with monkeypatch.context() as patch:
            failing_syncs(patch, bag, 1)
            write, calls = splits.write_whole, []

            def write_once(path, content):
                calls.append(path)
                if len(calls) > 1:
                    raise OSError(errno.ENOSPC, "No space left on device")
                write(path, content)

            patch.setattr(splits, "write_whole", write_once)
            with pytest.raises(RecordingError, match="cannot be written: Input/output error"):
                writer.write_attempt(samples.attempt("a1"))
        assert listed(bag) == mcaps(bag) == ["bag_1.mcap", "bag_2.mcap"]
        writer.write_attempt(samples.attempt("a2"))
    assert [attempt.attempt_id for attempt in read_bag(bag).attempts] == ["a0", "a1", "a2"]


def listed(bag):
    """Names of the files that metadata.yaml names."""
    content = yaml.safe_load((bag / "metadata.yaml").read_text())
    return content["rosbag2_bagfile_information"]["relative_file_paths"]


def test_a_bag_whose_folder_cannot_be_synced_may_be_made_again(tmp_path, monkeypatch):
    def fail(path):
        if path == tmp_path:
            raise OSError(errno.EIO, "Input/output error")

    with monkeypatch.context() as patch:
        patch.setattr(splits, "sync", fail)
        with pytest.raises(RecordingError, match="cannot be written: Input/output error"):
            BagWriter(tmp_path / "bag")
    assert list(tmp_path.iterdir()) == []
    BagWriter(tmp_path / "bag").close()
