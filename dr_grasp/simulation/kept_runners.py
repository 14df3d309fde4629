"""Worlds that a worker process keeps from one piece of work to the next."""

from __future__ import annotations

from dr_grasp.objects.object_spec import ObjectSpec, load_object
from dr_grasp.robots.robot_spec import RobotSpec, load_robot
from dr_grasp.simulation.bullet.world import BulletWorld
from dr_grasp.simulation.rollout_runner import RolloutRunner
from dr_grasp.simulation.shortcuts import ALL, Shortcuts

MOST_WORLDS = 8
"""Worlds that a worker keeps; a world takes some 20 MB."""

_kept: dict[tuple[RobotSpec, ObjectSpec, Shortcuts], RolloutRunner] = {}
"""In the order in which they were last used."""


def kept_runner(robot: str, obj: str, shortcuts: Shortcuts = ALL) -> RolloutRunner:
    """A runner of rollouts in a world that is built once; those used last are kept.

    Args:
        robot: Name of the robot.
        obj: Name of the object.
        shortcuts: What rollouts leave out because it decides nothing.

    Raises:
        DrGraspError: There is no such robot or object.
    """
    # By what the names stand for: a name may come to mean another thing.
    key = (load_robot(robot), load_object(obj), shortcuts)
    runner = _kept.pop(key, None)
    if runner is None:
        if len(_kept) >= MOST_WORLDS:
            _kept.pop(next(iter(_kept))).close()
        runner = RolloutRunner(BulletWorld(key[0], key[1]), shortcuts)
    _kept[key] = runner
    return runner
