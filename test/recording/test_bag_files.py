"""Bags as people really have them: SQLite, compressed, without metadata, among other files."""

import shutil
import sqlite3
from contextlib import closing

import lz4.frame
import pytest
import zstandard
from rosbags.rosbag2 import CompressionFormat, CompressionMode, Reader, StoragePlugin, Writer

from dr_grasp.errors import RecordingError
from dr_grasp.recording.bag_files import find_bags, left_out_of
from dr_grasp.recording.bag_reader import read_bag
from dr_grasp.recording.bag_writer import BagWriter

PLUGINS = {"mcap": StoragePlugin.MCAP, "db3": StoragePlugin.SQLITE3}


@pytest.fixture
def attempts(samples):
    return tuple(samples.attempt(f"a{n}", stamp_ns=10**18 + n) for n in range(3))


@pytest.fixture
def bag(tmp_path, attempts):
    with BagWriter(tmp_path / "ours") as writer:
        for attempt in attempts:
            writer.write_attempt(attempt)
    return tmp_path / "ours"


def converted(bag, folder, ending, mode=None):
    """The bag as rosbag2 would have written it."""
    writer = Writer(folder, version=8, storage_plugin=PLUGINS[ending])
    if mode is not None:
        writer.set_compression(mode, CompressionFormat.ZSTD)
    with Reader(bag) as reader, writer:
        stores = {
            topic.id: writer.add_connection(
                topic.topic, topic.msgtype, msgdef=topic.msgdef.data, rihs01=topic.digest
            )
            for topic in reader.connections
        }
        for topic, stamp, data in reader.messages():
            writer.write(stores[topic.id], stamp, data)
    return folder


MODES = [None, CompressionMode.FILE, CompressionMode.MESSAGE]


@pytest.mark.parametrize("with_metadata", [True, False])
@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("ending", PLUGINS)
def test_a_bag_is_read_whole(bag, tmp_path, attempts, ending, mode, with_metadata):
    # Characters that mean something in the addresses of SQLite.
    copy = converted(bag, tmp_path / "copy", ending, mode).rename(tmp_path / "copy 100% #1?")
    if not with_metadata:
        (copy / "metadata.yaml").unlink()
    found = read_bag(copy)
    assert (found.attempts, found.damage) == (attempts, "")
    assert left_out_of(copy) == []
    (file,) = (path for path in copy.iterdir() if path.name != "metadata.yaml")
    assert read_bag(file) == found


@pytest.mark.parametrize("ending", PLUGINS)
@pytest.mark.parametrize(
    ("packed", "compress"),
    [
        ("zst", zstandard.compress),
        ("lz4", lz4.frame.compress),
        # As `zstd` does with large files, and `cat` with several.
        ("zstd", lambda data: b"".join(map(zstandard.compress, (data[:999], data[999:])))),
    ],
)
def test_files_that_somebody_compressed_are_read(bag, tmp_path, attempts, ending, packed, compress):
    copy = converted(bag, tmp_path / "copy", ending)
    file = copy / f"copy.{ending}"
    (copy / f"{file.name}.{packed}").write_bytes(compress(file.read_bytes()))
    file.unlink()
    found = read_bag(copy)
    assert (found.attempts, found.damage) == (attempts, "")


def test_a_second_frame_counts_for_the_bounds(bag, tmp_path):
    (bag / "b.mcap.zst").write_bytes(
        zstandard.compress(b"\x89MCAP0\r\n") + zstandard.compress(b"\xff" * 100 * 1024**2)
    )
    damage = read_bag(bag).damage
    assert "b.mcap.zst: expected" in damage
    assert "compressed bytes to hold at most" in damage


