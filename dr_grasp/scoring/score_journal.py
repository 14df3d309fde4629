"""Keeps the outcome of each block of rollouts as it is finished, so that a run can go on."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

from dr_grasp.common.run_store import RunStore
from dr_grasp.core.outcome import Outcome
from dr_grasp.core.trajectory import GraspTrajectory
from dr_grasp.objects.object_spec import load_object
from dr_grasp.provenance.fingerprint import fingerprint
from dr_grasp.robots.robot_spec import load_robot
from dr_grasp.scoring.blocks import Block
from dr_grasp.scoring.request import ScoreRequest
from dr_grasp.scoring.tally import BLOCK_TRIALS, Counts, software_version

NOMINAL = "nominal"
"""Stands for the undisturbed rollout where a criterion is named."""


class ScoreJournal(RunStore):
    """A file beside the output."""

    def __init__(
        self, path: Path, request: ScoreRequest, grasps: str, resume: bool = False
    ) -> None:
        """Begin a journal, or go on with one.

        Args:
            path: The file.
            request: What is asked.
            grasps: Digest of the grasp file.
            resume: Go on with what the file holds, if it exists; otherwise it is replaced.

        Raises:
            FileFormatError: As for a `RunStore`.
        """
        asked = {
            "criteria": [criterion.value for criterion in request.criteria],
            "trials": request.trials,
            "until": request.until,
            "top": request.top,
            "shortcuts": asdict(request.shortcuts),
            "seed": request.seed,
            "profile": request.profile.name,
            "profile_fingerprint": fingerprint(request.profile),
            "block_trials": BLOCK_TRIALS,
            "grasps": grasps,
            "software_version": software_version(),
        }
        super().__init__(path, "scoring", asked, resume)
        self._models: set[str] = set()

    def check_models(self, grasp: GraspTrajectory) -> None:
        """Refuse to go on with a robot or an object that has changed since the run began.

        Raises:
            FileFormatError: It has.
        """
        for key, load, name in (
            ("robot", load_robot, grasp.robot),
            ("object", load_object, grasp.object),
        ):
            model = f"{key} {name}"
            if model not in self._models:
                self.depend_on(f"{model}: fingerprint", fingerprint(load(name)))
                self._models.add(model)

    def known(self, block: Block) -> Counts | None:
        """What is known of a block already; None if nothing is."""
        labels = self.get(_key(block))
        if labels is None:
            return None
        return {Outcome.from_label(label): number for label, number in labels.items()}

    def add(self, block: Block, counts: Counts) -> None:
        """Keep what came of a block; on return it is on disk."""
        self.put(_key(block), {outcome.label: n for outcome, n in sorted(counts.items()) if n})


def _key(block: Block) -> str:
    criterion = NOMINAL if block.criterion is None else block.criterion.value
    return f"{block.grasp_index} {criterion} {block.first} {block.count}"
