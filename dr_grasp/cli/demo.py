"""`dr-grasp demo`: generates, scores, executes and records grasps with four nodes and no robot."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Annotated

import typer

from dr_grasp.cli.console import print_json, print_line, progress_bar, reports_errors
from dr_grasp.cli.execute import print_attempts
from dr_grasp.core.attempt import GraspAttempt
from dr_grasp.errors import BackendError


@reports_errors
def command(
    robot: Annotated[str, typer.Option(help="Robot; see `dr-grasp robots`.")] = "franka",
    out: Annotated[
        Path | None,
        typer.Option(
            help="Folder for the results.",
            show_default="the first of demo, demo_2, ... that does not exist",
        ),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the outcomes as JSON.")] = False,
) -> None:
    """Generate, score, rank, execute and record grasps, with four ROS nodes and no robot."""
    # Imported here, since other commands must work without ROS.
    try:
        from dr_grasp.bringup.demonstration import DemoSettings, run_demo
    except ImportError as error:
        raise BackendError(
            f"the demonstration needs ROS 2 ({error}): run `make demo`, or source a workspace"
        ) from error

    with progress_bar() as bar:
        tasks = {
            step: bar.add_task(step, total=None, note="", start=False)
            for step in ("generating", "scoring", "executing")
        }

        def show(step: str, done: int, total: int, note: str) -> None:
            bar.start_task(tasks[step])
            bar.update(tasks[step], completed=done, total=total, note=note)

        result = run_demo(out or _free_folder(), DemoSettings(robot=robot), show)
    ends = {"best": result.best, "worst": result.worst}
    if as_json:
        outcomes = {name: list(map(_summary, attempts)) for name, attempts in ends.items()}
        print_json(outcomes | {name: str(path) for name, path in result.files.items()})
        return
    for name, attempts in ends.items():
        title = f"the {name} {len(attempts)} of {len(result.scores)} grasps, on the twin"
        print_attempts(attempts, title)
    for name, path in result.files.items():
        print_line(f"{name}: {path}")


def _free_folder() -> Path:
    names = itertools.chain(["demo"], (f"demo_{number}" for number in itertools.count(2)))
    return next(path for path in map(Path, names) if not path.exists())


def _summary(attempt: GraspAttempt) -> dict[str, object]:
    fitness = attempt.score.fitness if attempt.score else {}
    return {
        "grasp_id": attempt.grasp.id,
        "fitness": {criterion.value: share.value for criterion, share in fitness.items()},
        "outcome": attempt.outcome.label,
        "reason": attempt.reason,
    }
