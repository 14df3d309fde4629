"""`dr-grasp demo`: the whole chain once, with four nodes and no robot."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Annotated

import typer
from rich.progress import Progress as Bar

from dr_grasp.cli.console import (
    CRITERION_COLUMNS,
    print_json,
    print_table,
    progress_bar,
    reports_errors,
    score_cells,
)
from dr_grasp.core.attempt import GraspAttempt
from dr_grasp.errors import BackendError
from dr_grasp.execution.runner import AttemptProgress
from dr_grasp.scoring.request import Progress


@reports_errors
def command(
    robot: Annotated[str, typer.Option(help="Robot; see `dr-grasp robots`.")] = "franka",
    out: Annotated[
        Path | None,
        typer.Option(help="Folder for what it leaves behind.  [default: demo, demo_2, ...]"),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the outcomes as JSON.")] = False,
) -> None:
    """Generate, score, rank, execute and record with four ROS nodes, on the twin."""
    # Only this verb needs ROS; the others work where it is not installed.
    try:
        from dr_grasp.bringup.demonstration import DemoSettings, run_demo
    except ImportError as error:
        raise BackendError(
            f"the demonstration needs ROS 2 ({error}): run `make demo`, or source a workspace"
        ) from error

    settings = DemoSettings(robot=robot)
    with progress_bar() as bar:
        result = run_demo(out or _free_folder(), settings, _ProgressDisplay(bar))
    best, worst = result.attempts[: settings.executed], result.attempts[settings.executed :]
    paths = {
        "grasps": result.grasp_file,
        "scores": result.scores_file,
        "bag": result.bag,
        "picture": result.picture,
    }
    if as_json:
        print_json(
            {
                "best": [_summary(attempt) for attempt in best],
                "worst": [_summary(attempt) for attempt in worst],
                **{name: str(path) for name, path in paths.items()},
            }
        )
        return
    for title, attempts in (("the best", best), ("the worst", worst)):
        print_table(
            ["grasp", *CRITERION_COLUMNS, "outcome on the twin"],
            [_row(attempt) for attempt in attempts],
            title=f"{title} {len(attempts)} of {len(result.scores)} grasps",
        )
    for name, path in paths.items():
        print(f"{name}: {path}")


def _free_folder() -> Path:
    """The first of demo, demo_2, demo_3, ... that is not there yet."""
    names = itertools.chain(["demo"], (f"demo_{number}" for number in itertools.count(2)))
    return next(path for path in map(Path, names) if not path.exists())


class _ProgressDisplay:
    """Shows the demonstration's progress in bars."""

    def __init__(self, bar: Bar) -> None:
        self._bar = bar
        self._tasks = {
            name: bar.add_task(name, total=None, note="", start=False)
            for name in ("generating", "scoring", "executing")
        }

    def generating(self, found: int, wanted: int) -> None:
        """So many grasps have been found."""
        self._show("generating", found, wanted, "")

    def scoring(self, progress: Progress) -> None:
        """Scoring has come so far."""
        note = f"best {progress.best_grasp_id} {progress.best_value:.2f}"
        self._show(
            "scoring",
            progress.rollouts_done,
            progress.rollouts_total,
            note if progress.best_grasp_id else "",
        )

    def executing(self, progress: AttemptProgress) -> None:
        """An attempt has come so far."""
        note = f"{progress.grasp_id} {progress.phase}"
        self._show("executing", progress.number - 1, progress.total, note)

    def _show(self, name: str, done: int, total: int, note: str) -> None:
        self._bar.start_task(self._tasks[name])
        self._bar.update(self._tasks[name], completed=done, total=total, note=note)


def _row(attempt: GraspAttempt) -> list[str]:
    return [attempt.grasp.id, *score_cells(attempt.score), attempt.outcome.label]


def _summary(attempt: GraspAttempt) -> dict[str, object]:
    fitness = attempt.score.fitness if attempt.score else {}
    return {
        "grasp_id": attempt.grasp.id,
        "fitness": {criterion.value: one.value for criterion, one in fitness.items()},
        "outcome": attempt.outcome.label,
        "reason": attempt.reason,
    }
