"""The panels of a report: figures of eta against expected eta, with their numbers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from markupsafe import Markup

from dr_grasp.core.arrays import FloatArray, IntArray
from dr_grasp.core.perturbation import Criterion
from dr_grasp.report.figures import Bin, bins_of, eta_figure
from dr_grasp.report.findings import Findings
from dr_grasp.report.wording import DOUBTS, count
from dr_grasp.transfer.calibration import FEWEST
from dr_grasp.transfer.grasp_tally import GraspTally, Ratio, group_by
from dr_grasp.transfer.statistics import FEWEST_ATTEMPTS, too_few

MOST_GROUPS = 12
"""Most robots, methods or objects with their own panels; the most attempted come first."""


@dataclass(frozen=True, slots=True)
class Panel:
    """A figure with its title, or the reason why there is no figure.

    Attributes:
        title: Text above the figure.
        note: Text below the figure, one line.
        svg: The figure; empty if it was not drawn.
        reason: Why the figure was not drawn, in words; else empty.
        bins: The numbers that the figure shows.
    """

    title: str
    note: str
    svg: Markup
    reason: str
    bins: tuple[Bin, ...]


def fitness_panels(tallies: Sequence[GraspTally]) -> tuple[Panel, ...]:
    """Make a panel for each criterion: eta against the fitness under the criterion."""
    panels = []
    for criterion in Criterion:
        labelled = [tally for tally in tallies if criterion in tally.fitness]
        values = [tally.fitness[criterion].value for tally in labelled]
        etas = [tally.eta for tally in labelled]
        title, note = f"{criterion.name}: {DOUBTS[criterion]}", f", {count(len(etas), 'grasp')}"
        x_label = f"fitness {criterion.name}"
        panels.append(_panel(title, note, FEWEST_ATTEMPTS, values, etas, x_label))
    return tuple(panels)


def grouped_panels(findings: Findings) -> dict[str, dict[str, tuple[Panel, ...]]]:
    """Make fitness panels by "robot", "method" and "object", if there are several of the kind.

    Returns:
        Panels by kind and name, most attempts first; names without any figure are left out.
    """
    found = {}
    for key, groups in (
        ("robot", group_by(findings.tallies, lambda row: row.robot)),
        ("method", group_by(findings.tallies, lambda row: row.method)),
        ("object", group_by(findings.tallies, lambda row: row.object)),
    ):
        if len(groups) > 1:
            panels = {name: fitness_panels(groups[name]) for name in list(groups)[:MOST_GROUPS]}
            drawn = {name: row for name, row in panels.items() if any(panel.svg for panel in row)}
            if drawn:
                found[key] = drawn
    return found


def reliability_panels(findings: Findings) -> tuple[Panel, ...]:
    """Make panels of eta against probabilities: MDR, the model of these attempts, and the scores'.

    The third panel is left out if no score has a probability, since no model was used for scoring.
    """
    labelled = [tally for tally in findings.tallies if Criterion.MDR in tally.fitness]
    values = [tally.fitness[Criterion.MDR].value for tally in labelled]
    etas = [tally.eta for tally in labelled]
    panels = [_panel("MDR taken for a probability", "", FEWEST, values, etas, "MDR")]
    found = findings.calibration
    title, x_label = "Calibrated model", "probability"
    if isinstance(found, str):
        panels.append(Panel(title, "", Markup(""), found, ()))
    else:
        note = f", cross-validated by {found.model.training.folds_by}"
        etas = [tally.eta for tally in found.tallies]
        panels.append(_panel(title, note, FEWEST, found.predicted, etas, x_label))
    foretold = [row for row in findings.counted if row.transfer_probability is not None]
    if foretold:
        said = np.array([row.transfer_probability for row in foretold], np.float64)
        became = [Ratio(int(bool(row.held)), 1) for row in foretold]
        numbers = {tally.last.grasp: number for number, tally in enumerate(findings.tallies)}
        same = np.array([numbers[row.grasp] for row in foretold])
        title, note = "Probability in the scores", ", said before they were made"
        panels.append(_panel(title, note, FEWEST, said, became, x_label, same))
    return tuple(panels)


def _panel(
    title: str,
    note: str,
    fewest: int,
    values: npt.ArrayLike,
    etas: Sequence[Ratio],
    x_label: str,
    same: IntArray | None = None,
) -> Panel:
    held = np.array([eta.held for eta in etas], np.float64)
    attempts = np.array([eta.attempts for eta in etas], np.float64)
    total = int(attempts.sum())
    if total < fewest:
        return Panel(title, "", Markup(""), too_few(total, "attempt", fewest), ())
    expected: FloatArray = np.asarray(values, np.float64)
    bins = bins_of(expected, held, attempts, same)
    svg = eta_figure(bins, expected, held / attempts, x_label)
    return Panel(title, count(total, "attempt") + note, svg, "", bins)
