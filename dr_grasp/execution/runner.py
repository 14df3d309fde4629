"""Runs the best of some grasps in rank order; the command line and the executor node call it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from dr_grasp.core.fitness import GraspScore, RefusedGrasp
from dr_grasp.core.ranking import rank_grasps
from dr_grasp.core.trajectory import GraspTrajectory
from dr_grasp.errors import DrGraspError, SettingsError
from dr_grasp.execution.backend import Backend, IsCancelled, never_cancelled
from dr_grasp.robots.checking import check_each
from dr_grasp.robots.robot_spec import RobotSpec

AttemptT = TypeVar("AttemptT")

Chosen = tuple[GraspTrajectory, GraspScore | None]


@dataclass(frozen=True, slots=True)
class ExecutionPlan:
    """What will be executed.

    Attributes:
        chosen: Grasps and their scores in the order of execution.
        refused: Grasps that do not fit the robot; positions are those of the request.
    """

    chosen: tuple[Chosen, ...]
    refused: tuple[RefusedGrasp, ...]


def plan_execution(
    grasps: Sequence[GraspTrajectory | RefusedGrasp],
    scores: Sequence[GraspScore],
    top: int,
    robot: RobotSpec,
) -> ExecutionPlan:
    """Rank grasps and choose the best of those that fit the robot.

    Args:
        grasps: Candidates, with unique ids, and those that were refused already.
        scores: Their scores, in any order; a grasp without one ranks last.
        top: How many to choose, at least 1.
        robot: What will execute them.

    Raises:
        DrGraspError: `top` is less than 1, or the scores are those of other grasps.
    """
    if top < 1:
        raise SettingsError(f"top: expected at least 1, got {top}")
    ids = {grasp.id for grasp in grasps if isinstance(grasp, GraspTrajectory)}
    if scores and ids.isdisjoint(score.grasp_id for score in scores):
        raise DrGraspError("scores: expected those of the grasps, got none of them")
    checked = list(check_each(grasps, lambda grasp: robot))
    fitting = [entry for entry in checked if isinstance(entry, GraspTrajectory)]
    refused = tuple(entry for entry in checked if isinstance(entry, RefusedGrasp))
    return ExecutionPlan(tuple(rank_grasps(fitting, scores)[:top]), refused)


@dataclass(frozen=True, slots=True)
class AttemptProgress:
    """Where an execution is.

    Attributes:
        grasp_id: Grasp that is being attempted.
        number: Number of the attempt, from 1.
        total: How many there will be.
        phase: "prepare", "approach", "close", "lift", "hold" or "record".
    """

    grasp_id: str
    number: int
    total: int
    phase: str


def execute_plan(
    backend: Backend[AttemptT],
    plan: ExecutionPlan,
    *,
    seed: int,
    record: Callable[[AttemptT], None],
    first_index: int = 0,
    dry_run: bool = False,
    on_progress: Callable[[AttemptProgress], None] | None = None,
    is_cancelled: IsCancelled = never_cancelled,
) -> list[AttemptT]:
    """Execute a plan, recording each attempt before the next one begins.

    Args:
        backend: What executes.
        plan: What is executed.
        seed: Seed of the backend's own noise.
        record: Returns once the attempt is safe; not called in a dry run.
        first_index: Number of the first attempt under that seed; each attempt of one seed and
            number meets the same noise.
        dry_run: Do all but move.
        on_progress: Told of each phase of each attempt.
        is_cancelled: Asked between and during attempts.

    Returns:
        The attempts made, fewer than planned only if cancelled; a cancelled attempt is one of them.

    Raises:
        DrGraspError: The backend or the recording broke down.
    """
    attempts: list[AttemptT] = []
    for index, (grasp, score) in enumerate(plan.chosen):
        if is_cancelled():
            break

        def report(phase: str, grasp_id: str = grasp.id, number: int = index + 1) -> None:
            if on_progress is not None:
                on_progress(AttemptProgress(grasp_id, number, len(plan.chosen), phase))

        attempt = backend.attempt(
            grasp,
            score,
            seed=seed,
            attempt_index=first_index + index,
            dry_run=dry_run,
            on_phase=report,
            is_cancelled=is_cancelled,
        )
        if not dry_run:
            report("record")
            record(attempt)
        attempts.append(attempt)
    return attempts
