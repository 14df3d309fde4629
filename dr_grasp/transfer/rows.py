"""Makes a row of each attempt, with all that statistics and tables of attempts need."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Final

from dr_grasp.core.attempt import TWIN, GraspAttempt, OutcomeReport
from dr_grasp.core.collisions import Collision
from dr_grasp.core.engine import Engine
from dr_grasp.core.fitness import Fitness
from dr_grasp.core.metric import Metric
from dr_grasp.core.outcome import Outcome
from dr_grasp.core.perturbation import Criterion
from dr_grasp.provenance.fingerprint import grasp_fingerprint
from dr_grasp.recording.bag_reader import BagContents

GraspKey = tuple[str, str, str, str]

OPEN_ENDED: Final = "it began, and nobody recorded how it ended"
"""Reason of the outcome UNKNOWN of an attempt whose end is in no bag."""


@dataclass(frozen=True, slots=True)
class AttemptRow:
    """An attempt without its trajectories, with the score of its grasp.

    An operator may report another outcome than the backend did; the latest report counts.

    Attributes:
        bag: Path of the attempt's bag below the folder that was read.
        attempt_id: Id of the attempt, unique.
        stamp_ns: When the attempt began, nanoseconds since the epoch.
        robot: Robot name.
        object: Object name.
        method: Method that made the grasp; empty if its provenance does not say.
        grasp_id: Id of the grasp.
        trajectory: Fingerprint of the grasp's motion; another grasp may have the same id.
        backend: Name of the backend that executed the grasp, e.g. "twin".
        profile: Randomisation profile of the score; empty without a score.
        scored_by: Software versions that made the score; empty without a score.
        fitness: Fitnesses of the score that the grasp was chosen by; empty without a score.
        nominal_outcome: Outcome of the undisturbed rollout of the score; None without a score.
        failures: Number of the score's rollouts that ended in each failure.
        transfer_probability: Probability in the score that the grasp holds; None if uncalibrated.
        outcome: Outcome that counts: from the latest report, or else from the backend.
        backend_outcome: Outcome as the backend judged it.
        reason: Reason given with the outcome that counts, one line, may be empty.
        said_by: Name of the operator or of the backend that gave the outcome that counts.
        said_ns: Time of the report, or of the attempt without report, nanoseconds since the epoch.
        gripper_opening: Mean position of the hand joints after the lift [rad or m], if known.
        collisions: Which links touched in the score's rollouts; see `GraspScore`.
        models: Fingerprints of what the score was made with, by kind; see `GraspScore`.
        open_ended: Whether only the attempt's begin was recorded: nobody knows how it ended, unless
            an operator has reported.
        engine: Engine that simulated the score's rollouts; None without a score.
        metrics: Other numbers in the score; see `GraspScore`.
        backend_engine: Name of the engine in which the twin ran; empty on a real arm.
    """

    bag: str
    attempt_id: str
    stamp_ns: int
    robot: str
    object: str
    method: str
    grasp_id: str
    trajectory: str
    backend: str
    profile: str
    scored_by: str
    fitness: Mapping[Criterion, Fitness]
    nominal_outcome: Outcome | None
    failures: Mapping[Outcome, int]
    transfer_probability: float | None
    outcome: Outcome
    backend_outcome: Outcome
    reason: str
    said_by: str
    said_ns: int
    gripper_opening: float | None
    collisions: tuple[Collision, ...] = ()
    models: Mapping[str, str] = field(default_factory=dict)
    open_ended: bool = False
    engine: Engine | None = None
    metrics: Mapping[Metric, float] = field(default_factory=dict)
    backend_engine: str = ""

    __hash__ = None  # type: ignore[assignment]

    @property
    def grasp(self) -> GraspKey:
        """Robot, object, id and trajectory, which together identify a grasp."""
        return self.robot, self.object, self.grasp_id, self.trajectory

    @property
    def held(self) -> bool | None:
        """Whether the grasp held; None where the attempt says nothing about it: `Outcome.held`."""
        return self.outcome.held


def rows_of(bag: str, contents: BagContents) -> Iterator[AttemptRow]:
    """Make the rows of a bag's attempts in the order of time, then those that never ended.

    Args:
        bag: Name of the bag in the rows.
        contents: What the bag holds.
    """
    # In the order in which they were recorded, since the clock may have gone back.
    last_reports = {report.attempt_id: report for report in contents.reports}
    for attempt in contents.attempts:
        yield _row(bag, attempt, last_reports.get(attempt.attempt_id))
    for attempt in contents.begun:
        row = _row(bag, replace(attempt, reason=OPEN_ENDED), last_reports.get(attempt.attempt_id))
        yield replace(row, open_ended=True)


def engines_of(rows: Iterable[AttemptRow]) -> Counter[Engine]:
    """Count attempts by the engine of their score, where they have one."""
    return Counter(row.engine for row in rows if row.engine is not None and row.fitness)


def engine_counts(engines: Mapping[Engine, int]) -> str:
    """Engines in words, e.g. "bullet (40 attempts), mujoco (30 attempts)"; empty without any."""
    return ", ".join(
        f"{engine.value} ({engines[engine]} attempts)" for engine in Engine if engine in engines
    )


def joined(earlier: AttemptRow, row: AttemptRow) -> AttemptRow:
    """Join two rows of the same attempt that are in different bags.

    A bag may have the begin of an attempt only, and another bag its end. Of copies, the row with
    the latest word counts, since a copy may be older than an operator's report.
    """
    first, second = sorted((earlier, row), key=lambda entry: entry.said_ns)
    if first.open_ended == second.open_ended:
        return second if second.said_ns > first.said_ns else earlier
    ended, begun = (second, first) if first.open_ended else (first, second)
    if begun.said_by == begun.backend:  # no operator's word
        return ended
    last = max(ended, begun, key=lambda entry: entry.said_ns)
    return replace(
        ended,
        outcome=last.outcome,
        reason=last.reason,
        said_by=last.said_by,
        said_ns=last.said_ns,
    )


def _row(bag: str, attempt: GraspAttempt, report: OutcomeReport | None) -> AttemptRow:
    score = attempt.score
    return AttemptRow(
        bag=bag,
        attempt_id=attempt.attempt_id,
        stamp_ns=attempt.stamp_ns,
        robot=attempt.robot,
        object=attempt.grasp.object,
        method=attempt.grasp.provenance.get("method", ""),
        grasp_id=attempt.grasp.id,
        trajectory=grasp_fingerprint(attempt.grasp),
        backend=attempt.backend,
        profile=score.profile if score else "",
        scored_by=score.software_version if score else "",
        engine=score.engine if score else None,
        fitness=score.fitness if score else {},
        metrics=score.metrics if score else {},
        nominal_outcome=score.nominal_outcome if score else None,
        failures=score.failures if score else {},
        collisions=score.collisions if score else (),
        models=score.models if score else {},
        transfer_probability=score.transfer_probability if score else None,
        outcome=report.outcome if report else attempt.outcome,
        backend_outcome=attempt.outcome,
        reason=report.reason if report else attempt.reason,
        said_by=report.reporter if report else attempt.backend,
        said_ns=report.stamp_ns if report else attempt.stamp_ns,
        gripper_opening=attempt.gripper_opening,
        backend_engine=_backend_engine(attempt),
    )


def _backend_engine(attempt: GraspAttempt) -> str:
    if attempt.backend == TWIN and not attempt.backend_engine:
        return Engine.MUJOCO.value  # records before version 0.5 did not say it
    return attempt.backend_engine
