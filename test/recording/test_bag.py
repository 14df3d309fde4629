"""The bag: what was written is there, and what is damaged is said."""

import struct
from dataclasses import replace

import pytest
import yaml
from mcap.writer import Writer as McapWriter
from rosbags.highlevel import AnyReader
from rosbags.interfaces import QosDurability, QosReliability
from rosbags.rosbag2 import Reader, StoragePlugin, Writer

from dr_grasp.core.outcome import Outcome
from dr_grasp.errors import RecordingError
from dr_grasp.messages import typestore
from dr_grasp.messages.decoding import LAST_STAMP_S, decode_attempt
from dr_grasp.messages.encoding import encode_attempt, to_ns
from dr_grasp.messages.typestore import ATTEMPT_TYPE, SCORE_TYPE
from dr_grasp.recording import splits
from dr_grasp.recording.bag_reader import BagContents, read_bag
from dr_grasp.recording.bag_writer import BagWriter

from .bags import check_metadata, mcaps

EMPTY = BagContents((), (), ())


def test_a_bag_comes_back(tmp_path, samples):
    scores = [samples.score(f"g{index}") for index in range(3)]
    attempts = [
        samples.attempt(f"a{index}", stamp_ns=10**18 + index * 10**11) for index in range(3)
    ]
    report = samples.report("a1")
    expected = BagContents(tuple(scores), tuple(attempts), (report,))
    with BagWriter(tmp_path / "bag") as writer:
        writer.write_scores(scores, 10**18)
        for attempt in attempts:
            writer.write_attempt(attempt)
        writer.write_report(report)
        assert read_bag(tmp_path / "bag") == expected
        open_counts = check_metadata(tmp_path / "bag")
    assert read_bag(tmp_path / "bag") == expected
    assert check_metadata(tmp_path / "bag") == open_counts
    assert open_counts == {
        "/scores": 3,
        "/attempts_begun": 0,
        "/attempts": 3,
        "/outcome_reports": 1,
        "/joint_states": 27,
    }
    assert len(mcaps(tmp_path / "bag")) == 1
    assert sorted(p.name for p in (tmp_path / "bag").iterdir()) == [
        *mcaps(tmp_path / "bag"),
        "metadata.yaml",
    ]
    assert [entry.name for entry in tmp_path.iterdir()] == ["bag"]


def test_a_bag_opens_before_anything_is_written(tmp_path):
    with BagWriter(tmp_path / "deep" / "bag") as writer:
        assert read_bag(writer.directory) == EMPTY
        assert set(check_metadata(writer.directory)) == {
            "/scores",
            "/attempts_begun",
            "/attempts",
            "/outcome_reports",
            "/joint_states",
        }
    assert read_bag(writer.directory) == EMPTY


def test_joint_states_are_what_was_measured(tmp_path, samples):
    attempt = samples.attempt()
    with BagWriter(tmp_path / "bag") as writer:
        writer.write_attempt(attempt)
        writer.write_attempt(samples.attempt("a2", measured=None))
    with AnyReader([tmp_path / "bag"]) as reader:
        connections = [c for c in reader.connections if c.topic == "/joint_states"]
        found = [
            (stamp, reader.deserialize(data, connection.msgtype))
            for connection, stamp, data in reader.messages(connections)
        ]
    assert len(found) == len(attempt.measured.times_s)
    rows = zip(attempt.measured.times_s, attempt.measured.positions, strict=True)
    for (stamp, message), (time_s, positions) in zip(found, rows, strict=True):
        header = message.header.stamp
        assert stamp == header.sec * 10**9 + header.nanosec == attempt.stamp_ns + to_ns(time_s)
        assert tuple(message.name) == attempt.measured.joints
        assert message.position.tolist() == positions.tolist()


