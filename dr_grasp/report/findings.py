"""What attempts show, as numbers: all that a report says is computed here."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from dr_grasp.core.outcome import Outcome
from dr_grasp.core.perturbation import Criterion
from dr_grasp.errors import DrGraspError
from dr_grasp.report.surprises import Surprises, find_surprises
from dr_grasp.transfer.calibration import Calibration, calibrate
from dr_grasp.transfer.grasp_tally import GraspTally, Ratio, by, tally_grasps, total
from dr_grasp.transfer.rows import AttemptRow
from dr_grasp.transfer.statistics import CriterionStatistics, statistics_of

MOST_ROBOTS: Final = 12
"""Robots for which each criterion is looked at on its own: those with the most attempts."""


@dataclass(frozen=True, slots=True)
class Group:
    """Attempts that share a name: of a robot, a method, an object, a backend.

    Attributes:
        name: What they share; empty if nobody said.
        grasps: How many there are.
        eta: Of their attempts.
    """

    name: str
    grasps: int
    eta: Ratio


@dataclass(frozen=True, slots=True)
class Failures:
    """Why grasps fail, as scores predict and as it happened.

    Attributes:
        predicted: Failed rollouts by reason, of the scores of all counted attempts.
        real: Failed attempts by reason.
    """

    predicted: Mapping[Outcome, int]
    real: Mapping[Outcome, int]

    __hash__ = None  # type: ignore[assignment]


@dataclass(frozen=True, slots=True)
class Findings:
    """All of it.

    Attributes:
        rows: All attempts.
        tallies: Grasp by grasp, those attempts that say something about it.
        eta: Of them all; None if there are none.
        said_nothing: Attempts that say nothing about their grasp, by outcome.
        groups: Eta by what is the same: "robot", "method", "object", "backend".
        criteria: What each criterion says.
        by_robot: The same for each robot, if there are several.
        calibration: A model of these attempts, or why there is none, in words.
        failures: Why grasps fail.
        surprises: Grasps that did other than their fitness says.
    """

    rows: tuple[AttemptRow, ...]
    tallies: tuple[GraspTally, ...]
    eta: Ratio | None
    said_nothing: Mapping[Outcome, int]
    groups: Mapping[str, tuple[Group, ...]]
    criteria: tuple[CriterionStatistics, ...]
    by_robot: Mapping[str, tuple[CriterionStatistics, ...]]
    calibration: Calibration | str
    failures: Failures
    surprises: Surprises

    __hash__ = None  # type: ignore[assignment]


def findings_of(rows: Iterable[AttemptRow], seed: int = 0) -> Findings:
    """Compute what attempts show.

    Args:
        rows: At least one.
        seed: Of the bootstrap.

    Raises:
        DrGraspError: There are none.
    """
    given = tuple(rows)
    if not given:
        raise DrGraspError("expected bags with attempts, got none with any")
    tallies = tally_grasps(given)
    counted = [row for row in given if row.held is not None]
    robots = by(tallies, lambda one: one.robot)
    most = sorted(robots, key=lambda name: (-sum(one.attempts for one in robots[name]), name))
    try:
        calibration: Calibration | str = calibrate(given)
    except DrGraspError as error:
        calibration = str(error)
    return Findings(
        rows=given,
        tallies=tallies,
        eta=total(tallies),
        said_nothing=_counts(row.outcome for row in given if row.held is None),
        groups={
            "robot": _groups(robots),
            "method": _groups(by(tallies, lambda one: one.method)),
            "object": _groups(by(tallies, lambda one: one.object)),
            "backend": _by_backend(counted),
        },
        criteria=_statistics(tallies, seed),
        by_robot={name: _statistics(robots[name], seed) for name in most[:MOST_ROBOTS]}
        if len(robots) > 1
        else {},
        calibration=calibration,
        failures=_failures(counted),
        surprises=find_surprises(tallies, counted),
    )


def _statistics(tallies: Sequence[GraspTally], seed: int) -> tuple[CriterionStatistics, ...]:
    return tuple(statistics_of(tallies, criterion, seed) for criterion in Criterion)


def _groups(named: Mapping[str, Sequence[GraspTally]]) -> tuple[Group, ...]:
    """Those with the most attempts first."""
    groups = []
    for name, tallies in named.items():
        eta = total(tallies)
        if eta is not None:
            groups.append(Group(name, len(tallies), eta))
    return tuple(sorted(groups, key=lambda one: (-one.eta.attempts, one.name)))


def _by_backend(counted: Sequence[AttemptRow]) -> tuple[Group, ...]:
    # By attempt, not by grasp: one grasp may have been tried on the twin and on the arm.
    named: dict[str, list[GraspTally]] = {}
    for backend in {row.backend for row in counted}:
        named[backend] = list(tally_grasps(row for row in counted if row.backend == backend))
    return _groups(named)


def _failures(counted: Sequence[AttemptRow]) -> Failures:
    predicted: Counter[Outcome] = Counter()
    for row in counted:
        predicted.update(row.failures)
    return Failures(
        predicted=dict(predicted.most_common()),
        real=_counts(row.outcome for row in counted if not row.held),
    )


def _counts(outcomes: Iterable[Outcome]) -> dict[Outcome, int]:
    return dict(Counter(outcomes).most_common())
