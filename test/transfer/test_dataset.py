"""Rows of bags, of folders of bags, of copies and of bags that are broken."""

import errno
import os
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from dr_grasp.core.attempt import GraspAttempt
from dr_grasp.core.engine import Engine
from dr_grasp.core.outcome import Outcome
from dr_grasp.core.perturbation import Criterion
from dr_grasp.errors import RecordingError, UnknownNameError
from dr_grasp.recording.bag_writer import BagWriter
from dr_grasp.report.writer import write_report
from dr_grasp.transfer.attempt_dataset import read_folder
from dr_grasp.transfer.export import write_csv
from dr_grasp.transfer.rows import OPEN_ENDED


def write_bag(path, attempts, reports=()):
    with BagWriter(path) as writer:
        for attempt in attempts:
            writer.write_attempt(attempt)
        for report in reports:
            writer.write_report(report)
    return path


def test_a_row_says_what_the_bag_says(tmp_path, samples):
    attempt = samples.attempt()
    write_bag(tmp_path / "bag", [attempt])
    (row,) = read_folder(tmp_path).rows
    assert (row.bag, row.attempt_id, row.stamp_ns) == ("bag", "a1", attempt.stamp_ns)
    assert (row.robot, row.object, row.method, row.grasp_id) == ("franka", "mug", "by hand", "g1")
    assert row.fitness == attempt.score.fitness and set(row.fitness) == set(Criterion)
    assert row.failures == attempt.score.failures
    assert (row.profile, row.scored_by) == ("default", attempt.score.software_version)
    assert row.nominal_outcome is Outcome.SUCCESS
    assert row.outcome is row.backend_outcome is Outcome.DROPPED_HOLDING
    assert (row.reason, row.said_by, row.said_ns) == ("it fell", "twin", attempt.stamp_ns)
    assert row.held is False
    assert row.gripper_opening == 0.0123


def test_what_is_not_known_is_none(tmp_path, samples):
    grasp = samples.grasp(provenance={})
    write_bag(
        tmp_path / "bag",
        [samples.attempt(grasp=grasp, score=None, gripper_opening=None, outcome=Outcome.CANCELLED)],
    )
    (row,) = read_folder(tmp_path).rows
    assert (row.method, row.profile, row.fitness, row.failures) == ("", "", {}, {})
    assert (row.nominal_outcome, row.gripper_opening, row.held) == (None, None, None)


def test_the_last_word_counts_and_the_backend_keeps_its_own(tmp_path, samples):
    first = samples.report(stamp_ns=1_800_000_000_000_000_000, outcome=Outcome.FAILED)
    last = samples.report(stamp_ns=1_900_000_000_000_000_000, reporter="Grace", reason="")
    write_bag(tmp_path / "bag", [samples.attempt()], [first, last])
    (row,) = read_folder(tmp_path).rows
    assert (row.outcome, row.backend_outcome) == (Outcome.SUCCESS, Outcome.DROPPED_HOLDING)
    assert (row.said_by, row.reason, row.said_ns) == ("Grace", "", last.stamp_ns)
    assert row.held is True


def begun(samples, name):
    return GraspAttempt(name, 10**18, "moveit", 0, 0, samples.grasp(), samples.score())


def test_an_attempt_that_never_ended_is_one_of_unknown_outcome(tmp_path, samples):
    with BagWriter(tmp_path / "bag") as writer:
        writer.write_begun(begun(samples, "a1"))
        writer.write_begun(begun(samples, "a2"))
        writer.write_report(samples.report("a2", outcome=Outcome.SUCCESS))
    found = read_folder(tmp_path)
    lost, seen = found.rows
    assert (lost.outcome, lost.held, lost.reason) == (Outcome.UNKNOWN, None, OPEN_ENDED)
    assert lost.fitness == samples.score().fitness
    assert (seen.outcome, seen.held, seen.said_by) == (Outcome.SUCCESS, True, "Ada")
    assert found.open_ended == (lost,)
    (bag,) = found.bags
    assert (bag.attempts, bag.counted, bag.held, bag.copies) == (2, 1, 1, 0)
    assert list(found.grasps_of([lost])) == ["a1"]


