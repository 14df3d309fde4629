"""What runs in a worker process: proposals tried, in a world that is built once."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from dr_grasp.generation.evaluation import Evaluator
from dr_grasp.generation.proposal import Proposal
from dr_grasp.generation.result import Result
from dr_grasp.objects.spec import load_object
from dr_grasp.robots.spec import load_robot
from dr_grasp.simulation.bullet_world import BulletWorld


@dataclass(frozen=True, slots=True)
class Job:
    """One proposal to try.

    Attributes:
        robot: Robot name.
        object: Object name.
        method: Who proposes.
        seed: Of the run.
        proposal: The proposal.
    """

    robot: str
    object: str
    method: str
    seed: int
    proposal: Proposal


def evaluate(job: Job) -> Result:
    """Plan and replay; depends on the job alone."""
    evaluator = _evaluator(job.robot, job.object, job.method, job.seed)
    return Result.of(evaluator.evaluate(job.proposal))


@lru_cache(maxsize=1)  # a process works for one run
def _evaluator(robot: str, obj: str, method: str, seed: int) -> Evaluator:
    return Evaluator(BulletWorld(load_robot(robot), load_object(obj)), method, seed)
