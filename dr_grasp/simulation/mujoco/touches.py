"""Reads from MuJoCo's contacts what touches what."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from dr_grasp.core.outcome import LinkPair
from dr_grasp.robots.robot_spec import RobotSpec

SUPPORT, OBJECT, HAND, MOVING, ROBOT = (1 << bit for bit in range(5))
"""What a geom belongs to; a link of the hand that moves is of the last three kinds."""


@dataclass(frozen=True, slots=True)
class Touches:
    """What touches at one moment.

    Attributes:
        hand: Whether the hand touches the object.
        robot: Whether any link of the robot touches the object.
        supported: Whether the object touches the table or the ground.
        hit: A moving link of the robot and what it touches, the table or the ground; None if none.
        collision: Two links of the robot that touch each other; None if there are none. Of several
            pairs, both fields have the first in the alphabet.
    """

    hand: bool
    robot: bool
    supported: bool
    hit: LinkPair | None
    collision: LinkPair | None


class TouchReader:
    """Reads the contacts of a model's worlds."""

    def __init__(self, model: Any, robot: RobotSpec) -> None:
        """Find out what each geom of a model belongs to.

        Args:
            model: The model, with or without the robot.
            robot: The robot that is meant by the names of the bodies.
        """
        bodies = [_kind(model, body, robot) for body in range(model.nbody)]
        self.kinds: list[int] = [bodies[body] for body in model.geom_bodyid]
        """Of each geom, the sum of what it is."""
        self.names: list[str] = [_name(model, geom) for geom in range(model.ngeom)]
        """Of each geom, the name of its link; of the table and the ground, its own."""

    def read(self, data: Any) -> Touches:
        """Read the contacts of the last step."""
        kinds, names = self.kinds, self.names
        on_object = 0
        hits: list[LinkPair] = []
        collisions: list[LinkPair] = []
        # A loop of Python: for the few contacts that there are, arrays would take longer.
        for first, second in data.contact.geom.tolist():
            one, other = kinds[first], kinds[second]
            both = one | other
            if both & OBJECT:
                on_object |= both
            elif one & other & ROBOT:
                collisions.append(LinkPair.of_robot(names[first], names[second]))
            elif both & SUPPORT and both & MOVING:
                link, support = (second, first) if one & SUPPORT else (first, second)
                hits.append(LinkPair(names[link], names[support]))
        return Touches(
            hand=bool(on_object & HAND),
            robot=bool(on_object & ROBOT),
            supported=bool(on_object & SUPPORT),
            hit=min(hits, default=None),
            collision=min(collisions, default=None),
        )


def _kind(model: Any, body: int, robot: RobotSpec) -> int:
    name = model.body(body).name
    if body == 0:
        return SUPPORT
    if name == "object":
        return OBJECT
    moves = MOVING if model.body_weldid[body] != 0 else 0
    return ROBOT | moves | (HAND if name in robot.hand_links else 0)


def _name(model: Any, geom: int) -> str:
    body = model.geom_bodyid[geom]
    return str((model.body(body) if body else model.geom(geom)).name)
