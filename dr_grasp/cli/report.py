"""`dr-grasp report`: compares fitnesses with recorded attempts on an HTML page."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer

from dr_grasp.cli.calibrate import Backend, ScoredIn
from dr_grasp.cli.console import complain, print_json, print_line, progress_bar, reports_errors
from dr_grasp.cli.dataset import Folder, read, say_unread
from dr_grasp.errors import DrGraspError
from dr_grasp.formats.diagnosis_file import read_causes
from dr_grasp.formats.documents import check_writable
from dr_grasp.formats.margins_file import read_margins_by_motion
from dr_grasp.transfer.rows import engine_counts
from dr_grasp.transfer.statistics import Estimate, PredictorStatistics

if TYPE_CHECKING:
    from dr_grasp.core.trajectory import GraspTrajectory
    from dr_grasp.report.findings import Findings
    from dr_grasp.report.gallery import Draw

T = TypeVar("T")

MOST_PICTURES = 8
"""Largest number of pictures: each takes seconds to draw and tens of kilobytes of the page."""

SIZE = (480, 420)
"""Width and height of a picture in pixels."""


@reports_errors
def command(
    folder: Folder,
    out: Annotated[Path, typer.Option("--out", "-o", help="HTML file to write.")],
    backend: Backend = None,
    engine: ScoredIn = None,
    diagnosis: Annotated[
        list[Path] | None,
        typer.Option(help="File from `dr-grasp diagnose --out`; may be given several times."),
    ] = None,
    margins: Annotated[
        list[Path] | None,
        typer.Option(help="File from `dr-grasp margins --out`; may be given several times."),
    ] = None,
    pictures: Annotated[
        int, typer.Option(min=0, max=MOST_PICTURES, help="Most pictures of surprising grasps.")
    ] = MOST_PICTURES,
    as_json: Annotated[bool, typer.Option("--json", help="Print the numbers as JSON.")] = False,
) -> None:
    """Compare fitnesses with the attempts in a folder of bags, on one HTML page for offline use."""
    check_writable(out)
    causes = _by_motion(diagnosis, read_causes, "diagnoses") if diagnosis else None
    measured = _by_motion(margins, read_margins_by_motion, "margins") if margins else None
    dataset = read(folder)
    from dr_grasp.report.writer import write_report  # takes a second, which --help must not wait

    with progress_bar() as bar:
        task = bar.add_task("drawing", total=None, note="")
        draw = _drawing(lambda: bar.advance(task)) if pictures else None
        findings = write_report(
            out,
            dataset,
            backend=backend,
            engine=engine,
            draw=draw,
            pictures=pictures,
            causes=causes,
            margins=measured,
        )
    eta = findings.eta
    if as_json:
        print_json(_document(findings))
    else:
        told = f"eta {eta.value:.2f} of {eta.attempts} attempts" if eta else "no attempt counts"
        print_line(f"{out}: {told}, {len(findings.tallies)} grasps")
    if len(findings.engines) > 1:
        complain(
            f"the scores are of several engines, {engine_counts(findings.engines)}, and their "
            "fitnesses are different measurements: --engine chooses one"
        )
    say_unread(dataset)


def _by_motion(
    files: Iterable[Path], read_file: Callable[[Path], dict[str, T]], what: str
) -> dict[str, T]:
    """What files say of grasps, by the fingerprint of the trajectory."""
    found: dict[str, T] = {}
    for file in files:
        content = read_file(file)
        if content.keys() & found.keys():
            raise DrGraspError(f"{file}: another file has {what} of the same grasps")
        found |= content
    return found


def _drawing(on_drawn: Callable[[], None]) -> Draw:
    # Imported inside, so that the simulator is loaded only if there is a picture.
    def draw(grasp: GraspTrajectory) -> Any:
        from dr_grasp.simulation.pictures import picture_of

        picture = picture_of(grasp, *SIZE)
        on_drawn()
        return picture

    return draw


def _document(findings: Findings) -> dict[str, Any]:
    eta = findings.eta
    return {
        "attempts": eta.attempts if eta else 0,
        "held": eta.held if eta else 0,
        "grasps": len(findings.tallies),
        "engines": {engine.value: number for engine, number in findings.engines.items()},
        "eta": _estimate(Estimate.of_eta(eta)) if eta else None,
        "criteria": _statistics(findings.criteria),
        # Only of scores with metrics, so that other reports stay as they were.
        **({"metrics": _statistics(findings.metrics)} if findings.metrics else {}),
    }


def _statistics(predictors: Sequence[PredictorStatistics]) -> dict[str, Any]:
    return {
        found.predictor.value: {
            "attempts": found.attempts,
            "grasps": found.grasps,
            "rho": _estimate(found.rho),
            "auc": _estimate(found.auc),
            "top_fifth_eta": _estimate(found.top_eta),
            "top_fifth_gain": _estimate(found.gain),
        }
        for found in predictors
    }


def _estimate(estimate: Estimate) -> dict[str, Any]:
    return {key: value for key, value in asdict(estimate).items() if key != "reason" or value}
