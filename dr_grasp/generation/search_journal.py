"""The journal of a search: each result as it comes, so that a run that ended early can go on.

JSON lines: first a header that says what the run was asked, then a record for each proposal that
was tried, and another one after its trials. The proposals themselves are not kept: asked again, a
method makes them again.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from dr_grasp.common.closing import Closing
from dr_grasp.common.journal import JournalFile
from dr_grasp.core.arrays import as_floats, frozen
from dr_grasp.core.outcome import Outcome
from dr_grasp.errors import DrGraspError, FileFormatError
from dr_grasp.formats.grasp_records import Record, check_record, grasp_from_dict, grasp_to_dict
from dr_grasp.generation.motion import Unreachable
from dr_grasp.generation.proposal import Proposal
from dr_grasp.generation.result import Result, Trials

KIND = {"kind": "dr_grasp/journal", "schema_version": 1}


class _Entry(Record):
    index: int
    unreachable: str | None = None
    outcome: str | None = None
    touch: list[float] | None = None
    slip_m: float | None = None
    trials: list[int] | None = None
    grasp: Any = None


class Journal(Closing):
    """A file beside the output, written as results come."""

    def __init__(self, path: Path, header: Mapping[str, Any], resume: bool = False) -> None:
        """Begin a journal, or go on with one.

        Args:
            path: The file.
            header: What the run is asked: plain data.
            resume: Go on with what the file holds, if there is one; else it is replaced.

        Raises:
            FileFormatError: The file is no journal, or that of a run that was asked something else.
            OSError: It cannot be read or written.
        """
        self._path = path
        self._known: dict[int, _Entry] = {}
        take = self._take if resume else None
        self._file = JournalFile(path, {**KIND, **header}, "a search", take)

    def __len__(self) -> int:
        """Number of results that were there to go on with."""
        return len(self._known)

    def close(self) -> None:
        """Close the file, which stays; may be called twice."""
        self._file.close()

    def remove(self) -> None:
        """Close the file and remove it: the run is complete."""
        self._file.remove()

    def add(self, result: Result) -> None:
        """Keep a result, in place of an earlier one of the proposal; it outlives this process."""
        trials, grasp = result.trials, result.grasp
        touch, outcome = result.touch_in_object, result.outcome
        entry = {
            "index": result.proposal.index,
            "unreachable": None if result.unreachable is None else result.unreachable.name,
            "outcome": None if outcome is None else outcome.label,
            "touch": None if touch is None else as_floats(touch),
            "slip_m": result.slip_m,
            "trials": None if trials is None else [trials.successes, trials.done, trials.planned],
            "grasp": None if grasp is None else grasp_to_dict(grasp),
        }
        self._file.write({key: value for key, value in entry.items() if value is not None})

    def result_of(self, proposal: Proposal) -> Result | None:
        """What is known already of a proposal; None if nothing is.

        Raises:
            FileFormatError: Its record is broken.
        """
        entry = self._known.get(proposal.index)
        if entry is None:
            return None
        try:
            return Result(
                proposal,
                None if entry.unreachable is None else Unreachable[entry.unreachable],
                None if entry.outcome is None else Outcome.from_label(entry.outcome),
                None if entry.touch is None else frozen(entry.touch),
                entry.slip_m,
                None if entry.grasp is None else grasp_from_dict(entry.grasp),
                None if entry.trials is None else Trials(*entry.trials),
            )
        except (DrGraspError, KeyError, TypeError, ValueError) as error:
            raise FileFormatError(
                f"{self._path}: record of proposal {proposal.index}: {error}"
            ) from error

    def _take(self, record: object) -> None:
        entry = check_record(_Entry, record)
        self._known[entry.index] = entry
