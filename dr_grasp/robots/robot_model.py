"""The model of a robot from its URDF and SRDF: limits, mimic joints, links that may touch."""

from __future__ import annotations

import itertools
import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from xml.etree import ElementTree

from dr_grasp.errors import ModelError
from dr_grasp.provenance.fingerprint import IGNORED
from dr_grasp.robots.attributes import check_numbers, number
from dr_grasp.robots.description import DescriptionSource, read_description
from dr_grasp.robots.preparation import park, prepare

MOST_LINKS = 1_000
"""Most links of a robot; a humanoid with two hands has about 150. Pairs of them are listed."""

LINKS_JOINTS = ("link", "joint")
MOVABLE = ("revolute", "prismatic", "continuous")


@dataclass(frozen=True, slots=True)
class JointLimits:
    """Limits of one joint [rad or m, rad/s or m/s, N m or N]."""

    lower: float
    upper: float
    velocity: float
    effort: float


@dataclass(frozen=True, slots=True)
class Mimic:
    """A joint that follows another: position = multiplier * other + offset."""

    joint: str
    follows: str
    multiplier: float
    offset: float


@dataclass(frozen=True, slots=True)
class RobotModel:
    """The model of a robot.

    Attributes:
        urdf: The URDF that PyBullet and MuJoCo both load.
        root_link: Name of the link that no joint carries.
        links: Names of all links.
        standing_links: Names of the links that never move: the root's rigid body.
        limits: Limits of each movable joint.
        mimics: Joints that follow a driven joint.
        allowed_collisions: Unordered pairs of links whose contact is no collision: pairs that the
            SRDF lists, pairs within one rigid body, and pairs of neighbouring bodies.
        notes: A line for each link whose mass or inertia differs from the description's.
    """

    urdf: Path
    root_link: str
    links: tuple[str, ...]
    standing_links: frozenset[str]
    limits: dict[str, JointLimits]
    mimics: tuple[Mimic, ...]
    allowed_collisions: frozenset[frozenset[str]]
    notes: tuple[str, ...] = field(default=(), metadata={IGNORED: True})


def load_model(
    source: DescriptionSource, driven: Sequence[str], parked: Mapping[str, float]
) -> RobotModel:
    """Read and prepare a robot's description.

    Args:
        source: Where the description is.
        driven: Joints that are moved. All other joints become fixed, but for those that mimic a
            driven one.
        parked: Positions of joints that become fixed [rad or m]; zero if not listed.

    Raises:
        ModelError: A file or mesh is missing or malformed, a joint does not exist, a driven joint
            has no range, speed or effort, or a mass is negative.
    """
    description = read_description(source)
    root = description.root
    check_numbers(source.urdf, root)
    _check_tree(source.urdf, root)
    joints = root.findall("joint")
    movable = {joint.get("name", ""): joint for joint in joints if joint.get("type") in MOVABLE}
    for where, names in (("driven", driven), ("parked", parked)):
        missing = [name for name in names if name not in movable]
        if missing:
            raise ModelError(f"{source.urdf}: {where} joints not in the URDF: {', '.join(missing)}")
    mimics = _mimics(source.urdf, movable, frozenset(driven))
    kept = frozenset(driven) | {mimic.joint for mimic in mimics}
    limits = {
        name: _limits(source.urdf, joint, name in driven)
        for name, joint in movable.items()
        if name in kept
    }
    park(root, kept, parked)
    links = tuple(link.get("name", "") for link in root.findall("link"))
    carried = {_link(joint, "child") for joint in joints}
    (root_link,) = set(links) - carried  # `_check_tree` makes sure of it
    bodies = _bodies(links, joints)
    standing = bodies[root_link]
    prepared = prepare(source.urdf, description, set(bodies.values()), standing)
    return RobotModel(
        urdf=prepared.urdf,
        root_link=root_link,
        links=links,
        standing_links=standing,
        limits=limits,
        mimics=mimics,
        allowed_collisions=description.disabled_collisions | _neighbours(bodies, joints),
        notes=prepared.notes,
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


def _mimics(
    file: str, movable: Mapping[str, ElementTree.Element], driven: frozenset[str]
) -> tuple[Mimic, ...]:
    """Joints that follow a driven joint, directly or through others."""
    direct = {}
    for name, joint in movable.items():
        element = joint.find("mimic")
        if element is not None and name not in driven:
            where = f"{file}: joint {name}"
            direct[name] = Mimic(
                name,
                element.get("joint", ""),
                number(where, element, "multiplier", 1.0),
                number(where, element, "offset", 0.0),
            )
    found = []
    for name, mimic in direct.items():
        seen = {name}
        while mimic.follows in direct and mimic.follows not in seen:
            seen.add(mimic.follows)
            other = direct[mimic.follows]
            mimic = replace(
                mimic,
                follows=other.follows,
                multiplier=mimic.multiplier * other.multiplier,
                offset=mimic.multiplier * other.offset + mimic.offset,
            )
        if mimic.follows in driven:
            found.append(mimic)
    return tuple(found)


def _limits(file: str, joint: ElementTree.Element, is_driven: bool) -> JointLimits:
    where = f"{file}: joint {joint.get('name')}"
    limit = joint.find("limit")
    if limit is None:
        raise ModelError(f"{where}: expected a <limit>, got none")
    if joint.get("type") == "continuous":
        lower, upper = -math.pi, math.pi  # the file may say anything, and means nothing by it
    else:
        lower, upper = (number(where, limit, key, 0.0) for key in ("lower", "upper"))
        if not lower < upper:
            raise ModelError(
                f"{where}: <limit> upper: expected above lower, {lower:g}, got {upper:g}"
            )
    velocity, effort = (number(where, limit, key, 0.0) for key in ("velocity", "effort"))
    for key, value in (("velocity", velocity), ("effort", effort)):
        # A mimic joint moves with its driven joint, whatever its own limits are.
        if is_driven and value <= 0:
            raise ModelError(
                f"{where}: <limit> {key}: expected above 0, got {limit.get(key, 'none')}"
            )
    return JointLimits(lower, upper, velocity, effort)


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
