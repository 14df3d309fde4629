"""The twin's drives and encoders in a world that goes on: what stands below its controllers."""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass

import numpy as np

from dr_grasp.core.arrays import FloatArray
from dr_grasp.core.geometry import Pose
from dr_grasp.errors import BackendError, SettingsError
from dr_grasp.objects.object_spec import ObjectSpec
from dr_grasp.robots.robot_spec import RobotSpec
from dr_grasp.twin.faults import Faults
from dr_grasp.twin.grasp_run import (
    CALM_SAMPLES,
    COMMANDS_PER_SAMPLE,
    CONTROL_RATE_HZ,
    SAMPLE_S,
    SETTLE_LIMIT_S,
    SETTLED_SPEED,
    STEPS_PER_COMMAND,
)
from dr_grasp.twin.joint_reading import Reading
from dr_grasp.twin.mujoco_world import MujocoWorld
from dr_grasp.twin.twin_backend import on_table
from dr_grasp.twin.twin_profile import (
    ObjectTruth,
    TwinProfile,
    object_truth,
    real_pose,
    robot_truth,
)

TICK_S = 1.0 / CONTROL_RATE_HZ
"""From one command to the next."""

HAND_VELOCITY_S = 0.08
"""Velocities of the hand are told over so long: fingers that press jitter by some hundredths of a
millimetre at 60 Hz and more, which no drive would call movement. (By those of the moment, 4 of 60
grips never stalled.)"""


@dataclass(frozen=True, slots=True, eq=False)
class Scene:
    """A world in which an object has come to rest.

    Attributes:
        world: The robot in it stands at home.
        standing: The object's mesh frame in the base frame, as it was let go.
        settled: The same at rest.
    """

    world: MujocoWorld
    standing: Pose
    settled: Pose


