"""Where the object stands while grasps for it are made."""

from __future__ import annotations

import numpy as np

from dr_grasp.core.geometry import Pose
from dr_grasp.errors import SettingsError
from dr_grasp.robots.checking import check_place
from dr_grasp.simulation.engine import World
from dr_grasp.simulation.rollout import settled_pose

FARTHEST_OFF_TABLE_M = 0.01
"""How far above or below the table's top the lowest point of an object may be said to be [m]:
perception errs by some millimetres, and what is further off is another frame or another object."""

LARGEST_SETTLING_M = 0.02
LARGEST_SETTLING_RAD = np.deg2rad(15.0)
"""How far an object may move and turn until it rests; what moves further does not stand so."""


def standing_pose(world: World, given: Pose | None) -> Pose:
    """The pose in which the object rests on the table, in the robot's base frame.

    Args:
        world: World with the robot and the object.
        given: Where it is said to stand; None for the robot's usual place, upright as its mesh.

    Raises:
        DrGraspError: It is said to stand beside, above or in the table; or it does not rest there.
    """
    if given is None:
        return settled_pose(world)
    check_standing(world, given)
    settled = settled_pose(world, given)
    moved_m = float(np.linalg.norm((settled.position - given.position)[:2]))
    turned_rad = float((settled.rotation * given.rotation.inv()).magnitude())
    if moved_m > LARGEST_SETTLING_M or turned_rad > LARGEST_SETTLING_RAD:
        raise SettingsError(
            f"object pose: expected one in which {world.object.name} rests, got one from which it "
            f"moves by {moved_m:.2g} m and turns by {np.rad2deg(turned_rad):.0f} degrees"
        )
    return settled


def check_standing(world: World, given: Pose) -> None:
    """Refuse a pose in which the object does not touch the table from above.

    Raises:
        DrGraspError: It is beside, above or in the table.
    """
    check_place("object pose", given, world.robot.table)
    lowest = given.position[2] + world.object.lowest_point(given.rotation.as_matrix())
    gap_m = float(lowest - world.robot.table.top_z)
    if abs(gap_m) > FARTHEST_OFF_TABLE_M:
        raise SettingsError(
            f"object pose: expected {world.object.name} on the table, got its lowest point "
            f"{abs(gap_m):.3g} m {'above' if gap_m > 0 else 'below'} the top; it would stand there "
            f"with z = {given.position[2] - gap_m:.4g}, turned as given"
        )
