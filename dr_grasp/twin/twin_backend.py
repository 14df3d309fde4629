"""Fake hardware: a backend that executes grasps in another engine, with errors of its own.

It stands for the real robot where there is none. The scorer sees neither its profile nor what was
drawn from it; what it gives away is what a robot gives away, plus the object's pose before and
after, as a motion capture system would.
"""

from __future__ import annotations

import time
import uuid

from dr_grasp import __version__
from dr_grasp.common.closing import Closing
from dr_grasp.core.arrays import frozen
from dr_grasp.core.attempt import GraspAttempt
from dr_grasp.core.fitness import GraspScore
from dr_grasp.core.geometry import Pose
from dr_grasp.core.outcome import Outcome
from dr_grasp.core.perturbation import MAX_SEED
from dr_grasp.core.trajectory import GraspTrajectory
from dr_grasp.errors import BackendError, SettingsError
from dr_grasp.execution.backend import IsCancelled, OnPhase, ignore_phase, never_cancelled
from dr_grasp.objects.object_spec import ObjectSpec, load_object
from dr_grasp.provenance.models import models_of
from dr_grasp.robots.checking import check_grasp
from dr_grasp.robots.robot_spec import RobotSpec
from dr_grasp.twin.grasp_run import GraspRun, OnJointStates
from dr_grasp.twin.mujoco_world import MujocoWorld, engine_version
from dr_grasp.twin.twin_profile import TwinProfile, object_truth, real_pose, robot_truth

DROP_HEIGHT_M = 0.0005
"""The object is put this far above the table, and settles."""

WORLDS_KEPT = 8

REASONS = {
    Outcome.SUCCESS: "held to the end of the hold",
    Outcome.MISSED: "the hand closed without touching the object",
    Outcome.PUSHED_AWAY: "the arm pushed the object away before the hand closed",
    Outcome.SLIPPED_CLOSING: "the object slipped out while the hand closed",
    Outcome.DROPPED_LIFTING: "the object was lost while lifting",
    Outcome.DROPPED_HOLDING: "the object was lost while holding",
    Outcome.ROBOT_HIT_TABLE: "the robot hit the table",
    Outcome.SELF_COLLISION: "the robot hit itself",
    Outcome.NOT_SETTLED: "the object was still moving when the hand came",
    Outcome.DIVERGED: "the simulation became unstable",
    Outcome.CANCELLED: "cancelled",
}


def check_seed(seed: int, attempt_index: int) -> None:
    """Refuse what no noise can be drawn from.

    Raises:
        SettingsError: One of the two is out of bounds.
    """
    for name, value in (("seed", seed), ("attempt index", attempt_index)):
        if not 0 <= value <= MAX_SEED:
            raise SettingsError(f"{name}: expected 0 to {MAX_SEED}, got {value}")


def on_table(robot: RobotSpec, item: ObjectSpec, pose: Pose) -> Pose:
    """Where an object is let go: whatever height perception believes in, it stands on the table."""
    lowest = item.lowest_point(pose.rotation.as_matrix())
    height = robot.table.top_z + DROP_HEIGHT_M - lowest
    return Pose(frozen([*pose.position[:2], height]), pose.quaternion_xyzw)


class TwinBackend(Closing):
    """Executes grasps in MuJoCo, in simulated time. Not for several threads at once."""

    name = "twin"

    def __init__(
        self,
        robot: RobotSpec,
        profile: TwinProfile,
        real_time: bool = False,
        *,
        profile_name: str = "",
        on_joint_states: OnJointStates | None = None,
    ) -> None:
        """Set up the robot; each object's world is built when it is first needed.

        Args:
            robot: The robot that is played.
            profile: How it and the objects differ from their models.
            real_time: Keep pace with the wall clock, for watching.
            profile_name: Its name, for the record.
            on_joint_states: Told the joints' positions while they move.
        """
        self._robot = robot
        self._profile = profile
        self._profile_name = profile_name
        self._real_time = real_time
        self._on_joint_states = on_joint_states
        self._truth = robot_truth(profile, robot.name, len(robot.arm_joints))
        self._worlds: dict[ObjectSpec, MujocoWorld] = {}
        self._closed = False

    def attempt(
        self,
        grasp: GraspTrajectory,
        score: GraspScore | None,
        *,
        seed: int,
        attempt_index: int,
        dry_run: bool = False,
        on_phase: OnPhase = ignore_phase,
        is_cancelled: IsCancelled = never_cancelled,
    ) -> GraspAttempt:
        """Execute one grasp to its end; see `Backend`.

        Everything but the attempt's id and stamp depends on (profile, grasp, seed, attempt_index)
        alone, not on what was executed before.

        Raises:
            BackendError: The twin is closed.
            InvalidGraspError: The grasp does not fit the robot.
            SettingsError: A seed or an index out of bounds.
            UnknownNameError: There is no such object.
            ModelError: The object's mesh is unusable.
        """
        if self._closed:
            raise BackendError("twin: expected an open backend, got a closed one")
        check_seed(seed, attempt_index)
        check_grasp(grasp, self._robot)
        stamp_ns = time.time_ns()
        on_phase("prepare")
        item = load_object(grasp.object)
        world = self._world(item)
        believed = grasp.object_in_base
        standing = on_table(
            self._robot, item, real_pose(self._profile, believed, seed, attempt_index)
        )
        play = GraspRun(
            world,
            grasp,
            self._robot,
            self._truth,
            on_phase,
            is_cancelled,
            self._on_joint_states,
            self._real_time,
        )
        outcome, reason = play.settle(standing), ""
        before = None if world.diverged else world.object_in_base()
        if outcome is None and dry_run:
            outcome, reason = Outcome.UNKNOWN, "dry run"
        if outcome is None:
            outcome = play.run()
        return GraspAttempt(
            attempt_id=uuid.uuid4().hex,
            stamp_ns=stamp_ns,
            backend=self.name,
            seed=seed,
            attempt_index=attempt_index,
            grasp=grasp,
            score=score,
            outcome=outcome,
            reason=reason or REASONS[outcome],
            commanded=play.record(play.commanded),
            measured=play.record(play.measured),
            gripper_opening=play.gripper_opening,
            object_before=before,
            object_after=None if world.diverged else world.object_in_base(),
            backend_profile=self._profile_name,
            models=models_of(robot=self._robot, object=item, twin=self._profile.model_dump()),
            software_version=f"dr_grasp {__version__}, {engine_version()}",
        )

    def _world(self, item: ObjectSpec) -> MujocoWorld:
        if item not in self._worlds:  # the object itself: its name may come to mean another
            if len(self._worlds) >= WORLDS_KEPT:
                del self._worlds[next(iter(self._worlds))]
            truth = object_truth(self._profile, item.name)
            self._worlds[item] = MujocoWorld(self._robot, item, truth)
        return self._worlds[item]

    def close(self) -> None:
        """Free the worlds."""
        self._worlds.clear()
        self._closed = True
