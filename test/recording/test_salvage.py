"""MCAP files read without their index."""

import random
import struct

import lz4.frame
import pytest
from backports import zstd

from dr_grasp.recording import salvage
from dr_grasp.recording.bag_writer import BagWriter

CONTENT = random.Random(3).randbytes(600_000)
COMPRESSIONS = [("", bytes), ("lz4", lz4.frame.compress), ("zstd", zstd.compress)]


@pytest.mark.parametrize(("name", "compress"), COMPRESSIONS)
def test_half_a_chunk_is_decompressed_as_far_as_it_goes(name, compress):
    packed = compress(CONTENT)
    assert salvage._decompressed(name, packed) == CONTENT
    half = salvage._decompressed(name, packed[: len(packed) // 2])
    assert len(half) > 100_000
    assert CONTENT.startswith(half)


@pytest.mark.parametrize(("name", "compress"), COMPRESSIONS[1:])
def test_what_comes_before_broken_bytes_is_decompressed(name, compress):
    packed = bytearray(compress(CONTENT))
    middle = len(packed) // 2
    packed[middle : middle + 200_000] = bytes(200_000)
    found = salvage._decompressed(name, bytes(packed))
    assert len(found) > 100_000
    assert found[:100_000] == CONTENT[:100_000]


def test_what_nobody_can_decompress_is_named():
    with pytest.raises(salvage._BrokenError, match="compressed by 'zsud', which nobody knows"):
        salvage._decompressed("zsud", CONTENT)


def test_what_is_no_mcap_has_no_messages(tmp_path):
    path = tmp_path / "other"
    path.write_bytes(b"anything")
    file = salvage.Salvage(path)
    assert list(file.messages()) == [] and not file.complete
    assert file.problems[0] == "does not begin as an MCAP file"


@pytest.fixture
def whole(tmp_path, samples):
    """A complete file of 3 attempts; its path."""
    with BagWriter(tmp_path / "bag") as writer:
        for index in range(3):
            writer.write_attempt(samples.attempt(f"a{index}"))
    (path,) = (tmp_path / "bag").glob("*.mcap")
    return path


def salvaged(path, content):
    path.write_bytes(content)
    file = salvage.Salvage(path)
    found = [one.typename.rpartition("/")[2] for one in file.messages()]
    return file, found


def test_a_complete_file_says_what_it_holds(whole):
    file, found = salvaged(whole, whole.read_bytes())
    assert file.complete and file.ended and not file.problems
    assert {name.rpartition("/")[2]: count for name, count in file.stated.items()} == {
        "GraspScore": 0,
        "GraspAttempt": 3,
        "OutcomeReport": 0,
        "JointState": 27,
    }
    assert (found.count("GraspAttempt"), found.count("JointState")) == (3, 27)


def test_what_comes_after_the_end_is_said(whole):
    file, found = salvaged(whole, whole.read_bytes() + bytes(100))
    assert found.count("GraspAttempt") == 3
    assert file.ended and not file.complete
    assert file.problems == ["goes on for 100 bytes after its end"]


def test_definitions_of_the_index_stand_in_for_broken_ones(whole):
    content = bytearray(whole.read_bytes())
    # The chunk's first record is a schema; another kind makes readers skip it.
    schema = content.index(b"\x03", content.index(b"\x06", 40) + 40)
    assert b"GraspScore" in content[schema : schema + 60]
    content[schema] = 0x0C
    file, found = salvaged(whole, bytes(content))
    assert found.count("GraspAttempt") == 3
    content = content.replace(b"msg/GraspAttempt", b"msg/GraspAttempu", 1)
    file, _ = salvaged(whole, bytes(content))
    assert any("says twice, and differently, what type" in one for one in file.problems)


def test_a_broken_chunk_costs_nothing_behind_it(whole):
    content = whole.read_bytes()
    chunk = content.index(b"\x06", len(salvage.MAGIC) + 9)
    (size,) = struct.unpack_from("<Q", content, chunk + 1)
    broken = bytearray(content)
    broken[chunk + 9 + 40 : chunk + 9 + size] = bytes(size - 40)
    file, found = salvaged(whole, bytes(broken))
    assert not found and file.ended
    assert file.problems == ["has a chunk that makes no sense from byte 0 on"]
    # The same chunk twice, of which one is broken.
    both = broken[: chunk + 9 + size] + content[chunk:]
    file, found = salvaged(whole, bytes(both))
    assert found.count("GraspAttempt") == 3 and not file.complete


def test_a_checksum_that_is_wrong_is_said(whole):
    content = bytearray(whole.read_bytes())
    chunk = content.index(b"\x06", len(salvage.MAGIC) + 9)
    content[chunk + 9 + 24] = 1
    file, found = salvaged(whole, bytes(content))
    assert found.count("GraspAttempt") == 3 and not file.complete
    assert file.problems == ["has a chunk whose checksum is wrong, so that its numbers may be, too"]
