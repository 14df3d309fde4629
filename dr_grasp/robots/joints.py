"""A robot's joints: limits of those that are driven, and what follows them."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from xml.etree import ElementTree

from dr_grasp.errors import ModelError
from dr_grasp.robots.attributes import number

MOVABLE = ("revolute", "prismatic", "continuous")

FOLLOWING_TOLERANCE = 0.01
"""Excess of what a joint must follow over its own limits that is not spoken of [rad or m]: files
round 45 degrees to 0.79."""


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

    def position(self, other: float) -> float:
        """Where the joint is when the other is at a position [rad or m]."""
        return self.multiplier * other + self.offset


@dataclass(frozen=True, slots=True)
class Followers:
    """The joints with a <mimic>, but for those that are driven themselves.

    Attributes:
        mimics: Joints that follow a driven joint, directly or through others.
        parked: Positions of joints that stand still [rad or m]: the given ones, and those of joints
            that follow what stands still.
        notes: A line for each joint that follows nothing.
    """

    mimics: tuple[Mimic, ...]
    parked: Mapping[str, float]
    notes: tuple[str, ...]


def find_followers(
    file: str,
    movable: Mapping[str, ElementTree.Element],
    driven: frozenset[str],
    parked: Mapping[str, float],
) -> Followers:
    """Find what each joint with a <mimic> follows.

    Args:
        file: Name of the URDF in messages.
        movable: The elements of all joints that can move, by name.
        driven: Names of the driven joints.
        parked: Positions of joints that stand still [rad or m].

    Raises:
        ModelError: A multiplier or offset is no number.
    """
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
    mimics, standing, notes = [], dict(parked), []
    for name, mimic in direct.items():
        seen = {name}
        while mimic.follows in direct and mimic.follows not in seen:
            seen.add(mimic.follows)
            other = direct[mimic.follows]
            mimic = replace(
                mimic,
                follows=other.follows,
                multiplier=mimic.multiplier * other.multiplier,
                offset=mimic.position(other.offset),
            )
        if mimic.follows in driven:
            mimics.append(mimic)
        elif mimic.follows in movable and mimic.follows not in direct:
            standing.setdefault(name, mimic.position(parked.get(mimic.follows, 0.0)))
        else:
            got = "a ring of joints that follow each other" if mimic.follows in direct else ""
            notes.append(
                f"{file}: joint {name}: <mimic> joint: expected a joint that moves by itself, got "
                f"{got or mimic.follows or 'none'}: it stands still"
            )
    return Followers(tuple(mimics), standing, tuple(notes))


def drive_limits(file: str, joint: ElementTree.Element) -> JointLimits:
    """The limits of a driven joint.

    Raises:
        ModelError: It has no range, speed or effort.
    """
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
        if value <= 0:
            raise ModelError(
                f"{where}: <limit> {key}: expected above 0, got {limit.get(key, 'none')}"
            )
    return JointLimits(lower, upper, velocity, effort)


def follow(
    file: str, joint: ElementTree.Element, mimic: Mimic, drive: JointLimits
) -> tuple[JointLimits, tuple[str, ...]]:
    """The limits of a joint that follows a driven one; changes the element to have them.

    A coupling moves a joint with its drive's speed and effort, wherever the drive goes. Limits that
    do not allow that would be pressed against, in each engine another way, so they are widened.

    Args:
        file: Name of the URDF in messages.
        joint: The joint's element.
        mimic: What it follows.
        drive: Limits of that.

    Returns:
        The limits, and a line if the file's own range is too narrow.

    Raises:
        ModelError: A limit is no number.
    """
    where = f"{file}: joint {mimic.joint}"
    low, high = sorted(mimic.position(end) for end in (drive.lower, drive.upper))
    velocity, effort = abs(mimic.multiplier) * drive.velocity, drive.effort
    limit = joint.find("limit")
    if limit is None:
        limit = ElementTree.SubElement(joint, "limit")
    notes: tuple[str, ...] = ()
    if joint.get("type") == "continuous":
        lower, upper = min(low, -math.pi), max(high, math.pi)
    elif {"lower", "upper"}.isdisjoint(limit.attrib):
        lower, upper = low, high
    else:
        stated = [number(where, limit, key, 0.0) for key in ("lower", "upper")]
        lower, upper = min(low, *stated), max(high, *stated)
        if max(stated[0] - low, high - stated[1]) > FOLLOWING_TOLERANCE:
            notes = (
                f"{where}: <limit>: expected to include where it must follow {mimic.follows}, "
                f"{low:.4g} to {high:.4g}, got {stated[0]:.4g} to {stated[1]:.4g}: taken as "
                f"{lower:.4g} to {upper:.4g}",
            )
    limits = JointLimits(lower, upper, velocity, effort)
    for key in ("lower", "upper", "velocity", "effort"):
        if number(where, limit, key, math.nan) != getattr(limits, key):
            limit.set(key, repr(getattr(limits, key)))
    return limits, notes
