"""The pieces of work of the study; each makes one file or bag, unless it is there already."""

from __future__ import annotations

import json
import shutil
import time
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from enum import Enum
from pathlib import Path

import numpy as np
from transfer_study.grasps import Here
from transfer_study.plan import SOURCES

from dr_grasp.common.atomic import write_whole
from dr_grasp.core.engine import Engine
from dr_grasp.core.perturbation import Criterion, Profile
from dr_grasp.core.trajectory import GraspTrajectory
from dr_grasp.formats.grasp_file import read_grasps
from dr_grasp.formats.score_file import ScoreFile, read_scores, write_scores
from dr_grasp.identification.contact import Method
from dr_grasp.identification.identify import IdentificationSettings, identify
from dr_grasp.identification.profile_file import write_profile
from dr_grasp.identification.reading import read_evidence
from dr_grasp.recording.bag_writer import BagWriter
from dr_grasp.robots.robot_spec import load_robot
from dr_grasp.scoring.profiles import engine_for, load_profile, read_profile
from dr_grasp.scoring.request import ScoreRequest
from dr_grasp.scoring.scorer import Scorer
from dr_grasp.scoring.tally import software_version
from dr_grasp.twin.twin_backend import TwinBackend
from dr_grasp.twin.twin_profile import TwinProfile, load_twin_profile
from loop_study.plan import Laboratory, Plan


class Step(Enum):
    """What is made, in this order."""

    BEFORE = "before"
    ATTEMPTS = "attempts"
    IDENTIFY = "identify"
    AFTER = "after"


@dataclass(frozen=True, slots=True)
class Work:
    """One piece of work.

    Attributes:
        plan: The study.
        step: What is made.
        arm: Name of the robot.
        laboratory: The laboratory; None for labels before, which do not depend on it.
        object: Name of the object, for labels.
    """

    plan: Plan
    step: Step
    arm: str
    laboratory: Laboratory | None = None
    object: str = ""

    @property
    def folder(self) -> Path:
        """Folder of the laboratory, or of what all laboratories share."""
        name = "before" if self.laboratory is None else self.laboratory.name
        return self.plan.out / name / self.arm

    @property
    def path(self) -> Path:
        """What is made: a file, or a folder of two bags."""
        if self.step is Step.ATTEMPTS:
            return self.folder / "bags"
        if self.step is Step.IDENTIFY:
            return self.folder / f"identified_{self.plan.method}.yaml"
        kind = "" if self.step is Step.BEFORE else f"_{self.plan.method}"
        return self.folder / f"mdr{kind}_{self.object}.json"

    def __str__(self) -> str:
        """Name the work in an error."""
        return str(self.path.relative_to(self.plan.out))


TRIED_BAG, UNSEEN_BAG = "tried", "unseen"


def work_of(plan: Plan, step: Step) -> Iterator[Work]:
    """All pieces of work of a step."""
    objects = (*plan.tried, *plan.unseen)
    for laboratory in plan.laboratories:
        for arm in plan.arms:
            if step is Step.BEFORE:
                if laboratory is plan.laboratories[0]:
                    yield from (Work(plan, step, arm, None, obj) for obj in objects)
            elif step is Step.AFTER:
                yield from (Work(plan, step, arm, laboratory, obj) for obj in objects)
            else:
                yield Work(plan, step, arm, laboratory)


def do(work: Work) -> float:
    """Make what is missing; returns the CPU time [s]. Runs in a worker."""
    if work.path.exists():
        return 0.0
    begun = time.process_time()
    work.path.parent.mkdir(parents=True, exist_ok=True)
    if work.step is Step.ATTEMPTS:
        _attempt(work)
    elif work.step is Step.IDENTIFY:
        _identify(work)
    else:
        _label(work)
    spent = time.process_time() - begun
    write_whole(work.path.with_name(f"cpu_{work.path.stem}.json"), json.dumps(spent).encode())
    return spent


