"""Grasps that did other than their fitness says."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from dr_grasp.core.fitness import Fitness
from dr_grasp.core.perturbation import Criterion
from dr_grasp.transfer.grasp_tally import GraspTally
from dr_grasp.transfer.rows import AttemptRow

MOST: Final = 4
"""Of each kind."""

LEAST_GAP: Final = 0.3
"""How far apart fitness and eta must be, both smoothed, to surprise."""


@dataclass(frozen=True, slots=True)
class Surprise:
    """One such grasp.

    Attributes:
        tally: What became of it.
        fitness: What was expected of it.
        row: The latest attempt that surprised.
    """

    tally: GraspTally
    fitness: Fitness
    row: AttemptRow

    __hash__ = None  # type: ignore[assignment]


@dataclass(frozen=True, slots=True)
class Surprises:
    """The most surprising grasps.

    Attributes:
        criterion: The fitness that they are held against; None if no grasp has any.
        failed: High fitness, yet they failed; the most surprising first.
        held: Low fitness, yet they held; likewise.
    """

    criterion: Criterion | None
    failed: tuple[Surprise, ...] = ()
    held: tuple[Surprise, ...] = ()

    __hash__ = None  # type: ignore[assignment]


def find_surprises(tallies: Sequence[GraspTally], counted: Sequence[AttemptRow]) -> Surprises:
    """Find the most surprising grasps, by MDR or else the criterion that most are scored by.

    Args:
        tallies: All grasps.
        counted: The attempts that they are counted from.
    """
    number = {one: sum(one in tally.fitness for tally in tallies) for one in Criterion}
    criterion = Criterion.MDR if number[Criterion.MDR] else max(number, key=lambda one: number[one])
    if not number[criterion]:
        return Surprises(None)
    gaps = sorted(
        ((_gap(one, criterion), one) for one in tallies if criterion in one.fitness),
        key=lambda pair: (-pair[0], pair[1].robot, pair[1].object, pair[1].grasp_id),
    )
    failed = [one for gap, one in gaps[:MOST] if gap >= LEAST_GAP and one.eta <= 0.5]
    held = [one for gap, one in gaps[: -MOST - 1 : -1] if gap <= -LEAST_GAP and one.eta >= 0.5]
    return Surprises(
        criterion,
        tuple(_surprise(one, criterion, counted, False) for one in failed),
        tuple(_surprise(one, criterion, counted, True) for one in held),
    )


def _gap(tally: GraspTally, criterion: Criterion) -> float:
    # Smoothed, so that nine failures of nine surprise more than one of one.
    fitness = tally.fitness[criterion]
    expected = (fitness.successes + 0.5) / (fitness.trials + 1)
    return expected - (tally.held + 0.5) / (tally.attempts + 1)


def _surprise(
    tally: GraspTally, criterion: Criterion, counted: Sequence[AttemptRow], held: bool
) -> Surprise:
    rows = [row for row in counted if row.grasp == tally.last.grasp and row.held is held]
    return Surprise(tally, tally.fitness[criterion], max(rows, key=lambda row: row.stamp_ns))
