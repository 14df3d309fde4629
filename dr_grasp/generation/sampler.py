"""Samples antipodal grasps; each proposal is drawn independently."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing

import numpy as np

from dr_grasp.core.arrays import FloatArray
from dr_grasp.core.engine import Engine
from dr_grasp.core.geometry import Pose
from dr_grasp.core.trajectory import GraspTrajectory
from dr_grasp.errors import DrGraspError
from dr_grasp.generation.antipodal import find_pairs, sample_grasp_pose
from dr_grasp.generation.archive import TouchArchive
from dr_grasp.generation.evaluation import Evaluator
from dr_grasp.generation.proposal import Proposal
from dr_grasp.generation.result import Result
from dr_grasp.generation.task import CANDIDATES_PER_GRASP, SAMPLER
from dr_grasp.objects.object_spec import ObjectSpec, load_object
from dr_grasp.robots.robot_spec import RobotSpec, Synergy, load_robot
from dr_grasp.simulation.engine import open_world


class AntipodalSampler:
    """Proposes grips on opposing surfaces, with each of the hand's synergies equally often."""

    def __init__(self, robot: RobotSpec, item: ObjectSpec, object_in_base: Pose, seed: int) -> None:
        """Find the pairs of surface points that the hand can pinch.

        Args:
            robot: The robot.
            item: The object.
            object_in_base: Pose of the object, since approaches come from above.
            seed: Seed of all random draws. Same seed, same proposals.

        Raises:
            DrGraspError: The object has no two surfaces that the hand can pinch.
        """
        self._object_in_base = object_in_base
        self._seed = seed
        self._asked = 0
        self._table_z = robot.table.top_z
        self._pairs: list[tuple[Synergy, FloatArray]] = []
        for synergy in robot.synergies:
            rng = np.random.default_rng([seed, 0])
            pairs = find_pairs(item.visual, synergy.largest_width_m, rng)
            if len(pairs) > 0:
                self._pairs.append((synergy, pairs))
        if not self._pairs:
            widest = max(synergy.largest_width_m for synergy in robot.synergies)
            raise DrGraspError(
                f"{item.name}: no two opposing surfaces within the "
                f"{widest * 1000:.0f} mm that {robot.name} opens"
            )

    def propose(self, index: int) -> Proposal:
        """Make the proposal with a given index; it depends on the seed and the index alone."""
        rng = np.random.default_rng([self._seed, 1, index])
        synergy, pairs = self._pairs[int(rng.integers(len(self._pairs)))]
        grip, opening = sample_grasp_pose(pairs, self._object_in_base, self._table_z, synergy, rng)
        return Proposal(index, self._object_in_base.inverse() @ grip, synergy.name, opening)

    def ask(self, count: int, archive: TouchArchive) -> list[Proposal]:
        """Make the next `count` proposals, from index 0 on; the archive is not used."""
        first, self._asked = self._asked, self._asked + count
        return [self.propose(index) for index in range(first, self._asked)]


def generate(
    robot: str,
    obj: str,
    count: int,
    seed: int,
    on_evaluation: Callable[[Result], None] | None = None,
    engine: Engine = Engine.BULLET,
) -> list[GraspTrajectory]:
    """Sample grasps that succeed in the undisturbed simulation.

    Args:
        robot: Name of the robot.
        obj: Name of the object.
        count: Number of grasps, at least 1.
        seed: Seed of all random draws, at least 0. Same seed, same grasps.
        on_evaluation: Called with the result of every candidate, to show progress.
        engine: The engine in which rollouts are simulated.

    Raises:
        DrGraspError: A name is unknown, a number is out of bounds, or too few candidates succeeded.
    """
    if count < 1:
        raise DrGraspError(f"count: expected at least 1, got {count}")
    if seed < 0:
        raise DrGraspError(f"seed: expected at least 0, got {seed}")
    found: list[GraspTrajectory] = []
    with closing(open_world(engine, load_robot(robot), load_object(obj))) as world:
        evaluator = Evaluator(world, SAMPLER, seed, engine=engine)
        sampler = AntipodalSampler(world.robot, world.object, evaluator.object_in_base, seed)
        for index in range(CANDIDATES_PER_GRASP * count):
            result = evaluator.evaluate(sampler.propose(index))
            if on_evaluation is not None:
                on_evaluation(result)
            if result.grasp is not None:
                found.append(result.grasp)
            if len(found) == count:
                return found
    raise DrGraspError(
        f"{robot} with {obj}: expected {count} grasps that succeed nominally, got {len(found)} "
        f"from {CANDIDATES_PER_GRASP * count} candidates"
    )
