"""`dr-grasp margins`: measures how far each parameter may be off before a grasp is lost."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from dr_grasp.cli.console import (
    AllRefusedError,
    as_they_come,
    check_any_done,
    complain,
    journal_of,
    kept_from_ctrl_c,
    print_file,
    print_line,
    progress_bar,
    reports_errors,
)
from dr_grasp.cli.margin_pictures import picture
from dr_grasp.cli.pools import PROCESSORS, Cluster, Jobs, make_pool
from dr_grasp.cli.scoring_options import (
    ProfileNameOrFile,
    Seed,
    SingleEngineName,
    names_in,
    profile_named,
)
from dr_grasp.cli.start import INTERRUPTED
from dr_grasp.common.run_lock import RunLock
from dr_grasp.core.adr import Thresholds
from dr_grasp.core.doubt import Doubt
from dr_grasp.core.fitness import RefusedGrasp
from dr_grasp.core.margin import GraspMargins
from dr_grasp.errors import DrGraspError
from dr_grasp.formats.documents import check_writable
from dr_grasp.formats.grasp_file import GraspReader
from dr_grasp.formats.margins_file import MeasuredWith, read_margins, write_margins
from dr_grasp.formats.score_file import ScoreFile, read_scores, write_scores
from dr_grasp.margins.margins_journal import MarginsJournal
from dr_grasp.margins.parallel import measure_each
from dr_grasp.margins.request import MarginRequest, doubts_from_names
from dr_grasp.scoring.profiles import engine_for
from dr_grasp.scoring.tally import software_version

SHOWN = 10
"""Largest number of grasps with a picture; the file contains all grasps."""

ALL_DOUBTS = ",".join(doubt.value for doubt in Doubt)

_RATES = Thresholds()


@reports_errors
def command(
    grasps: Annotated[Path, typer.Argument(help="Grasp file.")],
    out: Annotated[Path, typer.Option("--out", "-o", help="Margins file to write.")],
    scores: Annotated[
        Path | None,
        typer.Option(help="Scores file of the grasps, into which the margins are written, too."),
    ] = None,
    parameters: Annotated[
        str, typer.Option(help="Comma-separated parameters to measure.")
    ] = ALL_DOUBTS,
    profile: ProfileNameOrFile = "default",
    background: Annotated[
        float,
        typer.Option(help="Share of the profile's MDR noise beside the parameter that is tried."),
    ] = 0.25,
    high: Annotated[
        float, typer.Option(help="Rate of success at which a value is borne (ADR's t_H).")
    ] = _RATES.high,
    low: Annotated[
        float, typer.Option(help="Rate of success at which a value is lost (ADR's t_L).")
    ] = _RATES.low,
    trials: Annotated[int, typer.Option(help="Most rollouts at one value.")] = _RATES.trials,
    halvings: Annotated[
        int, typer.Option(help="Halvings of the range between borne and lost; 3 is cheaper.")
    ] = 4,
    rounds: Annotated[
        int, typer.Option(help="Most rounds of growing all ranges together; 0 leaves it out.")
    ] = 4,
    seed: Seed = 0,
    engine: SingleEngineName = None,
    jobs: Jobs = PROCESSORS,
    cluster: Cluster = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on with the run whose results are in OUT.journal.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the margins file.")] = False,
) -> None:
    """Measure how far each parameter may be off before a grasp is lost.

    The parameters are the object's x, y and yaw, the error of the joints, the factors on friction,
    mass and gripper force, and the centre of mass: each alone, to both sides, and all together.

    Grasps that are not valid are named on standard error. All other grasps are still measured, and
    the exit status is 1. A run that has ended early, for example by Ctrl-C, can go on by --resume.
    """
    loaded = profile_named(profile)
    request = MarginRequest(
        loaded,
        engine_for(engine, loaded),
        seed,
        Thresholds(high, low, trials),
        background,
        halvings,
        rounds,
        doubts_from_names(names_in(parameters)),
    )
    given = GraspReader(grasps)
    scored = None if scores is None else _scores_of(scores, given, grasps)
    check_writable(out)
    summary = _Summary(out)
    with (
        nullcontext() if scores is None else RunLock(scores),
        make_pool(jobs, cluster) as pool,
        MarginsJournal(journal_of(out), request, given.sha256, resume) as journal,
        kept_from_ctrl_c() as pressed,
        progress_bar() as bar,
    ):
        task = bar.add_task("measuring margins", total=given.count, note="")

        def followed() -> Iterator[GraspMargins | RefusedGrasp]:
            for result in summary.of(measure_each(given, request, pool, pressed, journal)):
                bar.advance(task)
                yield result

        try:
            write_margins(out, followed(), _measured_with(request))
        except KeyboardInterrupt:
            complain("interrupted; --resume goes on")
            raise typer.Exit(INTERRUPTED) from None
        except AllRefusedError:
            journal.remove()
            raise
        if scores is not None and scored is not None:
            write_scores(scores, _with_margins(scored, read_margins(out).margins))
        journal.remove()
    if as_json:
        print_file(out)
    else:
        summary.show()
    if summary.refused:
        total = summary.refused + summary.count
        complain(f"{summary.refused} of {total} grasps refused, the others are in {out}")
        raise typer.Exit(1)


def _scores_of(scores: Path, given: GraspReader, grasps: Path) -> ScoreFile:
    scored = read_scores(scores)
    ids = {score.grasp_id for score in scored.scores}
    if not any(getattr(grasp, "id", None) in ids for grasp in given):
        raise DrGraspError(f"{scores}: expected scores of the grasps in {grasps}, got none of them")
    check_writable(scores)
    return scored


def _with_margins(scored: ScoreFile, margins: Iterable[GraspMargins]) -> ScoreFile:
    found = {each.grasp_id: each for each in margins}
    return replace(
        scored,
        scores=tuple(
            replace(score, margins=found.get(score.grasp_id, score.margins))
            for score in scored.scores
        ),
    )


def _measured_with(request: MarginRequest) -> MeasuredWith:
    rates = request.thresholds
    return MeasuredWith(
        software_version=software_version(request.engine),
        engine=request.engine,
        profile=request.profile.name,
        seed=request.seed,
        high=rates.high,
        low=rates.low,
        trials=rates.trials,
        background=request.background,
        halvings=request.halvings,
        rounds=request.rounds,
    )


class _Summary:
    """Collects from the margins what is printed at the end."""

    def __init__(self, out: Path) -> None:
        self._out = out
        self.count = 0
        self.refused = 0
        self._rollouts = 0
        self._widest: list[GraspMargins] = []

    def of(
        self, results: Iterable[GraspMargins | RefusedGrasp | None]
    ) -> Iterator[GraspMargins | RefusedGrasp]:
        """Pass results on, count them, and print each refusal on standard error as it comes."""
        given: Iterator[GraspMargins | RefusedGrasp] = as_they_come(results)
        for result in given:
            if isinstance(result, RefusedGrasp):
                self.refused += 1
            else:
                self.count += 1
                self._rollouts += result.rollouts
                widest = [*self._widest, result]
                self._widest = sorted(widest, key=lambda each: each.width, reverse=True)[:SHOWN]
            yield result
        check_any_done(self.count, self.refused, self._out)

    def show(self) -> None:
        """Print a picture of each of the grasps with the widest margins."""
        for found in self._widest:
            for line in picture(found):
                print_line(line)
            print_line("")
        if self.count > SHOWN:
            print_line(f"the widest {SHOWN} of {self.count} grasps; all are in {self._out}")
        print_line(
            "bars: how much of the farthest value that is tried the grasp bears; with an arrow, all"
        )
        grasps = "1 grasp" if self.count == 1 else f"{self.count} grasps"
        print_line(f"{self._out}: {grasps}, {self._rollouts / self.count:.0f} rollouts each")
