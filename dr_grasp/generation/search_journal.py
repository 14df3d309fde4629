"""Keeps the results of a search as they come, so that a run that ended early can go on.

Proposals are not stored, since a method makes the same proposals again.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from dr_grasp.common.run_store import RunStore
from dr_grasp.core.arrays import as_floats, frozen
from dr_grasp.core.outcome import LinkPair, Outcome
from dr_grasp.formats.grasp_file import grasp_from_dict, grasp_to_dict
from dr_grasp.generation.motion import Unreachable
from dr_grasp.generation.proposal import Proposal
from dr_grasp.generation.result import Result, Trials


class SearchJournal(RunStore):
    """A file beside the output: the result of each proposal that was tried."""

    def __init__(self, path: Path, asked: Mapping[str, Any], resume: bool = False) -> None:
        """Begin a journal, or go on with an existing one.

        Args:
            path: The journal's file.
            asked: The arguments of the search, as plain data.
            resume: Whether to go on with the results in the file; if False the file is replaced.

        Raises:
            FileFormatError: The file is no journal, or of a search with other arguments; another
                process has it open; it is damaged, or cannot be read or written.
        """
        super().__init__(path, "a search", asked, resume)

    def add(self, result: Result) -> None:
        """Store a result, or replace the same proposal's earlier result; on return it is on disk.

        Raises:
            FileFormatError: The file cannot be written.
        """
        trials, grasp = result.trials, result.grasp
        touch, outcome, links = result.touch_in_object, result.outcome, result.links
        record = {
            "unreachable": None if result.unreachable is None else result.unreachable.name,
            "outcome": None if outcome is None else outcome.label,
            "touch": None if touch is None else as_floats(touch),
            "slip_m": result.slip_m,
            "trials": None if trials is None else [trials.successes, trials.done, trials.planned],
            "grasp": None if grasp is None else grasp_to_dict(grasp),
            "links": None if links is None else [links.first, links.second],
        }
        self.put(str(result.proposal.index), record)

    def add_outcomes(self, index: int, stage: int, outcomes: Sequence[bool]) -> None:
        """Store whether each trial of a proposal succeeded in a stage of growing ranges.

        Raises:
            FileFormatError: The file cannot be written.
        """
        self.put(f"{index} in stage {stage}", {"outcomes": list(outcomes)})

    def outcomes_of(self, index: int, stage: int) -> tuple[bool, ...] | None:
        """The stored outcomes of a proposal in a stage; None if there are none.

        Raises:
            FileFormatError: The file is damaged.
        """
        record = self.get(f"{index} in stage {stage}")
        return None if record is None else tuple(record["outcomes"])

    def result_of(self, proposal: Proposal) -> Result | None:
        """The stored result of a proposal; None if there is none.

        Raises:
            FileFormatError: The file is damaged.
        """
        record = self.get(str(proposal.index))
        if record is None:
            return None
        unreachable, outcome, touch = record["unreachable"], record["outcome"], record["touch"]
        trials, grasp, links = record["trials"], record["grasp"], record["links"]
        return Result(
            proposal,
            None if unreachable is None else Unreachable[unreachable],
            None if outcome is None else Outcome.from_label(outcome),
            None if touch is None else frozen(touch),
            record["slip_m"],
            None if grasp is None else grasp_from_dict(grasp),
            None if trials is None else Trials(*trials),
            None if links is None else LinkPair(*links),
        )
