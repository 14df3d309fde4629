"""The scores file: JSON with one score on each line, whole on disk or not at all.

Equal scores give equal bytes, and all numbers are read back exactly.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from itertools import chain
from pathlib import Path
from typing import Any

from pydantic_core import to_jsonable_python

from dr_grasp.core.engine import Engine
from dr_grasp.core.fitness import Fitness, GraspScore, RefusedGrasp, Selection
from dr_grasp.core.metric import Metric
from dr_grasp.core.outcome import Outcome
from dr_grasp.core.perturbation import MAX_SEED, Criterion
from dr_grasp.errors import DrGraspError, FileFormatError
from dr_grasp.formats.collision_records import collision_of, collision_to_dict
from dr_grasp.formats.documents import (
    Within,
    check_record,
    check_unique,
    given_id,
    head,
    read_document,
    write_document,
)
from dr_grasp.formats.margin_records import margins_of, margins_to_dict
from dr_grasp.formats.score_records import FitnessRecord, ScoreFileRecord, ScoreRecord

SCORES_KIND = "dr_grasp/scores"


@dataclass(frozen=True, slots=True)
class ScoreFile:
    """The content of a scores file.

    Attributes:
        scores: The scores, all with the seed, profile, software version and engine below.
        refused: Grasps that were not scored, and why.
        seed: Seed of the perturbations.
        profile: Name of the randomisation profile.
        software_version: Versions of dr_grasp and of the engine.
        selection: The best grasps, if the request was for the best only.
        engine: The engine that simulated the rollouts.
    """

    scores: tuple[GraspScore, ...]
    refused: tuple[RefusedGrasp, ...]
    seed: int
    profile: str
    software_version: str
    selection: Selection | None = None
    engine: Engine = Engine.BULLET

    def __post_init__(self) -> None:
        """Check that the scores belong together.

        Raises:
            FileFormatError: The seed does not fit into uint64, a grasp has two scores, or a score
                has another seed, profile, software version or engine than the file.
        """
        if not 0 <= self.seed <= MAX_SEED:
            raise FileFormatError(f"seed: expected 0 to {MAX_SEED}, got {self.seed}")
        check_unique(
            "scores: expected one for each grasp", (score.grasp_id for score in self.scores)
        )
        for score in self.scores:
            for name in ("seed", "profile", "software_version", "engine"):
                expected, got = (_plain(getattr(owner, name)) for owner in (self, score))
                if expected != got:
                    raise FileFormatError(
                        f"score of grasp {score.grasp_id}: {name}: expected {expected!r} "
                        f"as for the whole file, got {got!r}"
                    )


def _plain(value: object) -> object:
    return value.value if isinstance(value, Engine) else value


def write_scores(path: Path, content: ScoreFile) -> None:
    """Write a scores file, whole or not at all.

    Raises:
        FileFormatError: The file cannot be written.
    """
    selections = () if content.selection is None else (content.selection,)
    write_score_stream(
        path,
        [*content.scores, *content.refused, *selections],
        seed=content.seed,
        profile=content.profile,
        software_version=content.software_version,
        engine=content.engine,
    )


def write_score_stream(
    path: Path,
    results: Iterable[GraspScore | RefusedGrasp | Selection],
    *,
    seed: int,
    profile: str,
    software_version: str,
    engine: Engine = Engine.BULLET,
) -> None:
    """Write a scores file as the results come; it appears when all is written.

    Args:
        path: The file to write.
        results: Scores and refusals, one for each grasp, and at most one selection.
        seed: Seed of the perturbations.
        profile: Name of the randomisation profile.
        software_version: Versions of dr_grasp and of the engine.
        engine: The engine that simulated the rollouts.

    Raises:
        FileFormatError: The file cannot be written.
    """
    refused: list[RefusedGrasp] = []
    selections: list[Selection] = []

    def scores() -> Iterator[dict[str, Any]]:
        for result in results:
            if isinstance(result, GraspScore):
                yield _score_to_dict(result)
            elif isinstance(result, RefusedGrasp):
                refused.append(result)
            else:
                selections.append(result)

    items = {
        **head(SCORES_KIND),
        "seed": seed,
        "profile": profile,
        "software_version": software_version,
        # Only of others than PyBullet, so that files of PyBullet stay as they were.
        **({} if engine is Engine.BULLET else {"engine": engine.value}),
        "scores": scores(),
        "refused": map(asdict, refused),  # after the scores: known only then
    }
    last = (("selection", to_jsonable_python(selection)) for selection in selections)
    write_document(path, chain(items.items(), last))


def read_scores(path: Path) -> ScoreFile:
    """Read a scores file.

    Raises:
        FileFormatError: The file is missing, half-written, of another kind or schema version, has
            an unknown key, or a score contradicts itself.
    """
    content = read_document(path, SCORES_KIND, allow_nan=False)
    with Within(str(path)):
        record = check_record(ScoreFileRecord, content)
        selection = record.selection
        return ScoreFile(
            tuple(_score(raw, record) for raw in record.scores),
            tuple(RefusedGrasp(**vars(refusal)) for refusal in record.refused),
            record.seed,
            record.profile,
            record.software_version,
            None if selection is None else Selection(**vars(selection)),
            record.engine,
        )


def _score_to_dict(score: GraspScore) -> dict[str, Any]:
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
    if score.collisions:
        record["collisions"] = [collision_to_dict(found) for found in score.collisions]
    if score.whole:
        record["whole"] = True
    if score.models:
        record["models"] = dict(sorted(score.models.items()))
    if score.transfer_probability is not None:
        record["transfer_probability"] = score.transfer_probability
    if score.metrics:
        record["metrics"] = {m.value: score.metrics[m] for m in Metric if m in score.metrics}
    if score.margins is not None:
        record["margins"] = margins_to_dict(score.margins)
    return record


def _score(raw: object, file: ScoreFileRecord) -> GraspScore:
    try:
        record = check_record(ScoreRecord, raw)
        with Within("nominal_outcome"):
            outcome = Outcome.from_label(record.nominal_outcome)
        if record.nominal_success != (outcome is Outcome.SUCCESS):
            raise FileFormatError(
                f"nominal_success: expected {not record.nominal_success} for the nominal outcome "
                f"{outcome.label}, got {record.nominal_success}"
            )
        with Within("fitness"):
            fitness = _fitness(record.fitness)
        with Within("failures"):
            failures = {Outcome.from_label(name): n for name, n in record.failures.items()}
        with Within("collisions"):
            collisions = tuple(map(collision_of, record.collisions))
        with Within("metrics"):
            metrics = {Metric.from_name(name): value for name, value in record.metrics.items()}
        with Within("margins"):
            margins = None if record.margins is None else margins_of(record.margins)
        return GraspScore(
            grasp_id=record.grasp_id,
            nominal_outcome=outcome,
            fitness=fitness,
            failures=failures,
            collisions=collisions,
            seed=file.seed,
            profile=file.profile,
            software_version=file.software_version,
            whole=record.whole,
            models=record.models,
            transfer_probability=record.transfer_probability,
            engine=file.engine,
            metrics=metrics,
            margins=margins,
        )
    except DrGraspError as error:
        named = given_id(raw, "grasp_id") or "without an id"
        raise FileFormatError(f"score of grasp {named}: {error}") from error


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
        with Within(name):
            found[criterion] = Fitness.stated(criterion, *counts, (record.low, record.high))
    return found
