"""How score and diagnosis files write which links touched."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Strict

from dr_grasp.core.collisions import Collision
from dr_grasp.core.outcome import LinkPair, Outcome
from dr_grasp.core.perturbation import Criterion
from dr_grasp.formats.documents import Count, Record

Pair = Annotated[tuple[str, str], Strict(False)]
"""The names of a `LinkPair`; in strict mode, pydantic accepts no list for a tuple."""


class CollisionRecord(Record):
    """The schema of a `Collision`.

    Attributes:
        criterion: The criterion by which the rollouts were perturbed; None for the undisturbed one.
        outcome: `robot_hit_table` or `self_collision`.
        links: The two bodies that touched: links of the robot, "table" or "ground".
    """

    criterion: str | None
    outcome: str
    links: Pair
    count: Count


def collision_to_dict(collision: Collision) -> dict[str, Any]:
    """Make the plain data of a collision."""
    return {
        "criterion": None if collision.criterion is None else collision.criterion.value,
        "outcome": collision.outcome.label,
        "links": [collision.links.first, collision.links.second],
        "count": collision.count,
    }


def collision_of(record: CollisionRecord) -> Collision:
    """Read a collision.

    Raises:
        DrGraspError: The criterion is unknown, or the outcome is no collision.
        ValueError: The outcome is unknown.
    """
    return Collision(
        None if record.criterion is None else Criterion.from_name(record.criterion),
        Outcome.from_label(record.outcome),
        LinkPair(*record.links),
        record.count,
    )
