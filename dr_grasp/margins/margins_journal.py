"""Keeps the margins of each grasp as they come, so that a killed run can go on."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

from dr_grasp.core.margin import GraspMargins
from dr_grasp.formats.margin_records import margins_from_dict, margins_to_dict
from dr_grasp.margins.measurement import MOVES, TRIALS_A_MOVE
from dr_grasp.margins.request import MarginRequest
from dr_grasp.margins.sequential import ERROR_RATE
from dr_grasp.provenance.fingerprint import fingerprint
from dr_grasp.scoring.score_journal import GraspJournal
from dr_grasp.scoring.tally import engine_asked, software_version


class MarginsJournal(GraspJournal):
    """A file beside the output: the margins of all grasps that are measured."""

    def __init__(
        self, path: Path, request: MarginRequest, grasps: str, resume: bool = False
    ) -> None:
        """Begin a journal, or go on with one.

        Args:
            path: File of the journal.
            request: How margins are measured.
            grasps: Digest of the grasp file.
            resume: Go on with the file, if it exists; if False, replace it.

        Raises:
            FileFormatError: The file cannot be used or belongs to another run; see `RunStore`.
        """
        asked = {
            "profile": request.profile.name,
            "profile_fingerprint": fingerprint(request.profile),
            "seed": request.seed,
            "rates": asdict(request.thresholds),
            "background": request.background,
            "halvings": request.halvings,
            "rounds": request.rounds,
            "parameters": [doubt.value for doubt in request.doubts],
            "method": [ERROR_RATE, MOVES, TRIALS_A_MOVE],
            "grasps": grasps,
            "software_version": software_version(request.engine),
            **engine_asked(request.engine),
        }
        super().__init__(path, "measuring margins", asked, resume)

    def known(self, index: int) -> GraspMargins | None:
        """The margins of the grasp at a position in the batch; None if it was not measured."""
        record = self.get(str(index))
        return None if record is None else margins_from_dict(record)

    def add(self, index: int, margins: GraspMargins) -> None:
        """Keep the margins of the grasp at a position; on return they are on disk."""
        self.put(str(index), margins_to_dict(margins))
