"""The model of a robot from its URDF and SRDF: limits, mimic joints, links that may touch."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from xml.etree import ElementTree

from dr_grasp.core.metadata import IGNORED
from dr_grasp.errors import ModelError
from dr_grasp.robots.attributes import check_numbers
from dr_grasp.robots.description import DescriptionSource, read_description
from dr_grasp.robots.joints import (
    MOVABLE,
    JointLimits,
    Mimic,
    drive_limits,
    find_followers,
    follow,
)
from dr_grasp.robots.preparation import park, prepare

MOST_LINKS = 1_000
"""Most links of a robot; a humanoid with two hands has about 150. Pairs of them are listed."""

LINKS_JOINTS = ("link", "joint")


@dataclass(frozen=True, slots=True)
class RobotModel:
    """The model of a robot.

    Attributes:
        urdf: The URDF that PyBullet and MuJoCo both load, prepared for them.
        source: Address of the description that it was made of.
        root_link: Name of the link that no joint carries.
        links: Names of all links.
        standing_links: Names of the links that never move: the root's rigid body.
        limits: Limits of each movable joint.
        mimics: Joints that follow a driven joint.
        allowed_collisions: Unordered pairs of links whose contact is no collision: pairs that the
            SRDF or the robot's file lists, pairs within one rigid body, and pairs of neighbouring
            bodies.
        notes: A line for each link or joint that is taken otherwise than the description has it,
            and for what in the SRDF fits no link or joint.
    """

    urdf: Path
    root_link: str
    links: tuple[str, ...]
    standing_links: frozenset[str]
    limits: dict[str, JointLimits]
    mimics: tuple[Mimic, ...]
    allowed_collisions: frozenset[frozenset[str]]
    notes: tuple[str, ...] = field(default=(), metadata={IGNORED: True})
    source: str = field(default="", metadata={IGNORED: True})


def load_model(
    source: DescriptionSource,
    driven: Sequence[str],
    parked: Mapping[str, float],
    allowed: Iterable[Collection[str]] = (),
) -> RobotModel:
    """Read and prepare a robot's description.

    Args:
        source: Where the description is.
        driven: Joints that are moved. All other joints become fixed, but for those that mimic a
            driven one.
        parked: Positions of joints that become fixed [rad or m]; what is not listed follows its
            <mimic>, or else is at zero.
        allowed: Pairs of links that may touch, beside those of the SRDF.

    Raises:
        ModelError: A file or mesh is missing or malformed, a joint or link does not exist, a driven
            joint has no range, speed or effort, or a mass is negative.
    """
    description = read_description(source)
    root = description.root
    check_numbers(source.urdf, root)
    _check_tree(source.urdf, root)
    joints = root.findall("joint")
    movable = {joint.get("name", ""): joint for joint in joints if joint.get("type") in MOVABLE}
    for where, names in (("driven", driven), ("parked", parked)):
        missing = [name for name in names if name not in movable]
        fixed = [name for name in missing if any(joint.get("name") == name for joint in joints)]
        if fixed:
            raise ModelError(f"{source.urdf}: {where} joints fixed in the URDF: {', '.join(fixed)}")
        if missing:
            raise ModelError(f"{source.urdf}: {where} joints not in the URDF: {', '.join(missing)}")
    following = find_followers(source.urdf, movable, frozenset(driven), parked)
    mimics = following.mimics
    limits = {name: drive_limits(source.urdf, movable[name]) for name in driven}
    notes = [*description.semantics.notes, *following.notes]
    for mimic in mimics:
        joint, drive = movable[mimic.joint], limits[mimic.follows]
        limits[mimic.joint], more = follow(source.urdf, joint, mimic, drive)
        notes += more
    park(root, frozenset(limits), following.parked)
    links = tuple(link.get("name", "") for link in root.findall("link"))
    carried = {_link(joint, "child") for joint in joints}
    (root_link,) = set(links) - carried  # `_check_tree` makes sure of it
    bodies = _bodies(links, joints)
    standing = bodies[root_link]
    pairs = {frozenset(pair) for pair in allowed}
    unknown = sorted(frozenset().union(*pairs).difference(links))
    if unknown:
        raise ModelError(
            f"allowed_collisions: expected links of {source.urdf}, got {', '.join(unknown)}"
        )
    touching = _neighbours(bodies, joints) - description.semantics.enabled
    prepared = prepare(
        source.urdf, description, set(bodies.values()), standing, frozenset(source.concave_links)
    )
    return RobotModel(
        urdf=prepared.urdf,
        root_link=root_link,
        links=links,
        standing_links=standing,
        limits=limits,
        mimics=mimics,
        allowed_collisions=description.semantics.disabled | touching | pairs,
        notes=(*notes, *prepared.notes),
        source=source.urdf,
    )


def _check_tree(file: str, root: ElementTree.Element) -> None:
    """Refuse links and joints that are not one tree, each with a name of its own."""
    links, joints = ([part.get("name", "") for part in root.findall(tag)] for tag in LINKS_JOINTS)
    if len(links) > MOST_LINKS:
        raise ModelError(f"{file}: expected at most {MOST_LINKS} links, got {len(links)}")
    for tag, names in zip(LINKS_JOINTS, (links, joints), strict=True):
        for name, count in Counter(names).items():
            if not name or count > 1:
                got = f"{name!r} {count} times" if name else "none"
                raise ModelError(f"{file}: {tag}: expected a name of its own, got {got}")
    parents: dict[str, str] = {}
    for joint in root.findall("joint"):
        for tag in ("parent", "child"):
            if _link(joint, tag) not in links:
                raise ModelError(
                    f"{file}: joint {joint.get('name')}: <{tag}>: expected a link of the file, "
                    f"got {_link(joint, tag) or 'none'}"
                )
        child = _link(joint, "child")
        if child in parents:
            raise ModelError(f"{file}: link {child}: expected one joint to carry it, got two")
        parents[child] = _link(joint, "parent")
    roots = [name for name in links if name not in parents]
    if len(roots) != 1:
        raise ModelError(f"{file}: expected one root link, got {', '.join(roots) or 'none'}")
    for name in links:
        ancestor, steps = name, 0
        while ancestor in parents:
            ancestor, steps = parents[ancestor], steps + 1
            if steps > len(parents):
                raise ModelError(f"{file}: joints: expected a tree, got a ring through {name}")


def _link(joint: ElementTree.Element, tag: str) -> str:
    element = joint.find(tag)
    return element.get("link", "") if element is not None else ""


def _bodies(
    links: Sequence[str], joints: Sequence[ElementTree.Element]
) -> dict[str, frozenset[str]]:
    """For each link, the links of its rigid body."""
    bodies = {name: frozenset({name}) for name in links}
    for joint in joints:
        if joint.get("type") == "fixed":
            body = bodies[_link(joint, "parent")] | bodies[_link(joint, "child")]
            bodies.update(dict.fromkeys(body, body))
    return bodies


def _neighbours(
    bodies: Mapping[str, frozenset[str]], joints: Sequence[ElementTree.Element]
) -> frozenset[frozenset[str]]:
    """Pairs of links within one rigid body, or in two bodies with a joint between them."""
    pairs = {
        frozenset(pair) for body in set(bodies.values()) for pair in itertools.combinations(body, 2)
    }
    for joint in joints:
        two = bodies[_link(joint, "parent")], bodies[_link(joint, "child")]
        pairs |= {frozenset(pair) for pair in itertools.product(*two)}
    return frozenset(pair for pair in pairs if len(pair) == 2)
