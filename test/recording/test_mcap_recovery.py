"""MCAP files read without their index."""

import os

import pytest
from mcap.reader import make_reader
from mcap.writer import CompressionType, Writer

from dr_grasp.recording.bag_writer import BagWriter
from dr_grasp.recording.mcap_recovery import McapRecovery

DEFINITION = b"string data"
COUNT = 9


def recovered(path, content):
    """A file of that content, gone through; and the data of its messages."""
    path.write_bytes(content)
    file = McapRecovery(path)
    return file, [message.data for message in file.messages()]


@pytest.fixture(params=list(CompressionType), ids=lambda compression: compression.name)
def chunked(request, tmp_path):
    """A file with a message a chunk; its path, its content, where each chunk ends, its messages."""
    path = tmp_path / "chunked.mcap"
    messages = [os.urandom(200) + bytes(200) for _ in range(COUNT)]
    with path.open("wb") as stream:
        writer = Writer(stream, chunk_size=1, compression=request.param)
        writer.start(profile="ros2")
        schema = writer.register_schema("some/msg/Type", "ros2msg", DEFINITION)
        channel = writer.register_channel("/topic", "cdr", schema)
        for stamp_ns, data in enumerate(messages):
            writer.add_message(channel, stamp_ns, data, stamp_ns)
        writer.finish()
    with path.open("rb") as stream:
        chunks = make_reader(stream).get_summary().chunk_indexes
    ends = [chunk.chunk_start_offset + chunk.chunk_length for chunk in chunks]
    return path, path.read_bytes(), ends, messages


def test_a_whole_file_says_what_it_holds(chunked):
    path, _, _, messages = chunked
    file = McapRecovery(path)
    found = list(file.messages())
    assert [message.data for message in found] == messages
    assert [message.stamp_ns for message in found] == list(range(COUNT))
    assert {(message.typename, message.definition) for message in found} == {
        ("some/msg/Type", DEFINITION)
    }
    assert file.ended and not file.problems and not file.lost
    assert file.stated == {"some/msg/Type": COUNT}


def test_a_file_that_was_cut_is_read_up_to_its_last_whole_chunk(chunked):
    path, content, ends, messages = chunked
    for size in range(0, len(content), 61):
        file, found = recovered(path, content[:size])
        # The first chunk holds the definitions alone.
        whole = sum(end <= size for end in ends) - (len(ends) - COUNT)
        assert found == messages[: max(whole, 0)]
        assert not file.ended
        assert file.problems[-1] == "ends in the middle" or size < 8


def test_a_broken_chunk_costs_its_own_messages_alone(chunked):
    path, content, ends, messages = chunked
    first = len(ends) - COUNT
    for number, end in enumerate(ends):
        broken = bytearray(content)
        broken[end - 100 : end] = b"\xff" * 100
        file, found = recovered(path, broken)
        others = messages[: max(number - first, 0)] + messages[max(number - first + 1, 0) :]
        assert [data for data in found if data in messages] == others
        assert file.problems and file.ended
        assert all("a chunk" in problem for problem in file.problems)


def test_what_follows_makes_no_sense_or_is_too_much(chunked):
    path, content, ends, messages = chunked
    file, found = recovered(path, content + bytes(100))
    assert found == messages and file.ended
    assert file.problems == ["goes on for 100 bytes after its end"]
    file, found = recovered(path, content[: ends[-1]] + b"\xff" * 100)
    assert found == messages and not file.ended
    assert file.problems == [f"makes no sense from byte {ends[-1]} on"]


def test_what_is_no_mcap_has_no_messages(tmp_path):
    file, found = recovered(tmp_path / "other", b"anything")
    assert not found and not file.ended
    assert file.problems[0] == "does not begin as an MCAP file"


@pytest.fixture
def whole(tmp_path, samples):
    """A complete bag's file of 3 attempts; its path."""
    with BagWriter(tmp_path / "bag") as writer:
        for index in range(3):
            writer.write_attempt(samples.attempt(f"a{index}"))
    (path,) = (tmp_path / "bag").glob("*.mcap")
    return path


def names(path, content):
    path.write_bytes(content)
    file = McapRecovery(path)
    return file, [message.typename.rpartition("/")[2] for message in file.messages()]


def test_a_bag_says_what_it_holds(whole):
    file, found = names(whole, whole.read_bytes())
    assert file.ended and not file.problems
    assert {name.rpartition("/")[2]: count for name, count in file.stated.items()} == {
        "GraspScore": 0,
        "AttemptBegun": 0,
        "GraspAttempt": 3,
        "OutcomeReport": 0,
        "JointState": 27,
    }
    assert (found.count("GraspAttempt"), found.count("JointState")) == (3, 27)


def test_definitions_of_the_index_stand_in_for_broken_ones(whole):
    content = bytearray(whole.read_bytes())
    # The chunk's first record is a schema; another kind makes readers skip it.
    schema = content.index(b"\x03", content.index(b"\x06", 40) + 40)
    assert b"GraspScore" in content[schema : schema + 60]
    content[schema] = 0x0C
    _, found = names(whole, content)
    assert found.count("GraspAttempt") == 3


def test_a_checksum_that_is_wrong_is_said(whole):
    content = bytearray(whole.read_bytes())
    chunk = content.index(b"\x06", 8 + 9)
    content[chunk + 9 + 24] = 1
    file, found = names(whole, content)
    assert found.count("GraspAttempt") == 3 and file.ended
    assert file.problems == ["has a chunk whose checksum is wrong, so that its numbers may be, too"]
