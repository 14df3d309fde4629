"""How the joints of a hand that mimic others hang together: each pair is of neighbours."""

from __future__ import annotations

from dataclasses import dataclass

from dr_grasp.errors import ModelError
from dr_grasp.robots.robot_spec import RobotSpec
from dr_grasp.twin.sapien.bodies import RigidBody


@dataclass(frozen=True, slots=True)
class Coupling:
    """Two neighbouring joints: position of follower = multiplier * position of leader + offset.

    Attributes:
        root: Name of the body that carries the first of both joints, or both.
        first: Name of the body that this joint carries.
        second: Name of the body that the other joint carries.
        scales: What the positions of the first and of the second joint are multiplied by, so that
            their sum is `offset`.
        offset: See there [rad or m].
        follower: Name of the joint that follows.
    """

    root: str
    first: str
    second: str
    scales: tuple[float, float]
    offset: float
    follower: str


def couplings(robot: RobotSpec, bodies: tuple[RigidBody, ...]) -> tuple[Coupling, ...]:
    """The couplings of a hand, of which each driven joint with its followers is a tree.

    Raises:
        ModelError: A joint follows another, and neither it nor the other followers are neighbours.
    """
    carried = {body.joint.name: body for body in bodies if body.joint is not None}
    # Position of each joint as multiplier * position of its drive + offset.
    places = {name: (name, 1.0, 0.0) for name in robot.hand_joints}
    # A mimic of multiplier 0 stands still by its own drive.
    left = [mimic for mimic in robot.model.mimics if mimic.multiplier]
    found = []
    while left:
        for mimic in left:
            source = next(
                (
                    name
                    for name, (drive, _, _) in places.items()
                    if drive == mimic.follows and _neighbours(carried[name], carried[mimic.joint])
                ),
                None,
            )
            if source is None:
                continue
            _, scale, shift = places[source]
            multiplier = mimic.multiplier / scale
            offset = mimic.offset - multiplier * shift
            found.append(_coupling(carried[source], carried[mimic.joint], multiplier, offset))
            places[mimic.joint] = (mimic.follows, mimic.multiplier, mimic.offset)
            left.remove(mimic)
            break
        else:
            names = ", ".join(f"{mimic.joint} ({mimic.follows})" for mimic in left)
            raise ModelError(
                f"{robot.name}: for engine sapien, expected joints that mimic a neighbour, or the "
                f"neighbour of another that does, got {names}"
            )
    return tuple(found)


def _neighbours(one: RigidBody, other: RigidBody) -> bool:
    return one.parent in (other.parent, other.name) or other.parent == one.name


def _coupling(leader: RigidBody, follower: RigidBody, multiplier: float, offset: float) -> Coupling:
    name = "" if follower.joint is None else follower.joint.name
    if leader.parent == follower.name:
        scales = (1.0, -multiplier)
        return Coupling(follower.parent, follower.name, leader.name, scales, offset, name)
    scales = (-multiplier, 1.0)
    return Coupling(leader.parent, leader.name, follower.name, scales, offset, name)
