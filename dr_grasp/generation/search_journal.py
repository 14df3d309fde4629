"""Keeps the results of a search as they come, so that a run that ended early can go on.

The proposals themselves are not kept: asked again, a method makes them again.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from dr_grasp.common.run_store import RunStore
from dr_grasp.core.arrays import as_floats, frozen
from dr_grasp.core.outcome import Outcome
from dr_grasp.formats.grasp_file import grasp_from_dict, grasp_to_dict
from dr_grasp.generation.motion import Unreachable
from dr_grasp.generation.proposal import Proposal
from dr_grasp.generation.result import Result, Trials


class SearchJournal(RunStore):
    """A file beside the output: the result of each proposal that was tried."""

    def __init__(self, path: Path, asked: Mapping[str, Any], resume: bool = False) -> None:
        """Begin a journal, or go on with one.

        Args:
            path: The file.
            asked: What the run is asked, as plain data.
            resume: Go on with what the file holds, if it exists; otherwise it is replaced.

        Raises:
            FileFormatError: As for a `RunStore`.
        """
        super().__init__(path, "a search", asked, resume)

    def add(self, result: Result) -> None:
        """Keep a result, in place of an earlier one of the same proposal; on return it is on disk.

        Raises:
            FileFormatError: It cannot be written.
        """
        trials, grasp = result.trials, result.grasp
        touch, outcome = result.touch_in_object, result.outcome
        record = {
            "unreachable": None if result.unreachable is None else result.unreachable.name,
            "outcome": None if outcome is None else outcome.label,
            "touch": None if touch is None else as_floats(touch),
            "slip_m": result.slip_m,
            "trials": None if trials is None else [trials.successes, trials.done, trials.planned],
            "grasp": None if grasp is None else grasp_to_dict(grasp),
        }
        self.put(str(result.proposal.index), record)

    def result_of(self, proposal: Proposal) -> Result | None:
        """What is known already of a proposal; None if nothing is.

        Raises:
            FileFormatError: The file is damaged.
        """
        record = self.get(str(proposal.index))
        if record is None:
            return None
        unreachable, outcome, touch = record["unreachable"], record["outcome"], record["touch"]
        trials, grasp = record["trials"], record["grasp"]
        return Result(
            proposal,
            None if unreachable is None else Unreachable[unreachable],
            None if outcome is None else Outcome.from_label(outcome),
            None if touch is None else frozen(touch),
            record["slip_m"],
            None if grasp is None else grasp_from_dict(grasp),
            None if trials is None else Trials(*trials),
        )
