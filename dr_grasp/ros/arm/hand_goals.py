"""Makes goals that move a hand, for each of the known hand interfaces."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from rclpy.node import Node
from sensor_msgs.msg import JointState
from trajectory_msgs.msg import JointTrajectory, JointTrajectoryPoint

from dr_grasp.core.arrays import FloatArray
from dr_grasp.core.outcome import Outcome
from dr_grasp.execution.arm import StepResult
from dr_grasp.robots.hardware_settings import HandControllerSettings, HandInterface
from dr_grasp.robots.robot_spec import RobotSpec
from dr_grasp.ros.controller_messages import (
    duration,
    message_types,
    tolerances_to_msg,
    trajectory_fault,
)
from dr_grasp.ros.goals import RetryingActionClient

Judge = Callable[[Any], StepResult | None]
HandGoal = tuple[RetryingActionClient, str, Any, Judge]
"""The action's client, the action's name, the goal, and a function that interprets the result."""

SHORTEST_S = 0.1
"""Least duration of a hand's trajectory [s]."""


class HandGoals:
    """Makes goals that move a hand to a posture, for the interface that the hand has."""

    def __init__(
        self, node: Node, robot: RobotSpec, settings: HandControllerSettings, group: Any
    ) -> None:
        """Create the action clients.

        Args:
            node: Node of the clients.
            robot: The robot that has the hand.
            settings: How the hand is reached.
            group: Callback group of the clients.

        Raises:
            SettingsError: The messages of the hand's interface are not installed.
        """
        self._robot = robot
        self._settings = settings
        self._kinds = _kinds(settings)
        self._clients = {
            name: RetryingActionClient(node, kind, name, callback_group=group)
            for name, kind in self._kinds.items()
        }

    def goal(self, start: FloatArray, targets: FloatArray, force: float) -> HandGoal:
        """Make the goal for a motion.

        Args:
            start: Present positions of the driven hand joints, shape (m,) [rad or m].
            targets: Target positions of the driven hand joints, shape (m,) [rad or m].
            force: Largest force or torque of each drive [N or N m].
        """
        name, interface = self._settings.action, self._settings.interface
        judge: Judge = _good
        if interface is HandInterface.JOINT_TRAJECTORY:
            goal, judge = self._trajectory(start, targets), trajectory_fault
        elif interface is HandInterface.FRANKA_GRASP:
            if targets[0] >= start[0]:
                name, judge = self._settings.actions[1], _succeeded
            goal = self._franka(name, float(targets[0]), force)
        else:
            goal = self._kinds[name].Goal()
            position = float(targets[0]) * self._settings.position_scale
            if interface is HandInterface.GRIPPER_COMMAND:
                goal.command.position, goal.command.max_effort = position, force
            else:
                joint = self._robot.outside(self._robot.hand_joints[0])
                goal.command = JointState(name=[joint], position=[position], effort=[force])
        return self._clients[name], name, goal, judge

    def _trajectory(self, start: FloatArray, targets: FloatArray) -> Any:
        names = [self._robot.outside(joint) for joint in self._robot.hand_joints]
        longest = float(np.max(np.abs(targets - start) / self._robot.hand_velocities))
        end = JointTrajectoryPoint(
            positions=targets.tolist(), time_from_start=duration(max(SHORTEST_S, longest))
        )
        # No tolerances, since the object will stop the fingers on the way.
        return self._kinds[self._settings.action].Goal(
            trajectory=JointTrajectory(joint_names=names, points=[end]),
            path_tolerance=tolerances_to_msg(names, -1.0),
            goal_tolerance=tolerances_to_msg(names, -1.0),
        )

    def _franka(self, name: str, target: float, force: float) -> Any:
        # A width is the distance between both fingers, and each finger moves half of it.
        width, speed = 2.0 * target, 2.0 * float(self._robot.hand_velocities[0])
        goal = self._kinds[name].Goal(width=width, speed=speed)
        if name == self._settings.action:  # the action `grasp`; `move` has no force
            goal.force = force
            # Any width counts as a grasp: `Grip` judges what is between the fingers.
            limit = self._robot.hand_limits[0].upper
            goal.epsilon.inner = goal.epsilon.outer = 2.0 * float(limit)
        return goal


def _kinds(settings: HandControllerSettings) -> dict[str, Any]:
    """Types of the hand's actions, by their names."""
    name, interface = settings.action, settings.interface
    if interface is HandInterface.FRANKA_GRASP:
        franka = message_types("franka_msgs.action")
        return dict(zip(settings.actions, (franka.Grasp, franka.Move), strict=True))
    control = message_types("control_msgs.action")
    if interface is HandInterface.PARALLEL_GRIPPER:
        return {name: control.ParallelGripperCommand}
    if interface is HandInterface.GRIPPER_COMMAND:
        return {name: control.GripperCommand}
    return {name: control.FollowJointTrajectory}


def _good(result: Any) -> StepResult | None:
    # Every result is good, since `Grip` judges by the joints what is between the fingers. A result
    # of franka_gripper does not tell whether it reached its target or was stopped, and an empty
    # grasp is no failure of its controller.
    return None


def _succeeded(result: Any) -> StepResult | None:
    return None if result.success else StepResult(Outcome.CONTROLLER_ABORTED, result.error)
