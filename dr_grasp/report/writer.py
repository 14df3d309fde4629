"""Writes the page of `dr-grasp report`: one HTML file that needs neither network nor scripts."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from itertools import zip_longest
from pathlib import Path

from jinja2 import Environment, PackageLoader, StrictUndefined

from dr_grasp import __version__
from dr_grasp.common.atomic import write_whole
from dr_grasp.core.margin import GraspMargins, value_text
from dr_grasp.errors import FileFormatError
from dr_grasp.report import panels, tables, wording
from dr_grasp.report.findings import Findings, findings_of
from dr_grasp.report.gallery import Draw, draw_all
from dr_grasp.transfer.attempt_dataset import Dataset, readable
from dr_grasp.transfer.calibration import Calibration
from dr_grasp.transfer.rows import engine_counts
from dr_grasp.transfer.statistics import RESAMPLES, Estimate

MOST_BAGS = 50
"""Most bags that are listed; the others are only counted."""


def write_report(
    path: Path,
    dataset: Dataset,
    *,
    backend: str | None = None,
    engine: str | None = None,
    draw: Draw | None = None,
    pictures: int = 8,
    causes: Mapping[str, Sequence[str]] | None = None,
    margins: Mapping[str, GraspMargins] | None = None,
    made_ns: int | None = None,
) -> Findings:
    """Write the report on a folder of bags, whole or not at all; names in it are escaped for HTML.

    Args:
        path: HTML file to write.
        dataset: The attempts of the folder.
        backend: Report only on attempts of this backend; None for all backends.
        engine: Report only on attempts whose scores are of this engine; None for all attempts.
        draw: Draws a grasp, for the thumbnails; None for a report without thumbnails.
        pictures: Largest number of thumbnails; each takes seconds and a few dozen kilobytes.
        causes: Names of the causes of a diagnosis, by fingerprint of the trajectory; None without.
        margins: How far each parameter may be off, by fingerprint of the trajectory; None without.
        made_ns: Date of the report, nanoseconds since the epoch; None for now.

    Returns:
        The numbers of the report.

    Raises:
        DrGraspError: There are no attempts, or none of that backend, or of that engine.
        FileFormatError: The file cannot be written.
    """
    shown = dataset.of_backend(backend).of_engine(engine)
    asked = {"executed": backend, "scored": engine}
    findings = findings_of(shown.rows)
    examples = None if causes is None else tables.causes_of(findings, causes)
    # The kinds of examples in turn, so that a few pictures are not all of the same kind.
    kinds = zip_longest(
        (surprise.row for surprise in findings.failed),
        (surprise.row for surprise in findings.held),
        (example.last for _, example in examples or () if example),
    )
    to_draw = [row for rows in kinds for row in rows if row is not None]
    environment = Environment(
        loader=PackageLoader("dr_grasp.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    stamps = [row.stamp_ns for row in findings.rows]
    calibration = findings.calibration
    text = environment.get_template("report.html").render(
        findings=findings,
        dataset=shown,
        only=" and ".join(f"what {name} {did}" for did, name in asked.items() if name),
        engines=engine_counts(findings.engines),
        judged_by_itself=tables.judged_by_itself(findings),
        left_out=len(dataset.rows) - len(shown.rows),
        made=tables.day(time.time_ns() if made_ns is None else made_ns),
        version=__version__,
        first=tables.day(min(stamps)),
        last=tables.day(max(stamps)),
        summary=wording.summary(findings.criteria),
        fitness_panels=panels.fitness_panels(findings.tallies),
        grouped=panels.grouped_panels(findings),
        reliability=panels.reliability_panels(findings),
        calibration=calibration if isinstance(calibration, Calibration) else None,
        failures=tables.failure_shares(findings),
        shortened=tables.shortened,
        of_eta=Estimate.of_eta,
        pictures=draw_all(shown, to_draw, draw, pictures),
        causes=examples,
        margins=None if margins is None else tables.margins_of(findings, margins),
        value_text=value_text,
        said_by=tables.said_by(findings),
        sources=tables.sources(findings),
        bags=shown.bags[:MOST_BAGS],
        resamples=RESAMPLES,
        count=wording.count,
        percent=wording.percent,
        estimate_text=wording.estimate_text,
        points_text=wording.points_text,
        with_interval=wording.with_interval,
        readable=readable,
        over=wording.over,
        predictor_name=wording.predictor_name,
        day=tables.day,
    )
    try:
        write_whole(path, text.encode())
    except OSError as error:
        raise FileFormatError(f"{path}: cannot be written: {error.strerror}") from error
    return findings
