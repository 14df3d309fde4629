"""Evidence from bags: whose word counts, what is left out, and what is refused."""

from dataclasses import replace

import pytest

from dr_grasp.core.attempt import GraspAttempt
from dr_grasp.core.outcome import Outcome
from dr_grasp.errors import RecordingError, SettingsError
from dr_grasp.identification import reading
from dr_grasp.identification.reading import read_evidence
from dr_grasp.recording.bag_writer import BagWriter


def write_bag(path, attempts, reports=(), begun=()):
    with BagWriter(path) as writer:
        for attempt in begun:
            writer.write_begun(attempt)
        for attempt in attempts:
            writer.write_attempt(attempt)
        for report in reports:
            writer.write_report(report)
    return path


def test_the_operators_last_report_counts(tmp_path, samples):
    first = samples.report(stamp_ns=1_900_000_000_000_000_000, outcome=Outcome.MISSED)
    last = samples.report(stamp_ns=1_800_000_000_000_000_000, outcome=Outcome.SUCCESS)
    write_bag(tmp_path / "bag", [samples.attempt()], [first, last])
    evidence = read_evidence([tmp_path], None)
    (tried,) = evidence.attempts
    assert (tried.outcome, tried.held, tried.bag) == (Outcome.SUCCESS, True, "bag")
    assert tried.attempt.outcome is Outcome.DROPPED_HOLDING
    assert (evidence.robot, evidence.objects, evidence.problems) == ("franka", ("mug",), ())


def test_of_two_bags_the_later_report_counts(tmp_path, samples):
    early = samples.report(stamp_ns=18 * 10**17, outcome=Outcome.SUCCESS)
    late = samples.report(stamp_ns=19 * 10**17, outcome=Outcome.MISSED)
    attempt = samples.attempt()
    write_bag(tmp_path / "a", [attempt], [late])
    write_bag(tmp_path / "b", [attempt], [early])
    (tried,) = read_evidence([tmp_path], None).attempts
    assert (tried.outcome, tried.held) == (Outcome.MISSED, False)


def test_what_says_nothing_about_the_grasp_still_shows_motion(tmp_path, samples):
    moved = samples.attempt("a1", outcome=Outcome.CONTROLLER_ABORTED)
    never = samples.attempt("a2", outcome=Outcome.REFUSED, commanded=None, measured=None)
    write_bag(tmp_path / "bag", [moved, never, samples.attempt("a3")])
    evidence = read_evidence([tmp_path], None)
    assert [tried.attempt.attempt_id for tried in evidence.attempts] == ["a3"]
    assert evidence.moved == (moved,)


def test_the_end_of_an_attempt_may_be_in_another_bag_than_its_begin(tmp_path, samples):
    ended = samples.attempt()
    begun = GraspAttempt("a1", ended.stamp_ns, "twin", 0, 0, ended.grasp, None)
    write_bag(tmp_path / "a", [], begun=[begun])
    write_bag(tmp_path / "b", [ended])
    (tried,) = read_evidence([tmp_path], None).attempts
    assert tried.attempt == ended


def test_attempts_are_sorted_by_time_and_each_counts_once(tmp_path, samples):
    late, early = samples.attempt("late"), samples.attempt("early", stamp_ns=10**18)
    write_bag(tmp_path / "a", [late, early])
    write_bag(tmp_path / "b", [late])
    evidence = read_evidence([tmp_path, tmp_path / "a"], None)
    assert [tried.attempt.attempt_id for tried in evidence.attempts] == ["early", "late"]
    assert len(evidence.bags) == 2


def test_a_bags_fingerprint_is_that_of_its_content(tmp_path, samples):
    attempts = [samples.attempt("a1"), samples.attempt("a2")]
    write_bag(tmp_path / "one", attempts)
    write_bag(tmp_path / "copy", attempts)
    write_bag(tmp_path / "other", [replace(attempts[0], reason="another"), attempts[1]])
    bags = read_evidence([tmp_path], None).bags
    assert set(bags) == {"one", "copy", "other"}
    assert bags["one"] == bags["copy"] != bags["other"]


def test_sessions_of_the_same_name_stay_apart(tmp_path, samples):
    for place in ("monday", "tuesday"):
        write_bag(tmp_path / place / "session" / "bag", [samples.attempt(place)])
    sessions = [tmp_path / place / "session" for place in ("monday", "tuesday")]
    evidence = read_evidence(sessions, None)
    assert list(evidence.bags) == ["session/bag", "session/bag (2)"]
    assert {tried.bag for tried in evidence.attempts} == set(evidence.bags)


def test_of_several_robots_one_is_named(tmp_path, samples):
    other = samples.attempt("b1", grasp=samples.grasp(robot="baxter"))
    write_bag(tmp_path / "bag", [samples.attempt(), other])
    with pytest.raises(SettingsError, match=r"baxter \(1 attempts\), franka \(1 attempts\)"):
        read_evidence([tmp_path], None)
    (tried,) = read_evidence([tmp_path], "baxter").attempts
    assert tried.attempt.attempt_id == "b1"
    with pytest.raises(
        SettingsError, match=r"that the bags have, baxter \(1 attempts\), .*; got ur5"
    ):
        read_evidence([tmp_path], "ur5")


def test_damage_is_said_and_the_rest_is_read(tmp_path, samples):
    write_bag(tmp_path / "whole", [samples.attempt("a1")])
    cut = write_bag(tmp_path / "cut", [samples.attempt(f"b{n}") for n in range(5)])
    (file,) = cut.glob("*.mcap")
    file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])
    (tmp_path / "none").mkdir()
    (tmp_path / "none" / "bag.mcap").write_bytes(b"nothing")
    evidence = read_evidence([tmp_path], None)
    assert "a1" in {tried.attempt.attempt_id for tried in evidence.attempts}
    assert any(problem.startswith("cut: ") for problem in evidence.problems)
    assert any("none" in problem for problem in evidence.problems)


def test_attempts_of_two_laboratories_are_noticed(tmp_path, samples):
    arm = samples.attempt("a2", backend="moveit", models={})
    write_bag(tmp_path / "bag", [samples.attempt(), arm])
    (problem,) = read_evidence([tmp_path], None).problems
    assert problem == (
        "attempts of moveit (1 attempts), twin 0123456789abcdef (1 attempts) are taken for those "
        "of one laboratory"
    )


def test_nothing_to_read_is_an_error(tmp_path, samples, monkeypatch):
    with pytest.raises(RecordingError, match="expected bags in it"):
        read_evidence([tmp_path], None)
    write_bag(tmp_path / "empty", [])
    with pytest.raises(SettingsError, match="expected attempts in the bags, got none"):
        read_evidence([tmp_path], None)
    write_bag(tmp_path / "bag", [samples.attempt("a1"), samples.attempt("a2")])
    monkeypatch.setattr(reading, "MOST_ATTEMPTS", 1)
    with pytest.raises(SettingsError, match="expected at most 1 attempts of franka, got 2"):
        read_evidence([tmp_path], None)
