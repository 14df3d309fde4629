"""Keeps the outcomes of each finished block of rollouts, so that a killed run can go on."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from dr_grasp.common.run_store import RunStore
from dr_grasp.core.metric import Metric
from dr_grasp.core.outcome import LinkPair, Outcome
from dr_grasp.core.trajectory import GraspTrajectory
from dr_grasp.objects.object_spec import load_object
from dr_grasp.provenance.fingerprint import fingerprint
from dr_grasp.robots.robot_spec import load_robot
from dr_grasp.scoring.blocks import Block, Counts
from dr_grasp.scoring.request import ScoreRequest
from dr_grasp.scoring.tally import BLOCK_TRIALS, engine_asked, other_engine, software_version

NOMINAL = "nominal"
"""Used in place of a criterion's name for the undisturbed rollout."""


class GraspJournal(RunStore):
    """A file with results of grasps, each of which depends on the grasp's robot and object."""

    def __init__(
        self, path: Path, run: str, asked: Mapping[str, Any], resume: bool = False
    ) -> None:
        """Begin a journal, or go on with one; see `RunStore`."""
        super().__init__(path, run, asked, resume)
        self._models: set[str] = set()

    def check_models(self, grasp: GraspTrajectory) -> None:
        """Refuse to go on with a robot or an object that has changed since the run began.

        Raises:
            FileFormatError: The robot or the object has changed.
        """
        for key, load, name in (
            ("robot", load_robot, grasp.robot),
            ("object", load_object, grasp.object),
        ):
            model = f"{key} {name}"
            if model not in self._models:
                self.depend_on(f"{model}: fingerprint", fingerprint(load(name)))
                self._models.add(model)


class ScoreJournal(GraspJournal):
    """A file beside the output of scoring, with the outcomes of all finished blocks."""

    def __init__(
        self, path: Path, request: ScoreRequest, grasps: str, resume: bool = False
    ) -> None:
        """Begin a journal, or go on with one.

        Args:
            path: File of the journal.
            request: How the grasps are scored.
            grasps: Digest of the grasp file.
            resume: Go on with the file, if it exists; if False, replace it.

        Raises:
            FileFormatError: The file cannot be used or belongs to another run; see `RunStore`.
        """
        asked = {
            "criteria": [criterion.value for criterion in request.criteria],
            "trials": request.trials,
            "own_trials": {
                criterion.value: number for criterion, number in request.own_trials.items()
            },
            "until": request.until,
            "top": request.top,
            "shortcuts": asdict(request.shortcuts),
            "seed": request.seed,
            "profile": request.profile.name,
            "profile_fingerprint": fingerprint(request.profile),
            "block_trials": BLOCK_TRIALS,
            "grasps": grasps,
            "software_version": software_version(request.engine),
            **engine_asked(request.engine),
            # None without metrics, so that journals of earlier versions are gone on with.
            "metrics": [metric.value for metric in request.metrics] or None,
            **(other_engine(request.engine) if request.doubts_engine else {}),
        }
        super().__init__(path, "scoring", asked, resume)
        self._engine = request.engine

    def known(self, block: Block) -> Counts | None:
        """The result of a block that ran already; None if it did not run."""
        record = self.get(self._key(block))
        if record is None:
            return None
        return Counts(
            Counter({Outcome.from_label(label): n for label, n in record["outcomes"].items()}),
            Counter(
                {
                    (Outcome.from_label(label), LinkPair(*links)): n
                    for label, *links, n in record["collisions"]
                }
            ),
            {Metric.from_name(name): value for name, value in record.get("metrics", {}).items()},
        )

    def add(self, block: Block, counts: Counts) -> None:
        """Keep the result of a block; on return it is on disk."""
        record: dict[str, Any] = {
            "outcomes": {outcome.label: n for outcome, n in sorted(counts.outcomes.items())},
            "collisions": [
                [outcome.label, links.first, links.second, n]
                for (outcome, links), n in sorted(counts.collisions.items())
            ],
        }
        if counts.metrics:
            record["metrics"] = {metric.value: v for metric, v in counts.metrics.items()}
        self.put(self._key(block), record)

    def _key(self, block: Block) -> str:
        if block.metrics:
            return " ".join([str(block.grasp_index), *(metric.value for metric in block.metrics)])
        criterion = NOMINAL if block.criterion is None else block.criterion.value
        other = "" if block.engine is self._engine else f" {block.engine.value}"
        return f"{block.grasp_index} {criterion} {block.first} {block.count}{other}"
