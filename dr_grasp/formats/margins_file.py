"""The margins file: how far each parameter may be off before each grasp is lost.

Equal data give equal bytes. Intervals and entropies follow from the other numbers; they are in the
file for readers that do not compute.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field, Strict

from dr_grasp.core.engine import Engine
from dr_grasp.core.fitness import RefusedGrasp
from dr_grasp.core.margin import GraspMargins
from dr_grasp.core.perturbation import MAX_SEED
from dr_grasp.errors import DrGraspError, FileFormatError
from dr_grasp.formats.documents import (
    Count,
    Record,
    Within,
    check_record,
    check_unique,
    given_id,
    head,
    read_document,
    write_document,
)
from dr_grasp.formats.margin_records import margins_from_dict, margins_to_dict
from dr_grasp.formats.score_records import RefusalRecord

MARGINS_KIND = "dr_grasp/margins"

_Rate = Annotated[float, Field(gt=0.0, lt=1.0)]


class MeasuredWith(Record):
    """How the margins of a file were measured.

    Attributes:
        software_version: Versions of dr_grasp and of the engine.
        engine: The engine that simulated the rollouts.
        profile: Name of the profile that has the background's doubts.
        seed: Seed of all perturbations.
        high: Rate of success that a grasp must have to bear a value, or to grow a range.
        low: Rate of success at which a grasp loses a value, or a range shrinks.
        trials: Largest number of trials at one value.
        background: Share of the profile's perturbations that was added while one parameter was
            tried.
        halvings: How often the range between what is borne and what is lost was halved.
        rounds: Largest number of rounds in which all ranges grew together.
    """

    software_version: str
    # In strict mode, pydantic accepts no name for an engine.
    engine: Annotated[Engine, Strict(False)]
    profile: str
    seed: Annotated[int, Field(ge=0, le=MAX_SEED)]
    high: _Rate
    low: _Rate
    trials: Count
    background: Annotated[float, Field(ge=0.0, le=1.0)]
    halvings: Count
    rounds: Count


class MarginsFileRecord(Record):
    """The schema of a `MarginsFile`, beside its kind and version."""

    measured_with: MeasuredWith
    margins: list[Any]
    refused: list[RefusalRecord]


@dataclass(frozen=True, slots=True)
class MarginsFile:
    """The content of a margins file.

    Attributes:
        margins: Margins of each grasp that was not refused.
        refused: Grasps that were not measured, and why.
        measured_with: How the margins were measured.
    """

    margins: tuple[GraspMargins, ...]
    refused: tuple[RefusedGrasp, ...]
    measured_with: MeasuredWith

    def __post_init__(self) -> None:
        """Check that no grasp comes twice.

        Raises:
            FileFormatError: A grasp has margins twice.
        """
        check_unique("margins: expected once for each grasp", (m.grasp_id for m in self.margins))


def write_margins(
    path: Path, results: Iterable[GraspMargins | RefusedGrasp], measured_with: MeasuredWith
) -> None:
    """Write a margins file as the results come; it appears when all is written.

    Args:
        path: The file to write.
        results: Margins and refusals, one for each grasp.
        measured_with: How the margins were measured.

    Raises:
        FileFormatError: The file cannot be written.
    """
    refused: list[RefusedGrasp] = []

    def margins() -> Iterator[dict[str, Any]]:
        for result in results:
            if isinstance(result, RefusedGrasp):
                refused.append(result)
            else:
                yield margins_to_dict(result)

    items = {
        **head(MARGINS_KIND),
        "measured_with": measured_with.model_dump(mode="json"),
        "margins": margins(),
        "refused": map(asdict, refused),  # after the margins: known only then
    }
    write_document(path, items.items())


def read_margins(path: Path) -> MarginsFile:
    """Read a margins file.

    Raises:
        FileFormatError: The file is missing, half-written, of another kind or schema version, has
            an unknown key, a grasp twice, or margins that contradict themselves.
    """
    content = read_document(path, MARGINS_KIND, allow_nan=False)
    with Within(str(path)):
        record = check_record(MarginsFileRecord, content)
        return MarginsFile(
            tuple(map(_margins, record.margins)),
            tuple(RefusedGrasp(**vars(refusal)) for refusal in record.refused),
            record.measured_with,
        )


def read_margins_by_motion(path: Path) -> dict[str, GraspMargins]:
    """Read the margins of each grasp, by the fingerprint of the grasp's trajectory.

    Raises:
        FileFormatError: The margins file is missing or invalid; see `read_margins`.
    """
    return {margins.trajectory: margins for margins in read_margins(path).margins}


def _margins(raw: object) -> GraspMargins:
    try:
        return margins_from_dict(raw)
    except (DrGraspError, ValueError) as error:
        named = given_id(raw, "grasp_id") or "without an id"
        raise FileFormatError(f"margins of grasp {named}: {error}") from error
