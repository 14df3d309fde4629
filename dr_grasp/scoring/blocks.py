"""What runs in a worker process: blocks of rollouts, in worlds that are built once."""

from __future__ import annotations

import logging
import multiprocessing
import os
import threading
from collections import Counter, OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass

import dr_grasp.robots.robot_spec
from dr_grasp.core.outcome import Outcome
from dr_grasp.core.perturbation import Criterion, Perturbation, Profile, sample_perturbation
from dr_grasp.core.trajectory import GraspTrajectory
from dr_grasp.objects.object_spec import ObjectSpec, load_object
from dr_grasp.robots.robot_spec import RobotSpec, load_robot
from dr_grasp.simulation.bullet.world import BulletWorld
from dr_grasp.simulation.rollout_runner import RolloutRunner
from dr_grasp.simulation.shortcuts import ALL, Shortcuts

MOST_WORLDS = 8
"""Worlds that a worker keeps; a world takes some 20 MB."""

_worlds: OrderedDict[tuple[RobotSpec, ObjectSpec, Shortcuts], RolloutRunner] = OrderedDict()


@dataclass(frozen=True, slots=True)
class Block:
    """Consecutive trials of one grasp under one criterion: the unit of work.

    Attributes:
        grasp_index: Position of the grasp in the batch.
        grasp: The grasp, checked.
        profile: The noises.
        criterion: None for the undisturbed rollout.
        seed: Of the perturbations.
        first: Index of the first trial.
        count: Number of trials.
        shortcuts: What the rollouts leave out.
    """

    grasp_index: int
    grasp: GraspTrajectory
    profile: Profile
    criterion: Criterion | None
    seed: int
    first: int
    count: int
    shortcuts: Shortcuts = ALL


def start_worker() -> None:
    """Prepare a worker process, which never outlives its parent."""
    # The parent has loaded the robots first, and said what there is to say of them.
    logging.getLogger(dr_grasp.robots.robot_spec.__name__).setLevel(logging.ERROR)
    parent = multiprocessing.parent_process()
    if parent is not None:
        threading.Thread(target=_die_with, args=(parent,), daemon=True).start()


def _die_with(parent: multiprocessing.process.BaseProcess) -> None:
    parent.join()
    os._exit(1)


def run_block(block: Block) -> Mapping[Outcome, int]:
    """Count the outcomes of a block."""
    replayer = _replayer(block.grasp.robot, block.grasp.object, block.shortcuts)
    arm_joints = len(replayer.world.robot.arm_joints)
    counts: Counter[Outcome] = Counter()
    for trial in range(block.first, block.first + block.count):
        perturbation = (
            Perturbation.none()
            if block.criterion is None
            else sample_perturbation(block.profile, block.criterion, block.seed, trial, arm_joints)
        )
        counts[replayer.run(block.grasp, perturbation).outcome] += 1
    return counts


def _replayer(robot: str, obj: str, shortcuts: Shortcuts) -> RolloutRunner:
    # The objects themselves: a name may come to mean another.
    key = (load_robot(robot), load_object(obj), shortcuts)
    if key not in _worlds:
        if len(_worlds) >= MOST_WORLDS:
            _, oldest = _worlds.popitem(last=False)
            oldest.close()
        _worlds[key] = RolloutRunner(BulletWorld(key[0], key[1]), shortcuts)
    _worlds.move_to_end(key)
    return _worlds[key]
