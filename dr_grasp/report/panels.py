"""The panels of a report: eta against what was expected."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from markupsafe import Markup

from dr_grasp.core.arrays import FloatArray
from dr_grasp.core.perturbation import Criterion
from dr_grasp.report.bins import Bin, bins_of, bubbles_of
from dr_grasp.report.figures import panel
from dr_grasp.report.findings import Findings
from dr_grasp.report.wording import DOUBTS, count
from dr_grasp.transfer.calibration import FEWEST
from dr_grasp.transfer.grasp_tally import GraspTally, Ratio, by
from dr_grasp.transfer.statistics import FEWEST_ATTEMPTS, too_few

MOST_GROUPS = 12
"""Robots, methods or objects that have panels of their own: those with the most attempts."""


@dataclass(frozen=True, slots=True)
class Panel:
    """A figure with its title, or why there is none.

    Attributes:
        title: Above it.
        note: Below it, one line.
        svg: The figure; empty if there is none.
        reason: Why there is none, in words; else empty.
        bins: The numbers that it shows.
    """

    title: str
    note: str
    svg: Markup
    reason: str
    bins: tuple[Bin, ...]


@dataclass(frozen=True, slots=True)
class PanelGroup:
    """Panels of what is the same in something.

    Attributes:
        title: Which thing that is, e.g. "Robot by robot".
        panels: By its names, those with the most attempts first.
        more: How many others there are.
    """

    title: str
    panels: tuple[tuple[str, tuple[Panel, ...]], ...]
    more: int


def fitness_panels(tallies: Sequence[GraspTally]) -> tuple[Panel, ...]:
    """Eta against each fitness."""
    panels = []
    for criterion in Criterion:
        labelled = [tally for tally in tallies if criterion in tally.fitness]
        values = np.array([tally.fitness[criterion].value for tally in labelled])
        attempts = sum(tally.attempts for tally in labelled)
        few = attempts < FEWEST_ATTEMPTS
        reason = too_few(attempts, "attempt", FEWEST_ATTEMPTS) if few else ""
        note = f"{count(attempts, 'attempt')}, {count(len(labelled), 'grasp')}"
        title = f"{criterion.name}: {DOUBTS[criterion]}"
        panels.append(_panel(title, note, reason, values, labelled, f"fitness {criterion.name}"))
    return tuple(panels)


def grouped_panels(findings: Findings) -> tuple[PanelGroup, ...]:
    """Eta against each fitness by robot, method and object, where there are several of them."""
    found = []
    for title, key in (
        ("Robot by robot", lambda one: one.robot),
        ("Method by method", lambda one: one.method),
        ("Object by object", lambda one: one.object),
    ):
        named = by(findings.tallies, key)
        names = sorted(named, key=lambda name: (-sum(one.attempts for one in named[name]), name))
        if len(names) > 1:
            panels = [(name, fitness_panels(named[name])) for name in names[:MOST_GROUPS]]
            shown = tuple(one for one in panels if any(panel.svg for panel in one[1]))
            found.append(PanelGroup(title, shown, len(names) - len(shown)))
    return tuple(one for one in found if one.panels)


def reliability_panels(findings: Findings) -> tuple[Panel, ...]:
    """MDR taken for a probability, a model calibrated here, and one that scores were made with."""
    labelled = [tally for tally in findings.tallies if Criterion.MDR in tally.fitness]
    values = np.array([tally.fitness[Criterion.MDR].value for tally in labelled])
    attempts = sum(tally.attempts for tally in labelled)
    found = findings.calibration
    reason = too_few(attempts, "attempt", FEWEST) if attempts < FEWEST else ""
    title = "MDR taken for a probability"
    first = _panel(title, count(attempts, "attempt"), reason, values, labelled, "MDR")
    title = "Calibrated model"
    if isinstance(found, str):
        return first, _panel(title, "", found, np.zeros(0), [], "probability"), *_foretold(findings)
    training = found.model.training
    note = f"{count(training.attempts, 'attempt')}, cross-validated by {training.folds_by}"
    second = _panel(title, note, "", found.predicted, found.tallies, "probability")
    return first, second, *_foretold(findings)


def _foretold(findings: Findings) -> tuple[Panel, ...]:
    """What scores said before the attempts were made; none if no model was there then."""
    rows = [row for row in findings.rows if row.held is not None]
    said = [row for row in rows if row.transfer_probability is not None]
    if not said:
        return ()
    few = len(said) < FEWEST
    reason = too_few(len(said), "attempt", FEWEST) if few else ""
    values = np.array([row.transfer_probability for row in said], np.float64)
    became = [Ratio(int(bool(row.held)), 1) for row in said]
    note = f"{count(len(said), 'attempt')}, said before they were made"
    title = "Probability in the scores"
    return (_panel(title, note, reason, values, became, "probability"),)


def _panel(
    title: str,
    note: str,
    reason: str,
    expected: FloatArray,
    tallies: Sequence[GraspTally | Ratio],
    x_label: str,
) -> Panel:
    if reason:
        return Panel(title, note, Markup(""), reason, ())
    held = np.array([one.held for one in tallies], np.float64)
    attempts = np.array([one.attempts for one in tallies], np.float64)
    bins = bins_of(expected, held, attempts)
    svg = panel(bins, bubbles_of(expected, held / attempts), x_label, "eta", f"Eta by {x_label}")
    return Panel(title, note, svg, "", bins)