@pytest.mark.parametrize("order", [("a", "b"), ("b", "a")])
@pytest.mark.parametrize("said", [False, True])
def test_the_end_of_an_attempt_may_be_in_another_bag(tmp_path, samples, order, said):
    """Of a recorder that was started after the first was killed."""
    with BagWriter(tmp_path / order[0]) as writer:
        writer.write_begun(begun(samples, "a1"))
        if said:
            writer.write_report(samples.report("a1", outcome=Outcome.FAILED, stamp_ns=2 * 10**18))
    ended = replace(begun(samples, "a1"), outcome=Outcome.SUCCESS, gripper_opening=0.02)
    write_bag(tmp_path / order[1], [ended])
    found = read_folder(tmp_path)
    (row,) = found.rows
    assert row.outcome is (Outcome.FAILED if said else Outcome.SUCCESS)
    assert (row.backend_outcome, row.gripper_opening) == (Outcome.SUCCESS, 0.02)
    assert found.open_ended == () and found.copies == 0


def test_bags_are_found_at_any_depth_and_once(tmp_path, samples):
    for index, place in enumerate(["b", "deep/down/a", ".hidden/c"]):
        write_bag(tmp_path / place, [samples.attempt(f"a{index}")])
    (tmp_path / "empty").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "deep")
    (tmp_path / "deep" / "round").symlink_to(tmp_path)
    found = read_folder(tmp_path)
    assert [bag.bag for bag in found.bags] == ["b", "deep/down/a"]
    assert {row.attempt_id for row in found.rows} == {"a0", "a1"}
    assert found.copies == 0


def test_bags_inside_a_bag_are_found_too(tmp_path, samples):
    outer = write_bag(tmp_path / "outer", [samples.attempt("a1")])
    write_bag(outer / "inner", [samples.attempt("a2")])
    assert [bag.bag for bag in read_folder(tmp_path).bags] == ["outer", "outer/inner"]


def test_the_folder_may_be_one_bag(tmp_path, samples, monkeypatch):
    write_bag(tmp_path / "bag", [samples.attempt()])
    for folder in (tmp_path / "bag", tmp_path / "bag" / ".." / "bag"):
        found = read_folder(folder)
        assert [row.bag for row in found.rows] == [bag.bag for bag in found.bags] == ["bag"]
    monkeypatch.chdir(tmp_path / "bag")
    assert [bag.bag for bag in read_folder(type(tmp_path)(".")).bags] == ["bag"]


def test_a_summary_of_each_bag(tmp_path, samples):
    later = samples.attempt().stamp_ns + 10**12
    attempts = [
        samples.attempt("a1", outcome=Outcome.SUCCESS),
        samples.attempt("a2"),
        samples.attempt("a3", outcome=Outcome.REFUSED, stamp_ns=later),
    ]
    write_bag(tmp_path / "day" / "bag", attempts)
    write_bag(tmp_path / "none", [])
    bag, none = read_folder(tmp_path).bags
    assert (bag.bag, bag.path) == ("day/bag", tmp_path / "day" / "bag")
    assert (bag.attempts, bag.counted, bag.held, bag.copies) == (3, 2, 1, 0)
    assert (bag.robots, bag.objects) == (("franka",), ("mug",))
    assert (bag.first_ns, bag.last_ns) == (attempts[0].stamp_ns, later)
    assert (none.attempts, none.first_ns, none.last_ns, none.robots) == (0, None, None, ())


@pytest.mark.parametrize(("original", "copy"), [("a", "b"), ("b", "a")])
def test_a_copied_attempt_counts_once_with_its_last_word(tmp_path, samples, original, copy):
    attempt = samples.attempt()
    write_bag(tmp_path / copy, [attempt])
    # An operator went on after the copy was made.
    report = samples.report(stamp_ns=attempt.stamp_ns + 1)
    write_bag(tmp_path / original, [attempt, samples.attempt("a2")], [report])
    found = read_folder(tmp_path)
    assert found.copies == 1
    words = {row.attempt_id: (row.said_by, row.bag) for row in found.rows}
    assert words == {"a1": ("Ada", original), "a2": ("twin", original)}


def test_a_bag_that_cannot_be_read_is_named_and_the_others_are_read(tmp_path, samples):
    for name in ("a", "b", "c"):
        write_bag(tmp_path / name, [samples.attempt(name)])
    (tmp_path / "b" / "metadata.yaml").write_text("rosbag2_bagfile_information: {")
    for file in (tmp_path / "b").glob("*.mcap"):
        file.write_bytes(b"no mcap")
    found = read_folder(tmp_path)
    assert [row.attempt_id for row in found.rows] == ["a", "c"]
    (unread,) = found.unread
    assert unread.bag == "b"
    assert unread.reason.startswith(f"{tmp_path / 'b'}: cannot be read")
    assert "\n" not in unread.reason


