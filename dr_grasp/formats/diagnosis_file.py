"""The diagnosis file: measurements of each grasp, and the causes of failure that they show.

Equal data give equal bytes. The causes follow from the measurements and the thresholds; they are in
the file for readers that do not compute.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated, Any

from pydantic import ConfigDict, Field, NonNegativeFloat, PositiveFloat, Strict

from dr_grasp.core.diagnosis import QUANTITIES, Diagnosis, DiagnosisThresholds
from dr_grasp.core.engine import Engine
from dr_grasp.core.fitness import RefusedGrasp
from dr_grasp.core.outcome import LinkPair, Outcome
from dr_grasp.errors import DrGraspError, FileFormatError
from dr_grasp.formats.collision_records import Pair
from dr_grasp.formats.documents import (
    Record,
    Within,
    check_record,
    check_unique,
    given_id,
    head,
    read_document,
    write_document,
)
from dr_grasp.formats.score_records import RefusalRecord

DIAGNOSIS_KIND = "dr_grasp/diagnosis"

_Share = Annotated[float, Field(ge=0.0, le=1.0)]
_ShareLimit = Annotated[float, Field(gt=0.0, le=1.0)]


@dataclass(frozen=True, slots=True)
class DiagnosisFile:
    """The content of a diagnosis file.

    Attributes:
        diagnoses: A diagnosis for each grasp that was not refused.
        refused: Grasps that were not diagnosed, and why.
        thresholds: Values of the measured quantities beyond which their cause is present.
        software_version: Versions of dr_grasp and of the engine.
        engine: The engine in which the quantities were measured.
    """

    diagnoses: tuple[Diagnosis, ...]
    refused: tuple[RefusedGrasp, ...]
    thresholds: DiagnosisThresholds
    software_version: str
    engine: Engine = Engine.BULLET

    def __post_init__(self) -> None:
        """Check that no grasp has two diagnoses.

        Raises:
            FileFormatError: A grasp has two diagnoses.
        """
        ids = (diagnosis.grasp_id for diagnosis in self.diagnoses)
        check_unique("diagnoses: expected one for each grasp", ids)


class ThresholdsRecord(Record):
    """The schema of a `DiagnosisThresholds`, in a diagnosis file and in config/diagnosis."""

    model_config = ConfigDict(allow_inf_nan=False)

    least_friction: _ShareLimit | None
    friction_loss: _ShareLimit | None
    deepest_penetration_m: PositiveFloat | None
    lift_acceleration: PositiveFloat | None
    grip_offset_m: PositiveFloat | None
    grip_lever_m: PositiveFloat | None
    surface_distance_m: PositiveFloat | None
    # Thresholds of version 0.4 and before have no engine gap: it speaks for nothing then.
    engine_gap: _ShareLimit | None = None
    mdr: _ShareLimit | None


class DiagnosisRecord(Record):
    """The schema of a `Diagnosis`.

    Attributes:
        causes: What may break the grasp on an arm, by the thresholds: `friction`, `contact`,
            `inertia`, `model`, `exploit`, `fragility`.
        engine_gap: By how much MDR differs between PyBullet and MuJoCo; absent in files of version
            0.4 and before, as `other_outcome`.
        other_outcome: How the undisturbed rollout ended in the other engine; absent or null if it
            was not simulated.
    """

    grasp_id: str
    trajectory: str
    outcome: str
    links: Pair | None = None
    causes: list[str]
    least_friction: _Share | None
    friction_loss: _Share | None
    deepest_penetration_m: float | None
    lift_acceleration: NonNegativeFloat | None
    grip_offset_m: NonNegativeFloat | None
    grip_lever_m: NonNegativeFloat | None
    surface_distance_m: NonNegativeFloat | None
    engine_gap: _Share | None = None
    other_outcome: str | None = None
    mdr: _Share | None


class DiagnosisFileRecord(Record):
    """The schema of a `DiagnosisFile`, beside its kind and version.

    Files of diagnoses that PyBullet made have no key `engine`, as those of older versions.
    """

    software_version: str
    # In strict mode, pydantic accepts no name for an engine.
    engine: Annotated[Engine, Strict(False)] = Engine.BULLET
    thresholds: ThresholdsRecord
    diagnoses: list[Any]
    refused: list[RefusalRecord]


def write_diagnoses(
    path: Path,
    results: Iterable[Diagnosis | RefusedGrasp],
    thresholds: DiagnosisThresholds,
    software_version: str,
    engine: Engine = Engine.BULLET,
) -> None:
    """Write a diagnosis file as the results come; it appears when all is written.

    Args:
        path: The file to write.
        results: Diagnoses and refusals, one for each grasp.
        thresholds: Values of the measured quantities beyond which their cause is present.
        software_version: Versions of dr_grasp and of the engine.
        engine: The engine in which the quantities were measured.

    Raises:
        FileFormatError: The file cannot be written.
    """
    refused: list[RefusedGrasp] = []

    def diagnoses() -> Iterator[dict[str, Any]]:
        for result in results:
            if isinstance(result, RefusedGrasp):
                refused.append(result)
            else:
                yield _diagnosis_to_dict(result, thresholds)

    items = {
        **head(DIAGNOSIS_KIND),
        "software_version": software_version,
        # Only of others than PyBullet, so that files of PyBullet stay as they were.
        **({} if engine is Engine.BULLET else {"engine": engine.value}),
        "thresholds": asdict(thresholds),
        "diagnoses": diagnoses(),
        "refused": map(asdict, refused),  # after the diagnoses: known only then
    }
    write_document(path, items.items())


def read_diagnoses(path: Path) -> DiagnosisFile:
    """Read a diagnosis file.

    Raises:
        FileFormatError: The file is missing, half-written, of another kind or schema version, has
            an unknown key, two diagnoses of a grasp, or a diagnosis that contradicts itself.
    """
    content = read_document(path, DIAGNOSIS_KIND, allow_nan=False)
    with Within(str(path)):
        record = check_record(DiagnosisFileRecord, content)
        thresholds = DiagnosisThresholds(**vars(record.thresholds))
        return DiagnosisFile(
            tuple(_diagnosis(raw, thresholds) for raw in record.diagnoses),
            tuple(RefusedGrasp(**vars(refusal)) for refusal in record.refused),
            thresholds,
            record.software_version,
            record.engine,
        )


def read_causes(path: Path) -> dict[str, tuple[str, ...]]:
    """Read the names of the causes of each grasp, by the fingerprint of the grasp's trajectory.

    Raises:
        FileFormatError: The diagnosis file is missing or invalid; see `read_diagnoses`.
    """
    content = read_diagnoses(path)
    return {
        diagnosis.trajectory: tuple(cause.value for cause in diagnosis.causes(content.thresholds))
        for diagnosis in content.diagnoses
    }


def _diagnosis_to_dict(diagnosis: Diagnosis, thresholds: DiagnosisThresholds) -> dict[str, Any]:
    links, other = diagnosis.links, diagnosis.other_outcome
    return {
        "grasp_id": diagnosis.grasp_id,
        "trajectory": diagnosis.trajectory,
        "outcome": diagnosis.outcome.label,
        # Only where links touched, so that other diagnoses stay as they were.
        **({} if links is None else {"links": [links.first, links.second]}),
        "causes": [cause.value for cause in diagnosis.causes(thresholds)],
        "other_outcome": None if other is None else other.label,
        **{quantity.name: diagnosis.value(quantity) for quantity in QUANTITIES},
    }


def _diagnosis(raw: object, thresholds: DiagnosisThresholds) -> Diagnosis:
    try:
        fields = {**vars(check_record(DiagnosisRecord, raw))}
        came = fields.pop("causes")
        fields["outcome"] = Outcome.from_label(fields["outcome"])
        if fields["other_outcome"] is not None:
            fields["other_outcome"] = Outcome.from_label(fields["other_outcome"])
        if fields["links"] is not None:
            fields["links"] = LinkPair(*fields["links"])
        diagnosis = Diagnosis(**fields)
        causes = [cause.value for cause in diagnosis.causes(thresholds)]
        if came != causes:
            raise FileFormatError(f"causes: expected {causes} by the file's thresholds, got {came}")
        return diagnosis
    except (DrGraspError, ValueError) as error:
        named = given_id(raw, "grasp_id") or "without an id"
        raise FileFormatError(f"diagnosis of grasp {named}: {error}") from error
