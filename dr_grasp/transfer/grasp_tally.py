"""Attempts counted grasp by grasp: what all statistics are made of."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from dr_grasp.core.confidence import wilson_interval
from dr_grasp.core.fitness import Fitness
from dr_grasp.core.perturbation import Criterion
from dr_grasp.transfer.rows import AttemptRow, GraspKey


@dataclass(frozen=True, slots=True)
class Ratio:
    """The transfer ratio eta: the share of attempts whose grasp held.

    Attributes:
        held: Attempts whose grasp held.
        attempts: All that say something about their grasp, at least 1.
    """

    held: int
    attempts: int

    @property
    def value(self) -> float:
        """Eta, in [0, 1]."""
        return self.held / self.attempts

    @property
    def interval(self) -> tuple[float, float]:
        """Wilson score interval at 95 %, as if attempts of one grasp were independent."""
        return wilson_interval(self.held, self.attempts)


@dataclass(frozen=True, slots=True)
class GraspTally:
    """What became of one grasp, in all attempts that say something about it.

    Attributes:
        robot: Robot name.
        object: Object name.
        method: What made it; empty if nobody said.
        grasp_id: Unique for that robot, object and trajectory.
        held: Attempts in which it held.
        attempts: How many there were, at least 1.
        fitness: Of its latest score; empty if it has none.
        last: The latest attempt.
    """

    robot: str
    object: str
    method: str
    grasp_id: str
    held: int
    attempts: int
    fitness: Mapping[Criterion, Fitness]
    last: AttemptRow

    __hash__ = None  # type: ignore[assignment]

    @property
    def eta(self) -> float:
        """Share of its attempts in which it held."""
        return self.held / self.attempts


def tally_grasps(rows: Iterable[AttemptRow]) -> tuple[GraspTally, ...]:
    """Count attempts grasp by grasp; those that say nothing about their grasp are left out.

    A grasp is one of its id, robot, object and trajectory; a grasp that was scored anew has the
    fitness of its latest scored attempt. Sorted, so that nothing depends on the order of the rows.
    """
    of_grasp: dict[GraspKey, list[AttemptRow]] = {}
    for row in rows:
        if row.held is not None:
            of_grasp.setdefault(row.grasp, []).append(row)
    return tuple(_tally(of_grasp[key]) for key in sorted(of_grasp))


def total(tallies: Iterable[GraspTally]) -> Ratio | None:
    """Eta of all attempts; None if there are none."""
    held = attempts = 0
    for one in tallies:
        held += one.held
        attempts += one.attempts
    return Ratio(held, attempts) if attempts else None


def by(
    tallies: Iterable[GraspTally], key: Callable[[GraspTally], str]
) -> dict[str, list[GraspTally]]:
    """Grasps by a name of theirs, the names sorted."""
    groups: dict[str, list[GraspTally]] = {}
    for one in tallies:
        groups.setdefault(key(one), []).append(one)
    return {name: groups[name] for name in sorted(groups)}


def _tally(rows: Sequence[AttemptRow]) -> GraspTally:
    ordered = sorted(rows, key=lambda row: (row.stamp_ns, row.attempt_id))
    last = ordered[-1]
    scored = [row for row in ordered if row.fitness]
    return GraspTally(
        robot=last.robot,
        object=last.object,
        method=last.method,
        grasp_id=last.grasp_id,
        held=sum(bool(row.held) for row in rows),
        attempts=len(rows),
        fitness=scored[-1].fitness if scored else {},
        last=last,
    )
