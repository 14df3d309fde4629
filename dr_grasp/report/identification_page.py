"""Writes the page of `dr-grasp identify`: one HTML file that needs neither network nor scripts."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from dr_grasp import __version__
from dr_grasp.common.atomic import write_whole
from dr_grasp.errors import FileFormatError
from dr_grasp.identification.findings import Finding, Identification, Trace
from dr_grasp.identification.wording import change_text, label_text, range_text
from dr_grasp.report import tables, wording
from dr_grasp.report.motion_figures import error_figure, errors_mrad, motion_figure

MOST_BAGS = 50
"""Most bags that are listed; the profile has all of them."""

MOST_TRACES = 3
"""Most motions that are drawn; each takes some 40 kilobytes of the page."""

KINDS = {
    "object_pose": "Where objects stand",
    "joints": "How the arm moves",
    "dynamics": "What happens at contact",
}
"""Titles of the sections of a profile."""


@dataclass(frozen=True, slots=True)
class Row:
    """A parameter as it is drawn; places are shares of the width of its figure, in per cent.

    Attributes:
        finding: What was found.
        label: Its name, with the unit.
        before: What the old profile has, in words.
        after: What the new profile has, in words.
        shown: What the attempts showed, in words; empty for nothing.
        change: What became of it.
        old: Both ends of the old range; None if there is none.
        new: Both ends of the new range; None if there is none.
        interval: Both ends of what the attempts showed; None for nothing.
    """

    finding: Finding
    label: str
    before: str
    after: str
    shown: str
    change: str
    old: tuple[float, float] | None
    new: tuple[float, float] | None
    interval: tuple[float, float] | None


@dataclass(frozen=True, slots=True)
class Motion:
    """A motion as it is drawn.

    Attributes:
        trace: The motion.
        motion: Figure of its fastest part.
        error: Figure of how far simulated positions are off.
        before_mrad: Root mean square of that with the old profile.
        after_mrad: The same with the new profile.
    """

    trace: Trace
    motion: Markup
    error: Markup
    before_mrad: float
    after_mrad: float


def write_identification_page(
    path: Path, found: Identification, *, made_ns: int | None = None
) -> None:
    """Write the page on an identification, whole or not at all; names in it are escaped for HTML.

    Args:
        path: HTML file to write.
        found: What was identified.
        made_ns: Date of the page, nanoseconds since the epoch; None for now.

    Raises:
        FileFormatError: The file cannot be written.
    """
    environment = Environment(
        loader=PackageLoader("dr_grasp.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    bags = sorted(found.bags.items())
    text = environment.get_template("identification.html").render(
        found=found,
        made=tables.day(time.time_ns() if made_ns is None else made_ns),
        version=__version__,
        sections={title: rows_of(found.findings, kind) for kind, title in KINDS.items()},
        motions=[_motion(trace) for trace in found.traces[:MOST_TRACES]],
        bags=bags[:MOST_BAGS],
        more_bags=len(bags[MOST_BAGS:]),
        count=wording.count,
        percent=wording.percent,
    )
    try:
        write_whole(path, text.encode())
    except OSError as error:
        raise FileFormatError(f"{path}: cannot be written: {error.strerror}") from error


def rows_of(findings: Sequence[Finding], kind: str) -> list[Row]:
    """The parameters of a section of the profile, as they are drawn."""
    return [_row(finding) for finding in findings if finding.key.partition(".")[0] == kind]


def _row(finding: Finding) -> Row:
    ends = (finding.old, finding.new, finding.interval)
    values = [value for bounds in ends if bounds is not None for value in bounds] or [0.0]
    low, high = min(values), max(values)
    width = (high - low) or 1.0

    def place(bounds: tuple[float, float] | None) -> tuple[float, float] | None:
        if bounds is None:
            return None
        first, last = (4 + 92 * (value - low) / width for value in bounds)
        return first, last

    return Row(
        finding=finding,
        label=label_text(finding),
        before=range_text(finding, finding.old),
        after=range_text(finding, finding.new),
        shown="" if finding.interval is None else range_text(finding, finding.interval),
        change=change_text(finding),
        old=place(finding.old),
        new=place(finding.new),
        interval=place(finding.interval),
    )


def _motion(trace: Trace) -> Motion:
    return Motion(trace, motion_figure(trace), error_figure(trace), *errors_mrad(trace))
