"""The pieces of work of the study; each makes one file or bag, unless it is there already."""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path

from dr_grasp.common.atomic import write_whole
from dr_grasp.core.engine import Engine
from dr_grasp.core.fitness import GraspScore
from dr_grasp.core.metric import ENGINE_DOUBT, Metric
from dr_grasp.core.trajectory import GraspTrajectory
from dr_grasp.formats.grasp_file import read_grasps, write_grasps
from dr_grasp.formats.score_file import ScoreFile, read_scores, write_scores
from dr_grasp.quality.measurement import measure
from dr_grasp.recording.bag_writer import BagWriter
from dr_grasp.robots.robot_spec import load_robot
from dr_grasp.scoring.blocks import run_block
from dr_grasp.scoring.profiles import load_profile
from dr_grasp.scoring.request import ScoreRequest
from dr_grasp.scoring.tally import Tally, software_version
from dr_grasp.simulation.rollout_runner import kept_runner
from dr_grasp.twin.twin_backend import TwinBackend
from dr_grasp.twin.twin_profile import load_twin_profile
from transfer_study.grasps import make_grasps
from transfer_study.optimised import make_optimised
from transfer_study.plan import (
    ENGINES,
    LABORATORIES,
    SOURCES,
    Plan,
    Source,
    Step,
    bag_name,
)

MEASURED = tuple(metric for metric in Metric if metric not in ENGINE_DOUBT)
"""Metrics that are measured; engine doubt follows from the labels."""


@dataclass(frozen=True, slots=True)
class Work:
    """One piece of work: a file of grasps (without `step`), or one of a round.

    Attributes:
        plan: The study.
        arm: Name of the robot.
        object: Name of the object.
        source: Where the grasps come from, if they are to be made.
        number: Number of the round.
        step: What is to be made in the round; None for grasps.
        engine: The engine of labels and metrics.
        kind: Which optimised grasps; empty for those of rounds.
        twin: Name of the twin's profile, for attempts.
        laboratory: Seed of the twin's hidden parameters, for attempts.
    """

    plan: Plan
    arm: str
    object: str
    source: Source | None = None
    number: int = 0
    step: Step | None = None
    engine: Engine = Engine.BULLET
    kind: str = ""
    twin: str = ""
    laboratory: int = 0

    @property
    def path(self) -> Path:
        """What is made: a file, or the folder of a bag."""
        if self.step is None:
            assert self.source is not None
            return self.plan.folder(self.arm, self.object) / f"{self.source.name}.json"
        folder = self.plan.round_folder(self.number, self.arm, self.object)
        if self.kind:
            folder = self.plan.folder(self.arm, self.object) / f"optimised_{self.kind}"
        if self.step is Step.ATTEMPTS:
            return folder / bag_name(self.twin, self.laboratory)
        if self.step is Step.OPTIMISED:
            return folder / "grasps.json"
        return folder / f"{self.step.value}_{self.engine.value}.json"

    @property
    def costs(self) -> Path:
        """File of the CPU time that was spent."""
        return self.path.with_name(f"cpu_{self.path.stem}.json")

    def __str__(self) -> str:
        """Name the work in an error."""
        return str(self.path.relative_to(self.plan.out))


def grasp_work(plan: Plan) -> Iterator[Work]:
    """The grasps, for all rounds."""
    for source in SOURCES:
        for obj in plan.objects:
            for arm in plan.arms:
                yield Work(plan, arm, obj, source)


def round_work(plan: Plan, number: int, steps: Sequence[Step]) -> Iterator[Work]:
    """All that is made of the grasps of a round."""
    for step in steps:
        if step is Step.OPTIMISED:
            continue
        for obj in plan.objects:
            for arm in plan.arms:
                made = Work(plan, arm, obj, None, number, step)
                if step is not Step.ATTEMPTS:
                    yield from (replace(made, engine=engine) for engine in ENGINES)
                    continue
                for twin in plan.twins:
                    for laboratory in LABORATORIES:
                        yield replace(made, twin=twin, laboratory=laboratory)


def optimised_work(plan: Plan, kinds: Sequence[str]) -> Iterator[list[Work]]:
    """The optimised grasps, and then their attempts."""
    made = [
        Work(plan, arm, obj, None, 0, Step.OPTIMISED, kind=kind)
        for obj in plan.objects
        for arm in plan.arms
        for kind in kinds
    ]
    yield made
    yield [
        replace(work, step=Step.ATTEMPTS, twin=twin, laboratory=laboratory)
        for work in made
        for twin in plan.twins
        for laboratory in LABORATORIES
    ]


