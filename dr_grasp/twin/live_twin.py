"""The twin as hardware: an arm in MuJoCo behind controllers, in time that passes by itself."""

from __future__ import annotations

import math
import threading

from dr_grasp.common.closing import Closing
from dr_grasp.core.geometry import Pose
from dr_grasp.errors import BackendError, InvalidGraspError, SettingsError, UnknownNameError
from dr_grasp.objects.object_spec import load_object
from dr_grasp.robots.robot_spec import RobotSpec
from dr_grasp.twin.active_goal import Reading, Status
from dr_grasp.twin.gripper_control import GOAL_TOLERANCE, GripperControl, GripperGoal
from dr_grasp.twin.joint_path import JointPath
from dr_grasp.twin.live_world import TICK_S, UNSTABLE, Faults, LiveWorld
from dr_grasp.twin.pacing import Pacer
from dr_grasp.twin.trajectory_control import (
    PREEMPTED,
    Tolerances,
    TrajectoryControl,
    TrajectoryGoal,
)
from dr_grasp.twin.twin_profile import TwinProfile

ARM_PATH_TOLERANCE = 0.2
ARM_GOAL_TOLERANCE = 0.1
"""Tolerances of goals of the arm that name none [rad or m]: as in ur_robot_driver,
config/ur_controllers.yaml (branch jazzy). ros2_controllers itself has none by default, and so has
our hand."""


