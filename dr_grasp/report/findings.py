"""Computes the numbers of a report from the rows of attempts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from dr_grasp.core.collisions import most_frequent
from dr_grasp.core.engine import Engine
from dr_grasp.core.fitness import Fitness
from dr_grasp.core.metric import Metric
from dr_grasp.core.outcome import Outcome
from dr_grasp.core.perturbation import Criterion
from dr_grasp.errors import DrGraspError
from dr_grasp.transfer.calibration import Calibration, calibrate
from dr_grasp.transfer.clustered import Eta, eta_of
from dr_grasp.transfer.grasp_tally import GraspTally, Predictor, group_by, tally_grasps
from dr_grasp.transfer.rows import AttemptRow, engines_of
from dr_grasp.transfer.statistics import PredictorStatistics, statistics_of

MOST_ROBOTS: Final = 12
"""Most robots that get their own statistics; those with the most attempts come first."""

MOST_SURPRISES: Final = 4
"""Most surprising grasps of each kind that are shown."""

LEAST_GAP: Final = 0.3
"""Least difference of fitness and eta, both smoothed, that makes a grasp surprising."""


@dataclass(frozen=True, slots=True)
class Group:
    """Attempts with the same robot, method or object, or executed by the same.

    Attributes:
        name: Name of the robot, method, object or backend, with a twin's engine; empty if unknown.
        tallies: The attempts, grasp by grasp.
        eta: Eta of the attempts.
    """

    name: str
    tallies: tuple[GraspTally, ...]
    eta: Eta

    __hash__ = None  # type: ignore[assignment]

    @property
    def grasps(self) -> int:
        """Number of grasps."""
        return len(self.tallies)


@dataclass(frozen=True, slots=True)
class Surprise:
    """A grasp whose attempts ended otherwise than its fitness predicts.

    Attributes:
        tally: Outcomes of the grasp's attempts.
        fitness: Fitness of the grasp, under the criterion that predicts.
        row: The latest surprising attempt.
    """

    tally: GraspTally
    fitness: Fitness
    row: AttemptRow

    __hash__ = None  # type: ignore[assignment]


@dataclass(frozen=True, slots=True)
class Findings:
    """The numbers of a report.

    Attributes:
        rows: All attempts.
        counted: Attempts that say something about their grasp.
        tallies: Counted attempts, grasp by grasp.
        eta: Eta of all counted attempts; None if there are none.
        said_nothing: Number of attempts that say nothing about their grasp, by outcome.
        groups: Eta by "robot", "method", "object" and "backend" (of a twin, with its engine).
        criteria: How well each criterion predicts outcomes, over all counted attempts.
        metrics: The same of each metric that a score has.
        by_robot: The same of criteria and then of metrics, by robot; empty for a single robot.
        calibration: A transfer model of these attempts, or why there is none, in words.
        predicted_failures: Number of failed rollouts by reason, in the scores of counted attempts.
        collisions: Which links touched most often in those rollouts, in words; see `most_frequent`.
        real_failures: Number of failed attempts by reason.
        surprise_criterion: Criterion by whose fitness surprises are judged: MDR, or without MDR the
            criterion by which most grasps are scored; None if no grasp has a score.
        failed: Grasps of high fitness that failed, the most surprising first.
        held: Grasps of low fitness that held, the most surprising first.
        engines: Number of counted attempts by the engine of their score, where they have one.
    """

    rows: tuple[AttemptRow, ...]
    counted: tuple[AttemptRow, ...]
    tallies: tuple[GraspTally, ...]
    eta: Eta | None
    said_nothing: Mapping[Outcome, int]
    groups: Mapping[str, tuple[Group, ...]]
    criteria: tuple[PredictorStatistics, ...]
    metrics: tuple[PredictorStatistics, ...]
    by_robot: Mapping[str, tuple[PredictorStatistics, ...]]
    calibration: Calibration | str
    predicted_failures: Mapping[Outcome, int]
    collisions: Mapping[Outcome, str]
    real_failures: Mapping[Outcome, int]
    surprise_criterion: Criterion | None
    failed: tuple[Surprise, ...]
    held: tuple[Surprise, ...]
    engines: Mapping[Engine, int]

    __hash__ = None  # type: ignore[assignment]


def findings_of(given: Iterable[AttemptRow]) -> Findings:
    """Compute the numbers of a report.

    Args:
        given: Rows of at least one attempt.

    Raises:
        DrGraspError: There are no attempts.
    """
    rows = tuple(given)
    if not rows:
        raise DrGraspError("expected bags with attempts, got none with any")
    tallies = tally_grasps(rows)
    counted = tuple(row for row in rows if row.held is not None)
    robots = group_by(tallies, lambda row: row.robot)
    # Grouped by attempt, not by grasp: a grasp may have been tried on the twin and on the arm.
    backends = {
        backend: tally_grasps(row for row in counted if _executed_by(row) == backend)
        for backend in {_executed_by(row) for row in counted}
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
    metrics = [metric for metric in Metric if any(metric in tally.metrics for tally in tallies)]
    return Findings(
        rows=rows,
        counted=counted,
        tallies=tallies,
        eta=eta_of(tallies),
        said_nothing=_counts(row.outcome for row in rows if row.held is None),
        groups={
            "robot": groups_of(robots),
            "method": groups_of(group_by(tallies, lambda row: row.method)),
            "object": groups_of(group_by(tallies, lambda row: row.object)),
            "backend": groups_of(backends),
        },
        criteria=_statistics(tallies, Criterion),
        metrics=_statistics(tallies, metrics),
        by_robot={name: _statistics(robots[name], [*Criterion, *metrics]) for name in several},
        calibration=calibration,
        predicted_failures=predicted,
        # The undisturbed rollout is not among the failures that are counted.
        collisions=most_frequent(
            found for row in counted for found in row.collisions if found.criterion is not None
        ),
        real_failures=_counts(row.outcome for row in counted if not row.held),
        surprise_criterion=criterion,
        failed=failed,
        held=held,
        engines=engines_of(counted),
    )


def groups_of(named: Mapping[str, Sequence[GraspTally]]) -> tuple[Group, ...]:
    """Count grasps and attempts of each name; names with the most attempts come first."""
    etas = {name: eta_of(tallies) for name, tallies in named.items()}
    groups = [Group(name, tuple(named[name]), eta) for name, eta in etas.items() if eta]
    return tuple(sorted(groups, key=lambda group: (-group.eta.attempts, group.name)))


def _statistics(
    tallies: Sequence[GraspTally], predictors: Iterable[Predictor]
) -> tuple[PredictorStatistics, ...]:
    return tuple(statistics_of(tallies, predictor) for predictor in predictors)


def _executed_by(row: AttemptRow) -> str:
    """Name of the backend, with the engine of a twin: a twin in another engine is another judge."""
    return f"{row.backend} in {row.backend_engine}" if row.backend_engine else row.backend


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
        # Smoothed, so that nine failures in nine attempts surprise more than one failure in one.
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