def test_motions_do_not_overlap_when_attempts_do(tmp_path, samples):
    """As those of a twin that does not wait for the clock: a player shows one after the other."""
    first = samples.attempt("a1", stamp_ns=10**18)
    second = samples.attempt("a2", stamp_ns=10**18 + 1000)
    word = samples.report("a2", stamp_ns=10**18 + 2000)
    with BagWriter(tmp_path / "bag") as writer:
        writer.write_attempt(first)
        writer.write_attempt(second)
        writer.write_report(word)
    with AnyReader([tmp_path / "bag"]) as reader:
        logged = [(one.topic, stamp) for one, stamp, _ in reader.messages()]
    length = len(first.measured.times_s)
    expected = ["/attempts", *["/joint_states"] * length, "/attempts"]
    assert [topic for topic, _ in logged][: length + 2] == expected
    assert [topic for topic, _ in logged].index("/outcome_reports") > length + 1
    begun = logged[length + 1][1]
    assert begun > 10**18 + to_ns(first.measured.times_s[-1])
    times = [stamp for topic, stamp in logged if topic == "/joint_states"][length:]
    assert times == [begun + to_ns(time_s) for time_s in second.measured.times_s]
    found = read_bag(tmp_path / "bag")
    assert found.attempts == (first, second) and found.reports == (word,)


def hour_of(samples):
    path = samples.waypoints()
    return replace(path, times_s=path.times_s / path.duration_s * 3600.0)


def logged(bag, topic):
    with AnyReader([bag]) as reader:
        return [stamp for one, stamp, _ in reader.messages() if one.topic == topic]


@pytest.mark.parametrize("stamp_s", [1_800_003_600, LAST_STAMP_S - 1])
def test_log_times_never_run_ahead_of_the_clock(tmp_path, samples, stamp_s):
    """Neither by a stamp of a wrong clock, nor by a twin that does not wait for the clock."""
    now = 1_800_000_000 * 10**9
    wrong = samples.attempt("a1", stamp_ns=stamp_s * 10**9, measured=hour_of(samples))
    fast = [samples.attempt(f"b{index}", stamp_ns=now - 10) for index in range(20)]
    with BagWriter(tmp_path / "bag", clock=lambda: now) as writer:
        writer.write_attempt(wrong)
        for attempt in fast:
            writer.write_begun(replace(attempt, outcome=Outcome.UNKNOWN))
            writer.write_attempt(attempt)
    with AnyReader([tmp_path / "bag"]) as reader:
        assert max(stamp for _, stamp, _ in reader.messages()) <= now
    # The wrong clock's motion is where it must have been; its own stamp is kept.
    assert logged(tmp_path / "bag", "/attempts")[0] == now - to_ns(wrong.measured.times_s[-1])
    found = {attempt.attempt_id: attempt for attempt in read_bag(tmp_path / "bag").attempts}
    assert found["a1"].stamp_ns == wrong.stamp_ns and len(found) == 21


def test_a_clock_that_was_wrong_for_a_moment_spoils_nothing_later(tmp_path, samples):
    times = iter([3 * 10**18, 2 * 10**18])
    with BagWriter(tmp_path / "bag", clock=lambda: next(times)) as writer:
        writer.write_attempt(samples.attempt("a1", stamp_ns=10**18))
        writer.write_attempt(samples.attempt("a2", stamp_ns=2 * 10**18 - 1))
    assert max(logged(tmp_path / "bag", "/attempts")) <= 2 * 10**18


def test_the_last_report_is_the_last_though_the_clock_went_back(tmp_path, samples):
    times = iter([4 * 10**18, 3 * 10**18, 2 * 10**18])
    with BagWriter(tmp_path / "bag", clock=lambda: next(times)) as writer:
        writer.write_attempt(samples.attempt("a1", stamp_ns=10**18))
        for reason in ("first", "last"):
            writer.write_report(samples.report("a1", reason=reason))
    assert [report.reason for report in read_bag(tmp_path / "bag").reports] == ["first", "last"]


