"""Scores as plain dicts, as they stand in a scores file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from functools import partial
from typing import Annotated, Any

from pydantic import Field

from dr_grasp.core.fitness import Fitness, GraspScore, Selection
from dr_grasp.core.outcome import Outcome
from dr_grasp.core.perturbation import MAX_SEED, Criterion
from dr_grasp.errors import DrGraspError, FileFormatError
from dr_grasp.formats.grasp_records import Record, check_record, given_id, within

Count = Annotated[int, Field(ge=0, lt=2**32)]
"""Counts travel as uint32."""


class RefusalRecord(Record):
    """A `RefusedGrasp`."""

    index: Count
    grasp_id: str
    reason: str


class FitnessRecord(Record):
    """A `Fitness`, and for readers that do not compute, what follows from its counts."""

    successes: Count
    trials: Count
    value: float
    low: float
    high: float
    sequential: bool = False


class ScoreRecord(Record):
    """A `GraspScore` without seed, profile and version, which all scores of a file share."""

    grasp_id: str
    nominal_success: bool
    nominal_outcome: str
    fitness: dict[str, FitnessRecord]
    failures: dict[str, Count]
    whole: bool = False
    models: dict[str, str] = Field(default_factory=dict)
    transfer_probability: Annotated[float, Field(ge=0, le=1)] | None = None


class SelectionRecord(Record):
    """A `Selection`."""

    criterion: str
    chosen: list[str]
    expected_share: float
    expected_shortfall: float
    most_missed: float


def score_to_dict(score: GraspScore) -> dict[str, Any]:
    """A score as an entry of a scores file; equal scores give equal text."""
    record = {
        "grasp_id": score.grasp_id,
        "nominal_success": score.nominal_success,
        "nominal_outcome": score.nominal_outcome.label,
        "fitness": {
            criterion.value: _fitness_to_dict(score.fitness[criterion])
            for criterion in Criterion
            if criterion in score.fitness
        },
        "failures": {reason.label: score.failures[reason] for reason in sorted(score.failures)},
    }
    if score.whole:
        record["whole"] = True
    if score.models:
        record["models"] = dict(sorted(score.models.items()))
    if score.transfer_probability is not None:
        record["transfer_probability"] = score.transfer_probability
    return record


def score_from_dict(raw: object, seed: int, profile: str, software_version: str) -> GraspScore:
    """Inverse of `score_to_dict`.

    Args:
        raw: The entry.
        seed: What all scores of the file share; likewise `profile` and `software_version`.
        profile: Name of the randomisation profile.
        software_version: Of dr_grasp and of the simulator.

    Raises:
        FileFormatError: Anything is missing, unknown, of a wrong type or contradicts itself; the
            message begins with the grasp's id and the field.
    """
    try:
        record = check_record(ScoreRecord, raw)
        outcome = within("nominal_outcome", lambda: Outcome.from_label(record.nominal_outcome))
        if record.nominal_success != (outcome is Outcome.SUCCESS):
            raise FileFormatError(
                f"nominal_success: expected {not record.nominal_success} for the nominal outcome "
                f"{outcome.label}, got {record.nominal_success}"
            )
        return GraspScore(
            grasp_id=record.grasp_id,
            nominal_outcome=outcome,
            fitness=within("fitness", lambda: _fitness(record.fitness)),
            failures=within(
                "failures",
                lambda: {Outcome.from_label(name): n for name, n in record.failures.items()},
            ),
            seed=check_seed(seed),
            profile=profile,
            software_version=software_version,
            whole=record.whole,
            models=record.models,
            transfer_probability=record.transfer_probability,
        )
    except DrGraspError as error:
        named = given_id(raw, "grasp_id") or "without an id"
        raise FileFormatError(f"score of grasp {named}: {error}") from error


def selection_to_dict(selection: Selection) -> dict[str, Any]:
    """A selection as it stands in a scores file."""
    return {**asdict(selection), "criterion": selection.criterion.value}


def selection_from(record: SelectionRecord) -> Selection:
    """Inverse of `selection_to_dict`.

    Raises:
        FileFormatError: An unknown criterion.
    """
    return Selection(
        within("selection", lambda: Criterion.from_name(record.criterion)),
        tuple(record.chosen),
        record.expected_share,
        record.expected_shortfall,
        record.most_missed,
    )


def check_seed(seed: int) -> int:
    """Seeds travel as uint64.

    Raises:
        FileFormatError: It does not fit.
    """
    if not 0 <= seed <= MAX_SEED:
        raise FileFormatError(f"seed: expected 0 to {MAX_SEED}, got {seed}")
    return seed


def _fitness_to_dict(fitness: Fitness) -> dict[str, Any]:
    low, high = fitness.interval
    record = {
        "successes": fitness.successes,
        "trials": fitness.trials,
        "value": fitness.value,
        "low": low,
        "high": high,
    }
    # Only where true, so that files of fixed budgets stay as they were.
    return {**record, "sequential": True} if fitness.sequential else record


def _fitness(records: Mapping[str, FitnessRecord]) -> dict[Criterion, Fitness]:
    found = {}
    for name, record in records.items():
        criterion = Criterion.from_name(name)
        counts = record.successes, record.trials, record.value, record.sequential
        found[criterion] = within(name, partial(Fitness.stated, criterion, *counts))
    return found
