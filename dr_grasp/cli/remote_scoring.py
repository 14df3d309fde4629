"""Scores the grasps of a file by the running node `scorer`, for `dr-grasp score --ros`."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

import typer

from dr_grasp.cli.ros_client import client_class
from dr_grasp.cli.scoring_options import was_typed
from dr_grasp.core.engine import Engine
from dr_grasp.core.fitness import GraspOrRefusal, RefusedGrasp, Selection
from dr_grasp.core.trajectory import GraspTrajectory
from dr_grasp.errors import BackendError, DrGraspError
from dr_grasp.scoring.progress import Progress
from dr_grasp.scoring.request import ScoreOrRefusal

NOT_WITH_ROS = {
    "jobs": "the scorer has workers of its own",
    "cluster": "the scorer has workers of its own",
    "transfer_model": "the scorer has a parameter of this name",
    "whole": "the scorer always leaves out what decides nothing",
    "resume": "a goal keeps no journal",
    "worlds": "the scorer has a parameter of this name",
}
"""Options of `dr-grasp score` that make no sense with --ros, and why."""


def check_options(context: typer.Context) -> None:
    """Refuse options that make no sense with --ros.

    Raises:
        DrGraspError: One was typed.
    """
    for name, reason in NOT_WITH_ROS.items():
        if was_typed(context, name):
            raise DrGraspError(f"--ros: expected without --{name.replace('_', '-')}: {reason}")


@dataclass(frozen=True, slots=True)
class RemoteRequest:
    """What is asked of the scorer; see `DrGraspClient.score`."""

    trials: int | None
    own_trials: Sequence[tuple[str, int]]
    criteria: Sequence[str]
    seed: int
    profile: str
    until: float | None
    top: int | None
    engine: str | None = None
    metrics: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class MadeBy:
    """What the scorer made its scores with."""

    software_version: str = ""
    engine: Engine = Engine.BULLET


def score_remotely(
    namespace: str,
    entries: Sequence[GraspOrRefusal],
    request: RemoteRequest,
    on_progress: Callable[[Progress], None],
    is_cancelled: Callable[[], bool],
) -> tuple[MadeBy, list[ScoreOrRefusal | Selection]]:
    """Score grasps by a goal.

    Args:
        namespace: ROS namespace of the scorer.
        entries: Grasps, and refusals already made, in the order of a file.
        request: How to score.
        on_progress: Called with the progress.
        is_cancelled: Polled every 50 ms; True cancels the goal.

    Returns:
        What the scores were made with; and the results in the order of a local run.

    Raises:
        KeyboardInterrupt: The goal was cancelled.
        DrGraspError: There is no ROS, no scorer, or it refused the request.
    """
    places = [index for index, entry in enumerate(entries) if isinstance(entry, GraspTrajectory)]
    grasps = [entry for entry in entries if isinstance(entry, GraspTrajectory)]
    with client_class("--ros")(namespace) as client:
        try:
            answer = client.score(
                grasps,
                trials=request.trials,
                own_trials=request.own_trials,
                criteria=request.criteria,
                seed=request.seed,
                profile=request.profile,
                until=request.until,
                top=request.top,
                engine=request.engine,
                metrics=request.metrics,
                on_progress=on_progress,
                is_cancelled=is_cancelled,
            )
        except BackendError:
            if is_cancelled():
                raise KeyboardInterrupt from None
            raise
    refused = {
        places[each.index]: replace(each, index=places[each.index]) for each in answer.refused
    }
    scores = iter(answer.scores)

    def in_order() -> Iterator[ScoreOrRefusal | Selection]:
        for index, entry in enumerate(entries):
            if isinstance(entry, RefusedGrasp):
                yield entry
            else:
                yield refused[index] if index in refused else next(scores)
        if answer.selection is not None:
            yield answer.selection

    # The scorer chooses the engine if the request does not.
    made_by = [MadeBy(score.software_version, score.engine) for score in answer.scores[:1]]
    return next(iter(made_by), MadeBy()), list(in_order())
