"""`dr-grasp execute`: run the best grasps of a file, and record them."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated

import typer

from dr_grasp.cli.console import (
    CRITERION_COLUMNS,
    complain,
    print_json,
    print_table,
    progress_bar,
    reports_errors,
    say_refusals,
    score_cells,
)
from dr_grasp.core.attempt import GraspAttempt
from dr_grasp.core.trajectory import GraspTrajectory
from dr_grasp.errors import DrGraspError, UnknownNameError
from dr_grasp.execution.runner import AttemptProgress, execute_plan, plan_execution
from dr_grasp.execution.twin import TwinBackend
from dr_grasp.execution.twin_profile import load_twin_profile
from dr_grasp.files import read_grasps, read_scores
from dr_grasp.recording.bag import BagWriter
from dr_grasp.robots.spec import load_robot

BACKENDS = ("twin",)


@reports_errors
def command(
    grasps: Annotated[Path, typer.Argument(help="Grasp file.")],
    scores: Annotated[Path, typer.Option(help="Scores file that ranks them.")],
    bag: Annotated[Path, typer.Option(help="Folder of the bag to write; must not exist yet.")],
    top: Annotated[int, typer.Option(help="How many of the best to execute.")] = 5,
    backend: Annotated[str, typer.Option(help="What executes them: twin.")] = "twin",
    seed: Annotated[int, typer.Option(help="Seed of the twin's perception error.")] = 0,
    twin: Annotated[str, typer.Option(help="Profile of the twin.")] = "default",
    real_time: Annotated[bool, typer.Option(help="Keep pace with the wall clock.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the outcomes as JSON.")] = False,
) -> None:
    """Execute the best grasps in rank order and record every attempt in a rosbag2 bag."""
    if backend not in BACKENDS:
        raise UnknownNameError("backend", backend, BACKENDS)
    given, scored = read_grasps(grasps), read_scores(scores)
    robot = load_robot(_only_robot(grasps, given.grasps))
    plan = plan_execution(given.grasps, scored.scores, top, robot)
    say_refusals([*given.refused, *plan.refused])
    profile = load_twin_profile(twin)
    attempts: list[GraspAttempt] = []
    with (
        BagWriter(bag) as writer,
        TwinBackend(robot, profile, real_time, profile_name=twin) as hardware,
        progress_bar() as bar,
    ):
        task = bar.add_task("executing", total=len(plan.chosen), note="")

        def follow(progress: AttemptProgress) -> None:
            note = f"{progress.grasp_id} {progress.phase}"
            bar.update(task, completed=progress.number - 1, note=note)

        writer.write_scores(scored.scores, time.time_ns())
        attempts = execute_plan(
            hardware, plan, seed=seed, record=writer.write_attempt, on_progress=follow
        )
    if as_json:
        print_json([_summary(attempt) for attempt in attempts])
    else:
        print_table(
            ["grasp", *CRITERION_COLUMNS, "outcome"],
            [
                [
                    attempt.grasp.id,
                    *score_cells(attempt.score),
                    attempt.outcome.label,
                ]
                for attempt in attempts
            ],
        )
        print(f"{bag}: {len(attempts)} attempts recorded")
    refused = len(given.refused) + len(plan.refused)
    if refused:
        complain(f"{refused} grasps refused")
        raise typer.Exit(1)


def _only_robot(path: Path, grasps: tuple[GraspTrajectory, ...]) -> str:
    robots = sorted({grasp.robot for grasp in grasps})
    if len(robots) != 1:
        raise DrGraspError(f"{path}: expected grasps of one robot, got {robots or 'none'}")
    return robots[0]


def _summary(attempt: GraspAttempt) -> dict[str, str]:
    return {
        "attempt_id": attempt.attempt_id,
        "grasp_id": attempt.grasp.id,
        "outcome": attempt.outcome.label,
        "reason": attempt.reason,
    }
