"""The grasp file and the scores file: JSON, one entry a line, whole on disk or not at all.

Equal data give equal bytes, and numbers come back to the bit. A grasp that cannot be replayed does
not take the others of its file with it; a file that cannot be trusted as a whole is refused.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, NoReturn

from dr_grasp.atomic import write_whole
from dr_grasp.core.fitness import GraspScore
from dr_grasp.core.refusal import RefusedGrasp
from dr_grasp.core.trajectory import GraspTrajectory
from dr_grasp.errors import FileFormatError, InvalidGraspError
from dr_grasp.records import Record, check_record, given_id, grasp_from_dict, grasp_to_dict
from dr_grasp.score_records import Count, check_seed, score_from_dict, score_to_dict

SCHEMA_VERSION = 1
GRASPS_KIND = "dr_grasp/grasps"
SCORES_KIND = "dr_grasp/scores"


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
    """

    scores: tuple[GraspScore, ...]
    refused: tuple[RefusedGrasp, ...]
    seed: int
    profile: str
    software_version: str

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


class _GraspFileRecord(Record):
    schema_version: Literal[1]
    kind: Literal["dr_grasp/grasps"]
    grasps: list[Any]


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
    document = {
        "schema_version": SCHEMA_VERSION,
        "kind": GRASPS_KIND,
        "grasps": [grasp_to_dict(grasp) for grasp in grasps],
    }
    _write(path, document)


def read_grasps(path: Path) -> GraspFile:
    """Read a grasp file; grasps that cannot be replayed are named beside the others.

    Raises:
        FileFormatError: The file is missing, half-written, of another kind or schema version, or
            has an unknown key beside the grasps.
    """
    content = _load(path, GRASPS_KIND, allow_nan=True)
    grasps: dict[str, GraspTrajectory] = {}
    refused = []
    for index, raw in enumerate(_check(path, _GraspFileRecord, content).grasps):
        try:
            grasp = grasp_from_dict(raw)
            if grasp.id in grasps:
                raise InvalidGraspError(
                    f"grasp {grasp.id}: id: expected unique within the file, got it a second time"
                )
            grasps[grasp.id] = grasp
        except InvalidGraspError as error:
            refused.append(RefusedGrasp(index, given_id(raw, "id"), str(error)))
    return GraspFile(tuple(grasps.values()), tuple(refused))


def write_scores(path: Path, content: ScoreFile) -> None:
    """Write a scores file, whole or not at all.

    Raises:
        FileFormatError: The file cannot be written.
    """
    _write(path, scores_document(content))


def scores_document(content: ScoreFile) -> dict[str, Any]:
    """A scores file as plain data, for --json."""
    return {
        "schema_version": SCHEMA_VERSION,
        "kind": SCORES_KIND,
        "seed": content.seed,
        "profile": content.profile,
        "software_version": content.software_version,
        "scores": [score_to_dict(score) for score in content.scores],
        "refused": [
            {"index": entry.index, "grasp_id": entry.grasp_id, "reason": entry.reason}
            for entry in content.refused
        ],
    }


def read_scores(path: Path) -> ScoreFile:
    """Read a scores file.

    Raises:
        FileFormatError: The file is missing, half-written, of another kind or schema version, has
            an unknown key, or a score contradicts itself.
    """
    content = _load(path, SCORES_KIND, allow_nan=False)
    record = _check(path, _ScoreFileRecord, content)
    shared = {"profile": record.profile, "software_version": record.software_version}
    try:
        return ScoreFile(
            scores=tuple(score_from_dict(raw, seed=record.seed, **shared) for raw in record.scores),
            refused=tuple(
                RefusedGrasp(entry.index, entry.grasp_id, entry.reason) for entry in record.refused
            ),
            seed=record.seed,
            **shared,
        )
    except FileFormatError as error:
        raise FileFormatError(f"{path}: {error}") from error


def _check(path: Path, schema: type[Any], content: object) -> Any:
    try:
        return check_record(schema, content)
    except FileFormatError as error:
        raise FileFormatError(f"{path}: {error}") from error


def _load(path: Path, kind: str, *, allow_nan: bool) -> dict[str, Any]:
    def refuse_constant(name: str) -> NoReturn:
        raise FileFormatError(f"{path}: expected finite numbers, got {name}")

    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise FileFormatError(f"{path}: cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise FileFormatError(f"{path}: expected JSON in UTF-8, got other bytes") from error
    try:
        content = json.loads(text, parse_constant=None if allow_nan else refuse_constant)
    except (ValueError, RecursionError) as error:
        raise FileFormatError(
            f"{path}: expected a whole JSON document, got {_one_line(error)} (half-written?)"
        ) from error
    if not isinstance(content, dict):
        raise FileFormatError(f"{path}: expected a JSON object, got a {type(content).__name__}")
    # Kind and version first: of another kind of file, every key would be wrong.
    for key, expected in (("kind", kind), ("schema_version", SCHEMA_VERSION)):
        got = content.get(key)
        if type(got) is not type(expected) or got != expected:
            came = repr(got)[:60] if key in content else "nothing"
            raise FileFormatError(f"{path}: {key}: expected {expected!r}, got {came}")
    return content


def _write(path: Path, document: Mapping[str, Any]) -> None:
    parts = []
    for key, value in document.items():
        if isinstance(value, list) and value:
            entries = ",\n".join(map(_dump, value))
            parts.append(f"{_dump(key)}: [\n{entries}\n]")
        else:
            parts.append(f"{_dump(key)}: {_dump(value)}")
    text = "{\n" + ",\n".join(parts) + "\n}\n"
    try:
        write_whole(path, text.encode())
    except OSError as error:
        raise FileFormatError(f"{path}: cannot be written: {error.strerror}") from error


def _dump(value: object) -> str:
    return json.dumps(value, allow_nan=False)


def _one_line(error: BaseException) -> str:
    return " ".join(str(error).split())
