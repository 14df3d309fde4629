"""A backend that executes grasps in simulation with hidden errors, in place of a real robot.

The scorer sees neither the twin's profile nor the errors that were drawn from it. An attempt
records the same as on a robot, and the object's pose before and after, as a motion capture system
would measure it.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field, replace

import numpy as np

from dr_grasp import __version__
from dr_grasp.common.closing import Closing
from dr_grasp.core.arrays import FloatArray
from dr_grasp.core.attempt import TWIN, GraspAttempt
from dr_grasp.core.fitness import GraspScore
from dr_grasp.core.geometry import Pose
from dr_grasp.core.outcome import Judge, LinkPair, Outcome
from dr_grasp.core.trajectory import GraspTrajectory, Phase
from dr_grasp.errors import BackendError
from dr_grasp.execution.backend import (
    IsCancelled,
    OnBegin,
    OnPhase,
    ignore_begin,
    ignore_phase,
    never_cancelled,
)
from dr_grasp.execution.motion_log import MotionLog
from dr_grasp.objects.object_spec import ObjectSpec, load_object
from dr_grasp.provenance.fingerprint import models_of
from dr_grasp.robots.checking import check_grasp
from dr_grasp.robots.robot_spec import RobotSpec
from dr_grasp.twin.placing import COMMANDS_PER_SAMPLE, on_table, settling
from dr_grasp.twin.twin_profile import TwinProfile, object_truth, real_pose, robot_truth
from dr_grasp.twin.world import (
    CONTROL_RATE_HZ,
    TwinWorld,
    engine_settings,
    open_twin_world,
)

OnJointStates = Callable[[float, tuple[str, ...], FloatArray], None]
"""Called every 20 ms of motion with time since the start [s], joint names, encoder positions."""

WORLDS_KEPT = 8
"""Number of objects whose worlds are kept, since it takes seconds to build a world."""

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


class TwinBackend(Closing):
    """Executes grasps in the engine of its profile, in simulated time. Not thread-safe."""

    name = TWIN

    def __init__(
        self,
        robot: RobotSpec,
        profile: TwinProfile,
        real_time: bool = False,
        *,
        profile_name: str = "",
        on_joint_states: OnJointStates | None = None,
    ) -> None:
        """Prepare; each object's world is built when it is first needed.

        Args:
            robot: The robot that is simulated.
            profile: How robot and objects differ from their descriptions.
            real_time: Whether to run at the speed of the wall clock, for a person who watches.
            profile_name: Name of the profile, which attempts record.
            on_joint_states: Called with the joints' positions while they move.

        Raises:
            SettingsError: The package of the profile's engine is not installed.
        """
        profile.engine.check_available()
        self._robot = robot
        self._profile = profile
        self._profile_name = profile_name
        self._real_time = real_time
        self._on_joint_states = on_joint_states
        self._truth = robot_truth(profile, robot.name, len(robot.arm_joints))
        self._worlds: dict[ObjectSpec, TwinWorld] = {}
        self._closed = False

    def attempt(
        self,
        grasp: GraspTrajectory,
        score: GraspScore | None,
        *,
        seed: int,
        attempt_index: int,
        dry_run: bool = False,
        on_begin: OnBegin = ignore_begin,
        on_phase: OnPhase = ignore_phase,
        is_cancelled: IsCancelled = never_cancelled,
    ) -> GraspAttempt:
        """Execute one grasp to its end; see `Backend`.

        Apart from its id and stamp, the attempt depends on (profile, grasp, seed, attempt_index)
        alone, and not on earlier attempts.

        Raises:
            BackendError: The twin is closed.
            InvalidGraspError: The grasp does not fit the robot.
            SettingsError: The seed or the index is out of bounds.
            UnknownNameError: There is no such object.
            ModelError: The object's mesh cannot be used.
        """
        if self._closed:
            raise BackendError("twin: expected an open backend, got a closed one")
        check_grasp(grasp, self._robot)
        real = real_pose(self._profile, grasp.object_in_base, seed, attempt_index)
        item = load_object(grasp.object)
        begun = GraspAttempt(
            attempt_id=uuid.uuid4().hex,
            stamp_ns=time.time_ns(),
            backend=self.name,
            seed=seed,
            attempt_index=attempt_index,
            grasp=grasp,
            score=score,
            backend_profile=self._profile_name,
            backend_engine=self._profile.engine.value,
            models=models_of(
                robot=self._robot,
                object=item,
                twin=self._profile.content(),
                **engine_settings(self._profile.engine),
            ),
            software_version=f"dr_grasp {__version__}, {self._profile.engine.version}",
        )
        on_phase("prepare")
        world = self._world(item)
        if not dry_run:
            on_begin(begun)
        run = GraspRun(
            world,
            grasp,
            self._robot,
            on_phase,
            is_cancelled,
            self._on_joint_states,
            self._real_time,
        )
        outcome, reason = run.settle(on_table(self._robot, item, real)), ""
        before = None if world.diverged else world.object_in_base()
        if outcome is None and dry_run:
            outcome, reason = Outcome.UNKNOWN, "dry run"
        if outcome is None:
            outcome = run.run()
        return replace(
            begun,
            outcome=outcome,
            reason=reason or REASONS[outcome] + (f": {run.links}" if run.links else ""),
            commanded=run.commanded.waypoints(),
            measured=run.measured.waypoints(),
            gripper_opening=run.gripper_opening,
            object_before=before,
            object_after=None if world.diverged else world.object_in_base(),
        )

    def _world(self, item: ObjectSpec) -> TwinWorld:
        if item not in self._worlds:  # by specification: another object may get the same name
            if len(self._worlds) >= WORLDS_KEPT:
                del self._worlds[next(iter(self._worlds))]
            truth = object_truth(self._profile, item.name)
            self._worlds[item] = open_twin_world(
                self._profile.engine, self._robot, item, truth, self._truth
            )
        return self._worlds[item]

    def close(self) -> None:
        """Release the worlds; may be called twice."""
        self._worlds.clear()
        self._closed = True


@dataclass(slots=True)
class GraspRun:
    """Executes one grasp in the twin's world: call `settle` first, then `run`.

    Attributes:
        gripper_opening: Mean position of the driven hand joints after lifting [rad or m]; None
            before.
        links: What touched, if the robot hit itself or the table; else None.
        commanded: Commands of arm and driven hand joints, every 20 ms of motion.
        measured: Encoder positions of the same joints at the same times.
    """

    world: TwinWorld
    grasp: GraspTrajectory
    robot: RobotSpec
    on_phase: OnPhase
    is_cancelled: IsCancelled
    on_joint_states: OnJointStates | None
    real_time: bool
    gripper_opening: float | None = None
    links: LinkPair | None = None
    commanded: MotionLog = field(init=False)
    measured: MotionLog = field(init=False)

    def __post_init__(self) -> None:
        """Make empty logs."""
        joints = (*self.robot.arm_joints, *self.robot.hand_joints)
        self.commanded, self.measured = MotionLog(joints), MotionLog(joints)

    def settle(self, object_in_base: Pose) -> Outcome | None:
        """Put the object down and wait until it rests; the arm waits at the approach's start.

        Returns:
            None if the grasp can go on, else the outcome of the attempt.
        """
        close = self.grasp.close
        start = self.grasp.approach.positions[0]
        self.world.reset(start, close.preshape, object_in_base, close.force)
        began = time.monotonic()
        for passed_s in settling(self.world):
            self._keep_pace(began, passed_s)
            if self.is_cancelled():
                return Outcome.CANCELLED
        return Outcome.DIVERGED if self.world.diverged else None

    def run(self) -> Outcome:
        """Approach, close, lift and hold, until the outcome is decided."""
        schedule = self.grasp.schedule(CONTROL_RATE_HZ)
        arm, hand = schedule.arm, self._hand_targets(schedule.hand)
        ends = np.append(np.diff(schedule.phases) != 0, True).tolist()
        judge, began = Judge(), time.monotonic()
        start = [self.grasp.approach.positions[0], self.grasp.close.preshape]
        self._sample(0.0, np.concatenate(start))
        for step, phase_ends in enumerate(ends):
            phase = Phase(int(schedule.phases[step]))
            if step == 0 or ends[step - 1]:
                self.on_phase(phase.name.lower())
            self.world.command(arm[step], hand[step])
            self.world.advance()
            if not phase_ends and (step + 1) % COMMANDS_PER_SAMPLE:
                continue
            if self.world.diverged:
                return Outcome.DIVERGED
            now = (step + 1) / CONTROL_RATE_HZ
            self._sample(now, np.concatenate([arm[step], schedule.hand[step]]))
            if phase_ends and phase is Phase.LIFT:
                hand_positions = self.world.joint_positions[arm.shape[1] :][: hand.shape[1]]
                self.gripper_opening = float(hand_positions.mean())
            seen = self.world.observe()
            outcome = judge.observe(phase, seen, phase_ends)
            if outcome is not None:
                self.links = seen.links(outcome)
                return outcome
            if self.is_cancelled():
                return Outcome.CANCELLED
            self._keep_pace(began, now)
        raise AssertionError("the judge decides at the end of the hold")

    def _hand_targets(self, commands: FloatArray) -> FloatArray:
        """Limit the speed of the hand's commands to the velocity limits of its joints."""
        reach = self.robot.hand_velocities / CONTROL_RATE_HZ
        targets, target = np.empty_like(commands), self.grasp.close.preshape
        for step, command in enumerate(commands):
            target = target + np.clip(command - target, -reach, reach)
            targets[step] = target
        return targets

    def _sample(self, now_s: float, commanded: FloatArray) -> None:
        readings = self.world.joint_positions
        self.commanded.add(now_s, [commanded])
        self.measured.add(now_s, [readings[: len(commanded)]])
        if self.on_joint_states is not None:
            self.on_joint_states(now_s, self.world.joints, readings)

    def _keep_pace(self, began: float, now_s: float) -> None:
        if self.real_time:
            time.sleep(max(0.0, began + now_s - time.monotonic()))