def test_an_attempt_that_began_is_known_until_its_end_is(tmp_path, samples):
    lost, made = (
        samples.attempt(
            name,
            outcome=Outcome.UNKNOWN,
            reason="",
            commanded=None,
            measured=None,
            gripper_opening=None,
            object_before=None,
            object_after=None,
        )
        for name in ("lost", "made")
    )
    ended = replace(made, outcome=Outcome.SUCCESS, measured=samples.waypoints())
    with BagWriter(tmp_path / "bag") as writer:
        writer.write_begun(lost)
        writer.write_begun(lost)  # the answer to the first request was lost
        writer.write_begun(made)
        assert read_bag(tmp_path / "bag").begun == (lost, made)
        writer.write_attempt(ended)
        with pytest.raises(RecordingError, match="attempt lost: expected a new id, got one"):
            writer.write_begun(replace(lost, seed=1))
        # An operator may tell how it ended.
        writer.write_report(samples.report("lost"))
    found = read_bag(tmp_path / "bag")
    assert found.begun == (lost,) and found.attempts == (ended,)
    assert check_metadata(tmp_path / "bag")["/attempts_begun"] == 2


def test_a_damaged_file_of_the_bag_keeps_no_later_attempt_out(tmp_path, samples):
    """It cannot be merged any more; what is appended is on disk all the same, and once."""
    with BagWriter(tmp_path / "bag", splits_before_merge=2) as writer:
        writer.write_attempt(samples.attempt("a0"))
        (first,) = (tmp_path / "bag").glob("*.mcap")
        first.write_bytes(first.read_bytes().replace(b"/scores", b"/\xff\xff\xff\xff\xff\xff"))
        for index in range(1, 6):
            writer.write_attempt(samples.attempt(f"a{index}"))
        with pytest.raises(RecordingError, match="cannot be merged"):
            writer.close()
    names = [attempt.attempt_id for attempt in read_bag(tmp_path / "bag").attempts]
    assert sorted(names)[-5:] == [f"a{index}" for index in range(1, 6)]
    assert len(names) == len(set(names))


def test_the_same_attempt_twice_is_recorded_once(tmp_path, samples):
    attempts = [samples.attempt("a1"), samples.attempt("a2")]
    with BagWriter(tmp_path / "bag") as writer:
        for attempt in (*attempts, *attempts):
            writer.write_attempt(attempt)
        with pytest.raises(RecordingError, match="attempt a1: expected a new id, got one"):
            writer.write_attempt(replace(attempts[0], reason="another"))
    assert read_bag(tmp_path / "bag").attempts == tuple(attempts)


def test_no_file_of_a_bag_is_empty_once_something_is_in_it(tmp_path, samples):
    """Players of rosbag2 0.26 hang between an empty file and one that begins later."""
    with BagWriter(tmp_path / "bag") as writer:
        assert len(mcaps(writer.directory)) == 1  # else it would be no bag
        writer.write_scores([samples.score()], 2 * 10**18)
        writer.write_attempt(samples.attempt(stamp_ns=10**18))
        metadata = yaml.safe_load((writer.directory / "metadata.yaml").read_text())
        files = metadata["rosbag2_bagfile_information"]["files"]
        assert [file["message_count"] > 0 for file in files] == [True, True]
        assert sorted(file["path"] for file in files) == sorted(mcaps(writer.directory))


def test_topics_are_offered_to_late_joiners(tmp_path):
    with BagWriter(tmp_path / "bag"):
        pass
    with Reader(tmp_path / "bag") as reader:
        (qos,) = {c.topic: c.ext.offered_qos_profiles for c in reader.connections}["/attempts"]
    assert qos.durability is QosDurability.TRANSIENT_LOCAL
    assert qos.reliability is QosReliability.RELIABLE


