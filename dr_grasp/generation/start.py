"""Reads the grasps that a search begins from, and turns them back into proposals."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from dr_grasp.core.texts import first_names
from dr_grasp.core.trajectory import GraspTrajectory
from dr_grasp.errors import FileFormatError
from dr_grasp.formats.grasp_file import read_grasps
from dr_grasp.generation.proposal import Proposal
from dr_grasp.robots.checking import check_grasp
from dr_grasp.robots.robot_spec import RobotSpec, Synergy, load_robot
from dr_grasp.simulation.bullet.kinematics import RobotWorld


def read_start(path: Path, robot: str, obj: str) -> tuple[GraspTrajectory, ...]:
    """Read the grasps that a search with this robot and object begins from.

    Raises:
        DrGraspError: The file cannot be read, is empty, or holds a grasp that is not valid or is
            for another robot or object.
    """
    given = read_grasps(path)
    if given.refused:
        raise FileFormatError(f"{path}: {given.refused[0].reason}")
    if not given.grasps:
        raise FileFormatError(f"{path}: expected a grasp to start from, got none")
    wrong = [grasp for grasp in given.grasps if (grasp.robot, grasp.object) != (robot, obj)]
    if wrong:
        named = first_names([f"{grasp.id} ({grasp.robot}, {grasp.object})" for grasp in wrong])
        raise FileFormatError(f"{path}: expected grasps of {robot} with {obj}, got {named}")
    for grasp in given.grasps:
        check_grasp(grasp, load_robot(robot))
    return given.grasps


def ancestor(world: RobotWorld, grasp: GraspTrajectory) -> Proposal:
    """Turn a grasp back into a proposal; this moves the robot of the world."""
    synergy = _synergy_of(world.robot, grasp)
    tcp_in_base = world.forward_kinematics(grasp.approach.positions[-1])
    grip_in_object = grasp.object_in_base.inverse() @ tcp_in_base @ synergy.grip_in_tcp
    opening = _opening_of(synergy, grasp)
    return Proposal(0, grip_in_object, synergy.name, opening, name=grasp.id)


def _synergy_of(robot: RobotSpec, grasp: GraspTrajectory) -> Synergy:
    """The synergy in a grasp's provenance, or else the synergy nearest to how the grasp closes."""
    for synergy in robot.synergies:
        if synergy.name == grasp.provenance.get("synergy"):
            return synergy

    def difference(synergy: Synergy) -> float:
        before = grasp.close.preshape - synergy.preshape(_opening_of(synergy, grasp))
        after = grasp.close.positions - synergy.closed
        return float(np.linalg.norm(before) + np.linalg.norm(after))

    return min(robot.synergies, key=difference)


def _opening_of(synergy: Synergy, grasp: GraspTrajectory) -> float:
    way = synergy.open - synergy.closed
    share = (grasp.close.preshape - synergy.closed) @ way / max(float(way @ way), 1e-12)
    return float(np.clip(share, 0.0, 1.0))