def test_a_damaged_bag_is_read_as_far_as_it_is_whole(tmp_path, samples):
    write_bag(tmp_path / "bag", [samples.attempt(f"a{index}") for index in range(9)])
    (file,) = (tmp_path / "bag").glob("*.mcap")
    os.truncate(file, file.stat().st_size * 3 // 5)
    found = read_folder(tmp_path)
    assert 0 < len(found.rows) < 9
    assert "read up to its last whole message" in found.bags[0].damage


def test_progress_is_told_before_each_bag(tmp_path, samples):
    for name in ("a", "b"):
        write_bag(tmp_path / name, [])
    told = []
    read_folder(tmp_path, lambda *what: told.append(what))
    assert told == [("a", 1, 2), ("b", 2, 2)]


def test_folders_without_bags_are_refused(tmp_path):
    with pytest.raises(RecordingError, match="nowhere: expected a folder of bags, got none"):
        read_folder(tmp_path / "nowhere")
    (tmp_path / "notes").mkdir()
    with pytest.raises(
        RecordingError, match=r"expected bags in it \(folders with metadata.yaml, or"
    ):
        read_folder(tmp_path)


def test_grasps_can_be_read_again(tmp_path, samples):
    attempts = [samples.attempt(f"a{n}", grasp=samples.grasp(f"g{n}")) for n in range(4)]
    write_bag(tmp_path / "x", attempts[:2])
    write_bag(tmp_path / "y", attempts[2:])
    found = read_folder(tmp_path)
    chosen = [row for row in found.rows if row.attempt_id in ("a0", "a3")]
    assert found.grasps_of(chosen) == {"a0": attempts[0].grasp, "a3": attempts[3].grasp}
    shutil.rmtree(tmp_path / "x")
    with pytest.raises(RecordingError, match="nothing of that name"):
        found.grasps_of(chosen)


def test_attempts_of_one_backend(tmp_path, samples):
    write_bag(tmp_path / "x", [samples.attempt("a1"), samples.attempt("a2", backend="moveit")])
    write_bag(tmp_path / "y", [samples.attempt("a3")])
    every = read_folder(tmp_path)
    assert every.of_backend(None) is every
    only = every.of_backend("moveit")
    assert [row.attempt_id for row in only.rows] == ["a2"]
    assert [(bag.bag, bag.attempts) for bag in only.bags] == [("x", 1)]
    with pytest.raises(UnknownNameError, match="'arm'; expected one of moveit, twin"):
        every.of_backend("arm")


def test_attempts_with_scores_of_one_engine(tmp_path, samples):
    write_bag(
        tmp_path / "a",
        [
            samples.attempt("a1", score=samples.score(engine=Engine.MUJOCO)),
            samples.attempt("a2"),
            samples.attempt("a3", score=None),
        ],
    )
    every = read_folder(tmp_path)
    assert [row.engine for row in every.rows] == [Engine.MUJOCO, Engine.BULLET, None]
    assert every.of_engine(None) is every
    only = every.of_engine("mujoco")
    assert [row.attempt_id for row in only.rows] == ["a1"] and only.bags[0].attempts == 1
    with pytest.raises(UnknownNameError, match="unknown engine 'ode'; expected one of bullet, mu"):
        every.of_engine("ode")


def test_a_folder_that_cannot_be_looked_into_is_named(tmp_path, samples, monkeypatch):
    write_bag(tmp_path / "x", [samples.attempt("a0")])
    (tmp_path / "private").mkdir()
    scandir = os.scandir

    def refuse(path):
        if Path(path).name == "private":
            raise PermissionError(errno.EACCES, "Permission denied", str(path))
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refuse)
    found = read_folder(tmp_path)
    assert len(found.rows) == 1
    (unread,) = found.unread
    assert unread.bag == "private" and unread.reason.endswith("cannot be read: Permission denied")


def test_a_name_that_is_not_utf_8_can_be_written(tmp_path, samples):
    folder = tmp_path / os.fsdecode(b"caf\xe9")
    folder.mkdir()
    bag = write_bag(tmp_path / "bag", [samples.attempt("a0")])
    bag.rename(folder / os.fsdecode(b"\xff\xfe"))
    found = read_folder(folder)
    assert found.rows[0].bag == "\\xff\\xfe"
    write_csv(tmp_path / "a.csv", found.rows)
    assert "\\xff\\xfe," in (tmp_path / "a.csv").read_text()
    write_report(tmp_path / "r.html", found)
    assert "caf\\xe9" in (tmp_path / "r.html").read_text()
