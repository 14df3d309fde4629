"""What attempts show, as numbers: all that a report says is computed here."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from dr_grasp.core.fitness import Fitness
from dr_grasp.core.outcome import Outcome
from dr_grasp.core.perturbation import Criterion
from dr_grasp.errors import DrGraspError
from dr_grasp.transfer.calibration import Calibration, calibrate
from dr_grasp.transfer.grasp_tally import GraspTally, Ratio, group_by, tally_grasps, total
from dr_grasp.transfer.rows import AttemptRow
from dr_grasp.transfer.statistics import CriterionStatistics, statistics_of

MOST_ROBOTS: Final = 12
"""Robots for which each criterion is looked at on its own: those with the most attempts."""

MOST_SURPRISES: Final = 4
"""Surprising grasps of each kind."""

LEAST_GAP: Final = 0.3
"""How far apart fitness and eta must be, both smoothed, to surprise."""


@dataclass(frozen=True, slots=True)
class Group:
    """Attempts that share a name: of a robot, a method, an object, a backend.

    Attributes:
        name: What they share; empty if nobody said.
        grasps: How many grasps there are.
        eta: Eta of their attempts.
    """

    name: str
    grasps: int
    eta: Ratio


@dataclass(frozen=True, slots=True)
class Surprise:
    """A grasp that did other than its fitness says.

    Attributes:
        tally: What became of it.
        fitness: What was expected of it.
        row: The latest attempt that surprised.
    """

    tally: GraspTally
    fitness: Fitness
    row: AttemptRow

    __hash__ = None  # type: ignore[assignment]


@dataclass(frozen=True, slots=True)
class Findings:
    """All that a report says, as numbers.

    Attributes:
        rows: All attempts.
        counted: Attempts that say something about their grasp.
        tallies: Counted attempts, grasp by grasp.
        eta: Eta of all counted attempts; None if there are none.
        said_nothing: Attempts that say nothing about their grasp, by outcome.
        groups: Eta by "robot", "method", "object" and "backend".
        criteria: What each criterion says.
        by_robot: The same for each robot, if there are several.
        calibration: A model of these attempts, or why there is none, in words.
        predicted_failures: Failed rollouts by reason, of the scores of all counted attempts.
        real_failures: Failed attempts by reason.
        surprise_criterion: Criterion whose fitness surprises are judged by: MDR, or else the one
            that most grasps are scored by; None if no grasp has a score.
        failed: Grasps of high fitness that failed, the most surprising first.
        held: Grasps of low fitness that held, likewise.
    """

    rows: tuple[AttemptRow, ...]
    counted: tuple[AttemptRow, ...]
    tallies: tuple[GraspTally, ...]
    eta: Ratio | None
    said_nothing: Mapping[Outcome, int]
    groups: Mapping[str, tuple[Group, ...]]
    criteria: tuple[CriterionStatistics, ...]
    by_robot: Mapping[str, tuple[CriterionStatistics, ...]]
    calibration: Calibration | str
    predicted_failures: Mapping[Outcome, int]
    real_failures: Mapping[Outcome, int]
    surprise_criterion: Criterion | None
    failed: tuple[Surprise, ...]
    held: tuple[Surprise, ...]

    __hash__ = None  # type: ignore[assignment]


def findings_of(given: Iterable[AttemptRow], seed: int = 0) -> Findings:
    """Compute what attempts show.

    Args:
        given: At least one attempt.
        seed: Seed of the bootstrap.

    Raises:
        DrGraspError: There are none.
    """
    rows = tuple(given)
    if not rows:
        raise DrGraspError("expected bags with attempts, got none with any")
    tallies = tally_grasps(rows)
    counted = tuple(row for row in rows if row.held is not None)
    robots = group_by(tallies, lambda row: row.robot)
    # By attempt, not by grasp: one grasp may have been tried on the twin and on the arm.
    backends = {
        backend: tally_grasps(row for row in counted if row.backend == backend)
        for backend in {row.backend for row in counted}
    }
    several = list(robots)[:MOST_ROBOTS] if len(robots) > 1 else []
    try:
        calibration: Calibration | str = calibrate(rows)
    except DrGraspError as error:
        calibration = str(error)
    predicted: Counter[Outcome] = Counter()
    for row in counted:
        predicted.update(row.failures)
    criterion, failed, held = _surprises(tallies, counted)
    return Findings(
        rows=rows,
        counted=counted,
        tallies=tallies,
        eta=total(tallies),
        said_nothing=_counts(row.outcome for row in rows if row.held is None),
        groups={
            "robot": groups_of(robots),
            "method": groups_of(group_by(tallies, lambda row: row.method)),
            "object": groups_of(group_by(tallies, lambda row: row.object)),
            "backend": groups_of(backends),
        },
        criteria=_statistics(tallies, seed),
        by_robot={name: _statistics(robots[name], seed) for name in several},
        calibration=calibration,
        predicted_failures=predicted,
        real_failures=_counts(row.outcome for row in counted if not row.held),
        surprise_criterion=criterion,
        failed=failed,
        held=held,
    )


def groups_of(named: Mapping[str, Sequence[GraspTally]]) -> tuple[Group, ...]:
    """Count grasps and attempts that share a name; those with the most attempts first."""
    etas = {name: total(tallies) for name, tallies in named.items()}
    groups = [Group(name, len(named[name]), eta) for name, eta in etas.items() if eta]
    return tuple(sorted(groups, key=lambda group: (-group.eta.attempts, group.name)))


def _statistics(tallies: Sequence[GraspTally], seed: int) -> tuple[CriterionStatistics, ...]:
    return tuple(statistics_of(tallies, criterion, seed) for criterion in Criterion)


def _counts(outcomes: Iterable[Outcome]) -> dict[Outcome, int]:
    return dict(Counter(outcomes).most_common())


def _surprises(
    tallies: Sequence[GraspTally], counted: Sequence[AttemptRow]
) -> tuple[Criterion | None, tuple[Surprise, ...], tuple[Surprise, ...]]:
    number = Counter(criterion for tally in tallies for criterion in tally.fitness)
    if not number:
        return None, (), ()
    most = max(Criterion, key=lambda criterion: number[criterion])
    criterion = Criterion.MDR if number[Criterion.MDR] else most

    def gap(tally: GraspTally) -> float:
        # Smoothed, so that nine failures of nine surprise more than one of one.
        fitness, eta = tally.fitness[criterion], tally.eta
        expected = (fitness.successes + 0.5) / (fitness.trials + 1)
        return expected - (eta.held + 0.5) / (eta.attempts + 1)

    def surprise(tally: GraspTally, held: bool) -> Surprise:
        rows = [row for row in counted if row.grasp == tally.last.grasp and row.held is held]
        latest = max(rows, key=lambda row: row.stamp_ns)
        return Surprise(tally, tally.fitness[criterion], latest)

    labelled = [tally for tally in tallies if criterion in tally.fitness]
    ordered = sorted(labelled, key=gap, reverse=True)
    failed = [
        surprise(tally, False)
        for tally in ordered[:MOST_SURPRISES]
        if gap(tally) >= LEAST_GAP and tally.eta.value <= 0.5
    ]
    held = [
        surprise(tally, True)
        for tally in ordered[: -MOST_SURPRISES - 1 : -1]
        if gap(tally) <= -LEAST_GAP and tally.eta.value >= 0.5
    ]
    return criterion, tuple(failed), tuple(held)