def test_what_the_backend_said_stays_beside_every_report(tmp_path, samples):
    later = samples.report("a2", outcome=Outcome.FAILED, stamp_ns=2 * 10**18)
    earlier = replace(later, outcome=Outcome.SUCCESS, stamp_ns=10**18)
    by_a_wrong_clock = samples.report("a3", stamp_ns=5)
    with BagWriter(tmp_path / "bag") as writer:
        for name in ("a1", "a2", "a3"):
            writer.write_attempt(samples.attempt(name, outcome=Outcome.MISSED))
        for report in (later, earlier, by_a_wrong_clock):
            writer.write_report(report)
    found = read_bag(tmp_path / "bag")
    assert [attempt.outcome for attempt in found.attempts] == [Outcome.MISSED] * 3
    assert set(found.reports) == {later, earlier, by_a_wrong_clock}


def test_a_burst_of_scores_keeps_its_order_in_one_file(tmp_path, samples):
    scores = tuple(samples.score(f"g{index}") for index in range(5000))
    with BagWriter(tmp_path / "bag") as writer:
        writer.write_scores([samples.score("before")], 10**17)
        before = len(mcaps(writer.directory))
        writer.write_scores(scores, 10**18)
        writer.write_scores([], 10**18)
        assert len(mcaps(writer.directory)) == before + 1
    assert read_bag(tmp_path / "bag").scores[1:] == scores


def test_small_files_are_merged_now_and_then(tmp_path, samples):
    names = [f"a{index}" for index in range(14)]
    most = 0
    with BagWriter(tmp_path / "bag", splits_before_merge=3) as writer:
        for index, name in enumerate(names):
            writer.write_attempt(samples.attempt(name, stamp_ns=10**18 + index * 10**11))
            assert [a.attempt_id for a in read_bag(writer.directory).attempts] == (
                names[: index + 1]
            )
            most = max(most, len(mcaps(writer.directory)))
    assert 3 <= most <= 7
    assert len(mcaps(tmp_path / "bag")) == 1
    assert [a.attempt_id for a in read_bag(tmp_path / "bag").attempts] == names


def refusal(call, *args, **named):
    with pytest.raises(RecordingError) as caught:
        call(*args, **named)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_words_on_attempts_that_are_not_there_are_refused(tmp_path, samples):
    with BagWriter(tmp_path / "bag") as writer:
        message = refusal(writer.write_report, samples.report("a7"))
        assert message == "attempt 'a7': expected one that is recorded (none yet)"
        writer.write_attempt(samples.attempt("a2"))
        writer.write_attempt(samples.attempt("a1"))
        message = refusal(writer.write_report, samples.report("a7"))
        assert message == "attempt 'a7': expected one that is recorded (a2, a1)"
    assert read_bag(tmp_path / "bag").reports == ()


def test_an_attempt_is_recorded_once(tmp_path, samples):
    with BagWriter(tmp_path / "bag") as writer:
        writer.write_attempt(samples.attempt())
        message = refusal(writer.write_attempt, samples.attempt())
    assert message == "attempt a1: expected a new id, got one that is recorded already"
    assert len(read_bag(tmp_path / "bag").attempts) == 1


def test_what_is_there_is_not_overwritten(tmp_path):
    (tmp_path / "mine").write_text("precious")
    message = refusal(BagWriter, tmp_path)
    assert message == f"{tmp_path}: expected a new or empty folder for the bag, got one with files"
    assert [entry.name for entry in tmp_path.iterdir()] == ["mine"]
    assert "cannot be written" in refusal(BagWriter, tmp_path / "mine")
    assert "cannot be written" in refusal(BagWriter, tmp_path / "mine" / "bag")
    assert [entry.name for entry in tmp_path.iterdir()] == ["mine"]


def test_an_empty_folder_will_do(tmp_path):
    with BagWriter(tmp_path):
        assert read_bag(tmp_path) == EMPTY


def test_close_may_be_called_twice_and_is_final(tmp_path, samples):
    writer = BagWriter(tmp_path / "bag")
    writer.close()
    writer.close()
    for call in (
        lambda: writer.write_attempt(samples.attempt()),
        lambda: writer.write_report(samples.report()),
        lambda: writer.write_scores([samples.score()], 1),
    ):
        assert refusal(call) == f"{tmp_path / 'bag'}: expected an open bag, got a closed one"


