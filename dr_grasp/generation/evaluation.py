"""Tries proposals: plans each for the arm, then simulates it once without disturbance."""

from __future__ import annotations

import weakref
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from dr_grasp.core.arrays import FloatArray, as_floats, frozen
from dr_grasp.core.engine import Engine
from dr_grasp.core.geometry import Pose
from dr_grasp.core.outcome import Observation, Outcome
from dr_grasp.core.perturbation import Perturbation
from dr_grasp.core.trajectory import GraspTrajectory, HandClose, Phase
from dr_grasp.errors import InvalidGraspError
from dr_grasp.generation.motion import MotionSettings, Unreachable, plan_motion
from dr_grasp.generation.proposal import Proposal
from dr_grasp.generation.result import Result
from dr_grasp.generation.standing import standing_pose
from dr_grasp.objects.object_spec import ObjectSpec, load_object
from dr_grasp.robots.checking import check_grasp
from dr_grasp.robots.robot_spec import RobotSpec, load_robot
from dr_grasp.simulation.engine import World, open_world
from dr_grasp.simulation.rollout import run_rollout


class Evaluator:
    """Tries proposals for one robot and one object, which stands in its settled pose."""

    def __init__(
        self,
        world: World,
        method: str,
        seed: int,
        object_in_base: Pose | None = None,
        engine: Engine = Engine.BULLET,
    ) -> None:
        """Let the object settle on the table.

        Args:
            world: World with the robot and the object.
            method: Name of the method that proposes; part of the grasps' provenance and ids.
            seed: Seed of the search; part of the grasps' provenance and ids.
            object_in_base: Where the object is said to stand; None for the robot's usual place.
            engine: The engine of the world; part of the grasps' provenance.

        Raises:
            DrGraspError: The object cannot stand there.
        """
        self.object_in_base = standing_pose(world, object_in_base)
        self._world = world
        self._method = method
        self._seed = seed
        # Said only of other engines, so that grasps of PyBullet stay as they were.
        self._said = {} if engine is Engine.BULLET else {"engine": engine.value}

    def evaluate(self, proposal: Proposal) -> Result:
        """Plan and simulate a proposal; the result depends on the proposal and the seed alone."""
        grasp = self.plan(proposal)
        if isinstance(grasp, Unreachable):
            return Result(proposal, grasp)
        watcher = _Watcher(self._world)
        rollout = run_rollout(
            self._world,
            grasp,
            Perturbation.none(),
            on_phase_end=watcher.phase_ended,
            on_observation=watcher.observed,
        )
        held = rollout.outcome is Outcome.SUCCESS
        return Result(
            proposal,
            outcome=rollout.outcome,
            links=rollout.links,
            touch_in_object=watcher.touch_in_object,
            slip_m=watcher.slip_m if held else None,
            grasp=grasp if held else None,
        )

    def plan(self, proposal: Proposal) -> GraspTrajectory | Unreachable:
        """Plan the arm's motion to a proposal, with the lengths that the robot's file says."""
        robot, index = self._world.robot, proposal.index
        synergy = robot.synergy(proposal.synergy)
        grip_in_base = self.object_in_base @ proposal.grip_in_object
        settings = MotionSettings(standoff_m=robot.standoff_m, lift_m=robot.lift_m)
        rng = np.random.default_rng([self._seed, 2, index])
        opening = proposal.opening
        world = self._world.geometry
        motion = plan_motion(world, grip_in_base, synergy, settings, rng, opening=opening)
        if isinstance(motion, Unreachable):
            return motion
        name = proposal.name or f"{self._seed}-{index:05d}"
        grasp = GraspTrajectory(
            id=f"{robot.name}-{self._world.object.name}-{self._method}-{name}",
            robot=robot.name,
            object=self._world.object.name,
            object_in_base=self.object_in_base,
            approach=motion.approach,
            close=HandClose(
                robot.hand_joints,
                synergy.preshape(opening),
                synergy.closed,
                robot.hand_force,
                robot.close_duration_s,
            ),
            lift=motion.lift,
            hold_s=settings.hold_s,
            provenance={
                "method": self._method,
                "seed": str(self._seed),
                "candidate": str(index),
                "synergy": synergy.name,
                **self._said,
                **proposal.provenance,
            },
        )
        try:
            check_grasp(grasp, robot)
        except InvalidGraspError:  # a spline may overshoot a limit between two reachable postures
            return Unreachable.LIMITS
        return grasp


