"""Looks for grasps, and holds them in PyBullet and in MuJoCo, undisturbed."""

from __future__ import annotations

from collections import Counter
from contextlib import closing
from typing import Any

from dr_grasp.core.engine import Engine
from dr_grasp.core.outcome import Outcome
from dr_grasp.core.perturbation import Perturbation
from dr_grasp.core.trajectory import GraspTrajectory
from dr_grasp.errors import DrGraspError
from dr_grasp.generation.result import Result
from dr_grasp.generation.sampler import generate
from dr_grasp.objects.object_spec import load_object
from dr_grasp.robots.robot_spec import load_robot
from dr_grasp.simulation.engine import open_world
from dr_grasp.simulation.rollout import run_rollout

GRASPS = 3
Row = dict[str, Any]
"""What is found out about a robot or an object, as JSON has it."""


def try_grasps(robot_name: str, object_name: str, row: Row, count: int = GRASPS) -> None:
    """Find grasps and repeat them in both engines.

    Raises:
        DrGraspError: Fewer than `count` grasps were found; the row has what was found.
    """
    grasps: list[GraspTrajectory] = []
    failures: Counter[str] = Counter()
    evaluations = first = 0

    def look(result: Result) -> None:
        nonlocal evaluations, first
        evaluations += 1
        if result.grasp is not None:
            first = first or evaluations
            grasps.append(result.grasp)
        elif result.failure:
            failures[result.failure] += 1

    refusal = None
    try:
        generate(robot_name, object_name, count, 0, look)
    except DrGraspError as error:
        refusal = error
    row["grasps"] = {
        "found": len(grasps),
        "asked": count,
        "evaluations": evaluations,
        "first": first,
        "failures": dict(failures.most_common(5)),
    }
    if grasps:
        robot, item = load_robot(robot_name), load_object(object_name)
        held: dict[str, Counter[str]] = {}
        for engine in (Engine.BULLET, Engine.MUJOCO):
            with closing(open_world(engine, robot, item)) as world:
                rollouts = [run_rollout(world, grasp, Perturbation.none()) for grasp in grasps]
            held[engine.package] = Counter(rollout.outcome.label for rollout in rollouts)
        row["grasps"]["held"] = {
            engine: counts[Outcome.SUCCESS.label] for engine, counts in held.items()
        }
        row["grasps"]["outcomes"] = {engine: dict(counts) for engine, counts in held.items()}
    if refusal is not None:
        raise refusal