@pytest.mark.parametrize("victim", ["sync", "write_whole"])
def test_a_full_disk_refuses_the_attempt_and_leaves_the_bag(tmp_path, samples, monkeypatch, victim):
    def full(*args):
        raise OSError(28, "No space left on device")

    writer = BagWriter(tmp_path / "bag", splits_before_merge=2)
    writer.write_attempt(samples.attempt("a1"))
    files = mcaps(tmp_path / "bag")
    with monkeypatch.context() as patch:
        patch.setattr(splits, victim, full)
        message = refusal(writer.write_attempt, samples.attempt("a2"))
        assert message == f"{tmp_path / 'bag'}: cannot be written: No space left on device"
        message = refusal(writer.write_report, samples.report("a2"))
        assert message == "attempt 'a2': expected one that is recorded (a1)"
    assert mcaps(tmp_path / "bag") == files
    assert [a.attempt_id for a in read_bag(tmp_path / "bag").attempts] == ["a1"]
    writer.write_attempt(samples.attempt("a2"))
    writer.write_attempt(samples.attempt("a3"))
    writer.close()
    assert len(read_bag(tmp_path / "bag").attempts) == 3


def test_a_merge_that_fails_costs_nothing(tmp_path, samples, monkeypatch):
    writer = BagWriter(tmp_path / "bag", splits_before_merge=1)
    with monkeypatch.context() as patch:

        def broken(path):
            raise OSError(5, "Input/output error")

        patch.setattr(splits, "Reader", broken)
        writer.write_attempt(samples.attempt("a1"))
        writer.write_attempt(samples.attempt("a2"))
        message = refusal(writer.close)
    assert message == f"{tmp_path / 'bag'}: cannot be merged: Input/output error"
    assert len(read_bag(tmp_path / "bag").attempts) == 2


def write_chunked(path, attempts):
    """Attempts in one file of a chunk each, as other recorders write it; its bytes."""
    definition, _ = typestore.our_typestore().generate_msgdef(ATTEMPT_TYPE, ros_version=2)
    with path.open("wb") as stream:
        writer = McapWriter(stream, chunk_size=1)
        writer.start(profile="ros2")
        schema = writer.register_schema(ATTEMPT_TYPE, "ros2msg", definition.encode())
        topic = writer.register_channel("/a", "cdr", schema)
        for stamp_ns, attempt in enumerate(attempts, 10**18):
            data = bytes(typestore.serialize(ATTEMPT_TYPE, encode_attempt(attempt)))
            writer.add_message(topic, stamp_ns, data, stamp_ns)
        writer.finish()
    return path.read_bytes()


def test_bags_that_cannot_be_read(tmp_path, samples):
    expected = "expected a bag, metadata.yaml or files of MCAP or SQLite, got"
    for path in (tmp_path / "none", tmp_path / "none.mcap"):
        assert refusal(read_bag, path) == f"{path}: {expected} nothing of that name"
    assert refusal(read_bag, tmp_path) == f"{tmp_path}: {expected} none in this folder"
    bag = tmp_path / "bag"
    with BagWriter(bag) as writer:
        writer.write_attempt(samples.attempt())
    (name,) = mcaps(bag)
    content = (bag / name).read_bytes()
    (bag / name).write_bytes(content[:200])
    assert refusal(read_bag, bag).startswith(f"{bag}: cannot be read: ")
    (bag / name).unlink()
    assert refusal(read_bag, bag).startswith(f"{bag}: cannot be read: ")