@dataclass(frozen=True, slots=True)
class Job:
    """One proposal to try: the unit of work of a search.

    Attributes:
        robot: Name of the robot.
        object: Name of the object.
        method: Name of the method that made the proposal.
        seed: Seed of the search.
        proposal: The grip to try.
        object_in_base: Where the object is said to stand; None for the robot's usual place.
        engine: The engine in which the rollout is simulated.
    """

    robot: str
    object: str
    method: str
    seed: int
    proposal: Proposal
    object_in_base: Pose | None = None
    engine: Engine = Engine.BULLET

    def __str__(self) -> str:
        """Name the proposal in an error."""
        return f"proposal {self.proposal.index} of {self.method} for {self.robot} and {self.object}"


def evaluate(job: Job) -> Result:
    """Try a proposal in a worker process, which keeps its world for the next proposal.

    Raises:
        DrGraspError: The robot or the object cannot be loaded.
    """
    # The cache's key is the specifications: another robot or object may get the same name.
    robot, obj = load_robot(job.robot), load_object(job.object)
    place = job.object_in_base
    given = (
        None if place is None else (*as_floats(place.position), *as_floats(place.quaternion_xyzw))
    )
    evaluator = _evaluator(robot, obj, job.method, job.seed, given, job.engine)
    return evaluator.evaluate(job.proposal)


@lru_cache(maxsize=1)  # a local worker serves one search, a worker of a cluster serves many
def _evaluator(
    robot: RobotSpec,
    obj: ObjectSpec,
    method: str,
    seed: int,
    given: tuple[float, ...] | None,
    engine: Engine,
) -> Evaluator:
    place = None if given is None else Pose(frozen(given[:3]), frozen(given[3:]))
    world = open_world(engine, robot, obj)
    evaluator = Evaluator(world, method, seed, place, engine)
    weakref.finalize(evaluator, world.close).atexit = False
    return evaluator


class _Watcher:
    """Observes where the hand first touches, and how far the object slips in the hand."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._has_closed = False
        self._touches = False
        self._held: Pose | None = None
        self.touch_in_object: FloatArray | None = None
        self.slip_m = 0.0

    def observed(self, step: int, phase: Phase, seen: Observation) -> None:
        self._touches = seen.hand_touches
        if self.touch_in_object is None and seen.hand_touches:
            points = self._world.hand_contacts().points
            if len(points):  # MuJoCo has contacts that do not press yet
                self.touch_in_object = frozen(points.mean(axis=0))
        # A hand closed loosely around a handle holds it only when the lift brings them together.
        lifted = self._has_closed and seen.hand_touches and not seen.object_supported
        if lifted and self._held is None:
            self._held = self._object_in_tcp()

    def phase_ended(self, phase: Phase) -> None:
        if phase is Phase.CLOSE:
            self._has_closed = True
            if self._touches:
                self._held = self._object_in_tcp()
        elif phase is Phase.HOLD and self._held is not None:
            # The motion of the object's centre of mass, so that turns about it do not count.
            center = self._world.object.center_of_mass[None]
            moved = self._object_in_tcp().apply(center) - self._held.apply(center)
            self.slip_m = float(np.linalg.norm(moved))

    def _object_in_tcp(self) -> Pose:
        return self._world.tcp_pose().inverse() @ self._world.object_pose()
