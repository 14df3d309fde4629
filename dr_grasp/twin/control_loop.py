"""The twin's controllers above its drives: takes goals, and commands every joint at every tick."""

from __future__ import annotations

import logging
import math
from typing import Any

from dr_grasp.errors import InvalidGraspError
from dr_grasp.robots.robot_spec import RobotSpec
from dr_grasp.twin.active_goal import Motion, Status
from dr_grasp.twin.faults import Faults
from dr_grasp.twin.gripper_control import GripMotion, GripperControl, GripperRules
from dr_grasp.twin.joint_path import JointPath
from dr_grasp.twin.live_world import TICK_S, LiveWorld
from dr_grasp.twin.tolerances import Tolerances
from dr_grasp.twin.trajectory_control import PREEMPTED, FollowMotion, TrajectoryControl

ARM_PATH_TOLERANCE = 0.2
ARM_GOAL_TOLERANCE = 0.1
"""Of goals of the arm that name none [rad or m]: as in ur_robot_driver, config/ur_controllers.yaml
(branch jazzy). ros2_controllers itself enforces nothing by default, nor do we for the hand."""

UNSTABLE = "the simulation became unstable"

_LOGGER = logging.getLogger(__name__)


class ControlLoop:
    """A controller of the arm, and two of the hand, of which one is in charge. Not thread-safe."""

    def __init__(self, robot: RobotSpec, world: LiveWorld, rules: GripperRules) -> None:
        """Begin to hold arm and hand where they are.

        Args:
            robot: The robot.
            world: Where it stands at home with the hand open.
            rules: When goals of a gripper end.
        """
        self._robot = robot
        self._world = world
        arms = len(robot.arm_joints)
        self._arm_part = slice(0, arms)
        self._hand_part = slice(arms, arms + len(robot.hand_joints))
        tolerances = Tolerances.of(robot.arm_joints, ARM_PATH_TOLERANCE, ARM_GOAL_TOLERANCE)
        self._arm = TrajectoryControl(tolerances, robot.home, TICK_S)
        fingers = Tolerances.of(robot.hand_joints)
        self._fingers = TrajectoryControl(fingers, robot.hand_open, TICK_S)
        self._gripper = GripperControl(robot, rules)
        self._hand: TrajectoryControl | GripperControl = self._gripper
        self._faults = Faults()
        self._first_motion_s: float | None = None

    @property
    def faults(self) -> Faults:
        """What is wrong."""
        return self._faults

    @faults.setter
    def faults(self, faults: Faults) -> None:
        self.check(faults)
        if faults.joint_states_stop_after_s != self._faults.joint_states_stop_after_s:
            self._first_motion_s = None
        self._faults = faults

    def check(self, faults: Faults) -> None:
        """Refuse faults that the robot cannot have; see `Faults.check_joint`."""
        faults.check_joint((*self._robot.arm_joints, *self._robot.hand_joints))

    @property
    def silent(self) -> bool:
        """Whether joint states have stopped, which is one of the faults."""
        after_s, first_s = self._faults.joint_states_stop_after_s, self._first_motion_s
        return after_s > 0.0 and first_s is not None and self._world.now_s - first_s >= after_s

    @property
    def moving(self) -> bool:
        """Whether a goal of arm or hand is on its way."""
        return any(control.motion is not None for control, _ in self._controls())

    def tolerances(self, joints: tuple[str, ...]) -> Tolerances:
        """What counts for goals of arm or hand that say nothing else."""
        return self._control(joints).defaults

    def follow(
        self, path: JointPath, tolerances: Tolerances | None, start_in_s: float
    ) -> FollowMotion:
        """Take on a trajectory of the arm or of the hand; see `LiveTwin.follow`."""
        control = self._control(path.joints)
        path = path.ordered(control.defaults.joints)
        if control is self._fingers:
            self._put_in_charge(control)
            self._world.drive_hand(self._robot.hand_force)
        self._note_motion()
        chosen = tolerances or control.defaults
        return control.start(path, chosen, self._world.now_s, start_in_s)

    def grip(
        self,
        position: float,
        max_effort: float | None,
        max_velocity: float | None,
        goal_tolerance: float | None,
    ) -> GripMotion:
        """Take on a goal of the gripper; see `LiveTwin.grip`."""
        fastest = float(self._robot.hand_velocities[0])
        force = _limit("max_effort", max_effort) or self._robot.hand_force
        velocity = min(_limit("max_velocity", max_velocity) or fastest, fastest)
        reading = self._world.reading.part(self._hand_part)
        motion = self._gripper.start(position, reading, goal_tolerance)
        self._put_in_charge(self._gripper)
        self._world.drive_hand(force, velocity / fastest)
        self._note_motion()
        return motion

    def cancel(self, motion: Motion[Any, Any]) -> None:
        """Stop a motion where the joints are; one that has ended is left alone."""
        for control, part in self._controls():
            if control.motion is motion:
                control.hold(self._world.reading.part(part), Status.CANCELED)

    def abort_all(self, why: str) -> None:
        """Abort all goals; the joints stay where they are."""
        for control, part in self._controls():
            control.hold(self._world.reading.part(part), Status.ABORTED, why)

    def tick(self) -> None:
        """Let `TICK_S` pass."""
        reading, faults, motion = self._world.reading, self._faults, self._arm.motion
        arm, hand = reading.part(self._arm_part), reading.part(self._hand_part)
        if motion is not None and 0.0 < faults.abort_after_s <= arm.stamp_s - motion.began_s:
            text = f"Aborted by a fault, {faults.abort_after_s:g} s after it began"
            self._arm.hold(arm, Status.ABORTED, text)
        if not self._world.tick(self._arm.update(arm), self._hand.update(hand), faults):
            _LOGGER.warning(UNSTABLE)
            self.abort_all(UNSTABLE)

    def _control(self, joints: tuple[str, ...]) -> TrajectoryControl:
        for control in (self._arm, self._fingers):
            if set(joints) == set(control.defaults.joints):
                return control
        raise InvalidGraspError(
            f"joints: expected {', '.join(self._robot.arm_joints)}; or "
            f"{', '.join(self._robot.hand_joints)}; got {', '.join(joints)}"
        )

    def _controls(self) -> tuple[tuple[TrajectoryControl | GripperControl, slice], ...]:
        return (self._arm, self._arm_part), (self._hand, self._hand_part)

    def _put_in_charge(self, control: TrajectoryControl | GripperControl) -> None:
        if control is not self._hand:
            reading = self._world.reading.part(self._hand_part)
            self._hand.hold(reading, Status.ABORTED, PREEMPTED)
            self._hand = control

    def _note_motion(self) -> None:
        if self._first_motion_s is None:
            self._first_motion_s = self._world.now_s


def _limit(name: str, value: float | None) -> float:
    """A limit of a gripper's goal; 0 where there is none."""
    if value is None:
        return 0.0
    if not 0.0 <= value < math.inf:
        raise InvalidGraspError(f"{name}: expected 0 or more, got {value}")
    return value
