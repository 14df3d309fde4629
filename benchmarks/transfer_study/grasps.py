"""Makes the grasps of the study: by search in either engine, and by import of poses."""

from __future__ import annotations

import json
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from dr_grasp.core.arrays import as_floats
from dr_grasp.core.geometry import Pose, grip_frame
from dr_grasp.core.outcome import Outcome
from dr_grasp.core.trajectory import GraspTrajectory
from dr_grasp.errors import DrGraspError
from dr_grasp.formats.grasp_file import write_grasps
from dr_grasp.generation.antipodal import find_pairs
from dr_grasp.generation.importers.pose_reader import read_poses
from dr_grasp.generation.methods import make_method
from dr_grasp.generation.pose_import import import_poses
from dr_grasp.generation.search import Search
from dr_grasp.generation.search_journal import SearchJournal
from dr_grasp.generation.task import SAMPLER, Limits, Task
from dr_grasp.objects.object_spec import load_object
from dr_grasp.robots.robot_spec import RobotSpec, load_robot
from dr_grasp.scoring.blocks import Block, run_block
from dr_grasp.scoring.profiles import load_profile
from dr_grasp.simulation.bullet.world import BulletWorld
from dr_grasp.simulation.engine import open_world
from dr_grasp.simulation.rollout import settled_pose
from dr_grasp.workers.pool import Pool, ResultT, WorkT
from transfer_study.plan import ENGINES, IMPORT, Plan, Source

EVALUATIONS = 72
"""Proposals that me-scs tries, three generations: the later ones differ from the sampler's."""

POSES = 20
"""Poses that are imported for each round: the arm reaches some, and few of them hold."""

DEPTH_M = 0.015
"""An imported grip is at most this far from the line of its contacts, along the approach [m]."""


class Here(Pool):
    """Does all work in this process, which is itself a worker."""

    def close(self) -> None:
        """Nothing is open."""

    def _workers(self) -> int:
        return 1

    def _submit(self, function: Callable[[WorkT], ResultT], piece: WorkT) -> Future[ResultT]:
        done: Future[ResultT] = Future()
        done.set_result(function(piece))
        return done


def make_grasps(plan: Plan, arm: str, obj: str, source: Source) -> Path:
    """Write the file of grasps of a source, one for each round, or fewer if it finds no more."""
    path = plan.folder(arm, obj) / f"{source.name}.json"
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        made = _imported(plan, arm, obj) if source.method == IMPORT else ()
        if source.engine is not None:
            made = _searched(plan, arm, obj, source)
        write_grasps(path, made)
    return path


def _searched(plan: Plan, arm: str, obj: str, source: Source) -> list[GraspTrajectory]:
    """The first grasps of the sampler; of me-scs, some drawn from all that it found."""
    assert source.engine is not None
    # Another engine searches with another seed: ids would be the same otherwise.
    seed = plan.seed + 1000 * ENGINES.index(source.engine)
    task = Task(arm, obj, source.method, seed, engine=source.engine)
    limits = Limits(None, plan.rounds) if source.method == SAMPLER else Limits(EVALUATIONS, None)
    with (
        TemporaryDirectory() as folder,
        SearchJournal(Path(folder) / "journal", task.described(), resume=False) as journal,
    ):
        found = list(Search(task, make_method(task), Here(), journal).run(limits).grasps)
    if source.method != SAMPLER:
        np.random.default_rng(seed).shuffle(found)  # type: ignore[arg-type]
    return found[: plan.rounds]


def _imported(plan: Plan, arm: str, obj: str) -> list[GraspTrajectory]:
    """Grasps from a file of poses that knows no simulation, of those that hold in any engine."""
    robot, item = load_robot(arm), load_object(obj)
    rng = np.random.default_rng([plan.seed, 17])
    with closing(open_world(ENGINES[0], robot, item)) as world:
        place = settled_pose(world)
    with TemporaryDirectory() as folder, BulletWorld(robot, item) as world:
        path = Path(folder) / "poses.json"
        path.write_text(json.dumps({"grasps": _poses(robot, obj, place, rng, plan.rounds)}))
        poses = read_poses(path, "poses")
        grasps = import_poses(world, poses, robot.synergies, plan.seed, object_in_base=place).grasps
    profile, kept = load_profile(plan.profile), []
    for grasp in grasps:
        blocks = (Block(0, grasp, profile, None, 0, 0, 1, engine=engine) for engine in ENGINES)
        if any(run_block(block).outcomes[Outcome.SUCCESS] for block in blocks):
            kept.append(grasp)
        if len(kept) == plan.rounds:
            break
    return kept


def _poses(
    robot: RobotSpec, obj: str, place: Pose, rng: np.random.Generator, rounds: int
) -> list[dict[str, object]]:
    """Pinches of antipodal pairs from any direction at any depth, as ACRONYM's are sampled.

    C. Eppner, A. Mousavian and D. Fox, "ACRONYM: A large-scale grasp dataset based on simulation",
    2021, section III. Our sampler prefers to come from above, with the pair in the fingers' middle.
    """
    item = load_object(obj)
    pairs = find_pairs(item.visual, robot.synergies[0].largest_width_m, rng)
    if not len(pairs):
        raise DrGraspError(f"{obj}: nothing that {robot.name} can pinch")
    found: list[dict[str, object]] = []
    while len(found) < POSES * rounds:
        first, second = place.apply(pairs[int(rng.integers(len(pairs)))])
        closing_axis = (second - first) / np.linalg.norm(second - first)
        approach = np.cross(closing_axis, rng.normal(size=3))
        approach /= np.linalg.norm(approach)
        if approach[2] > 0:  # from below, through the table
            approach = -approach
        middle = (first + second) / 2 + rng.uniform(-DEPTH_M, DEPTH_M) * approach
        grip = place.inverse() @ grip_frame(middle, approach, closing_axis)
        found.append(
            {
                "id": f"{len(found):04d}",
                "position": as_floats(grip.position),
                "quaternion_xyzw": as_floats(grip.quaternion_xyzw),
            }
        )
    return found