def test_a_bag_that_ends_in_the_middle_is_read_so_far(tmp_path, samples):
    """As `ros2 bag record` leaves one when it is killed: no metadata.yaml, and no index."""
    attempts = [samples.attempt(f"a{number}") for number in range(6)]
    whole = write_chunked(tmp_path / "whole.mcap", attempts)
    cut, counts = tmp_path / "cut", []
    cut.mkdir()
    for size in range(len(whole) - 1, 0, -len(whole) // 40):
        (cut / "cut_0.mcap").write_bytes(whole[:size])
        try:
            found = read_bag(cut)
        except RecordingError as error:
            assert "cannot be read" in str(error)
            counts.append(0)
            continue
        counts.append(len(found.attempts))
        assert found.attempts == tuple(attempts[: len(found.attempts)])
        assert found.damage.startswith(
            f"read up to its last whole message, {len(found.attempts)} in all: "
        )
    assert counts == sorted(counts, reverse=True)
    assert set(counts) == set(range(7))


def test_half_of_the_only_chunk_still_has_its_whole_messages(few):
    bag, file, attempts = few
    content = file.read_bytes()
    (bag / "metadata.yaml").unlink()
    file.write_bytes(content[: content.index(b"a2") + 40])
    found = read_bag(bag)
    assert found.attempts == attempts[:2]
    assert found.damage == (
        f"read up to its last whole message, 2 in all: {file.name} ends in the middle"
    )


def test_the_bag_that_was_cut_names_its_attempts_by_file_as_well(tmp_path, samples):
    path = tmp_path / "lost.mcap"
    path.write_bytes(write_chunked(path, [samples.attempt()])[:-50])
    assert [attempt.attempt_id for attempt in read_bag(path).attempts] == ["a1"]


def short_attempts(samples, count):
    """Attempts that take little room, so that bits of every kind are among few."""
    waypoints = samples.waypoints(1)
    grasp = samples.grasp(approach=waypoints, lift=waypoints, provenance={})
    parts = {"grasp": grasp, "score": None, "commanded": None, "measured": None, "models": {}}
    return tuple(
        samples.attempt(f"a{index}", stamp_ns=10**18 + index, **parts) for index in range(count)
    )


@pytest.fixture
def few(tmp_path, samples):
    """A bag of one file, with 4 small attempts; its path, its file's and what it holds."""
    attempts = short_attempts(samples, 4)
    with BagWriter(tmp_path / "few") as writer:
        for attempt in attempts:
            writer.write_attempt(attempt)
    (name,) = mcaps(tmp_path / "few")
    return tmp_path / "few", tmp_path / "few" / name, attempts


def test_what_follows_on_half_a_bag_costs_nothing(tmp_path, samples):
    """A power cut leaves zeros where the disk had room reserved."""
    attempts = short_attempts(samples, 4)
    file = tmp_path / "bag" / "bag_0.mcap"
    file.parent.mkdir()
    content = write_chunked(file, attempts)
    half = content[: content.index(b"a2") + 40]
    for tail in (b"", bytes(65536), b"\xff" * 1000):
        file.write_bytes(half + tail)
        for path in (file.parent, file):
            found = read_bag(path)
            assert found.attempts == attempts[:2]
            assert "2 in all: " in found.damage
            assert f"{file.name} ends in the middle" in found.damage or tail
    file.write_bytes(content + bytes(65536))
    found = read_bag(file.parent)
    assert found.attempts == attempts
    assert found.damage.endswith(f"4 in all: {file.name} goes on for 65536 bytes after its end")


def test_a_message_that_cannot_be_decoded_costs_only_itself(few):
    bag, file, attempts = few
    content = file.read_bytes()
    at = content.index(b"panda_joint3", content.index(b"a1"))
    file.write_bytes(content[:at] + b"\xff\x1b" + content[at + 2 :])
    for path in (bag, file):
        found = read_bag(path)
        assert found.attempts == (attempts[0], *attempts[2:])
        expected = "read without what is broken, 3 in all: 1 message cannot be decoded: "
        assert found.damage.startswith(expected) and found.damage.isprintable()


@pytest.mark.parametrize("kind", ["folder", "file"])
def test_a_flipped_bit_in_the_index_loses_nothing(few, kind):
    bag, file, attempts = few
    content = file.read_bytes()
    index = struct.unpack_from("<Q", content, len(content) - 28)[0]
    attempt = content.index(b"dr_grasp_interfaces/msg/GraspAttempt", index)
    chunk_times = content.rindex(struct.pack("<QQ", 10**18, 10**18 + 3))
    for at in (
        *(index, attempt + 30, chunk_times - 9, chunk_times, chunk_times + 8),
        *range(chunk_times + 16, len(content), 17),
    ):
        broken = bytearray(content)
        broken[at] ^= 2
        file.write_bytes(broken)
        found = read_bag(bag if kind == "folder" else file)
        assert found.attempts == attempts, at


def test_a_flipped_bit_in_metadata_loses_nothing_in_silence(few):
    bag, _, attempts = few
    content = (bag / "metadata.yaml").read_bytes()
    places = [*range(0, len(content), len(content) // 12), content.index(b"msg/GraspAttempt") + 6]
    for number, at in enumerate(places):
        broken = bytearray(content)
        broken[at] ^= 1 << number % 8
        (bag / "metadata.yaml").write_bytes(broken)
        try:
            found = read_bag(bag)
        except RecordingError as error:
            assert "\n" not in str(error)
        else:
            assert found.damage or found.attempts == attempts


def test_what_metadata_names_and_is_not_there_is_said(few, samples):
    bag, file, attempts = few
    metadata = bag / "metadata.yaml"
    whole = metadata.read_text()
    metadata.write_text(whole.replace("message_count: 4", "message_count: 7"))
    found = read_bag(bag)
    assert found.attempts == attempts
    assert found.damage == ("read without what is broken, 4 in all: 3 of type GraspAttempt missing")
    metadata.write_text(whole.replace(f"- {file.name}", f"- other.mcap\n  - {file.name}"))
    assert read_bag(bag).damage == (
        "read without what is broken, 4 in all: other.mcap is not there"
    )
    metadata.write_text("rosbag2_bagfile_information: {")
    found = read_bag(bag)
    assert found.attempts == attempts
    assert "4 in all: metadata.yaml cannot be read: expected a whole YAML document" in found.damage


@pytest.mark.parametrize("error", [OverflowError("too large"), KeyError(3), ImportError("zstd")])
def test_whatever_the_reader_raises_the_files_are_read(few, monkeypatch, error):
    def broken(*_):
        raise error

    bag, file, attempts = few
    monkeypatch.setattr(Reader, "open", broken)
    assert read_bag(bag) == BagContents((), attempts, ())
    file.write_bytes(file.read_bytes()[:300])
    assert refusal(read_bag, bag) == (
        f"{bag}: cannot be read: {file.name} ends in the middle; 4 of type GraspAttempt missing"
    )
    file.unlink()
    assert refusal(read_bag, bag) == f"{bag}: cannot be read: {type(error).__name__}: {error}"


def test_complete_files_are_read_without_metadata(few):
    bag, file, attempts = few
    expected = BagContents((), attempts, ())
    assert read_bag(file) == expected
    (bag / "metadata.yaml").unlink()
    assert read_bag(bag) == expected
    # As a writer leaves it that was killed after it merged some.
    (bag / "copy.mcap").write_bytes(file.read_bytes())
    assert read_bag(bag) == expected


def test_files_of_a_bag_that_still_grows_are_read_without_metadata(tmp_path, samples):
    attempts = short_attempts(samples, 3)
    writer = BagWriter(tmp_path / "bag")
    for attempt in attempts:
        writer.write_attempt(attempt)
    (tmp_path / "bag" / "metadata.yaml").unlink()
    assert read_bag(tmp_path / "bag") == BagContents((), attempts, ())


def test_bags_of_another_version_of_the_messages_are_refused(tmp_path):
    bag = tmp_path / "bag"
    with Writer(bag, version=9, storage_plugin=StoragePlugin.MCAP) as writer:
        writer.add_connection("/attempts", ATTEMPT_TYPE, msgdef="int8 x", rihs01="RIHS01_00")
    message = refusal(read_bag, bag)
    assert message.startswith(f"{bag}: {ATTEMPT_TYPE}: expected type hash RIHS01_")
    assert message.endswith(", got RIHS01_00")


@pytest.mark.parametrize(
    ("versions", "digest"),
    [
        # As ROS itself computed them for the versions before metrics, engine, collisions, models
        # and sequential were added.
        (1, "RIHS01_31441e7ef09bc26f4f51a3a59e22fb887daf857ab0507219ca02ae90f5114b9d"),
        (2, "RIHS01_f617402529f03ef0a530fa2b6dc790d6f6a55edbf4672490cce39f4747982f9b"),
        (3, "RIHS01_d8a760340166feb423fd068ca7cd144e543e0331b88d7bdafa85955ecb1b21fe"),
        (4, "RIHS01_4cf7c9f22109f1e3082aa5d9e7daea19e6362ed5a5b09424a7b6f726d5419a3d"),
        (5, "RIHS01_ef5197838de6252e267fd07befff7f9f32b4b94ad9e922729ac515f46e31ac7f"),
    ],
)
def test_bags_of_older_versions_are_read(tmp_path, samples, monkeypatch, versions, digest):
    unknown = {"models": {}, "whole": False, "transfer_probability": None}
    score = samples.score(**(unknown if versions > 3 else {}), metrics={})
    if versions > 2:
        score = replace(score, collisions=())
    without = dict.fromkeys(("backend_profile", "software_version", "backend_engine"), "")
    attempt = samples.attempt(score=score, models={}, **without)
    older = typestore.past_typestore(versions)
    assert older.hash_rihs01(SCORE_TYPE) == digest
    with monkeypatch.context() as patch:
        patch.setattr(typestore, "our_typestore", lambda: older)
        patch.setattr(splits, "our_typestore", lambda: older)
        with BagWriter(tmp_path / "bag") as writer:
            writer.write_scores([score], 10**18)
            writer.write_attempt(attempt)
    with Reader(tmp_path / "bag") as reader:
        definitions = [one.msgdef.data for one in reader.connections]
        assert not any("metrics" in one for one in definitions)
        assert any("string engine" in one for one in definitions) == (versions == 1)
        assert any("collisions" in one for one in definitions) == (versions <= 2)
        assert any("transfer_probability" in one for one in definitions) == (versions <= 3)
        assert any("sequential" in one for one in definitions) == (versions <= 4)
    found = read_bag(tmp_path / "bag")
    assert (found.scores, found.attempts) == ((score,), (attempt,))
    assert not any(one.sequential for one in found.scores[0].fitness.values())


def test_metadata_is_plain_yaml(tmp_path, samples):
    with BagWriter(tmp_path / "bag") as writer:
        writer.write_attempt(samples.attempt())
    text = (tmp_path / "bag" / "metadata.yaml").read_text()
    assert "&" not in text and "!" not in text
    information = yaml.safe_load(text)["rosbag2_bagfile_information"]
    assert information["version"] == 9
    assert information["relative_file_paths"] == mcaps(tmp_path / "bag")
    assert information["starting_time"]["nanoseconds_since_epoch"] == samples.attempt().stamp_ns
    assert information["message_count"] == 10


def test_the_bag_needs_no_types_of_ours(tmp_path, samples):
    attempt = samples.attempt()
    with BagWriter(tmp_path / "bag") as writer:
        writer.write_attempt(attempt)
    with AnyReader([tmp_path / "bag"]) as reader:
        (connection,) = [c for c in reader.connections if c.topic == "/attempts"]
        ((_, stamp_ns, data),) = reader.messages([connection])
        message = reader.deserialize(data, connection.msgtype)
    assert stamp_ns == attempt.stamp_ns
    assert decode_attempt(message) == attempt
