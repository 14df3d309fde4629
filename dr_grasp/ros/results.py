"""What the nodes `scorer` and `executor` answer a client, as values."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from dr_grasp.core.attempt import GraspAttempt
from dr_grasp.core.fitness import GraspScore, RefusedGrasp, Selection
from dr_grasp.errors import BackendError, InvalidGraspError
from dr_grasp.execution.runner import ExecutionFailedError
from dr_grasp.messages.decoding import decode_attempt, decode_score, decode_selection


@dataclass(frozen=True, slots=True)
class ScoringResult:
    """Answer of the node `scorer`.

    Attributes:
        scores: A score for each grasp that was scored, in the order of the request.
        refused: The grasps that were not scored, each with its index in the request and the reason.
        selection: The best grasps, if only these were requested; else None.
    """

    scores: tuple[GraspScore, ...]
    refused: tuple[RefusedGrasp, ...]
    selection: Selection | None = None


@dataclass(frozen=True, slots=True)
class ExecutionResult:
    """Answer of the node `executor`.

    Attributes:
        attempts: What became of each executed grasp, in the order of execution.
        refused: The grasps that cannot be executed, each with its index and the reason.
        needs_confirmation: Whether nothing has moved, since the arm asks for a person's agreement:
            then the attempts are of a dry run.
        token: Of a dry run: lets these very grasps move the arm, once, as `confirmed`.
        warnings: What has changed since the scores were made, one line each.
    """

    attempts: tuple[GraspAttempt, ...]
    refused: tuple[RefusedGrasp, ...]
    needs_confirmation: bool = False
    token: str = ""
    warnings: tuple[str, ...] = ()


def scoring_result(answer: Any) -> ScoringResult:
    """Decode the answer of the service or of the action `score_grasps`.

    Raises:
        BackendError: The scorer refused the whole request, or the goal was cancelled.
    """
    if not answer.success:
        raise BackendError(f"score_grasps: {answer.message or 'the goal was aborted'}")
    scores = tuple(decode_score(message) for message in answer.scores)
    selection = next((decode_selection(message) for message in answer.selection), None)
    return ScoringResult(scores, _refusals(answer.refused), selection)


def execution_result(answer: Any) -> ExecutionResult:
    """Decode the result of the action `execute_grasps`.

    Raises:
        ExecutionFailedError: The execution failed; the error has the attempts that are valid.
    """
    if not answer.success and not answer.needs_confirmation:
        reason = answer.message or "the goal was aborted"
        raise ExecutionFailedError(f"execute_grasps: {reason}", _readable(answer.attempts))
    attempts = tuple(decode_attempt(message) for message in answer.attempts)
    refused, warnings = _refusals(answer.refused), tuple(answer.warnings)
    return ExecutionResult(attempts, refused, answer.needs_confirmation, answer.token, warnings)


def _readable(messages: Sequence[Any]) -> tuple[GraspAttempt, ...]:
    attempts = []
    for message in messages:
        with suppress(InvalidGraspError):
            attempts.append(decode_attempt(message))
    return tuple(attempts)


def _refusals(messages: Sequence[Any]) -> tuple[RefusedGrasp, ...]:
    return tuple(
        RefusedGrasp(message.index, message.grasp_id, message.reason) for message in messages
    )
