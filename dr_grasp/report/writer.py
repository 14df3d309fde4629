"""`dr-grasp report`'s page: one HTML file that needs nothing else, neither network nor scripts."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from itertools import zip_longest
from pathlib import Path

from jinja2 import Environment, PackageLoader, StrictUndefined

from dr_grasp import __version__
from dr_grasp.common.atomic import write_whole
from dr_grasp.core.confidence import wilson_interval
from dr_grasp.errors import FileFormatError
from dr_grasp.report import page, panels, wording
from dr_grasp.report.findings import Findings, findings_of
from dr_grasp.report.gallery import MOST_PICTURES, Draw, draw_all
from dr_grasp.transfer.attempt_dataset import Dataset, of_backend, readable
from dr_grasp.transfer.calibration import Calibration
from dr_grasp.transfer.grasp_tally import GraspTally
from dr_grasp.transfer.rows import AttemptRow
from dr_grasp.transfer.statistics import RESAMPLES

MOST_BAGS = 50
"""Bags that are listed; the others are counted."""


def write_report(
    path: Path,
    dataset: Dataset,
    *,
    backend: str | None = None,
    draw: Draw | None = None,
    pictures: int = MOST_PICTURES,
    causes: Mapping[str, Sequence[str]] | None = None,
    made_ns: int | None = None,
) -> Findings:
    """Write the report on a folder of bags, whole or not at all.

    Args:
        path: HTML file.
        dataset: The folder.
        backend: Only attempts of this one; None for all.
        draw: Draws a grasp, for the thumbnails; None for a report without.
        pictures: How many thumbnails at most, from 0 to 8.
        causes: By trajectory, what a diagnosis says breaks a grasp, if anybody made one.
        made_ns: Date of the report, nanoseconds since the epoch; None for now.

    Returns:
        What it says, as numbers.

    Raises:
        DrGraspError: There is no attempt in it, or none of that backend.
        FileFormatError: The file cannot be written.
    """
    shown = of_backend(dataset, backend)
    findings = findings_of(shown.rows)
    made = page.day(time.time_ns() if made_ns is None else made_ns)
    left_out = len(dataset.rows) - len(shown.rows)
    only = f"Only what {backend} executed; {left_out:,} other attempts." if left_out else ""
    text = render(findings, shown, draw, pictures, causes, made, only)
    try:
        write_whole(path, text.encode())
    except OSError as error:
        raise FileFormatError(f"{path}: cannot be written: {error.strerror}") from error
    return findings


def _shown(
    findings: Findings, examples: Iterable[tuple[page.Line, GraspTally | None]]
) -> list[AttemptRow]:
    """Attempts to draw, in the order in which pictures are spent."""
    # One of each kind in turn, so that few pictures are of all of them.
    kinds = zip_longest(
        (one.row for one in findings.surprises.failed),
        (one.row for one in findings.surprises.held),
        (tally.last for _, tally in examples if tally is not None),
    )
    return [row for rows in kinds for row in rows if row is not None]


def render(
    findings: Findings,
    dataset: Dataset,
    draw: Draw | None,
    pictures: int,
    causes: Mapping[str, Sequence[str]] | None,
    made: str,
    only: str = "",
) -> str:
    """The page as text; all that users named is escaped.

    Args:
        findings: What it says.
        dataset: What that is from.
        draw: Draws a grasp, or None.
        pictures: How many at most.
        causes: By trajectory, or None.
        made: When, in words.
        only: What is left out, in words; empty if nothing is.
    """
    environment = Environment(
        loader=PackageLoader("dr_grasp.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    examples = None if causes is None else page.cause_lines(findings, causes)
    stamps = [row.stamp_ns for row in findings.rows]
    found = findings.calibration
    return environment.get_template("report.html").render(
        findings=findings,
        dataset=dataset,
        made=made,
        only=only,
        version=__version__,
        first=page.day(min(stamps)),
        last=page.day(max(stamps)),
        counted=sum(row.held is not None for row in findings.rows),
        summary=wording.summary(findings.criteria),
        fitness_panels=panels.fitness_panels(findings.tallies),
        grouped=panels.grouped_panels(findings),
        rho=page.rank_lines(findings.criteria, "rho"),
        auc=page.rank_lines(findings.criteria, "auc"),
        robots=page.robot_table(findings),
        gains=page.gain_lines(findings.criteria),
        groups=page.group_tables(findings),
        reliability=panels.reliability_panels(findings),
        losses=page.loss_table(findings),
        notes=found.notes if isinstance(found, Calibration) else (),
        failures=page.failure_lines(findings),
        pictures=draw_all(dataset, _shown(findings, examples or ()), draw, pictures),
        causes=examples,
        said_by=page.said_by(findings),
        sources=page.sources(findings),
        bags=dataset.bags[:MOST_BAGS],
        more_bags=len(dataset.bags[MOST_BAGS:]),
        resamples=RESAMPLES,
        count=wording.count,
        eta_text=wording.eta_text,
        with_interval=wording.with_interval,
        readable=readable,
        wilson=wilson_interval,
        day=page.day,
    )
