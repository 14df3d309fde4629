"""What an SRDF says of contacts: pairs of links not to check, and names that its URDF lacks."""

from __future__ import annotations

from collections.abc import Mapping, Set
from dataclasses import dataclass, field
from xml.etree import ElementTree

from dr_grasp.core.texts import first_names

Pairs = frozenset[frozenset[str]]

LINK_NAMES = (
    ("disable_collisions", ("link1", "link2")),
    ("enable_collisions", ("link1", "link2")),
    ("disable_default_collisions", ("link",)),
    ("group/link", ("name",)),
    ("group/chain", ("base_link", "tip_link")),
    ("end_effector", ("parent_link",)),
    ("virtual_joint", ("child_link",)),
    ("link_sphere_approximation", ("link",)),
)
"""Elements of an SRDF, and their attributes that name links of the URDF; see MoveIt's srdfdom."""

JOINT_NAMES = (
    ("group/joint", "name"),
    ("group_state/joint", "name"),
    ("passive_joint", "name"),
    ("joint_property", "joint_name"),
)
"""Likewise for joints; these may also be virtual joints of the SRDF."""

MOST_NAMED = 10
"""Most unknown names that one line lists; an SRDF for another variant of a robot may have more."""


@dataclass(frozen=True, slots=True)
class Semantics:
    """What an SRDF says.

    Attributes:
        disabled: Pairs of links whose contact is no collision.
        enabled: Pairs of links whose contact is one, though they may be neighbours.
        notes: A line on the names that the URDF does not have, if there are any.
    """

    disabled: Pairs = frozenset()
    enabled: Pairs = frozenset()
    notes: tuple[str, ...] = field(default=())

    def renamed(self, ours: Mapping[str, str]) -> Semantics:
        """The same with other names of links; those that `ours` does not have stay."""
        disabled, enabled = (
            frozenset(frozenset(ours.get(name, name) for name in pair) for pair in pairs)
            for pairs in (self.disabled, self.enabled)
        )
        return Semantics(disabled, enabled, self.notes)


def read_semantics(
    file: str, root: ElementTree.Element, links: Set[str], joints: Set[str]
) -> Semantics:
    """Read an SRDF.

    As MoveIt does, pairs with names that the URDF lacks are left out, and that is said.

    Args:
        file: Name of the SRDF in messages.
        root: Its element <robot>.
        links: Names of the URDF's links.
        joints: Names of the URDF's joints.
    """
    named = {name for tag, keys in LINK_NAMES for name in _names(root, tag, *keys)}
    moved = {name for tag, key in JOINT_NAMES for name in _names(root, tag, key)}
    unknown = (named - links, moved - joints - set(_names(root, "virtual_joint", "name")))
    enabled, disabled = (
        frozenset(
            frozenset(names)
            for element in root.iter(tag)
            if links >= (names := {element.get("link1", ""), element.get("link2", "")})
        )
        for tag in ("enable_collisions", "disable_collisions")
    )
    by_default = frozenset(
        frozenset({name, other})
        for name in set(_names(root, "disable_default_collisions", "link")) & links
        for other in links - {name}
    )
    parts = [
        f"{what} {first_names(sorted(names), MOST_NAMED)}"
        for what, names in zip(("links", "joints"), unknown, strict=True)
        if names
    ]
    notes = (f"{file}: not in the URDF, left out: {'; '.join(parts)}",) if parts else ()
    # As MoveIt's planning scene has it, a pair that is disabled by name stays so.
    return Semantics(disabled | (by_default - enabled), enabled - disabled, notes)


def _names(root: ElementTree.Element, tag: str, *keys: str) -> list[str]:
    return [element.get(key, "") for element in root.findall(tag) for key in keys]
