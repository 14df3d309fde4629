"""One row for each attempt: what a table of attempts says of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from dr_grasp.core.attempt import GraspAttempt, OutcomeReport
from dr_grasp.core.fitness import Fitness
from dr_grasp.core.outcome import Outcome
from dr_grasp.core.perturbation import Criterion
from dr_grasp.provenance.fingerprint import grasp_fingerprint
from dr_grasp.recording.bag_reader import BagContents
from dr_grasp.transfer.held import held

GraspKey = tuple[str, str, str, str]


@dataclass(frozen=True, slots=True)
class AttemptRow:
    """What is known of one attempt, without its trajectories.

    Attributes:
        bag: The bag's path below the folder that was read.
        attempt_id: Unique.
        stamp_ns: When it began, nanoseconds since the epoch.
        robot: Robot name.
        object: Object name.
        method: What made the grasp; empty if its provenance does not say.
        grasp_id: Of the grasp.
        trajectory: Fingerprint of what was executed; an id may come again with another one.
        backend: What executed it, e.g. "twin".
        profile: Randomisation profile of the score; empty without a score.
        scored_by: Software versions of the score, likewise.
        fitness: Of the score that it was chosen by; empty without one.
        nominal_outcome: Of the score, or None without one.
        failures: How often the rollouts of the score ended in each failure.
        transfer_probability: That it would hold, as the score said; None if uncalibrated.
        outcome: The last word on it.
        backend_outcome: As the backend judged it.
        reason: Of the last word, one line, may be empty.
        said_by: Whose the last word is: the backend's name, or that of the reporter.
        said_ns: When it was said; the attempt's stamp if by the backend.
        reported: Whether anybody but the backend has said something.
        gripper_opening: Mean position of the hand joints after the lift [rad or m], if known.
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
    reported: bool
    gripper_opening: float | None

    __hash__ = None  # type: ignore[assignment]

    @property
    def grasp(self) -> GraspKey:
        """Robot, object, id and trajectory: what tells one grasp from another."""
        return self.robot, self.object, self.grasp_id, self.trajectory

    @property
    def held(self) -> bool | None:
        """Whether the grasp held; None where the attempt says nothing about the grasp."""
        return held(self.outcome)


def rows_of(bag: str, contents: BagContents) -> Iterator[AttemptRow]:
    """The rows of one bag, in the order of time.

    Args:
        bag: What to call it.
        contents: What it holds.
    """
    words: dict[str, OutcomeReport] = {}
    for report in sorted(contents.reports, key=lambda report: report.stamp_ns):
        words[report.attempt_id] = report
    for attempt in contents.attempts:
        yield _row(bag, attempt, words.get(attempt.attempt_id))


def _row(bag: str, attempt: GraspAttempt, word: OutcomeReport | None) -> AttemptRow:
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
        fitness=score.fitness if score else {},
        nominal_outcome=score.nominal_outcome if score else None,
        failures=score.failures if score else {},
        transfer_probability=score.transfer_probability if score else None,
        outcome=word.outcome if word else attempt.outcome,
        backend_outcome=attempt.outcome,
        reason=word.reason if word else attempt.reason,
        said_by=word.reporter if word else attempt.backend,
        said_ns=word.stamp_ns if word else attempt.stamp_ns,
        reported=word is not None,
        gripper_opening=attempt.gripper_opening,
    )
