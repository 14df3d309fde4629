"""Which links touched in rollouts in which the robot hit itself, the table or the ground."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from dr_grasp.core.outcome import LinkPair, Outcome
from dr_grasp.core.perturbation import Criterion
from dr_grasp.errors import InvalidGraspError

COLLISIONS = (Outcome.ROBOT_HIT_TABLE, Outcome.SELF_COLLISION)
"""The outcomes of rollouts in which a `LinkPair` touched."""

ADVICE = "if these may touch, list them under allowed_collisions in the robot's YAML"

PairCounts = Mapping[tuple[Outcome, LinkPair], int]
"""How many rollouts ended in an outcome since a pair touched."""


@dataclass(frozen=True, slots=True)
class Collision:
    """Rollouts of one criterion that ended since the same two bodies touched.

    Attributes:
        criterion: The criterion by which the rollouts were perturbed; None for the undisturbed one.
        outcome: The outcome, one of `COLLISIONS`.
        links: What touched.
        count: Number of these rollouts, at least 1.
    """

    criterion: Criterion | None
    outcome: Outcome
    links: LinkPair
    count: int

    def __post_init__(self) -> None:
        """Check outcome and count.

        Raises:
            InvalidGraspError: The outcome is no collision, or there is no rollout.
        """
        if self.outcome not in COLLISIONS:
            valid = " or ".join(outcome.label for outcome in COLLISIONS)
            raise InvalidGraspError(f"outcome: expected {valid}, got {self.outcome.label}")
        if self.count < 1:
            raise InvalidGraspError(f"count: expected at least 1, got {self.count}")


def listed(counts: PairCounts, criterion: Criterion | None = None) -> tuple[Collision, ...]:
    """Make the collisions of a criterion: outcome by outcome, the most frequent pair first.

    Pairs that are equally frequent come in the order of their names.
    """
    ordered = sorted(counts.items(), key=lambda item: (item[0][0], -item[1], item[0][1]))
    return tuple(Collision(criterion, *ending, count) for ending, count in ordered if count)


def most_frequent(collisions: Iterable[Collision]) -> dict[Outcome, str]:
    """Say of each outcome which pair was the most frequent, over all criteria and grasps.

    Returns:
        Texts such as "panda_hand with panda_link5 (17 of 19)": 19 rollouts ended in the outcome, 17
        of them since this pair touched. Of equally frequent pairs it is the first by name.
    """
    counts: dict[Outcome, Counter[LinkPair]] = defaultdict(Counter)
    for collision in collisions:
        counts[collision.outcome][collision.links] += collision.count
    texts = {}
    for outcome in sorted(counts):
        links, count = min(counts[outcome].items(), key=lambda item: (-item[1], item[0]))
        texts[outcome] = f"{links} ({count} of {counts[outcome].total()})"
    return texts


def sentences(collisions: Iterable[Collision]) -> dict[str, str]:
    """Say by the outcome's label which links touched most often, and what to do about it."""
    advice = {Outcome.SELF_COLLISION: f"; {ADVICE}"}
    return {
        outcome.label: f"{outcome.label}: {text}{advice.get(outcome, '')}"
        for outcome, text in most_frequent(collisions).items()
    }
