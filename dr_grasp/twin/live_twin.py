"""The twin as hardware: an arm in MuJoCo behind controllers, in time that passes by itself."""

from __future__ import annotations

import math
import threading
from typing import Any

from dr_grasp.common.closing import Closing
from dr_grasp.core.geometry import Pose
from dr_grasp.errors import BackendError, SettingsError
from dr_grasp.objects.object_spec import load_object
from dr_grasp.robots.robot_spec import RobotSpec
from dr_grasp.twin.active_goal import Motion
from dr_grasp.twin.control_loop import ControlLoop
from dr_grasp.twin.faults import Faults
from dr_grasp.twin.gripper_control import GripMotion, GripperRules
from dr_grasp.twin.joint_path import JointPath
from dr_grasp.twin.joint_reading import Reading
from dr_grasp.twin.live_world import TICK_S, LiveWorld
from dr_grasp.twin.pacing import Pacer
from dr_grasp.twin.tolerances import Tolerances
from dr_grasp.twin.trajectory_control import FollowMotion
from dr_grasp.twin.twin_backend import check_seed
from dr_grasp.twin.twin_profile import TwinProfile

CLOSED = "the twin is closed"


class LiveTwin(Closing):
    """An arm that holds its position, and takes goals at any time, from any thread.

    Time passes by `advance`, or by itself after `start`.
    """

    def __init__(
        self,
        robot: RobotSpec,
        profile: TwinProfile,
        *,
        speed: float = 1.0,
        rules: GripperRules | None = None,
        faults: Faults | None = None,
    ) -> None:
        """Stand at home with the hand open, before an empty table.

        Args:
            robot: The robot that is played.
            profile: How it and the objects differ from their models.
            speed: Seconds of the twin in a second of the wall clock.
            rules: When goals of a gripper end.
            faults: What is wrong from the start.

        Raises:
            SettingsError: The speed is not positive.
            UnknownNameError: The robot has no such joint to lag.
            ModelError: MuJoCo cannot read the robot.
        """
        if not 0.0 < speed < math.inf:
            raise SettingsError(f"speed: expected more than 0, got {speed}")
        self.speed = speed
        self._lock = threading.RLock()
        self._world = LiveWorld(robot, profile)
        self._loop = ControlLoop(robot, self._world, rules or GripperRules())
        self._loop.faults = faults or Faults()
        self._closed = ""
        self._pacer = Pacer(self._step, TICK_S, speed)

    def start(self) -> None:
        """From now on time passes by itself."""
        self._pacer.start()

    @property
    def lost_s(self) -> float:
        """By how much the twin has fallen behind the wall clock for good [s of the clock]."""
        return self._pacer.lost_s

    def advance(self, seconds: float) -> None:
        """Let time pass now, as fast as it can be computed.

        Raises:
            BackendError: It passes by itself, or the twin is closed.
        """
        if self._pacer.running:
            raise BackendError("expected a twin whose time stands still, got one that was started")
        for _ in range(round(seconds / TICK_S)):
            with self._lock:
                self._check_open()
                self._loop.tick()

    def close(self) -> None:
        """Stop; goals on their way are aborted. May be called twice."""
        self._pacer.close()
        self._shut(CLOSED)

    def _step(self) -> None:
        try:
            with self._lock:
                self._loop.tick()
        except Exception as error:
            self._shut(f"the twin broke down: {error}")
            raise

    def _shut(self, why: str) -> None:
        with self._lock:
            self._closed = self._closed or why
            self._loop.abort_all(why)

    def _check_open(self) -> None:
        if self._closed:
            raise BackendError(self._closed)

    @property
    def faults(self) -> Faults:
        """What is wrong; may be set at any time.

        Raises:
            UnknownNameError: The robot has no such joint to lag.
        """
        return self._loop.faults

    @faults.setter
    def faults(self, faults: Faults) -> None:
        with self._lock:
            self._loop.faults = faults

    def check(self, faults: Faults) -> None:
        """Refuse faults that the robot cannot have.

        Raises:
            UnknownNameError: It has no such joint to lag.
        """
        self._loop.check(faults)

    @property
    def silent(self) -> bool:
        """Whether joint states have stopped, which is one of the faults."""
        return self._loop.silent

    @property
    def now_s(self) -> float:
        """The twin's time."""
        return self._world.reading.stamp_s

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

    def tolerances(self, joints: tuple[str, ...]) -> Tolerances:
        """What counts for goals of arm or hand that say nothing else.

        Raises:
            InvalidGraspError: They are neither's.
        """
        return self._loop.tolerances(joints)

    def follow(
        self, path: JointPath, tolerances: Tolerances | None = None, *, start_in_s: float = 0.0
    ) -> FollowMotion:
        """Have the arm, or the hand joint by joint, follow a trajectory; see `TrajectoryControl`.

        What arm or hand was doing is aborted. The hand presses with the robot's `hand_force`.

        Args:
            path: Of all arm joints, or all driven hand joints.
            tolerances: In place of `tolerances(joints)`.
            start_in_s: When its time 0 is; negative where that has passed.

        Raises:
            InvalidGraspError: It is of other joints.
            BackendError: The twin is closed.
        """
        with self._lock:
            self._check_open()
            return self._loop.follow(path, tolerances, start_in_s)

    def grip(
        self,
        position: float,
        max_effort: float | None = None,
        max_velocity: float | None = None,
        *,
        goal_tolerance: float | None = None,
    ) -> GripMotion:
        """Have the gripper go to a position; see `GripperControl`.

        Args:
            position: Of the first driven joint [rad or m]; others go with it.
            max_effort: Of each drive [N or N m]; None or 0 for the robot's `hand_force`.
            max_velocity: Of the first driven joint [rad/s or m/s]; None or 0 for as fast as it can.
            goal_tolerance: In place of that of the rules [rad or m].

        Raises:
            InvalidGraspError: Numbers that are not finite, or negative.
            BackendError: The twin is closed.
        """
        with self._lock:
            self._check_open()
            return self._loop.grip(position, max_effort, max_velocity, goal_tolerance)

    def cancel(self, motion: Motion[Any, Any]) -> None:
        """Stop a motion where the joints are; one that has ended is left alone."""
        with self._lock:
            self._loop.cancel(motion)

    def place(self, name: str, object_in_base: Pose, seed: int, attempt_index: int) -> Pose:
        """Put an object on the table, in place of the one that was there; the arm stays as it is.

        Args:
            name: The object's.
            object_in_base: Where perception will say that it stands; how far it is wrong is drawn
                from the next two.
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
        check_seed(seed, attempt_index)
        self._check_still()
        # In a world of its own, while the present one goes on.
        scene = self._world.settled(load_object(name), object_in_base, seed, attempt_index)
        with self._lock:
            self._check_still()
            self._world.enter(scene)
        return scene.settled

    def _check_still(self) -> None:
        with self._lock:
            self._check_open()
            if self._loop.moving:
                raise BackendError("expected an arm that stands still, got one that moves")
