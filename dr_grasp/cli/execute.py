"""`dr-grasp execute`: executes the best grasps of a file, and records the attempts."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from dr_grasp.cli.console import (
    CRITERION_COLUMNS,
    complain,
    kept_from_ctrl_c,
    print_json,
    print_line,
    print_table,
    progress_bar,
    reports_errors,
    say_refusals,
    score_cells,
)
from dr_grasp.cli.ros_client import client_class
from dr_grasp.core.attempt import GraspAttempt
from dr_grasp.core.outcome import Outcome
from dr_grasp.core.trajectory import GraspTrajectory
from dr_grasp.errors import DrGraspError, UnknownNameError
from dr_grasp.execution.runner import (
    AttemptProgress,
    ExecutionFailedError,
    ExecutionPlan,
    execute_plan,
    plan_execution,
)
from dr_grasp.formats.grasp_file import read_grasps
from dr_grasp.formats.score_file import read_scores
from dr_grasp.recording.bag_writer import BagWriter
from dr_grasp.replaying.since_scored import changes_before_execution
from dr_grasp.robots.robot_spec import load_robot
from dr_grasp.twin.twin_backend import TwinBackend
from dr_grasp.twin.twin_profile import load_twin_profile

BACKENDS = ("twin", "ros")


@reports_errors
def command(
    grasps: Annotated[Path, typer.Argument(help="Grasp file.")],
    scores: Annotated[Path, typer.Option(help="Scores file that ranks the grasps.")],
    bag: Annotated[
        Path | None,
        typer.Option(help="Folder for the bag, new or empty; needed for the backend twin."),
    ] = None,
    top: Annotated[int, typer.Option(help="How many of the best grasps to execute.")] = 5,
    backend: Annotated[
        str,
        typer.Option(
            help="Backend: `twin`, which runs in this process; or `ros`, the robot of the running "
            "node executor, where the node recorder writes the bag."
        ),
    ] = "twin",
    seed: Annotated[int, typer.Option(help="Seed of the twin's perception error.")] = 0,
    twin: Annotated[
        str, typer.Option(help="Name of the twin's profile, e.g. sapien, which is in PhysX.")
    ] = "default",
    real_time: Annotated[
        bool, typer.Option(help="Let the twin run at the speed of the wall clock.")
    ] = False,
    namespace: Annotated[str, typer.Option(help="With ros: namespace of the nodes.")] = "",
    dry_run: Annotated[bool, typer.Option(help="With ros: check and plan, do not move.")] = False,
    yes: Annotated[
        bool, typer.Option("--yes", help="With ros: move a real arm without asking.")
    ] = False,
    force: Annotated[
        bool,
        typer.Option(
            "--force",
            help="Move a real arm though robot, object or profile have changed since scoring.",
        ),
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the outcomes as JSON.")] = False,
) -> None:
    """Execute the best grasps in rank order and record every attempt in a rosbag2 bag."""
    if backend not in BACKENDS:
        raise UnknownNameError("backend", backend, BACKENDS)
    if (bag is None) == (backend == "twin"):
        wanted = "a folder for the bag of the twin" if bag is None else "none with ros"
        raise DrGraspError(f"--bag: expected {wanted}")
    if dry_run and backend == "twin":
        raise DrGraspError("--dry-run: expected the backend ros, got twin")
    given, scored = read_grasps(grasps), read_scores(scores)
    robot = load_robot(_only_robot(grasps, given.grasps))
    plan = plan_execution(given.grasps, scored.scores, top, robot)
    say_refusals([*given.refused, *plan.refused])
    if not plan.chosen:
        refused = len(given.refused) + len(plan.refused)
        raise DrGraspError(f"all {refused} grasps were refused: nothing was executed")
    attempts: Sequence[GraspAttempt]
    failure: ExecutionFailedError | None = None
    with progress_bar() as bar:
        task = bar.add_task("executing", total=len(plan.chosen), note="")

        def follow(progress: AttemptProgress) -> None:
            note = f"{progress.grasp_id} {progress.phase}"
            bar.update(task, completed=progress.number - 1, note=note)

        def agree(checked: Sequence[GraspAttempt]) -> bool:
            bar.stop()
            print_attempts(checked)
            agreed = typer.confirm("This moves a real arm. Are you beside it?", err=True)
            bar.start()
            return agreed

        if bag is None:
            try:
                attempts = _through_ros(
                    plan, namespace, agree, follow, seed=seed, dry_run=dry_run, force=force, yes=yes
                )
            except ExecutionFailedError as error:
                attempts, failure = error.attempts, error
        else:
            profile = load_twin_profile(twin)
            for line in changes_before_execution(plan.chosen, robot).lines:
                complain(line)
            # The twin first: an engine that is not installed must not leave a bag behind.
            with (
                TwinBackend(robot, profile, real_time, profile_name=twin) as hardware,
                BagWriter(bag) as writer,
            ):
                writer.write_scores(scored.scores, time.time_ns())
                attempts = execute_plan(
                    partial(hardware.attempt, on_begin=writer.write_begun),
                    plan,
                    seed=seed,
                    record=writer.write_attempt,
                    on_progress=follow,
                )
    if as_json:
        print_json([_summary(attempt) for attempt in attempts])
    else:
        print_attempts(attempts)
    if failure is not None:
        raise failure
    if not as_json:
        kept = f"{bag}: " if bag is not None else ""
        print_line(f"{kept}{len(attempts)} attempts {'checked' if dry_run else 'recorded'}")
    refused = len(given.refused) + len(plan.refused)
    if refused:
        complain(f"{refused} grasps refused")
        raise typer.Exit(1)


def print_attempts(attempts: Sequence[GraspAttempt], title: str = "") -> None:
    """Print attempts as a table of grasps, scores and outcomes, then the reasons of failures."""
    rows = [
        [attempt.grasp.id, *score_cells(attempt.score), attempt.outcome.label]
        for attempt in attempts
    ]
    print_table(["grasp", *CRITERION_COLUMNS, "outcome"], rows, title)
    for attempt in attempts:
        if attempt.outcome is not Outcome.SUCCESS:
            print_line(f"{attempt.grasp.id}: {attempt.reason}")


def _through_ros(
    plan: ExecutionPlan,
    namespace: str,
    agree: Callable[[Sequence[GraspAttempt]], bool],
    follow: Callable[[AttemptProgress], None],
    *,
    seed: int,
    dry_run: bool,
    force: bool,
    yes: bool,
) -> Sequence[GraspAttempt]:
    with client_class("--backend ros")(namespace) as client, kept_from_ctrl_c() as interrupted:
        execute = partial(
            client.execute,
            [grasp for grasp, _ in plan.chosen],
            [score for _, score in plan.chosen if score is not None],
            top=len(plan.chosen),
            on_progress=follow,
            is_cancelled=interrupted,
            seed=seed,
            dry_run=dry_run,
            force=force,
        )
        done = execute()
        for line in done.warnings:
            complain(line)
        if done.needs_confirmation:
            if not yes and not agree(done.attempts):
                raise DrGraspError("not confirmed: nothing moved")
            done = execute(confirmed=done.token)
        return done.attempts


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