def do(work: Work) -> float:
    """Make what is missing; returns the CPU time [s]. Runs in a worker."""
    if work.path.exists():
        return 0.0
    begun = time.process_time()
    work.path.parent.mkdir(parents=True, exist_ok=True)
    if work.step is None:
        assert work.source is not None
        make_grasps(work.plan, work.arm, work.object, work.source)
    elif work.step is Step.LABELS:
        _label(work)
    elif work.step is Step.METRICS:
        _measure(work)
    elif work.step is Step.OPTIMISED:
        grasps = make_optimised(work.plan, work.arm, work.object, work.kind)
        write_grasps(work.path, grasps)
    else:
        _attempt(work)
    return time.process_time() - begun


def grasps_of(plan: Plan, number: int, arm: str, obj: str) -> list[GraspTrajectory]:
    """The grasps of a round: one of each source that found as many."""
    found = (_grasps(plan.folder(arm, obj) / f"{source.name}.json") for source in SOURCES)
    return [grasps[number] for grasps in found if number < len(grasps)]


@lru_cache(maxsize=32)
def _grasps(path: Path) -> tuple[GraspTrajectory, ...]:
    return read_grasps(path).grasps


def _round(work: Work) -> list[GraspTrajectory]:
    if work.kind:
        return list(_grasps(replace(work, step=Step.OPTIMISED).path))
    return grasps_of(work.plan, work.number, work.arm, work.object)


def _label(work: Work) -> None:
    """Score the grasps as `dr-grasp score` does, and note the CPU time of each criterion."""
    plan, scores, costs = work.plan, [], {}
    request = ScoreRequest.from_names(
        plan.profile, [], plan.trials, plan.seed, engine=work.engine.value
    )
    # The first rollout in a worker also builds the worlds, which is no cost of the grasp.
    kept_runner(work.arm, work.object, request.shortcuts, work.engine)
    for grasp in _round(work):
        tally, spent = Tally(0, grasp, request), dict.fromkeys(("nominal", *_names(request)), 0.0)
        while (block := tally.next_block()) is not None:
            begun = time.process_time()
            tally.add(block, run_block(block))
            name = "nominal" if block.criterion is None else block.criterion.value
            spent[name] += time.process_time() - begun
        scores.append(tally.score())
        costs[grasp.id] = spent
    _write(work.costs, costs)
    version = software_version(work.engine)
    content = ScoreFile(tuple(scores), (), plan.seed, plan.profile, version, engine=work.engine)
    write_scores(work.path, content)


def _names(request: ScoreRequest) -> list[str]:
    return [criterion.value for criterion in request.criteria]


def _measure(work: Work) -> None:
    """Measure the metrics of the grasps, each on its own, and note the CPU time of each."""
    runner = kept_runner(work.arm, work.object, engine=work.engine)
    profile = load_profile(work.plan.profile)
    values: dict[str, dict[str, float]] = {}
    costs: dict[str, dict[str, float]] = {}
    for grasp in _round(work):
        values[grasp.id], costs[grasp.id] = {}, {}
        for metric in MEASURED:
            begun = time.process_time()
            found = measure(runner, grasp, [metric], profile, work.plan.seed)
            costs[grasp.id][metric.value] = time.process_time() - begun
            values[grasp.id] |= {each.value: value for each, value in found.items()}
    _write(work.costs, costs)
    _write(work.path, values)


def _attempt(work: Work) -> None:
    """Try the grasps on a twin, and write a bag."""
    plan, spent = work.plan, 0.0
    profile = load_twin_profile(work.twin).model_copy(update={"seed": work.laboratory})
    scores = _scores(work)
    # Beside its place, where nobody takes it for a bag, and moved there whole.
    making = work.path.with_name(f".{work.path.name}")
    shutil.rmtree(making, ignore_errors=True)
    grasps = _round(work)
    robot = load_robot(work.arm)
    with TwinBackend(robot, profile, profile_name=work.twin) as twin, BagWriter(making) as bag:
        for number, grasp in enumerate(grasps):
            for turn in range(plan.attempts):
                # A round has at most as many grasps as there are sources: indices never repeat.
                index = (work.number * len(SOURCES) + number) * plan.attempts + turn
                begun = time.process_time()
                done = twin.attempt(
                    grasp, scores.get(grasp.id), seed=plan.seed, attempt_index=index
                )
                spent += time.process_time() - begun
                bag.write_attempt(done)
    making.rename(work.path)
    _write(work.costs, {"attempts": {"all": spent / max(1, len(grasps) * plan.attempts)}})


def _scores(work: Work) -> dict[str, GraspScore]:
    if work.kind:  # scored only to choose them
        return {}
    path = replace(work, step=Step.LABELS, engine=ENGINES[0]).path
    return {score.grasp_id: score for score in read_scores(path).scores} if path.exists() else {}


def _write(path: Path, content: object) -> None:
    write_whole(path, json.dumps(content, indent=1).encode())
