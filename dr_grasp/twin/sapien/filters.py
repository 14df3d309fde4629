"""Which of a robot's links may touch what, in the words by which PhysX filters contacts."""

from __future__ import annotations

from collections.abc import Collection

from dr_grasp.errors import ModelError
from dr_grasp.robots.robot_spec import RobotSpec

BITS = 31
"""Kinds of links that can be told apart; the last bit of 32 is the support's."""

SUPPORT_FILTER = [1 << BITS, 0, 0, 0]
"""Table and ground: they touch what wants to touch them."""

OBJECT_FILTER = [0, (1 << 32) - 1, 0, 0]
"""The object touches everything."""


def collision_filters(robot: RobotSpec, links: Collection[str]) -> dict[str, list[int]]:
    """PhysX's four words of each link, by which it touches only what it must not.

    Links with the same partners share a bit of the first word, which says what a link is; the
    second word says what it touches.

    Raises:
        ModelError: The links are of more than `BITS` kinds.
    """
    model = robot.model
    partners = {
        link: frozenset(
            other
            for other in links
            if other != link and frozenset((link, other)) not in model.allowed_collisions
        )
        for link in links
    }
    kinds: dict[tuple[frozenset[str], bool], int] = {}
    bits = {}
    for link in links:
        if not partners[link] and link in model.standing_links:
            bits[link] = 0
            continue
        kind = (partners[link], link in model.standing_links)
        bits[link] = kinds.setdefault(kind, 1 << len(kinds))
    if len(kinds) > BITS:
        raise ModelError(
            f"{robot.name}: expected links of at most {BITS} kinds by what they may touch, for "
            f"engine sapien, got {len(kinds)}"
        )
    found = {}
    for link in links:
        touches = 0
        for other in partners[link]:
            touches |= bits[other]
        if link not in model.standing_links:
            touches |= 1 << BITS
        found[link] = [bits[link], touches, 0, 0]
    return found
