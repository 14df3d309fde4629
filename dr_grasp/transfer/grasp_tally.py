"""Counts attempts grasp by grasp, for statistics and models."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from dr_grasp.core.fitness import Fitness
from dr_grasp.core.metric import Metric
from dr_grasp.core.perturbation import Criterion
from dr_grasp.transfer.rows import AttemptRow, GraspKey

Predictor = Criterion | Metric
"""What a grasp's score says of it, by which grasps can be sorted."""


@dataclass(frozen=True, slots=True)
class Ratio:
    """The transfer ratio eta of one grasp: the share of its attempts in which it held.

    Attributes:
        held: Number of attempts in which the grasp held.
        attempts: Number of all attempts that say something about the grasp, at least 1.
    """

    held: int
    attempts: int

    @property
    def value(self) -> float:
        """Eta, in [0, 1]."""
        return self.held / self.attempts


@dataclass(frozen=True, slots=True)
class GraspTally:
    """The outcomes of a grasp, counted over all attempts that say something about it.

    Attributes:
        eta: In how many of its attempts the grasp held.
        fitness: Fitnesses of the grasp's latest score; empty without a score.
        last: Latest attempt of the grasp, which also names robot, object and method.
        metrics: Metrics in the grasp's latest score, in their own units.
    """

    eta: Ratio
    fitness: Mapping[Criterion, Fitness]
    last: AttemptRow
    metrics: Mapping[Metric, float] = field(default_factory=dict)

    __hash__ = None  # type: ignore[assignment]

    def predicted_by(self, predictor: Predictor) -> float | None:
        """The number by which a predictor sorts grasps: the larger, the better the grasp.

        This is the fitness under a criterion, in [0, 1]; or a metric in its own unit, with the
        opposite sign where less is better. None if the grasp's score does not have it.
        """
        if isinstance(predictor, Criterion):
            fitness = self.fitness.get(predictor)
            return None if fitness is None else fitness.value
        value = self.metrics.get(predictor)
        return value if value is None or predictor.more_is_better else -value


def tally_grasps(rows: Iterable[AttemptRow]) -> tuple[GraspTally, ...]:
    """Count attempts grasp by grasp; those that say nothing about their grasp are left out.

    Robot, object, id and trajectory identify a grasp. A grasp that was scored several times has the
    fitness and the metrics of its latest scored attempt. The result does not depend on the order of
    the rows.
    """
    of_grasp: dict[GraspKey, list[AttemptRow]] = defaultdict(list)
    for row in rows:
        if row.held is not None:
            of_grasp[row.grasp].append(row)
    return tuple(_tally(of_grasp[key]) for key in sorted(of_grasp))


def group_by(
    tallies: Iterable[GraspTally], name_of: Callable[[AttemptRow], str]
) -> dict[str, list[GraspTally]]:
    """Group grasps by a name, e.g. of the robot; names with the most attempts come first."""
    groups: dict[str, list[GraspTally]] = defaultdict(list)
    for tally in tallies:
        groups[name_of(tally.last)].append(tally)
    number = {name: sum(tally.eta.attempts for tally in group) for name, group in groups.items()}
    return {name: groups[name] for name in sorted(groups, key=lambda name: (-number[name], name))}


def _tally(rows: Sequence[AttemptRow]) -> GraspTally:
    ordered = sorted(rows, key=lambda row: (row.stamp_ns, row.attempt_id))
    scored = [row for row in ordered if row.fitness]
    return GraspTally(
        eta=Ratio(sum(bool(row.held) for row in rows), len(rows)),
        fitness=scored[-1].fitness if scored else {},
        metrics=scored[-1].metrics if scored else {},
        last=ordered[-1],
    )
