"""The scores file: JSON, one score a line, whole on disk or not at all.

Equal scores give equal bytes, and numbers come back to the bit.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from dr_grasp.core.fitness import GraspScore, RefusedGrasp, Selection
from dr_grasp.errors import FileFormatError
from dr_grasp.formats.documents import (
    check_unique,
    errors_of,
    head,
    read_document,
    write_document,
)
from dr_grasp.formats.grasp_records import Record, check_record
from dr_grasp.formats.score_records import (
    RefusalRecord,
    SelectionRecord,
    check_seed,
    score_from_dict,
    score_to_dict,
    selection_from,
    selection_to_dict,
)

SCORES_KIND = "dr_grasp/scores"


@dataclass(frozen=True, slots=True)
class ScoreFile:
    """What a scores file holds.

    Attributes:
        scores: All of the seed, profile and software version below.
        refused: Grasps that were not scored.
        seed: Of the perturbations.
        profile: Name of the randomisation profile.
        software_version: Of dr_grasp and of the simulator.
        selection: The best, if only they were asked for.
    """

    scores: tuple[GraspScore, ...]
    refused: tuple[RefusedGrasp, ...]
    seed: int
    profile: str
    software_version: str
    selection: Selection | None = None

    def __post_init__(self) -> None:
        """Check that the scores belong together.

        Raises:
            FileFormatError: A grasp has two scores, or a score was made in another way.
        """
        check_seed(self.seed)
        check_unique(
            "scores: expected one for each grasp", (score.grasp_id for score in self.scores)
        )
        for score in self.scores:
            for name in ("seed", "profile", "software_version"):
                expected, got = getattr(self, name), getattr(score, name)
                if expected != got:
                    raise FileFormatError(
                        f"score of grasp {score.grasp_id}: {name}: expected {expected!r} "
                        f"as for the whole file, got {got!r}"
                    )


class _ScoreFileRecord(Record):
    seed: int
    profile: str
    software_version: str
    scores: list[Any]
    refused: list[RefusalRecord]
    selection: SelectionRecord | None = None


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
    )


def write_score_stream(
    path: Path,
    results: Iterable[GraspScore | RefusedGrasp | Selection],
    *,
    seed: int,
    profile: str,
    software_version: str,
) -> None:
    """Write a scores file as the results come; it appears when all is written.

    Args:
        path: The file.
        results: Scores and refusals of different grasps, and at most one selection.
        seed: Of the perturbations.
        profile: Name of the randomisation profile.
        software_version: Of dr_grasp and of the simulator.

    Raises:
        FileFormatError: The file cannot be written.
    """
    refused: list[RefusedGrasp] = []
    selections: list[Selection] = []

    def scores() -> Iterator[dict[str, Any]]:
        for result in results:
            if isinstance(result, GraspScore):
                yield score_to_dict(result)
            elif isinstance(result, RefusedGrasp):
                refused.append(result)
            else:
                selections.append(result)

    def items() -> Iterator[tuple[str, Any]]:
        yield from head(SCORES_KIND)
        yield "seed", seed
        yield "profile", profile
        yield "software_version", software_version
        yield "scores", scores()
        yield "refused", map(asdict, refused)  # after the scores: known only then
        for selection in selections:
            yield "selection", selection_to_dict(selection)

    write_document(path, items())


def read_scores(path: Path) -> ScoreFile:
    """Read a scores file.

    Raises:
        FileFormatError: The file is missing, half-written, of another kind or schema version, has
            an unknown key, or a score contradicts itself.
    """
    content = read_document(path, SCORES_KIND, allow_nan=False)
    with errors_of(path):
        record = check_record(_ScoreFileRecord, content)
        seed, profile, version = record.seed, record.profile, record.software_version
        return ScoreFile(
            tuple(score_from_dict(raw, seed, profile, version) for raw in record.scores),
            tuple(RefusedGrasp(**refusal.model_dump()) for refusal in record.refused),
            seed,
            profile,
            version,
            None if record.selection is None else selection_from(record.selection),
        )
