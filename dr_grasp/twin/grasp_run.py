"""One grasp replayed open loop in the twin's world: what its servos do and its encoders say."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from dr_grasp.core.arrays import FloatArray, frozen
from dr_grasp.core.geometry import Pose
from dr_grasp.core.outcome import Judge, Outcome
from dr_grasp.core.trajectory import GraspTrajectory, Phase
from dr_grasp.core.waypoints import Waypoints
from dr_grasp.execution.backend import IsCancelled, OnPhase
from dr_grasp.robots.robot_spec import RobotSpec
from dr_grasp.twin.mujoco_world import TIMESTEP_S, MujocoWorld
from dr_grasp.twin.twin_profile import RobotTruth

STEPS_PER_COMMAND = 2
CONTROL_RATE_HZ = 1.0 / (STEPS_PER_COMMAND * TIMESTEP_S)

COMMANDS_PER_SAMPLE = 5
SAMPLE_S = COMMANDS_PER_SAMPLE / CONTROL_RATE_HZ
"""The judge, the record and whoever may cancel are asked every 20 ms."""

SETTLE_LIMIT_S = 1.0
SETTLED_SPEED = 0.001
CALM_SAMPLES = 3
"""An object slower than `SETTLED_SPEED` [m/s] in so many samples in a row has settled."""

OnJointStates = Callable[[float, tuple[str, ...], FloatArray], None]
"""Told seconds since the start, joint names and encoder readings, every 20 ms of motion."""


@dataclass(slots=True)
class GraspRun:
    """One grasp being played in a world, and what its encoders say meanwhile.

    A joint's servo works on its encoder, which is off by the joint's zero error: told to go to q,
    the encoder comes to read q while the joint stands at q + offset.
    """

    world: MujocoWorld
    grasp: GraspTrajectory
    robot: RobotSpec
    truth: RobotTruth
    on_phase: OnPhase
    is_cancelled: IsCancelled
    on_joint_states: OnJointStates | None
    real_time: bool
    times_s: list[float] = field(default_factory=list)
    commanded: list[FloatArray] = field(default_factory=list)
    measured: list[FloatArray] = field(default_factory=list)
    gripper_opening: float | None = None

    def settle(self, object_in_base: Pose) -> Outcome | None:
        """Put the object down and wait until it rests; the arm stands where the approach begins.

        Returns:
            None, or how the attempt ended already.
        """
        start = self.grasp.approach.positions[0] + self.truth.joint_offset
        force = self.grasp.close.force * self.truth.gripper_force_factor
        self.world.reset(start, self.grasp.close.preshape, object_in_base, force)
        began, calm = time.monotonic(), 0
        for sample in range(1, round(SETTLE_LIMIT_S / SAMPLE_S) + 1):
            if self.is_cancelled():
                return Outcome.CANCELLED
            self.world.step(COMMANDS_PER_SAMPLE * STEPS_PER_COMMAND)
            if self.world.diverged:
                return Outcome.DIVERGED
            calm = calm + 1 if self.world.observe().object_speed < SETTLED_SPEED else 0
            if calm == CALM_SAMPLES:
                break
            self._keep_pace(began, sample * SAMPLE_S)
        return None

    def run(self) -> Outcome:
        """Play approach, close, lift and hold, until the outcome is decided."""
        schedule = self.grasp.schedule(CONTROL_RATE_HZ)
        arm, hand = schedule.arm, self._hand_targets(schedule.hand)
        arm_start, hand_start = self.grasp.approach.positions[0], self.grasp.close.preshape
        delay = round(self.truth.control_delay_s * CONTROL_RATE_HZ)
        ends = np.append(np.diff(schedule.phases) != 0, True).tolist()
        judge, began = Judge(), time.monotonic()
        self._sample(0.0, np.concatenate([arm_start, hand_start]))
        for step, phase_ends in enumerate(ends):
            phase = Phase(int(schedule.phases[step]))
            if step == 0 or ends[step - 1]:
                self.on_phase(phase.name.lower())
            late = step - delay
            self.world.command(
                (arm[late] if late >= 0 else arm_start) + self.truth.joint_offset,
                hand[late] if late >= 0 else hand_start,
            )
            self.world.step(STEPS_PER_COMMAND)
            if not phase_ends and (step + 1) % COMMANDS_PER_SAMPLE:
                continue
            if self.world.diverged:
                return Outcome.DIVERGED
            now = (step + 1) / CONTROL_RATE_HZ
            self._sample(now, np.concatenate([arm[step], schedule.hand[step]]))
            if phase_ends and phase is Phase.LIFT:
                self.gripper_opening = float(self.measured[-1][arm.shape[1] :].mean())
            outcome = judge.observe(phase, self.world.observe(), phase_ends)
            if outcome is not None:
                return outcome
            if self.is_cancelled():
                return Outcome.CANCELLED
            self._keep_pace(began, now)
        raise AssertionError("the judge decides at the end of the hold")

    def _hand_targets(self, commands: FloatArray) -> FloatArray:
        """A hand follows a sudden command no faster than its joints' velocity limits allow."""
        reach = self.robot.hand_velocities / CONTROL_RATE_HZ
        targets, target = np.empty_like(commands), self.grasp.close.preshape
        for step, command in enumerate(commands):
            target = target + np.clip(command - target, -reach, reach)
            targets[step] = target
        return targets

    def _sample(self, now_s: float, commanded: FloatArray) -> None:
        readings = np.array(self.world.joint_positions)
        readings[: len(self.truth.joint_offset)] -= self.truth.joint_offset
        self.times_s.append(now_s)
        self.commanded.append(commanded)
        self.measured.append(readings[: len(commanded)])
        if self.on_joint_states is not None:
            self.on_joint_states(now_s, self.world.joints, frozen(readings))

    def _keep_pace(self, began: float, now_s: float) -> None:
        if self.real_time:
            time.sleep(max(0.0, began + now_s - time.monotonic()))

    def record(self, positions: list[FloatArray]) -> Waypoints | None:
        """Commanded or measured positions as waypoints; None if nothing moved."""
        if not positions:
            return None
        joints = (*self.robot.arm_joints, *self.robot.hand_joints)
        return Waypoints(joints, frozen(self.times_s), frozen(positions))