class LiveTwin(Closing):
    """An arm and a hand that hold their position, and take goals at any time, from any thread.

    The arm follows trajectories. The hand has two controllers, one of trajectories and one of a
    gripper's position; a goal for one puts it in charge and aborts the other's goal. Time passes
    by `advance`, or by itself after `start`.
    """

    def __init__(
        self,
        robot: RobotSpec,
        profile: TwinProfile,
        *,
        speed: float = 1.0,
        gripper_tolerance: float = GOAL_TOLERANCE,
        allow_stalling: bool = False,
    ) -> None:
        """Stand at home with the hand open, before an empty table.

        Args:
            robot: The robot that is played.
            profile: How robot and objects differ from their descriptions.
            speed: Seconds of the twin in a second of the wall clock.
            gripper_tolerance: A gripper closer than this to its target has reached it [rad or m].
            allow_stalling: Whether a goal of a gripper that something stopped has succeeded.

        Raises:
            SettingsError: The speed is not positive.
            ModelError: MuJoCo cannot read the robot.
        """
        if not 0.0 < speed < math.inf:
            raise SettingsError(f"speed: expected more than 0, got {speed}")
        self.speed = speed
        self._robot = robot
        self._lock = threading.RLock()
        self._world = LiveWorld(robot, profile)
        arms = len(robot.arm_joints)
        arm, hand = slice(arms), slice(arms, arms + len(robot.hand_joints))
        tolerances = Tolerances.of(robot.arm_joints, ARM_PATH_TOLERANCE, ARM_GOAL_TOLERANCE)
        self._arm = TrajectoryControl(tolerances, arm, robot.home, TICK_S)
        tolerances = Tolerances.of(robot.hand_joints)
        self._fingers = TrajectoryControl(tolerances, hand, robot.hand_open, TICK_S)
        self._gripper = GripperControl(robot, gripper_tolerance, allow_stalling)
        self._hand: TrajectoryControl | GripperControl = self._gripper
        self._first_motion_s = math.inf
        self._closed = ""
        self._pacer = Pacer(self._step, TICK_S, speed)

    def start(self) -> None:
        """From now on time passes by itself."""
        self._pacer.start()

    def advance(self, seconds: float) -> None:
        """Let time pass now, as fast as it can be computed.

        Raises:
            BackendError: Time passes by itself, or the twin is closed.
        """
        if self._pacer.running:
            raise BackendError("expected a twin whose time stands still, got one that was started")
        for _ in range(round(seconds / TICK_S)):
            with self._lock:
                self._check_open()
                self._tick()

    def close(self) -> None:
        """Stop; goals that have not ended are aborted. May be called twice."""
        self._pacer.close()
        self._shut("the twin is closed")

    def _shut(self, why: str) -> None:
        with self._lock:
            self._closed = self._closed or why
            self._abort_all(why)

    def _check_open(self) -> None:
        if self._closed:
            raise BackendError(self._closed)

    def _step(self) -> None:
        try:
            with self._lock:
                self._tick()
        except Exception as error:
            self._shut(f"the twin broke down: {error}")
            raise

    def _tick(self) -> None:
        reading, goal, limit_s = self._world.reading, self._arm.goal, self.faults.abort_after_s
        if goal is not None and 0.0 < limit_s <= reading.stamp_s - goal.began_s:
            text = f"Aborted by a fault, {limit_s:g} s after it began"
            self._arm.stop(reading, Status.ABORTED, text)
        if not self._world.tick(self._arm.update(reading), self._hand.update(reading)):
            self._abort_all(UNSTABLE)

    @property
    def lost_s(self) -> float:
        """By how much the twin has fallen behind the wall clock for good [s of the clock]."""
        return self._pacer.lost_s

    def reading(self) -> Reading:
        """What arm, driven hand and mimicking hand joints say; never waits.

        Raises:
            BackendError: The twin is closed or broke down.
        """
        self._check_open()
        return self._world.reading

    def object_in_base(self) -> Pose | None:
        """Where the object's mesh frame really is; None before the first was placed."""
        with self._lock:
            return self._world.object_in_base()

    @property
    def faults(self) -> Faults:
        """What is wrong; may be set at any time, with what `check` accepts."""
        return self._world.faults

    @faults.setter
    def faults(self, faults: Faults) -> None:
        self.check(faults)
        with self._lock:
            if faults.joint_states_stop_after_s != self.faults.joint_states_stop_after_s:
                self._first_motion_s = math.inf
            self._world.faults = faults

    def check(self, faults: Faults) -> None:
        """Refuse faults that the robot cannot have.

        Raises:
            UnknownNameError: The robot has no such joint to lag.
        """
        joints = (*self._robot.arm_joints, *self._robot.hand_joints)
        if faults.lagging_joint and faults.lagging_joint not in joints:
            raise UnknownNameError("lagging_joint", faults.lagging_joint, joints)

    @property
    def silent(self) -> bool:
        """Whether joint states have stopped, which is one of the faults."""
        passed_s = self._world.reading.stamp_s - self._first_motion_s
        return 0.0 < self.faults.joint_states_stop_after_s <= passed_s

    def tolerances(self, joints: tuple[str, ...]) -> Tolerances:
        """Tolerances of trajectories that name none.

        Args:
            joints: All of the arm, or all driven joints of the hand.

        Raises:
            InvalidGraspError: Other joints.
        """
        return self._follower(joints).defaults

    def follow(
        self, path: JointPath, tolerances: Tolerances | None = None, *, start_in_s: float = 0.0
    ) -> TrajectoryGoal:
        """Let the arm, or the hand joint by joint, follow a trajectory; see `TrajectoryControl`.

        What arm or hand was doing is aborted. The hand presses with the robot's `hand_force`.

        Args:
            path: Of all arm joints, or of all driven hand joints, in any order.
            tolerances: In place of `tolerances(joints)`.
            start_in_s: When the trajectory's time 0 is; negative where that has passed.

        Raises:
            InvalidGraspError: The trajectory is of other joints.
            BackendError: The twin is closed.
        """
        with self._lock:
            self._check_open()
            control, now_s = self._follower(path.joints), self._world.reading.stamp_s
            if control is self._fingers:
                self._put_in_charge(control)
                self._world.drive_hand(self._robot.hand_force)
            self._first_motion_s = min(self._first_motion_s, now_s)
            return control.start(path, tolerances, now_s, start_in_s)

    def grip(
        self,
        position: float,
        max_effort: float | None = None,
        max_velocity: float | None = None,
        *,
        goal_tolerance: float | None = None,
    ) -> GripperGoal:
        """Let the gripper go to a position; see `GripperControl`.

        Args:
            position: Of the first driven joint [rad or m]; others go with it.
            max_effort: Of each drive [N or N m]; None or 0 for the robot's `hand_force`.
            max_velocity: Of the first driven joint [rad/s or m/s]; None or 0 for as fast as it can.
            goal_tolerance: In place of the gripper's [rad or m].

        Raises:
            InvalidGraspError: Numbers that are not finite, or negative.
            BackendError: The twin is closed.
        """
        with self._lock:
            self._check_open()
            for name, value in (("max_effort", max_effort), ("max_velocity", max_velocity)):
                if value is not None and not 0.0 <= value < math.inf:
                    raise InvalidGraspError(f"{name}: expected 0 or more, got {value}")
            goal = self._gripper.start(position, self._world.reading, goal_tolerance)
            self._put_in_charge(self._gripper)
            fastest = float(self._robot.hand_velocities[0])
            velocity = min(max_velocity or fastest, fastest)
            self._world.drive_hand(max_effort or self._robot.hand_force, velocity / fastest)
            self._first_motion_s = min(self._first_motion_s, goal.began_s)
            return goal

    def cancel(self, goal: TrajectoryGoal | GripperGoal) -> None:
        """Stop a motion where the joints are; a goal that has ended is left alone."""
        with self._lock:
            for control in (self._arm, self._hand):
                if control.goal is goal:
                    control.stop(self._world.reading, Status.CANCELED)

    def _follower(self, joints: tuple[str, ...]) -> TrajectoryControl:
        for control in (self._arm, self._fingers):
            if set(joints) == set(control.defaults.joints):
                return control
        raise InvalidGraspError(
            f"joints: expected {', '.join(self._robot.arm_joints)}; or "
            f"{', '.join(self._robot.hand_joints)}; got {', '.join(joints)}"
        )

    def _abort_all(self, why: str) -> None:
        for control in (self._arm, self._hand):
            control.stop(self._world.reading, Status.ABORTED, why)

    def _put_in_charge(self, control: TrajectoryControl | GripperControl) -> None:
        if control is not self._hand:
            self._hand.stop(self._world.reading, Status.ABORTED, PREEMPTED)
            self._hand = control

    def place(self, name: str, object_in_base: Pose, seed: int, attempt_index: int) -> Pose:
        """Put an object on the table, in place of the one that was there; the arm stays as it is.

        Args:
            name: The object's.
            object_in_base: Where perception will say that the object stands.
            seed: Of perception's error.
            attempt_index: Number of the attempt under that seed.

        Returns:
            Where the object came to rest, which depends on profile and arguments alone.

        Raises:
            BackendError: Something moves, the robot is in the way, or the twin is closed.
            UnknownNameError: There is no such object.
            ModelError: Its mesh is unusable.
            SettingsError: A seed, an index or a place out of bounds.
        """
        self._check_still()
        # In a world of its own, while the present one goes on.
        world, settled = self._world.settled(load_object(name), object_in_base, seed, attempt_index)
        with self._lock:
            self._check_still()
            self._world.enter(world, settled)
        return settled

    def _check_still(self) -> None:
        with self._lock:
            self._check_open()
            if self._arm.goal is not None or self._hand.goal is not None:
                raise BackendError("expected an arm that stands still, got one that moves")
