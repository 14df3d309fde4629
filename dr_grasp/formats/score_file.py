"""The grasp file and the scores file: JSON, one entry a line, whole on disk or not at all.

Equal data give equal bytes, and numbers come back to the bit. A grasp that cannot be replayed does
not take the others of its file with it; a file that cannot be trusted as a whole is refused.
"""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from dr_grasp.core.fitness import GraspScore
from dr_grasp.core.refusal import RefusedGrasp
from dr_grasp.core.selection import Selection
from dr_grasp.core.trajectory import GraspTrajectory
from dr_grasp.errors import FileFormatError
from dr_grasp.formats.documents import head, read_document, write_document
from dr_grasp.formats.grasp_reader import GRASPS_KIND, grasps_of, read_whole
from dr_grasp.formats.grasp_records import Record, check_record, grasp_to_dict
from dr_grasp.formats.score_records import (
    Count,
    SelectionRecord,
    check_seed,
    score_from_dict,
    score_to_dict,
    selection_from,
    selection_to_dict,
)

SCORES_KIND = "dr_grasp/scores"

SPOOLED = 1_000_000
"""Bytes of refusals that are kept in memory; more are kept on disk."""


@dataclass(frozen=True, slots=True)
class GraspFile:
    """What a grasp file holds.

    Attributes:
        grasps: Those that can be replayed, in the order of the file, with unique ids.
        refused: The others.
    """

    grasps: tuple[GraspTrajectory, ...]
    refused: tuple[RefusedGrasp, ...] = ()


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
        seen: set[str] = set()
        for score in self.scores:
            if score.grasp_id in seen:
                raise FileFormatError(
                    f"scores: expected one for each grasp, got {score.grasp_id} twice"
                )
            seen.add(score.grasp_id)
            for name in ("seed", "profile", "software_version"):
                expected, got = getattr(self, name), getattr(score, name)
                if expected != got:
                    raise FileFormatError(
                        f"score of grasp {score.grasp_id}: {name}: expected {expected!r} "
                        f"as for the whole file, got {got!r}"
                    )


class _RefusalRecord(Record):
    index: Count
    grasp_id: str
    reason: str


class _ScoreFileRecord(Record):
    schema_version: Literal[1]
    kind: Literal["dr_grasp/scores"]
    seed: int
    profile: str
    software_version: str
    scores: list[Any]
    refused: list[_RefusalRecord]
    selection: SelectionRecord | None = None


def check_writable(path: Path) -> None:
    """Refuse a place where no file can be written, before hours of work are to go there.

    Raises:
        FileFormatError: It is a folder, its folder is missing, or may not be written to.
    """
    folder = path.resolve().parent
    for wrong, problem in (
        (path.is_dir(), "is a folder, expected a file"),
        (not folder.is_dir(), f"cannot be written: no folder {folder}"),
        (not os.access(folder, os.W_OK), f"cannot be written: {folder} is read-only"),
    ):
        if wrong:
            raise FileFormatError(f"{path}: {problem}")


def write_grasps(path: Path, grasps: Iterable[GraspTrajectory]) -> None:
    """Write a grasp file, whole or not at all.

    Raises:
        FileFormatError: Two grasps share an id, or the file cannot be written.
    """
    grasps = tuple(grasps)
    seen: set[str] = set()
    for grasp in grasps:
        if grasp.id in seen:
            raise FileFormatError(f"{path}: grasps: expected unique ids, got {grasp.id} twice")
        seen.add(grasp.id)
    write_document(path, [*head(GRASPS_KIND), ("grasps", map(grasp_to_dict, grasps))])


def read_grasps(path: Path) -> GraspFile:
    """Read a grasp file; grasps that cannot be replayed are named beside the others.

    Raises:
        FileFormatError: The file is missing, half-written, of another kind or schema version, or
            has an unknown key beside the grasps.
    """
    entries = list(grasps_of(read_whole(path)))
    return GraspFile(
        tuple(one for one in entries if isinstance(one, GraspTrajectory)),
        tuple(one for one in entries if isinstance(one, RefusedGrasp)),
    )


def write_scores(path: Path, content: ScoreFile) -> None:
    """Write a scores file, whole or not at all.

    Raises:
        FileFormatError: The file cannot be written.
    """
    write_document(path, scores_document(content).items())


def write_score_stream(
    path: Path,
    results: Iterable[GraspScore | RefusedGrasp | Selection],
    *,
    seed: int,
    profile: str,
    software_version: str,
) -> None:
    """Write a scores file as the results come, the same as `write_scores` writes of all of them.

    Args:
        path: The file; it appears when all is written.
        results: Scores and refusals of different grasps, and at most one selection.
        seed: Of the perturbations.
        profile: Name of the randomisation profile.
        software_version: Of dr_grasp and of the simulator.

    Raises:
        FileFormatError: The file cannot be written.
    """
    selections: list[Selection] = []
    # Refusals come after the scores, and there may be as many.
    with tempfile.SpooledTemporaryFile(SPOOLED, "w+", encoding="utf-8") as refusals:

        def scores() -> Iterator[dict[str, Any]]:
            for one in results:
                if isinstance(one, GraspScore):
                    yield score_to_dict(one)
                elif isinstance(one, RefusedGrasp):
                    refusals.write(json.dumps(_refusal_to_dict(one)) + "\n")
                else:
                    selections.append(one)
            refusals.seek(0)

        def items() -> Iterator[tuple[str, Any]]:
            yield from head(SCORES_KIND)
            shared = {"seed": seed, "profile": profile, "software_version": software_version}
            yield from shared.items()
            yield "scores", scores()
            yield "refused", map(json.loads, refusals)
            for selection in selections:
                yield "selection", selection_to_dict(selection)

        write_document(path, items())


def scores_document(content: ScoreFile) -> dict[str, Any]:
    """A scores file as plain data, for --json."""
    document: dict[str, Any] = {
        **dict(head(SCORES_KIND)),
        "seed": content.seed,
        "profile": content.profile,
        "software_version": content.software_version,
        "scores": [score_to_dict(score) for score in content.scores],
        "refused": [_refusal_to_dict(entry) for entry in content.refused],
    }
    if content.selection is not None:
        document["selection"] = selection_to_dict(content.selection)
    return document


def read_scores(path: Path) -> ScoreFile:
    """Read a scores file.

    Raises:
        FileFormatError: The file is missing, half-written, of another kind or schema version, has
            an unknown key, or a score contradicts itself.
    """
    content = read_document(path, SCORES_KIND, allow_nan=False)
    try:
        record = check_record(_ScoreFileRecord, content)
    except FileFormatError as error:
        raise FileFormatError(f"{path}: {error}") from error
    shared = {"profile": record.profile, "software_version": record.software_version}
    try:
        return ScoreFile(
            scores=tuple(score_from_dict(raw, seed=record.seed, **shared) for raw in record.scores),
            refused=tuple(
                RefusedGrasp(entry.index, entry.grasp_id, entry.reason) for entry in record.refused
            ),
            seed=record.seed,
            **shared,
            selection=None if record.selection is None else selection_from(record.selection),
        )
    except FileFormatError as error:
        raise FileFormatError(f"{path}: {error}") from error


def _refusal_to_dict(entry: RefusedGrasp) -> dict[str, Any]:
    return {"index": entry.index, "grasp_id": entry.grasp_id, "reason": entry.reason}
