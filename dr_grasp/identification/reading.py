"""Reads the attempts of one robot from bags of sessions."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from dr_grasp.core.attempt import GraspAttempt, OutcomeReport
from dr_grasp.errors import RecordingError, SettingsError, printable
from dr_grasp.identification.evidence import Evidence, Tried
from dr_grasp.provenance.fingerprint import TWIN, fingerprint
from dr_grasp.recording.bag_files import find_bags
from dr_grasp.recording.bag_reader import BagContents, read_bag

MOST_ATTEMPTS = 20_000
"""Most attempts that are read: an arm that tries one grasp a minute takes two weeks. With their
motions they take 2 GB of memory, and no estimate is better for more."""


@dataclass(slots=True)
class _Found:
    """What was found in bags so far.

    Attributes:
        ended: Attempts by id, with the name of their bag.
        begun: The same of attempts that began, and whose end is not in their bag.
        reports: Operators' last reports by attempt id.
        bags: Fingerprints of bags by name.
        problems: What is wrong, in one line each.
    """

    ended: dict[str, tuple[GraspAttempt, str]] = field(default_factory=dict)
    begun: dict[str, tuple[GraspAttempt, str]] = field(default_factory=dict)
    reports: dict[str, OutcomeReport] = field(default_factory=dict)
    bags: dict[str, str] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)

    def add(self, bag: str, contents: BagContents) -> None:
        """Take in what a bag holds; of copies of an attempt, the first counts."""
        for attempt in contents.attempts:
            self.ended.setdefault(attempt.attempt_id, (attempt, bag))
        for attempt in contents.begun:
            self.begun.setdefault(attempt.attempt_id, (attempt, bag))
        # In a bag the last counts, since the clock may have gone back; of bags, the latest.
        last = {report.attempt_id: report for report in contents.reports}
        for attempt_id, report in last.items():
            earlier = self.reports.get(attempt_id)
            if earlier is None or report.stamp_ns > earlier.stamp_ns:
                self.reports[attempt_id] = report
        # By content, so that a bag that was compressed or converted stays the same bag.
        self.bags[bag] = fingerprint((contents.attempts, contents.begun, contents.reports))
        if contents.damage:
            self.problems.append(f"{bag}: {contents.damage}")


def read_evidence(sessions: Sequence[Path], robot: str | None) -> Evidence:
    """Read all attempts of a robot from bags.

    Args:
        sessions: Folders that hold bags, or bags, or bags' files.
        robot: Name of the robot; None if the bags hold attempts of one robot only.

    Raises:
        RecordingError: There is no such folder, no bag in a folder, or no bag that can be read.
        SettingsError: The bags hold attempts of several robots and none is named, none of the robot
            that is named, no attempts at all, or more than `MOST_ATTEMPTS`; or the message
            definitions are not installed.
    """
    found = _Found()
    for name, path in _paths(sessions, found.problems).items():
        try:
            found.add(name, read_bag(path))
        except RecordingError as error:
            found.problems.append(str(error))
    places = ", ".join(map(str, sessions))
    if not found.bags:
        raise RecordingError(f"{places}: expected bags that can be read: {found.problems[0]}")
    attempts = {**found.begun, **found.ended}
    robots = Counter(attempt.robot for attempt, _ in attempts.values())
    if not robots:
        raise SettingsError(f"{places}: expected attempts in the bags, got none")
    counts = ", ".join(f"{name} ({robots[name]} attempts)" for name in sorted(robots))
    if robot is None and len(robots) > 1:
        raise SettingsError(f"robot: expected one of those that the bags have, {counts}; got none")
    name = robot or next(iter(robots))
    if name not in robots:
        raise SettingsError(
            f"robot: expected one of those that the bags have, {counts}; got {name}"
        )
    if robots[name] > MOST_ATTEMPTS:
        raise SettingsError(
            f"{places}: expected at most {MOST_ATTEMPTS} attempts of {name}, got {robots[name]}"
        )
    own = sorted(
        (pair for pair in attempts.values() if pair[0].robot == name),
        key=lambda pair: (pair[0].stamp_ns, pair[0].attempt_id),
    )
    tried, moved = [], []
    for attempt, bag in own:
        report = found.reports.get(attempt.attempt_id)
        outcome = report.outcome if report else attempt.outcome
        if outcome.held is not None:
            tried.append(Tried(attempt, outcome, outcome.held, bag))
        elif attempt.measured is not None:
            moved.append(attempt)
    problems = (*found.problems, *_mixed(attempt for attempt, _ in own))
    return Evidence(name, tuple(tried), found.bags, tuple(moved), problems)


def _paths(sessions: Sequence[Path], problems: list[str]) -> dict[str, Path]:
    """The bags of all sessions by name, each once; adds to the problems what cannot be read."""
    paths: dict[str, Path] = {}
    seen: set[Path] = set()

    def note(error: OSError) -> None:
        problems.append(printable(f"{error.filename}: cannot be read: {error.strerror}"))

    for session in map(Path.resolve, sessions):
        bags, left_out = find_bags(session, note)
        problems += [
            printable(f"{item.path}: {item.reason}") for item in left_out if item.like_a_bag
        ]
        for bag in bags:
            if bag.resolve() in seen:
                continue
            seen.add(bag.resolve())
            below = session if len(sessions) == 1 and bag != session else session.parent
            name = printable(str(bag.relative_to(below)))
            # Sessions may have the same name; where they are on this machine is nobody's business.
            paths[f"{name} ({len(paths) + 1})" if name in paths else name] = bag
    return paths


def _mixed(attempts: Iterable[GraspAttempt]) -> list[str]:
    """Say if attempts are of several laboratories: of an arm and a twin, or of several twins."""
    places = Counter((attempt.backend, attempt.models.get(TWIN, "")) for attempt in attempts)
    if len(places) < 2:
        return []
    counts = ", ".join(
        f"{backend} {twin} ({count} attempts)" if twin else f"{backend} ({count} attempts)"
        for (backend, twin), count in sorted(places.items())
    )
    return [f"attempts of {counts} are taken for those of one laboratory"]
