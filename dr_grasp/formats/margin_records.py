"""What pydantic checks of the margins of a grasp, in a margins file and in a scores file."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field

from dr_grasp.core.adr import Boundary
from dr_grasp.core.doubt import Doubt
from dr_grasp.core.margin import Count as MarginCount
from dr_grasp.core.margin import GraspMargins, JointRanges, Margin
from dr_grasp.core.outcome import Outcome
from dr_grasp.errors import FileFormatError
from dr_grasp.formats.documents import Count, Record, Within, check_record

TOLERANCE = 1e-9
"""Largest difference between a stated number and what follows from the others: rounding."""


class CountRecord(Record):
    """The schema of a `Count`, with its interval for readers that do not compute.

    Attributes:
        low: Low end of the 95 % interval, in [0, 1].
        high: High end of the 95 % interval, in [0, 1].
    """

    successes: Count
    trials: Count
    low: float
    high: float


class MarginRecord(Record):
    """The schema of a `Margin`.

    Attributes:
        parameter: Name of the parameter, such as `y` or `friction`.
        side: To which side it is off: `lower` or `upper`.
    """

    parameter: str
    side: Literal["lower", "upper"]
    bears: float
    held: CountRecord
    loses: float | None
    lost: CountRecord | None


class JointRecord(Record):
    """The schema of `JointRanges`.

    Attributes:
        entropy: Mean over the parameters of log(1 + width / step) [nats].
        ranges: Low and high end of the range of each parameter [m, rad or a factor].
    """

    entropy: float
    ranges: dict[str, Annotated[list[float], Field(min_length=2, max_length=2)]]


class GraspMarginsRecord(Record):
    """The schema of `GraspMargins`."""

    grasp_id: str
    trajectory: str
    outcome: str
    background: CountRecord | None
    margins: list[MarginRecord]
    joint: JointRecord | None
    rollouts: Count


def margins_to_dict(found: GraspMargins) -> dict[str, Any]:
    """Turn margins into plain data."""
    return {
        "grasp_id": found.grasp_id,
        "trajectory": found.trajectory,
        "outcome": found.outcome.label,
        "background": _count_to_dict(found.background),
        "margins": [
            {
                "parameter": margin.boundary.doubt.value,
                "side": "upper" if margin.boundary.upper else "lower",
                "bears": margin.bears,
                "held": _count_to_dict(margin.held),
                "loses": margin.loses,
                "lost": _count_to_dict(margin.lost),
            }
            for margin in found.margins
        ],
        "joint": None
        if found.joint is None
        else {
            "entropy": found.joint.entropy,
            "ranges": {doubt.value: list(ends) for doubt, ends in found.joint.bounds.items()},
        },
        "rollouts": found.rollouts,
    }


def margins_from_dict(raw: object) -> GraspMargins:
    """Read margins from plain data.

    Raises:
        FileFormatError: The data do not fit, or contradict themselves.
    """
    return margins_of(check_record(GraspMarginsRecord, raw))


def margins_of(record: GraspMarginsRecord) -> GraspMargins:
    """Read margins from a record.

    Raises:
        FileFormatError: The record contradicts itself.
        ValueError: A value is out of its bounds.
    """
    return GraspMargins(
        grasp_id=record.grasp_id,
        trajectory=record.trajectory,
        outcome=Outcome.from_label(record.outcome),
        background=_count("background", record.background),
        margins=tuple(map(_margin, record.margins)),
        joint=None if record.joint is None else _joint(record.joint),
        rollouts=record.rollouts,
    )


def _margin(record: MarginRecord) -> Margin:
    with Within(f"margin of {record.parameter} {record.side}"):
        boundary = Boundary(Doubt.from_name(record.parameter), record.side == "upper")
        held, lost = _count("held", record.held), _count("lost", record.lost)
        if held is None:
            raise FileFormatError("held: expected trials, got none")
        return Margin(boundary, record.bears, held, record.loses, lost)


def _joint(record: JointRecord) -> JointRanges:
    with Within("joint"):
        joint = JointRanges(
            {Doubt.from_name(name): (low, high) for name, (low, high) in record.ranges.items()}
        )
        _check_same("entropy", joint.entropy, record.entropy)
        return joint


def _count_to_dict(count: MarginCount | None) -> dict[str, Any] | None:
    if count is None:
        return None
    low, high = count.interval
    return {"successes": count.successes, "trials": count.trials, "low": low, "high": high}


def _count(name: str, record: CountRecord | None) -> MarginCount | None:
    if record is None:
        return None
    with Within(name):
        count = MarginCount(record.successes, record.trials)
        for end, value in zip(("low", "high"), count.interval, strict=True):
            _check_same(end, value, getattr(record, end))
        return count


def _check_same(name: str, expected: float, got: float) -> None:
    if not abs(expected - got) <= TOLERANCE:
        raise FileFormatError(f"{name}: expected {expected:.12g} by the other numbers, got {got}")
