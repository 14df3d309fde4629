"""Makes the search method that a task names: antipodal sampler or MAP-Elites."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from typing import Protocol

from dr_grasp.errors import DrGraspError
from dr_grasp.generation.archive import TouchArchive
from dr_grasp.generation.genome import GenomeSpace
from dr_grasp.generation.map_elites import MapElites
from dr_grasp.generation.proposal import Proposal
from dr_grasp.generation.sampler import AntipodalSampler
from dr_grasp.generation.standing import standing_pose
from dr_grasp.generation.start import ancestor
from dr_grasp.generation.task import ME_FIT, SAMPLER, Task
from dr_grasp.objects.object_spec import load_object
from dr_grasp.robots.robot_spec import load_robot
from dr_grasp.simulation.engine import open_world


class Method(Protocol):
    """Proposes grips; may learn from the archive how good earlier proposals were."""

    def ask(self, count: int, archive: TouchArchive) -> list[Proposal]:
        """Make the next proposals; they depend on the seed and on the archive alone.

        Args:
            count: Number of proposals.
            archive: Archive with the results of all earlier proposals.
        """


def make_method(task: Task) -> Method:
    """Make the method of a task, ready to propose.

    Raises:
        DrGraspError: The robot or the object cannot be loaded, the engine has no single worlds, or
            the object cannot stand where it is said to; or the method is the sampler, and the
            object has no two surfaces that the hand can pinch.
    """
    opened = open_world(task.engine, load_robot(task.robot), load_object(task.object))
    with closing(opened) as world:
        robot, item = world.robot, world.object
        object_in_base = standing_pose(world, task.object_in_base)
        ancestors = [ancestor(world.geometry, grasp) for grasp in task.start]
    propose: Callable[[int], Proposal] | None = None
    try:
        sampler = AntipodalSampler(robot, item, object_in_base, task.seed)
        if task.method == SAMPLER:
            return sampler
        propose = sampler.propose
    except DrGraspError:  # nothing to pinch: the first generations are random alone
        if task.method == SAMPLER:
            raise
    space = GenomeSpace(robot, item, object_in_base)
    return MapElites(space, task.method == ME_FIT, task.seed, ancestors, propose)
