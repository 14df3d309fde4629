"""A few kilobytes that stand for gigabytes are refused; what is whole around them is read."""

import lz4.frame
import mcap.writer
import pytest
import zstandard
from rosbags.rosbag2 import CompressionFormat, CompressionMode, Reader, Writer

from dr_grasp.errors import FileFormatError, RecordingError
from dr_grasp.recording import decompression
from dr_grasp.recording.bag_reader import read_bag
from dr_grasp.recording.bag_writer import BagWriter
from dr_grasp.recording.bounded_reader import BoundedReader
from dr_grasp.recording.decompression import check_compressed_file, decompressed

PACKERS = {"lz4": lz4.frame.compress, "zstd": zstandard.compress}


@pytest.mark.parametrize("compression", PACKERS)
def test_what_was_compressed_comes_back(compression):
    data = bytes(range(256)) * 1000
    assert decompressed(PACKERS[compression](data), compression) == data
    assert decompressed(data, "") == data
    assert len(decompressed(PACKERS[compression](bytes(30 * 1024**2)), compression)) == 30 * 1024**2


@pytest.mark.parametrize("compression", PACKERS)
def test_a_bomb_is_refused(compression):
    bomb = PACKERS[compression](bytes(100 * 1024**2))
    with pytest.raises(FileFormatError, match=f"expected {len(bomb)} compressed bytes to hold at"):
        decompressed(bomb, compression)


def test_another_compression_is_refused():
    with pytest.raises(FileFormatError, match="expected compression by lz4 or zstd, got 'xz'"):
        decompressed(b"", "xz")


@pytest.fixture
def small(monkeypatch):
    """Bounds so small that a small bag breaks them."""
    monkeypatch.setattr(decompression, "ALWAYS_DECOMPRESSED_BYTES", 1000)
    monkeypatch.setattr(decompression, "MOST_EXPANSION", 0)


def compressed_copy(bag, folder, mode):
    copy = Writer(folder, version=8)
    copy.set_compression(mode, CompressionFormat.ZSTD)
    with Reader(bag) as reader, copy as writer:
        stores = {}
        for topic in reader.connections:
            stores[topic.id] = writer.add_connection(
                topic.topic, topic.msgtype, msgdef=topic.msgdef.data, rihs01=topic.digest
            )
        for topic, stamp, data in reader.messages():
            writer.write(stores[topic.id], stamp, data)
    return folder


@pytest.fixture
def bag(tmp_path, samples):
    with BagWriter(tmp_path / "bag") as writer:
        writer.write_attempt(samples.attempt("a1", stamp_ns=10**18))
    return tmp_path / "bag"


@pytest.mark.parametrize("mode", [CompressionMode.FILE, CompressionMode.MESSAGE])
def test_a_compressed_bag_is_read_within_bounds(bag, tmp_path, mode, samples):
    copy = compressed_copy(bag, tmp_path / "copy", mode)
    assert read_bag(copy).attempts == read_bag(bag).attempts != ()


@pytest.mark.parametrize("mode", [CompressionMode.FILE, CompressionMode.MESSAGE])
def test_a_compressed_bag_beyond_bounds_is_refused(bag, tmp_path, mode, small):
    copy = compressed_copy(bag, tmp_path / "copy", mode)
    with pytest.raises(RecordingError, match=r"copy: .*compressed bytes to hold at most 1000"):
        read_bag(copy)


def test_a_file_that_would_fill_the_disk_is_refused(tmp_path):
    path = tmp_path / "bomb.zstd"
    path.write_bytes(zstandard.compress(bytes(100 * 1024**2)))
    with pytest.raises(FileFormatError, match="compressed bytes to hold at most"):
        check_compressed_file(path)


@pytest.mark.parametrize("compression", ["LZ4", "ZSTD"])
def test_a_chunk_beyond_bounds_is_left_out_by_both_ways(tmp_path, compression):
    path = tmp_path / "b.mcap"
    with path.open("wb") as file:
        writer = mcap.writer.Writer(
            file, compression=mcap.writer.CompressionType[compression], chunk_size=10**9
        )
        writer.start(profile="ros2")
        schema = writer.register_schema("std_msgs/msg/String", "ros2msg", b"string data")
        channel = writer.register_channel("/scores", "cdr", schema)
        writer.add_message(channel, 1, bytes(64 * 1024**2), 1)
        writer.finish()
    with pytest.raises(RecordingError, match=r"b.mcap: .*compressed bytes to hold at most"):
        read_bag(path)
    with BoundedReader(path) as reader, pytest.raises(FileFormatError, match="to hold at most"):
        list(reader.bounded_messages(reader.connections))
