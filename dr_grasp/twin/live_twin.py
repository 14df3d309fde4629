"""The twin as hardware: a simulated arm behind controllers, which runs in real time."""

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
"""Tolerances of arm goals that do not name any [rad or m], as in ur_robot_driver,
config/ur_controllers.yaml (branch jazzy). By default ros2_controllers has no tolerances, nor does
the twin's hand."""


class LiveTwin(Closing):
    """An arm and a hand that hold their position and accept goals at any time, from any thread.

    The arm follows trajectories. The hand has a trajectory controller and a gripper controller; a
    goal for one of them makes it active and aborts the goal of the other. Time passes in `advance`,
    or in a thread after `start`.
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
        """Begin in the home posture with the hand open, in front of an empty table.

        Args:
            robot: The robot that is simulated.
            profile: How robot and objects differ from their descriptions.
            speed: Simulated seconds per second of the wall clock.
            gripper_tolerance: A gripper nearer to its target has reached it [rad or m].
            allow_stalling: Whether a gripper's goal succeeds if something stops the gripper.

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
        """Start a thread in which time passes."""
        self._pacer.start()

    def advance(self, seconds: float) -> None:
        """Simulate some time [s] as fast as possible, and return when it has passed.

        Raises:
            BackendError: Time passes in the thread of `start`, or the twin is closed.
        """
        if self._pacer.running:
            raise BackendError("expected a twin whose time stands still, got one that was started")
        for _ in range(round(seconds / TICK_S)):
            with self._lock:
                self._check_open()
                self._tick()

    def close(self) -> None:
        """Stop the simulation and abort goals that have not ended; may be called twice."""
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
        """Time by which the twin is behind the wall clock and will not catch up [s]."""
        return self._pacer.lost_s

    def reading(self) -> Reading:
        """The present joint states of arm and hand; never waits.

        Raises:
            BackendError: The twin is closed or broke down.
        """
        self._check_open()
        return self._world.reading

    def object_in_base(self) -> Pose | None:
        """True pose of the object's mesh frame; None before the first object was placed."""
        with self._lock:
            return self._world.object_in_base()

    @property
    def faults(self) -> Faults:
        """The injected faults; may be set at any time to faults that `check` accepts."""
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
            UnknownNameError: The robot has no joint with the name in `lagging_joint`.
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
        """Default tolerances, for trajectories that do not name any.

        Args:
            joints: Names of all arm joints, or of all driven joints of the hand.

        Raises:
            InvalidGraspError: The names are neither.
        """
        return self._follower(joints).defaults

    def follow(
        self, path: JointPath, tolerances: Tolerances | None = None, *, start_in_s: float = 0.0
    ) -> TrajectoryGoal:
        """Let the arm or the hand follow a trajectory; see `TrajectoryControl`.

        The present goal of arm or hand is aborted. The hand presses with the robot's `hand_force`.

        Args:
            path: Trajectory of all arm joints, or of all driven hand joints, in any order.
            tolerances: Tolerances of this goal; None for the defaults.
            start_in_s: Time from now to the trajectory's time 0 [s]; negative if it has passed.

        Raises:
            InvalidGraspError: The trajectory's joints are neither the arm's nor the hand's.
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
        """Let the gripper move to a position; see `GripperControl`.

        Args:
            position: Target of the first driven joint [rad or m]; other joints move with it.
            max_effort: Limit of each drive [N or N m]; None or 0 for the robot's `hand_force`.
            max_velocity: Limit of the first driven joint [rad/s or m/s]; None or 0 for its fastest.
            goal_tolerance: Tolerance of this goal [rad or m]; None for the gripper's default.

        Raises:
            InvalidGraspError: A number is not finite, or a limit is negative.
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
        """Cancel a goal and hold the joints where they are; no effect if the goal has ended."""
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
        """Put an object on the table in place of the present object; the arm does not move.

        Args:
            name: Name of the object.
            object_in_base: Pose of the object that perception will report.
            seed: Seed of perception's error.
            attempt_index: Number of the attempt under that seed.

        Returns:
            The object's pose at rest in the base frame; it depends on profile and arguments alone.

        Raises:
            BackendError: Arm or hand moves, the robot is in the way, or the twin is closed.
            UnknownNameError: There is no such object.
            ModelError: The object's mesh cannot be used.
            SettingsError: The seed, the index or the pose is out of bounds.
        """
        self._check_still()
        # The object settles in a second world, while the present world goes on.
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
