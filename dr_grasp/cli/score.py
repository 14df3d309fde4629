"""`dr-grasp score`: computes the four fitnesses of each grasp of a file."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Annotated

import typer
from rich.progress import Progress as ProgressBar

from dr_grasp.cli.console import (
    CRITERION_COLUMNS,
    AllRefusedError,
    as_they_come,
    check_any_done,
    complain,
    journal_of,
    kept_from_ctrl_c,
    print_file,
    print_line,
    print_table,
    progress_bar,
    reports_errors,
    score_cells,
)
from dr_grasp.cli.pools import PROCESSORS, Cluster, Jobs, make_pool
from dr_grasp.cli.remote_scoring import RemoteRequest, check_options, score_remotely
from dr_grasp.cli.ros_client import Namespace
from dr_grasp.cli.scoring_options import (
    EngineName,
    MetricNames,
    ProfileNameOrFile,
    Seed,
    Top,
    Trials,
    Until,
    Worlds,
    check_has_name,
    check_workers,
    names_in,
    profile_named,
)
from dr_grasp.cli.start import INTERRUPTED
from dr_grasp.core.collisions import listed, sentences
from dr_grasp.core.fitness import GraspScore, RefusedGrasp, Selection
from dr_grasp.core.metric import Metric, metric_label, metric_text
from dr_grasp.core.outcome import LinkPair, Outcome
from dr_grasp.core.perturbation import Criterion
from dr_grasp.core.ranking import rank
from dr_grasp.formats.documents import check_writable
from dr_grasp.formats.grasp_file import GraspReader
from dr_grasp.formats.score_file import write_score_stream
from dr_grasp.scoring.batches import Batches
from dr_grasp.scoring.progress import Progress
from dr_grasp.scoring.request import ScoreOrRefusal, ScoreRequest, parse_trials
from dr_grasp.scoring.score_journal import ScoreJournal
from dr_grasp.scoring.scorer import Scorer
from dr_grasp.scoring.tally import software_version
from dr_grasp.simulation.engine import WORLDS, check_available
from dr_grasp.simulation.rollout_runner import ALL, Shortcuts

ALL_CRITERIA = ",".join(criterion.value for criterion in Criterion)

SHOWN = 20
"""Largest number of grasps in the table; the file contains all grasps."""


@reports_errors
def command(
    context: typer.Context,
    grasps: Annotated[Path, typer.Argument(help="Grasp file.")],
    out: Annotated[Path, typer.Option(help="Scores file to write.")],
    seed: Seed = 0,
    jobs: Jobs = PROCESSORS,
    cluster: Cluster = None,
    trials: Trials = None,
    criteria: Annotated[str, typer.Option(help="Comma-separated criteria.")] = ALL_CRITERIA,
    profile: ProfileNameOrFile = "default",
    until: Until = None,
    top: Top = None,
    metrics: MetricNames = None,
    engine: EngineName = None,
    worlds: Worlds = WORLDS,
    transfer_model: Annotated[
        Path | None,
        typer.Option(
            help="Model from `dr-grasp calibrate`: scores get, and are ranked by, the probability "
            "that the grasp holds on the arm."
        ),
    ] = None,
    whole: Annotated[
        bool,
        typer.Option(
            "--whole", help="Simulate every step of every rollout; slower, only for comparisons."
        ),
    ] = False,
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on with the run whose results are in OUT.journal.")
    ] = False,
    ros: Annotated[
        bool, typer.Option("--ros", help="Ask the running node scorer, in place of --jobs.")
    ] = False,
    namespace: Namespace = "",
    as_json: Annotated[bool, typer.Option("--json", help="Print the scores file.")] = False,
) -> None:
    """Simulate each grasp under domain randomisation and write the fitnesses.

    With --metrics, other numbers about each grasp as well; with --top, of the chosen grasps.
    Grasps that are not valid are named on standard error. All other grasps are still scored, and
    the exit status is 1. A run that has ended early, for example by Ctrl-C, can go on by --resume.
    """
    names = names_in(criteria)
    every, own = (None, []) if trials is None else parse_trials(trials)
    if ros:
        check_options(context)
        measured = names_in(metrics)
        named = check_has_name(profile)
        wanted = RemoteRequest(every, own, names, seed, named, until, top, engine, measured)
        _finish(_through_ros(grasps, out, namespace, wanted), as_json)
        return
    shortcuts = Shortcuts.none() if whole else ALL
    estimate, measured = None, names_in(metrics)
    if transfer_model is not None:
        from dr_grasp.transfer.estimator import Estimator

        estimate = Estimator(transfer_model, complain)
        measured += [metric.value for metric in estimate.metrics]
    request = ScoreRequest.from_names(
        profile_named(profile),
        names,
        every,
        seed,
        until,
        top,
        shortcuts,
        estimate,
        own,
        engine,
        measured,
    )
    check_workers(context, request.engine, measures=bool(request.metrics))
    check_available(request.engine)
    given = GraspReader(grasps)
    check_writable(out)
    summary = _Summary(out)
    with (
        Batches(worlds) as batches,
        Scorer(pool=make_pool(jobs, cluster), batches=batches) as scorer,
        ScoreJournal(journal_of(out), request, given.sha256, resume) as journal,
        kept_from_ctrl_c() as pressed,
        progress_bar() as bar,
    ):
        results = scorer.stream(given, request, given.count, journal, _follow(bar), pressed)
        try:
            write_score_stream(
                out,
                summary.of(results),
                seed=seed,
                profile=request.profile.name,
                software_version=software_version(request.engine),
                engine=request.engine,
            )
        except KeyboardInterrupt:
            complain("interrupted; --resume goes on")
            raise typer.Exit(INTERRUPTED) from None
        except AllRefusedError:
            journal.remove()
            raise
        journal.remove()
    _finish(summary, as_json)


def _through_ros(grasps: Path, out: Path, namespace: str, request: RemoteRequest) -> _Summary:
    entries = list(GraspReader(grasps))
    check_writable(out)
    summary = _Summary(out)
    with kept_from_ctrl_c() as pressed, progress_bar() as bar:
        made_by, results = score_remotely(namespace, entries, request, _follow(bar), pressed)
    write_score_stream(
        out,
        summary.of(results),
        seed=request.seed,
        profile=request.profile,
        software_version=made_by.software_version,
        engine=made_by.engine,
    )
    return summary


def _follow(bar: ProgressBar) -> Callable[[Progress], None]:
    """Makes the function that shows the progress."""
    task = bar.add_task("scoring", total=None, note="")

    def follow(progress: Progress) -> None:
        note = f"best {progress.best_grasp_id} {progress.best_value:.2f}"
        bar.update(
            task,
            completed=progress.rollouts_done,
            total=progress.rollouts_total,
            note=note if progress.best_grasp_id else "",
        )

    return follow


def _finish(summary: _Summary, as_json: bool) -> None:
    """Print what was scored; exit with 1 if a grasp was refused."""
    out = summary.out
    if as_json:
        print_file(out)
    else:
        summary.show(out)
    if summary.refused:
        total = summary.refused + summary.scored
        complain(f"{summary.refused} of {total} grasps refused, the others are in {out}")
        raise typer.Exit(1)


class _Summary:
    """Collects from the results what is printed at the end."""

    def __init__(self, out: Path) -> None:
        self.out = out
        self.scored = 0
        self.refused = 0
        self._best: list[GraspScore] = []
        self._collisions: Counter[tuple[Outcome, LinkPair]] = Counter()
        self._selection: Selection | None = None

    def of(
        self, results: Iterable[ScoreOrRefusal | Selection | None]
    ) -> Iterator[ScoreOrRefusal | Selection]:
        """Pass results on, count them, and print each refusal on standard error as it comes."""
        given: Iterator[ScoreOrRefusal | Selection] = as_they_come(results)
        for result in given:
            if isinstance(result, GraspScore):
                self.scored += 1
                for found in result.collisions:
                    self._collisions[found.outcome, found.links] += found.count
                self._best = rank([*self._best, result])[:SHOWN]
            elif isinstance(result, RefusedGrasp):
                self.refused += 1
            else:
                self._selection = result
            yield result
        check_any_done(self.scored, self.refused, self.out)

    def show(self, out: Path) -> None:
        """Print a table of the best grasps, and another one of their metrics."""
        print_table(
            ["grasp", "nominal", *CRITERION_COLUMNS, "P(holds)"],
            [
                [score.grasp_id, score.nominal_text, *score_cells(score), _probability(score)]
                for score in self._best
            ],
        )
        self._show_metrics()
        if self.scored > SHOWN:
            print_line(f"the best {SHOWN} of {self.scored} grasps; all are in {out}")
        for sentence in sentences(listed(self._collisions)).values():
            print_line(f"of all rollouts, {sentence}")
        if self._selection is not None:
            print_line(_selection_text(self._selection, self.scored))

    def _show_metrics(self) -> None:
        metrics = [m for m in Metric if any(m in score.metrics for score in self._best)]
        if not metrics:
            return
        print_table(
            ["grasp", *map(metric_label, metrics)],
            [
                [score.grasp_id, *(metric_text(m, score.metrics.get(m)) for m in metrics)]
                for score in self._best
            ],
        )


def _probability(score: GraspScore) -> str:
    value = score.transfer_probability
    return "uncalibrated" if value is None else f"{value:.2f}"


def _selection_text(selection: Selection, scored: int) -> str:
    return (
        f"{len(selection.chosen)} chosen of {scored} by {selection.criterion.name}: "
        f"{selection.expected_share:.0%} of the true best are expected among them, and their mean "
        f"fitness {selection.expected_shortfall:.3f} below that of the true best; with 95 % "
        f"confidence none left out is better than the worst chosen by more than "
        f"{selection.most_missed:.2f}"
    )
