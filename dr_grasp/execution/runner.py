"""Executes the best grasps in rank order; the command line and the executor node use this."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from dr_grasp.core.attempt import GraspAttempt
from dr_grasp.core.fitness import GraspOrRefusal, GraspScore, RefusedGrasp
from dr_grasp.core.ranking import rank_grasps
from dr_grasp.core.trajectory import GraspTrajectory
from dr_grasp.errors import BackendError, DrGraspError, SettingsError
from dr_grasp.execution.backend import IsCancelled, never_cancelled
from dr_grasp.robots.checking import check_each
from dr_grasp.robots.robot_spec import RobotSpec

MOST_REASONS = 5
"""Most reasons in a line on refused grasps; the answer lists each with its grasp."""

AttemptT = TypeVar("AttemptT")

Chosen = tuple[GraspTrajectory, GraspScore | None]


class ExecutionFailedError(BackendError):
    """An execution that did not come to its end."""

    def __init__(self, message: str, attempts: tuple[GraspAttempt, ...]) -> None:
        """Compose the error.

        Args:
            message: Why the execution ended.
            attempts: The attempts that were made; the last may have failed.
        """
        super().__init__(message)
        self.attempts = attempts


@dataclass(frozen=True, slots=True)
class ExecutionPlan:
    """Grasps that will be executed.

    Attributes:
        chosen: Grasps with their scores, in the order of execution.
        refused: Grasps that do not fit the robot; their indices count the grasps of the request.
    """

    chosen: tuple[Chosen, ...]
    refused: tuple[RefusedGrasp, ...]


def plan_execution(
    grasps: Sequence[GraspOrRefusal],
    scores: Sequence[GraspScore],
    top: int,
    robot: RobotSpec,
) -> ExecutionPlan:
    """Rank grasps and choose the best of those that fit the robot.

    Args:
        grasps: Candidates with unique ids, and grasps that were already refused.
        scores: Scores of the grasps, in any order; a grasp without a score ranks last.
        top: Largest number of grasps to choose, at least 1.
        robot: The robot that will execute the grasps.

    Raises:
        DrGraspError: `top` is less than 1, or no score belongs to any of the grasps.
    """
    if top < 1:
        raise SettingsError(f"top: expected at least 1, got {top}")
    ids = {grasp.id for grasp in grasps if isinstance(grasp, GraspTrajectory)}
    if scores and ids.isdisjoint(score.grasp_id for score in scores):
        raise DrGraspError("scores: expected those of the grasps, got none of them")
    checked = list(check_each(grasps, lambda grasp: robot))
    fitting = [grasp for grasp in checked if isinstance(grasp, GraspTrajectory)]
    refused = tuple(refusal for refusal in checked if isinstance(refusal, RefusedGrasp))
    return ExecutionPlan(tuple(rank_grasps(fitting, scores)[:top]), refused)


def why_nothing(refused: Sequence[RefusedGrasp]) -> str:
    """Say why no grasp of a request can be executed, with the first reasons, in one line."""
    if not refused:
        return "expected at least 1 grasp, got none"
    reasons = "; ".join(refusal.reason for refusal in refused[:MOST_REASONS])
    more = f"; and {len(refused) - MOST_REASONS} more" if len(refused) > MOST_REASONS else ""
    return f"all {len(refused)} grasps were refused: {reasons}{more}"


@dataclass(frozen=True, slots=True)
class AttemptProgress:
    """Progress of an execution.

    Attributes:
        grasp_id: Id of the grasp that is being attempted.
        number: Number of the present attempt, from 1.
        total: Number of attempts in the plan.
        phase: "prepare", "approach", "close", "lift", "hold" or "record".
    """

    grasp_id: str
    number: int
    total: int
    phase: str


def execute_plan(
    attempt_grasp: Callable[..., AttemptT],
    plan: ExecutionPlan,
    *,
    seed: int,
    record: Callable[[AttemptT], None],
    first_index: int = 0,
    dry_run: bool = False,
    on_progress: Callable[[AttemptProgress], None] | None = None,
    is_cancelled: IsCancelled = never_cancelled,
) -> list[AttemptT]:
    """Execute a plan, and record each attempt before the next attempt begins.

    Args:
        attempt_grasp: Executes a grasp: the method `attempt` of a `Backend`, or a function with the
            same arguments, which may return an attempt in another form.
        plan: The grasps to execute.
        seed: Seed of the backend's errors.
        record: Records an attempt, and returns when it is safe; not called in a dry run.
        first_index: Number of the first attempt under that seed; attempts with the same seed and
            number have the same errors.
        dry_run: Whether to do everything but move.
        on_progress: Called at the beginning of each phase of each attempt.
        is_cancelled: Polled between and during attempts; True ends the execution.

    Returns:
        The attempts, with a cancelled attempt as the last; fewer than planned only if cancelled.

    Raises:
        DrGraspError: The backend or the recording has failed.
    """
    attempts: list[AttemptT] = []
    for index, (grasp, score) in enumerate(plan.chosen):
        if is_cancelled():
            break

        def report(phase: str, grasp_id: str = grasp.id, number: int = index + 1) -> None:
            if on_progress is not None:
                on_progress(AttemptProgress(grasp_id, number, len(plan.chosen), phase))

        attempt = attempt_grasp(
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
