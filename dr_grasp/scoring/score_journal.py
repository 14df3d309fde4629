"""The journal of scoring: each block of rollouts as it is finished, so that a run can go on.

Beside blocks it has a record for each grasp that is complete, in the order of the grasps, and one
for each robot and object that was met. Blocks of complete grasps are dropped now and then.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Generator, Iterator, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from dr_grasp.common.atomic import remove_leftovers
from dr_grasp.common.closing import Closing
from dr_grasp.common.journal import JournalFile, check_same
from dr_grasp.core.outcome import Outcome
from dr_grasp.core.perturbation import Criterion
from dr_grasp.core.trajectory import GraspTrajectory
from dr_grasp.errors import DrGraspError, FileFormatError
from dr_grasp.formats.grasp_records import Record, check_record
from dr_grasp.formats.score_records import Count
from dr_grasp.objects.object_spec import load_object
from dr_grasp.provenance.fingerprint import fingerprint
from dr_grasp.robots.robot_spec import load_robot
from dr_grasp.scoring.blocks import Block
from dr_grasp.scoring.request import ScoreRequest
from dr_grasp.scoring.tally import BLOCK_TRIALS, Counts, software_version

KIND = {"kind": "dr_grasp/score_journal", "schema_version": 1}

LARGE = 16_000_000
"""Bytes of blocks of complete grasps that are worth a rewrite."""

NOMINAL = "nominal"
"""Stands for the undisturbed rollout where a criterion is named."""

Key = tuple[Criterion | None, int, int]


class Journal(Closing):
    """Knows nothing and keeps nothing: for runs that need not go on."""

    def meet(self, grasp: GraspTrajectory) -> None:
        """Note the models of a grasp."""

    def known(self, block: Block) -> Counts | None:
        """Take what is known of a block already; None if nothing is."""
        return None

    def add(self, block: Block, counts: Counts) -> None:
        """Keep what came of a block."""

    def finished(self, index: int) -> Mapping[Criterion | None, Counts] | None:
        """All that is known of a complete grasp; None if it is not. Asked in order of grasps."""
        return None

    def finish(self, index: int, counts: Mapping[Criterion | None, Counts]) -> None:
        """A grasp is complete. Told in order of grasps."""

    def close(self) -> None:
        """Let go of the file, which stays; may be called twice."""


class _Entry(Record):
    grasp: Count | None = None
    criterion: str | None = None
    first: Count = 0
    count: Count = 0
    outcomes: dict[str, Count] | None = None
    finished: Count | None = None
    counts: dict[str, dict[str, Count]] | None = None
    model: str | None = None
    fingerprint: str | None = None


class FileJournal(Journal):
    """A file beside the output."""

    def __init__(
        self, path: Path, request: ScoreRequest, sha256: str, resume: bool = False
    ) -> None:
        """Begin a journal, or go on with one.

        Args:
            path: The file.
            request: What is asked.
            sha256: Of the grasp file.
            resume: Go on with what the file holds, if there is one; else it is replaced.

        Raises:
            FileFormatError: The file is no journal, or that of a run that was asked something else,
                or of models that have changed since.
            OSError: It cannot be read or written.
        """
        # Who gets how many trials in a race depends on the others: no grasp is complete before all.
        self._finishes = request.top is None
        self._known: dict[int, dict[Key, Counts]] = {}
        self._outcomes: dict[tuple[tuple[str, int], ...], Counts] = {}
        self._models: set[str] = set()
        self._last_finished = -1
        self._finished_bytes = 0
        remove_leftovers(path)
        take = self._take if resume else None
        self._file = JournalFile(path, _header(request, sha256), "scoring", take)
        self._finished = self._read_finished(path, self._file.size)
        self._next = next(self._finished, None)

    def close(self) -> None:
        """Let go of the file, which stays; may be called twice."""
        self._file.close()
        self._finished.close()

    def remove(self) -> None:
        """Remove the file: the run is complete."""
        self.close()
        self._file.remove()

    def meet(self, grasp: GraspTrajectory) -> None:
        """Note the models of a grasp."""
        for model, load in _models(grasp):
            if model not in self._models:
                self._models.add(model)
                self._file.write({"model": model, "fingerprint": fingerprint(load())})

    def known(self, block: Block) -> Counts | None:
        """Take what is known of a block already; None if nothing is."""
        known = self._known.get(block.grasp_index)
        if known is None:
            return None
        counts = known.pop((block.criterion, block.first, block.count), None)
        if not known:
            del self._known[block.grasp_index]
        return counts

    def add(self, block: Block, counts: Counts) -> None:
        """Keep what came of a block."""
        if block.grasp_index <= self._last_finished:
            return  # it came after sampling had stopped
        self._file.write(
            {
                "grasp": block.grasp_index,
                "criterion": _name(block.criterion),
                "first": block.first,
                "count": block.count,
                "outcomes": _labels(counts),
            }
        )

    def finished(self, index: int) -> Mapping[Criterion | None, Counts] | None:
        """All that is known of a complete grasp; None if it is not. Asked in order of grasps."""
        if self._next is None or self._next.finished != index:
            return None
        entry, self._next = self._next, next(self._finished, None)
        return {_criterion(name): self._counts(some) for name, some in (entry.counts or {}).items()}

    def finish(self, index: int, counts: Mapping[Criterion | None, Counts]) -> None:
        """A grasp is complete. Told in order of grasps."""
        self._known.pop(index, None)
        if not self._finishes or index <= self._last_finished:
            return
        self._last_finished = index
        named = {_name(criterion): _labels(some) for criterion, some in counts.items()}
        self._finished_bytes += self._file.write({"finished": index, "counts": named})
        # Twice as large as need be, at the most: so all rewriting takes no longer than writing.
        if self._file.size > 2 * self._finished_bytes + LARGE:
            self._file.rewrite(lambda raw: raw.get("grasp", index + 1) > index)

    def _take(self, raw: object) -> None:
        entry = check_record(_Entry, raw)
        if entry.model is not None:
            self._check_model(entry.model, entry.fingerprint)
        elif entry.finished is not None:
            self._last_finished = entry.finished
            self._finished_bytes += len(json.dumps(raw)) + 1
            self._known.pop(entry.finished, None)
        elif entry.grasp is None or entry.criterion is None:
            raise FileFormatError("expected a block, a complete grasp or a model")
        elif entry.grasp > self._last_finished:
            key = _criterion(entry.criterion), entry.first, entry.count
            self._known.setdefault(entry.grasp, {})[key] = self._counts(entry.outcomes or {})

    def _check_model(self, model: str, found: str | None) -> None:
        kind, _, name = model.partition(" ")
        loaders: dict[str, Callable[[str], Any]] = {"robot": load_robot, "object": load_object}
        if kind not in loaders:
            raise FileFormatError(f"model: expected a robot or an object, got {model!r}")
        try:
            now = fingerprint(loaders[kind](name))
        except DrGraspError as error:
            raise FileFormatError(f"{model}: {error}") from error
        check_same(f"{model}: fingerprint", now, found)
        self._models.add(model)

    def _counts(self, labels: Mapping[str, int]) -> Counts:
        # The same few again and again, for millions of blocks.
        key = tuple(labels.items())
        if key not in self._outcomes:
            self._outcomes[key] = {Outcome.from_label(name): n for name, n in key}
        return self._outcomes[key]

    @staticmethod
    def _read_finished(path: Path, size: int) -> Generator[_Entry, None, None]:
        with path.open("rb") as lines:
            while lines.tell() < size:
                line = lines.readline()
                if line.startswith(b'{"finished"'):
                    yield _Entry.model_validate_json(line)


def _header(request: ScoreRequest, sha256: str) -> dict[str, Any]:
    return {
        **KIND,
        "criteria": [criterion.value for criterion in request.criteria],
        "trials": request.trials,
        "until": request.until,
        "top": request.top,
        "shortcuts": asdict(request.shortcuts),
        "seed": request.seed,
        "profile": request.profile.name,
        "profile_fingerprint": fingerprint(request.profile),
        "block_trials": BLOCK_TRIALS,
        "grasps": sha256,
        "software_version": software_version(),
    }


def _models(grasp: GraspTrajectory) -> Iterator[tuple[str, Callable[[], Any]]]:
    yield f"robot {grasp.robot}", lambda: load_robot(grasp.robot)
    yield f"object {grasp.object}", lambda: load_object(grasp.object)


def _name(criterion: Criterion | None) -> str:
    return NOMINAL if criterion is None else criterion.value


def _criterion(name: str) -> Criterion | None:
    return None if name == NOMINAL else Criterion.from_name(name)


def _labels(counts: Counts) -> dict[str, int]:
    return {outcome.label: n for outcome, n in sorted(counts.items()) if n}
