"""`dr-grasp score`: the four fitnesses of each grasp of a file."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from dr_grasp.cli.console import (
    CRITERION_COLUMNS,
    complain,
    print_table,
    progress_bar,
    reports_errors,
    say_refusals,
    score_cells,
)
from dr_grasp.core.perturbation import Criterion
from dr_grasp.core.ranking import rank
from dr_grasp.core.refusal import RefusedGrasp
from dr_grasp.files import GraspFile, ScoreFile, check_writable, read_grasps, write_scores
from dr_grasp.scoring.request import Progress, ScoreBatch, ScoreRequest
from dr_grasp.scoring.scorer import Scorer, software_version

ALL_CRITERIA = ",".join(criterion.value for criterion in Criterion)


@reports_errors
def command(
    grasps: Annotated[Path, typer.Argument(help="Grasp file.")],
    out: Annotated[Path, typer.Option(help="Scores file to write.")],
    seed: Annotated[int, typer.Option(help="Seed of the perturbations.")] = 0,
    jobs: Annotated[int, typer.Option(help="Worker processes.")] = os.cpu_count() or 1,
    trials: Annotated[
        int | None, typer.Option(help="Rollouts of each criterion.  [default: the profile's]")
    ] = None,
    criteria: Annotated[str, typer.Option(help="Comma-separated criteria.")] = ALL_CRITERIA,
    profile: Annotated[str, typer.Option(help="Randomisation profile.")] = "default",
    as_json: Annotated[bool, typer.Option("--json", help="Print the scores file.")] = False,
) -> None:
    """Replay each grasp under domain randomisation and write its fitnesses.

    Grasps that cannot be replayed are named on standard error; the others are scored and written
    all the same, and the exit status is 1.
    """
    names = [name.strip() for name in criteria.split(",")]
    request = ScoreRequest.from_names(profile, names, trials, seed)
    given = read_grasps(grasps)
    check_writable(out)
    with Scorer(jobs) as scorer, progress_bar() as bar:
        task = bar.add_task("scoring", total=None, note="")

        def follow(progress: Progress) -> None:
            note = f"best {progress.best_grasp_id} {progress.best_value:.2f}"
            bar.update(
                task,
                completed=progress.rollouts_done,
                total=progress.rollouts_total,
                note=note if progress.best_grasp_id else "",
            )

        batch = scorer.score(given.grasps, request, follow)
    refused = _refusals(given, batch)
    content = ScoreFile(batch.scores, refused, seed, profile, software_version())
    write_scores(out, content)
    if as_json:
        print(out.read_text(encoding="utf-8"), end="")
    else:
        print_table(
            ["grasp", "nominal", *CRITERION_COLUMNS],
            [
                [score.grasp_id, score.nominal_outcome.label, *score_cells(score)]
                for score in rank(batch.scores)
            ],
        )
    if refused:
        say_refusals(refused)
        total = len(refused) + len(batch.scores)
        complain(f"{len(refused)} of {total} grasps refused, the others are in {out}")
        raise typer.Exit(1)


def _refusals(given: GraspFile, batch: ScoreBatch) -> tuple[RefusedGrasp, ...]:
    """Refusals of the file and of the scorer, by position in the file."""
    malformed = {one.index for one in given.refused}
    count = len(given.grasps) + len(given.refused)
    positions = [index for index in range(count) if index not in malformed]
    later = [RefusedGrasp(positions[one.index], one.grasp_id, one.reason) for one in batch.refused]
    return tuple(sorted([*given.refused, *later], key=lambda one: one.index))