def grasps_of(plan: Plan, arm: str, obj: str) -> list[GraspTrajectory]:
    """The grasps of an object: of each source in turn, until there are enough."""
    folder = plan.grasp_plan.folder(arm, obj)
    found = [read_grasps(folder / f"{source.name}.json").grasps for source in SOURCES]
    rows = range(max(map(len, found)))
    turns = [grasps[row] for row in rows for grasps in found if row < len(grasps)]
    return turns[: plan.grasps]


def profile_of(work: Work) -> Profile:
    """The profile by which a work's labels are made."""
    if work.laboratory is None:
        return load_profile(work.plan.profile)
    return read_profile(Work(work.plan, Step.IDENTIFY, work.arm, work.laboratory).path)


def twin_of(laboratory: Laboratory) -> TwinProfile:
    """The twin of a laboratory."""
    return load_twin_profile(laboratory.twin).model_copy(update={"seed": laboratory.seed})


def _label(work: Work) -> None:
    plan, profile = work.plan, profile_of(work)
    engine = engine_for(None, profile)
    request = ScoreRequest(profile, (Criterion.MDR,), plan.trials, plan.seed, engine=engine)
    with Scorer(pool=Here()) as scorer:
        made = scorer.score(grasps_of(plan, work.arm, work.object), request)
    if made.refused:
        raise RuntimeError(made.refused[0].reason)
    version = software_version(engine)
    content = ScoreFile(made.scores, (), plan.seed, profile.name, version, engine=engine)
    write_scores(work.path, content)


def _attempt(work: Work) -> None:
    """Try grasps of both kinds of objects in a laboratory, with their labels before."""
    plan, laboratory = work.plan, work.laboratory
    assert laboratory is not None
    making = work.path.with_name(f".{work.path.name}")
    shutil.rmtree(making, ignore_errors=True)
    robot, index = load_robot(work.arm), 0
    # Each laboratory and arm has its own errors of perception: else all would share the luck.
    place = zlib.crc32(f"{laboratory.name} {work.arm}".encode())
    seed = int(np.random.SeedSequence([plan.seed, place]).generate_state(1)[0])
    with TwinBackend(robot, twin_of(laboratory), profile_name=laboratory.twin) as twin:
        for name, objects in ((TRIED_BAG, plan.tried), (UNSEEN_BAG, plan.unseen)):
            making.mkdir(exist_ok=True)
            with BagWriter(making / name) as bag:
                for grasp, turns in _turns(plan, work.arm, objects):
                    scores = read_scores(
                        Work(plan, Step.BEFORE, work.arm, None, grasp.object).path
                    ).scores
                    score = next(score for score in scores if score.grasp_id == grasp.id)
                    for _ in range(turns):
                        bag.write_attempt(
                            twin.attempt(grasp, score, seed=seed, attempt_index=index)
                        )
                        index += 1
    making.rename(work.path)


def _turns(plan: Plan, arm: str, objects: Sequence[str]) -> Iterator[tuple[GraspTrajectory, int]]:
    """The grasps of some objects, and how often each is tried."""
    grasps = [grasp for obj in objects for grasp in grasps_of(plan, arm, obj)]
    for number, grasp in enumerate(grasps):
        first, last = (plan.attempts * place // len(grasps) for place in (number, number + 1))
        yield grasp, last - first


def _identify(work: Work) -> None:
    plan = work.plan
    bags = Work(plan, Step.ATTEMPTS, work.arm, work.laboratory).path
    evidence = read_evidence([bags / TRIED_BAG], work.arm)
    settings = IdentificationSettings(
        method=Method(plan.method), engine=Engine.MUJOCO, worlds=plan.worlds, seed=plan.seed
    )
    found = identify(evidence, load_profile(plan.profile), settings, Here(), name=work.path.stem)
    said = {"checks": found.checks, "rollouts": found.rollouts, "attempts": found.attempts}
    said |= {"findings": [asdict(finding) for finding in found.findings]}
    write_whole(findings_path(work.path), json.dumps(said, indent=1).encode())
    write_profile(work.path, found)


def findings_path(profile: Path) -> Path:
    """File of what was found, beside the profile."""
    return profile.with_suffix(".json")
