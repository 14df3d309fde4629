"""Bags as anybody sees them."""

from pathlib import Path

from rosbags.highlevel import AnyReader


def mcaps(directory):
    return sorted(path.name for path in Path(directory).glob("*.mcap"))


def check_metadata(directory):
    """Open the bag as anybody would, without our message types; count what it claims to hold."""
    with AnyReader([Path(directory)]) as reader:
        counts = dict.fromkeys((c.topic for c in reader.connections), 0)
        for connection, _, data in reader.messages():
            reader.deserialize(data, connection.msgtype)
            counts[connection.topic] += 1
        assert counts == {c.topic: c.msgcount for c in reader.connections}
        assert reader.message_count == sum(counts.values())
        return counts
