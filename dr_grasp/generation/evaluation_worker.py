"""What runs in a worker process: proposals tried, in a world that is built once."""

from __future__ import annotations

import weakref
from dataclasses import dataclass
from functools import lru_cache

from dr_grasp.generation.evaluation import Evaluator
from dr_grasp.generation.proposal import Proposal
from dr_grasp.generation.result import Result
from dr_grasp.objects.object_spec import ObjectSpec, load_object
from dr_grasp.robots.robot_spec import RobotSpec, load_robot
from dr_grasp.simulation.bullet.world import BulletWorld


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
    # The objects themselves: a name may come to mean another.
    robot, obj = load_robot(job.robot), load_object(job.object)
    evaluator = _evaluator(robot, obj, job.method, job.seed)
    return Result.of(evaluator.evaluate(job.proposal))


@lru_cache(maxsize=1)  # a process of our own works for one run, one of a cluster for many
def _evaluator(robot: RobotSpec, obj: ObjectSpec, method: str, seed: int) -> Evaluator:
    world = BulletWorld(robot, obj)
    evaluator = Evaluator(world, method, seed)
    weakref.finalize(evaluator, world.close).atexit = False
    return evaluator
