"""The methods of search by name."""

from __future__ import annotations

from collections.abc import Callable

from dr_grasp.errors import DrGraspError, UnknownNameError
from dr_grasp.generation.archive import TouchArchive
from dr_grasp.generation.genome import GenomeSpace
from dr_grasp.generation.proposal import Proposal
from dr_grasp.generation.quality_diversity import (
    MapElites,
    Selection,
    select_fittest,
    select_successes_first,
)
from dr_grasp.generation.sampler import METHOD, AntipodalSampler, SamplerMethod
from dr_grasp.generation.search import Method
from dr_grasp.generation.start import ancestor
from dr_grasp.generation.task import Task
from dr_grasp.objects.object_spec import load_object
from dr_grasp.robots.robot_spec import load_robot
from dr_grasp.simulation.bullet.world import BulletWorld
from dr_grasp.simulation.rollout import settled_pose

ME_SCS = "me-scs"
ME_FIT = "me-fit"
SELECTIONS: dict[str, Selection] = {ME_SCS: select_successes_first, ME_FIT: select_fittest}
METHODS = (METHOD, *SELECTIONS)


def check_method(name: str) -> None:
    """Refuse a name that no method has.

    Raises:
        UnknownNameError: There is no such method.
    """
    if name not in METHODS:
        raise UnknownNameError("method", name, METHODS)


def make_method(task: Task) -> Method:
    """Make the method of a task, ready to be asked.

    Raises:
        DrGraspError: An unknown name; or, for the sampler, an object that cannot be pinched.
    """
    check_method(task.method)
    with BulletWorld(load_robot(task.robot), load_object(task.object)) as world:
        robot, item = world.robot, world.object
        object_in_base = settled_pose(world)
        ancestors = [ancestor(world, grasp) for grasp in task.start]
    if task.method == METHOD:
        sampler = AntipodalSampler(robot, item, object_in_base, task.seed)
        return SamplerMethod(sampler, TouchArchive(item, genome_length=7))
    propose: Callable[[int], Proposal] | None
    try:
        propose = AntipodalSampler(robot, item, object_in_base, task.seed).propose
    except DrGraspError:  # nothing to pinch: all strangers are uniform
        propose = None
    space = GenomeSpace(robot, item, object_in_base)
    archive = TouchArchive(item, space.length)
    return MapElites(archive, space, SELECTIONS[task.method], task.seed, ancestors, propose)
