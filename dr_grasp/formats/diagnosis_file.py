"""The diagnosis file: what was measured of each grasp, and which causes that speaks for.

Equal data give equal bytes. The causes follow from the numbers and the thresholds, and are there
for readers that do not compute.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, NonNegativeFloat, PositiveFloat

from dr_grasp.core.diagnosis import QUANTITIES, Diagnosis, DiagnosisThresholds
from dr_grasp.core.outcome import Outcome
from dr_grasp.core.refusal import RefusedGrasp
from dr_grasp.errors import FileFormatError
from dr_grasp.formats.documents import head, read_document, write_document
from dr_grasp.formats.grasp_records import Record, check_record, given_id
from dr_grasp.formats.score_records import Count

DIAGNOSIS_KIND = "dr_grasp/diagnosis"

Share = Annotated[float, Field(ge=0.0, le=1.0)]


@dataclass(frozen=True, slots=True)
class DiagnosisFile:
    """What a diagnosis file holds.

    Attributes:
        diagnoses: One for each grasp.
        refused: Grasps that were not diagnosed.
        thresholds: By which causes are found.
        software_version: Of dr_grasp and of the simulator.
    """

    diagnoses: tuple[Diagnosis, ...]
    refused: tuple[RefusedGrasp, ...]
    thresholds: DiagnosisThresholds
    software_version: str


class _ThresholdsRecord(Record):
    least_friction: PositiveFloat | None
    friction_loss: PositiveFloat | None
    deepest_penetration_m: PositiveFloat | None
    lift_acceleration: PositiveFloat | None
    grip_offset_m: PositiveFloat | None
    grip_lever_m: PositiveFloat | None
    surface_distance_m: PositiveFloat | None
    mdr: PositiveFloat | None


class _DiagnosisRecord(Record):
    grasp_id: str
    trajectory: str
    outcome: str
    causes: list[str]
    least_friction: Share | None
    friction_loss: Share | None
    deepest_penetration_m: float | None
    lift_acceleration: NonNegativeFloat | None
    grip_offset_m: NonNegativeFloat | None
    grip_lever_m: NonNegativeFloat | None
    surface_distance_m: NonNegativeFloat | None
    mdr: Share | None


class _RefusalRecord(Record):
    index: Count
    grasp_id: str
    reason: str


class _DiagnosisFileRecord(Record):
    schema_version: Literal[1]
    kind: Literal["dr_grasp/diagnosis"]
    software_version: str
    thresholds: _ThresholdsRecord
    diagnoses: list[Any]
    refused: list[_RefusalRecord]


def write_diagnoses(
    path: Path,
    results: Iterable[Diagnosis | RefusedGrasp],
    thresholds: DiagnosisThresholds,
    software_version: str,
) -> None:
    """Write a diagnosis file as the results come; it appears when all is written.

    Args:
        path: The file.
        results: Of different grasps.
        thresholds: By which causes are found.
        software_version: Of dr_grasp and of the simulator.

    Raises:
        FileFormatError: The file cannot be written.
    """
    refused: list[RefusedGrasp] = []

    def diagnoses() -> Iterator[dict[str, Any]]:
        for one in results:
            if isinstance(one, RefusedGrasp):
                refused.append(one)
            else:
                yield diagnosis_to_dict(one, thresholds)

    def items() -> Iterator[tuple[str, Any]]:
        yield from head(DIAGNOSIS_KIND)
        yield "software_version", software_version
        yield "thresholds", asdict(thresholds)
        yield "diagnoses", diagnoses()
        yield "refused", map(asdict, refused)  # after the diagnoses: known only then

    write_document(path, items())


def diagnosis_to_dict(diagnosis: Diagnosis, thresholds: DiagnosisThresholds) -> dict[str, Any]:
    """A diagnosis as an entry of a diagnosis file."""
    return {
        "grasp_id": diagnosis.grasp_id,
        "trajectory": diagnosis.trajectory,
        "outcome": diagnosis.outcome.label,
        "causes": [cause.value for cause in diagnosis.causes(thresholds)],
        **{one.name: diagnosis.value(one) for one in QUANTITIES},
    }


def read_diagnoses(path: Path) -> DiagnosisFile:
    """Read a diagnosis file.

    Raises:
        FileFormatError: The file is missing, half-written, of another kind or schema version, has
            an unknown key, two diagnoses of a grasp, or one that contradicts itself.
    """
    content = read_document(path, DIAGNOSIS_KIND, allow_nan=False)
    try:
        record = check_record(_DiagnosisFileRecord, content)
        thresholds = DiagnosisThresholds(**record.thresholds.model_dump())
        diagnoses = tuple(_diagnosis(raw, thresholds) for raw in record.diagnoses)
        _check_unique(diagnoses)
    except FileFormatError as error:
        raise FileFormatError(f"{path}: {error}") from error
    refused = tuple(RefusedGrasp(**one.model_dump()) for one in record.refused)
    return DiagnosisFile(diagnoses, refused, thresholds, record.software_version)


def read_causes(path: Path) -> dict[str, tuple[str, ...]]:
    """Names of the causes found of each grasp of a diagnosis file, by its trajectory.

    Raises:
        FileFormatError: As for `read_diagnoses`.
    """
    content = read_diagnoses(path)
    return {
        one.trajectory: tuple(cause.value for cause in one.causes(content.thresholds))
        for one in content.diagnoses
    }


def _diagnosis(raw: object, thresholds: DiagnosisThresholds) -> Diagnosis:
    try:
        record = check_record(_DiagnosisRecord, raw)
        outcome = _outcome(record.outcome)
        values = record.model_dump(exclude={"grasp_id", "outcome", "causes"})
        diagnosis = Diagnosis(record.grasp_id, outcome, **values)
        causes = [cause.value for cause in diagnosis.causes(thresholds)]
        if record.causes != causes:
            raise FileFormatError(
                f"causes: expected {causes} by the file's thresholds, got {record.causes}"
            )
    except FileFormatError as error:
        named = given_id(raw, "grasp_id") or "without an id"
        raise FileFormatError(f"diagnosis of grasp {named}: {error}") from error
    return diagnosis


def _outcome(label: str) -> Outcome:
    try:
        return Outcome.from_label(label)
    except ValueError as error:
        raise FileFormatError(str(error)) from error


def _check_unique(diagnoses: Iterable[Diagnosis]) -> None:
    seen: set[str] = set()
    for one in diagnoses:
        if one.grasp_id in seen:
            raise FileFormatError(
                f"diagnoses: expected one for each grasp, got {one.grasp_id} twice"
            )
        seen.add(one.grasp_id)
