"""The world of the live twin: a robot with its drives and encoders, a table and an object."""

from __future__ import annotations

import logging
import math
from collections import deque
from dataclasses import dataclass

import numpy as np

from dr_grasp.core.arrays import FloatArray, frozen
from dr_grasp.core.geometry import Pose
from dr_grasp.errors import BackendError, SettingsError
from dr_grasp.objects.object_spec import ObjectSpec
from dr_grasp.robots.robot_spec import RobotSpec
from dr_grasp.simulation.mujoco.dynamics import ObjectDynamics
from dr_grasp.twin.active_goal import Reading
from dr_grasp.twin.placing import on_table, settling
from dr_grasp.twin.twin_profile import (
    TwinProfile,
    object_truth,
    real_pose,
    robot_truth,
)
from dr_grasp.twin.world import CONTROL_RATE_HZ, TwinWorld, open_twin_world

TICK_S = 1.0 / CONTROL_RATE_HZ
"""Time between two commands [s]."""

HAND_VELOCITY_S = 0.08
"""Velocities of the hand are means over this time [s]: fingers that press vibrate by hundredths of
a millimetre at 60 Hz or more, which must not count as movement. (With instantaneous velocities, 4
of 60 grips never stalled.)"""

LONGEST_S = {"lag_s": 10.0, "abort_after_s": 3600.0, "joint_states_stop_after_s": 3600.0}
"""Largest value of each time in `Faults` [s]."""

UNSTABLE = "the simulation became unstable"

_LOGGER = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Faults:
    """Faults of arm and hand that are injected into the live twin; by default there are none.

    Attributes:
        lagging_joint: Name of a joint that follows its commands late; empty for none.
        lag_s: Time constant of the joint's first-order lag, its delay at constant speed [s].
        gripper_stuck: Whether the hand ignores all commands.
        abort_after_s: Time from the start of each arm motion to its abort [s]; 0 for no abort.
        joint_states_stop_after_s: Time from the first motion under this fault until joint states
            stop [s]; 0 for no stop. All times are the twin's.
    """

    lagging_joint: str = ""
    lag_s: float = 0.5
    gripper_stuck: bool = False
    abort_after_s: float = 0.0
    joint_states_stop_after_s: float = 0.0

    def __post_init__(self) -> None:
        """Check the times.

        Raises:
            SettingsError: A time is out of bounds.
        """
        for name, longest in LONGEST_S.items():
            value = getattr(self, name)
            if not (math.isfinite(value) and 0.0 <= value <= longest):
                raise SettingsError(f"{name}: expected 0 to {longest:g} s, got {value}")