class LiveWorld:
    """A robot with the twin's hidden truth, and at most one object. Not thread-safe.

    The errors are those of `TwinBackend`: a joint stands at what its encoder says plus its offset,
    commands arrive late, and the hand's drives are weaker or stronger than they say.
    """

    def __init__(self, robot: RobotSpec, profile: TwinProfile) -> None:
        """Stand at home with the hand open, before an empty table.

        Raises:
            ModelError: MuJoCo cannot read the robot.
        """
        self._robot = robot
        self._profile = profile
        self._arm_count = len(robot.arm_joints)
        self._truth = robot_truth(profile, robot.name, self._arm_count)
        self._scene: Scene | None = None
        self._world = MujocoWorld(robot, None, ObjectTruth())
        self.joints = self._world.joints
        self._home(self._world, None)
        self._ticks = 0
        self._hand_target = robot.hand_open
        self._lagged = np.concatenate([robot.home, robot.hand_open])
        late = round(self._truth.control_delay_s * CONTROL_RATE_HZ)
        self._on_the_way = deque([self._lagged] * late)
        self._hand_speeds = robot.hand_velocities
        self._hand_was: deque[FloatArray] = deque(maxlen=round(HAND_VELOCITY_S / TICK_S) + 1)
        self.reading = self._read()

    @property
    def now_s(self) -> float:
        """The twin's time."""
        return self._ticks * TICK_S

    def object_in_base(self) -> Pose | None:
        """Where the object's mesh frame is; None if there is none."""
        return None if self._scene is None else self._world.object_in_base()

    def drive_hand(self, force: float, share_of_speed: float = 1.0) -> None:
        """How strong and how fast the hand is from now on.

        Args:
            force: Of each drive, as it understands it [N or N m]; more than its URDF's effort is
                no more.
            share_of_speed: Of the joints' largest speed, in (0, 1].
        """
        limits = self._robot.hand_limits
        strongest = min(limit.effort for limit in limits)
        self._world.limit_hand(min(force, strongest) * self._truth.gripper_force_factor)
        self._hand_speeds = self._robot.hand_velocities * share_of_speed

    def tick(self, arm: FloatArray, hand: FloatArray, faults: Faults) -> bool:
        """Let `TICK_S` pass.

        Args:
            arm: Shape (n,), what the arm's encoders are to say [rad or m].
            hand: Shape (m,), likewise of the driven hand joints.
            faults: What is wrong meanwhile.

        Returns:
            Whether the numbers are still sound; if not, everything was put back: the robot where
            it is told to be, the object where it stood.
        """
        late = self._arrived(np.concatenate([arm, self._slewed(hand, faults)]), faults)
        self._world.command(
            late[: self._arm_count] + self._truth.joint_offset, late[self._arm_count :]
        )
        self._world.step(STEPS_PER_COMMAND)
        self._ticks += 1
        sound = not self._world.diverged
        if not sound:
            standing = None if self._scene is None else self._scene.settled
            self._world.reset(
                late[: self._arm_count] + self._truth.joint_offset,
                late[self._arm_count :],
                standing,
                self._robot.hand_force * self._truth.gripper_force_factor,
            )
        self.reading = self._read()
        return sound

    def _slewed(self, hand: FloatArray, faults: Faults) -> FloatArray:
        """A hand follows a sudden command no faster than its joints can."""
        if not faults.gripper_stuck:
            reach = self._hand_speeds * TICK_S
            step = np.clip(hand - self._hand_target, -reach, reach)
            self._hand_target = self._hand_target + step
        return self._hand_target

    def _arrived(self, command: FloatArray, faults: Faults) -> FloatArray:
        """The command that takes effect now."""
        if faults.lagging_joint and faults.lag_s > 0.0:
            index = self.joints.index(faults.lagging_joint)
            before, share = self._lagged[index], -math.expm1(-TICK_S / faults.lag_s)
            command[index] = before + share * (command[index] - before)
        self._lagged = command
        self._on_the_way.append(command)
        return self._on_the_way.popleft()

    def _read(self) -> Reading:
        positions = np.array(self._world.joint_positions)
        positions[: self._arm_count] -= self._truth.joint_offset
        velocities = np.array(self._world.joint_velocities)
        hand = positions[self._arm_count :]
        self._hand_was.append(hand)
        passed_s = max(1, len(self._hand_was) - 1) * TICK_S
        velocities[self._arm_count :] = (hand - self._hand_was[0]) / passed_s
        for values in (positions, velocities):
            values.setflags(write=False)
        return Reading(self.now_s, self.joints, positions, velocities, self._world.joint_efforts)

    def settled(self, item: ObjectSpec, believed: Pose, seed: int, attempt_index: int) -> Scene:
        """Another world, in which an object rests near where it is believed to.

        It depends on the profile, the object and these arguments alone. May be called while the
        present world goes on in another thread.

        Args:
            item: The object.
            believed: Where perception will say that it stands.
            seed: Of perception's error.
            attempt_index: Number of the attempt under that seed.

        Raises:
            ModelError: MuJoCo cannot read the object.
            BackendError: The numbers blew up.
            SettingsError: That is not on the table.
        """
        table = self._robot.table
        off = np.abs(believed.position[:2] - table.center_xy) > np.array(table.size[:2]) / 2
        if off.any():
            raise SettingsError(
                f"object_in_base: expected on the table, {table.size[0]:g} x {table.size[1]:g} m "
                f"about {table.center_xy}, got ({believed.position[0]:.4g}, "
                f"{believed.position[1]:.4g})"
            )
        world = MujocoWorld(self._robot, item, object_truth(self._profile, item.name))
        real = real_pose(self._profile, believed, seed, attempt_index)
        standing = on_table(self._robot, item, real)
        self._home(world, standing)
        calm = 0
        for _ in range(round(SETTLE_LIMIT_S / SAMPLE_S)):
            world.step(COMMANDS_PER_SAMPLE * STEPS_PER_COMMAND)
            if world.diverged:
                raise BackendError(f"{item.name}: the simulation became unstable")
            calm = calm + 1 if world.observe().object_speed < SETTLED_SPEED else 0
            if calm == CALM_SAMPLES:
                break
        return Scene(world, standing, world.object_in_base())

    def _home(self, world: MujocoWorld, object_in_base: Pose | None) -> None:
        home = self._robot.home + self._truth.joint_offset
        force = self._robot.hand_force * self._truth.gripper_force_factor
        world.reset(home, self._robot.hand_open, object_in_base, force)

    def enter(self, scene: Scene) -> None:
        """Go on in another world; the robot stays as it is.

        Raises:
            BackendError: The robot is where the object stands; all stays as it was.
        """
        scene.world.take_over_robot(self._world)
        if scene.world.robot_touches_object:
            raise BackendError("the robot is where the object is to stand")
        self._scene, self._world = scene, scene.world