def test_a_compressed_file_that_was_cut_is_read_so_far(bag, tmp_path, attempts):
    copy = converted(bag, tmp_path / "copy", "mcap", CompressionMode.FILE)
    (file,) = copy.glob("*.zstd")
    plain = zstandard.ZstdDecompressor().decompressobj().decompress(file.read_bytes())
    whole = zstandard.ZstdCompressor(level=1).compressobj()
    cut = whole.compress(plain[: len(plain) // 2]) + whole.flush(zstandard.COMPRESSOBJ_FLUSH_BLOCK)
    file.write_bytes(cut)
    found = read_bag(copy)
    assert found.attempts == attempts[: len(found.attempts)]
    assert "ends in the middle" in found.damage


def killed_recorder(bag, folder):
    """A database whose messages are still in the write-ahead log, as kill -9 leaves it."""
    made = converted(bag, folder / "made", "db3") / "made.db3"
    open_one = folder / "open.db3"
    shutil.copyfile(made, open_one)
    place = folder / "killed"
    place.mkdir()
    with closing(sqlite3.connect(open_one)) as database:
        rows = database.execute("SELECT * FROM messages").fetchall()
        database.execute("DELETE FROM messages")
        database.commit()
        database.execute("PRAGMA journal_mode = WAL")
        database.execute("PRAGMA wal_autocheckpoint = 0")
        database.executemany("INSERT INTO messages VALUES (?, ?, ?, ?)", rows)
        database.commit()
        for ending in ("", "-wal", "-shm"):
            shutil.copyfile(f"{open_one}{ending}", place / f"killed.db3{ending}")
    return place


def test_messages_in_the_log_of_a_killed_recorder_are_read(bag, tmp_path, attempts):
    place = killed_recorder(bag, tmp_path)
    before = {path.name: path.read_bytes() for path in place.iterdir()}
    found = read_bag(place)
    assert (found.attempts, found.damage) == (attempts, "")
    assert {path.name: path.read_bytes() for path in place.iterdir()} == before
    assert left_out_of(place) == []
    (place / "killed.db3-wal").unlink()
    assert read_bag(place).attempts == ()


def test_a_broken_database_is_said(bag, tmp_path):
    copy = converted(bag, tmp_path / "copy", "db3")
    file = copy / "copy.db3"
    content = file.read_bytes()
    cases = [
        (b"version https://git-lfs.github.com/spec/v1\n", "does not begin as an SQLite file"),
        (content[: len(content) // 2], "cannot be read to its end: database disk image is"),
        (content[:100] + bytes(4000), "cannot be read to its end: "),
    ]
    for broken, problem in cases:
        file.write_bytes(broken)
        with pytest.raises(RecordingError, match=f"copy.db3 {problem}"):
            read_bag(copy)
    file.unlink()
    with closing(sqlite3.connect(file)) as database:
        database.execute("CREATE TABLE notes (text)")
        database.commit()
    with pytest.raises(RecordingError, match=r"copy\.db3 has no tables messages and topics"):
        read_bag(copy)


def test_a_database_of_no_known_messages_has_none(tmp_path):
    with Writer(tmp_path / "other", version=8, storage_plugin=StoragePlugin.SQLITE3) as writer:
        topic = writer.add_connection("/a", "std_msgs/msg/String", msgdef="string data", rihs01="x")
        writer.write(topic, 1, b"\0\1\0\0")
    found = read_bag(tmp_path / "other")
    assert (found.attempts, found.damage) == ((), "")


def test_rows_that_are_no_messages_are_counted(bag, tmp_path, attempts):
    copy = converted(bag, tmp_path / "copy", "db3")
    with closing(sqlite3.connect(copy / "copy.db3")) as database:
        (topic,) = database.execute("SELECT topic_id FROM messages").fetchone()
        database.execute("INSERT INTO messages VALUES (98, ?, 'noon', x'00')", (topic,))
        database.execute("INSERT INTO messages VALUES (99, ?, 7, 'text')", (topic,))
        database.commit()
    found = read_bag(copy)
    assert found.attempts == attempts
    assert "2 messages cannot be decoded" in found.damage


def test_a_file_that_is_not_there_is_said(bag, tmp_path, attempts):
    copy = converted(bag, tmp_path / "copy", "db3")
    metadata = copy / "metadata.yaml"
    metadata.write_text(metadata.read_text().replace("- copy.db3", "- copy.db3\n  - lost.db3"))
    found = read_bag(copy)
    assert found.attempts == attempts and found.damage.endswith("lost.db3 is not there")
    (copy / "away.mcap").symlink_to(tmp_path / "nowhere")
    assert "away.mcap: No such file or directory" in read_bag(copy).damage


def test_all_that_is_no_bag_is_named(bag, tmp_path):
    (tmp_path / "day").mkdir()
    shutil.move(bag, tmp_path / "day" / "ours")
    killed = killed_recorder(tmp_path / "day" / "ours", tmp_path / "day")
    shutil.rmtree(tmp_path / "day" / "made")
    (tmp_path / "day" / "open.db3").rename(tmp_path / "day" / "open.backup")
    (tmp_path / "day" / ".unfinished").mkdir()
    (tmp_path / "day" / "ours" / "notes.txt").write_text("the gripper was cold")
    (tmp_path / "day" / "old.bag").write_bytes(b"#ROSBAG V2.0\n")
    (tmp_path / "day" / "a.mcap.gz").write_bytes(b"\x1f\x8b")
    (tmp_path / "day" / "a.mcap.part").write_bytes(b"\x89MCAP0\r\n")
    with closing(sqlite3.connect(tmp_path / "day" / "a.journal")) as database:
        database.execute("CREATE TABLE notes (text)")
        database.commit()
    bags, others = find_bags(tmp_path / "day", None)
    assert bags == [killed, tmp_path / "day" / "ours"]
    found = {item.path.name: (item.like_a_bag, item.reason) for item in others}
    rename = "has the content of a bag's file: it is read if its name ends in"
    known = ".mcap or .db3, alone or with .zstd, .zst, .lz4 after it"
    assert found == {
        ".unfinished": (False, "a hidden folder"),
        "notes.txt": (False, "no bag"),
        "a.journal": (False, "no bag"),
        "old.bag": (True, "a bag of ROS 1: convert it with rosbags-convert"),
        "a.mcap.gz": (True, f"expected a name that ends in {known}"),
        "a.mcap.part": (True, f"{rename} .mcap"),
        "open.backup": (True, f"{rename} .db3"),
    }
    assert [item.path.name for item in left_out_of(tmp_path / "day" / "ours")] == ["notes.txt"]
    (tmp_path / "day" / "ours" / "more").mkdir()
    assert [item.path.name for item in left_out_of(tmp_path / "day" / "ours")] == [
        "notes.txt",
        "more",
    ]


def test_a_folder_without_bags_says_what_it_has(tmp_path):
    (tmp_path / "old.bag").write_bytes(b"#ROSBAG V2.0\n")
    with pytest.raises(RecordingError, match=r"got no such folder; .*old.bag: a bag of ROS 1"):
        find_bags(tmp_path, None)
    with pytest.raises(RecordingError, match="expected a folder of bags, got a file: a bag of ROS"):
        find_bags(tmp_path / "old.bag", None)