class LiveWorld:
    """A robot with the errors of a profile, and at most one object. Not thread-safe.

    Attributes:
        reading: The present joint states of arm and hand.
        faults: The injected faults; by default there are none.
    """

    def __init__(self, robot: RobotSpec, profile: TwinProfile) -> None:
        """Begin in the home posture with the hand open, in front of an empty table.

        Raises:
            ModelError: The engine cannot read the robot.
            SettingsError: The engine's package is not installed.
        """
        self._robot = robot
        self._profile = profile
        self._arm_count = len(robot.arm_joints)
        self._truth = robot_truth(profile, robot.name, self._arm_count)
        self._world = open_twin_world(profile.engine, robot, None, ObjectDynamics(), self._truth)
        self._world.reset(robot.home, robot.hand_open, None, robot.hand_force)
        self._settled: Pose | None = None
        self._ticks = 0
        self._command = np.concatenate([robot.home, robot.hand_open])
        self._hand_target = robot.hand_open
        self._hand_speeds = robot.hand_velocities
        self._hand_was: deque[FloatArray] = deque(maxlen=round(HAND_VELOCITY_S / TICK_S) + 1)
        self.reading = self._read()
        self.faults = Faults()

    def object_in_base(self) -> Pose | None:
        """True pose of the object's mesh frame in the base frame; None if there is no object."""
        return None if self._settled is None else self._world.object_in_base()

    def drive_hand(self, force: float, share_of_speed: float = 1.0) -> None:
        """Set the hand's limits of force and speed.

        Args:
            force: Largest force or torque that each drive is commanded to use [N or N m]; the
                effort limit of the URDF still holds.
            share_of_speed: Largest speed as a share of the joints' velocity limits, in (0, 1].
        """
        strongest = min(limit.effort for limit in self._robot.hand_limits)
        self._world.limit_hand(min(force, strongest))
        self._hand_speeds = self._robot.hand_velocities * share_of_speed

    def tick(self, arm: FloatArray, hand: FloatArray) -> bool:
        """Simulate `TICK_S`.

        Args:
            arm: Commanded encoder positions of the arm joints, shape (n,) [rad or m].
            hand: Commanded positions of the driven hand joints, shape (m,) [rad or m].

        Returns:
            Whether the simulation is stable. If not, it was reset: the robot is in the commanded
            posture, and the object in the pose where it first came to rest.
        """
        command = self._next_command(arm, hand)
        arm, hand = command[: self._arm_count], command[self._arm_count :]
        self._world.command(arm, hand)
        self._world.advance()
        self._ticks += 1
        sound = not self._world.diverged
        if not sound:
            _LOGGER.warning(UNSTABLE)
            self._world.reset(arm, hand, self._settled, self._robot.hand_force)
        self.reading = self._read()
        return sound

    def _next_command(self, arm: FloatArray, hand: FloatArray) -> FloatArray:
        faults = self.faults
        if not faults.gripper_stuck:
            # A hand follows a sudden command only as fast as its joints can.
            reach = self._hand_speeds * TICK_S
            step = np.clip(hand - self._hand_target, -reach, reach)
            self._hand_target = self._hand_target + step
        command = np.concatenate([arm, self._hand_target])
        if faults.lagging_joint and faults.lag_s > 0.0:
            index = self.reading.joints.index(faults.lagging_joint)
            before, share = self._command[index], -math.expm1(-TICK_S / faults.lag_s)
            command[index] = before + share * (command[index] - before)
        self._command = command
        return command

    def _read(self) -> Reading:
        world = self._world
        positions, velocities = world.joint_positions, np.array(world.joint_velocities)
        hand = positions[self._arm_count :]
        self._hand_was.append(hand)
        passed_s = max(1, len(self._hand_was) - 1) * TICK_S
        velocities[self._arm_count :] = (hand - self._hand_was[0]) / passed_s
        stamp_s = self._ticks * TICK_S
        return Reading(stamp_s, world.joints, positions, frozen(velocities), world.joint_efforts)

    def settled(
        self, item: ObjectSpec, believed: Pose, seed: int, attempt_index: int
    ) -> tuple[TwinWorld, Pose]:
        """Make a second world in which an object rests near its believed pose.

        The result depends on the profile and the arguments alone. May be called while the present
        world goes on in another thread.

        Args:
            item: The object.
            believed: Pose of the object that perception will report.
            seed: Seed of perception's error.
            attempt_index: Number of the attempt under that seed.

        Returns:
            The world, with the robot at home, and the pose of the object's mesh frame at rest.

        Raises:
            ModelError: The engine cannot read the object.
            BackendError: The simulation became unstable.
            SettingsError: The pose is not on the table, or the seed or the index is out of bounds.
        """
        robot, table = self._robot, self._robot.table
        off = np.abs(believed.position[:2] - table.center_xy) > np.array(table.size[:2]) / 2
        if off.any():
            raise SettingsError(
                f"object_in_base: expected on the table, {table.size[0]:g} x {table.size[1]:g} m "
                f"about {table.center_xy}, got ({believed.position[0]:.4g}, "
                f"{believed.position[1]:.4g})"
            )
        real = real_pose(self._profile, believed, seed, attempt_index)
        truth = object_truth(self._profile, item.name)
        world = open_twin_world(self._profile.engine, robot, item, truth, self._truth)
        standing = on_table(robot, item, real)
        world.reset(robot.home, robot.hand_open, standing, robot.hand_force)
        for _ in settling(world):
            pass
        if world.diverged:
            raise BackendError(f"{item.name}: {UNSTABLE}")
        return world, world.object_in_base()

    def enter(self, world: TwinWorld, settled: Pose) -> None:
        """Go on in a world and with an object's pose from `settled`; the robot keeps its state.

        Raises:
            BackendError: The robot is where the object stands; the present world stays in use.
        """
        world.take_over_robot(self._world)
        if world.robot_touches_object:
            raise BackendError("the robot is where the object is to stand")
        self._world, self._settled = world, settled
