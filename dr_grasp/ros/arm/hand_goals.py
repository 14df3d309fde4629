"""Goals for hands, by each of the interfaces that hands have."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from rclpy.node import Node
from sensor_msgs.msg import JointState
from trajectory_msgs.msg import JointTrajectory, JointTrajectoryPoint

from dr_grasp.core.arrays import FloatArray
from dr_grasp.core.outcome import Outcome
from dr_grasp.errors import SettingsError
from dr_grasp.execution.arm import StepResult
from dr_grasp.robots.hardware import HandInterface, Hardware
from dr_grasp.robots.robot_spec import RobotSpec
from dr_grasp.ros.requests import RetryingActionClient
from dr_grasp.ros.trajectories import duration, trajectory_fault

Judge = Callable[[Any], StepResult | None]
HandGoal = tuple[RetryingActionClient, str, Any, Judge]

SHORTEST_S = 0.1
"""A trajectory of a hand takes at least so long."""


class HandGoals:
    """Makes goals for a hand, and understands their results."""

    def __init__(self, node: Node, robot: RobotSpec, hardware: Hardware, group: Any) -> None:
        """Create the clients.

        Args:
            node: Where.
            robot: Whose hand.
            hardware: How it is reached.
            group: Callback group of the clients.

        Raises:
            SettingsError: The messages of its interface are not installed.
        """
        self._robot = robot
        self._hardware = hardware
        self._types = _action_types(hardware.hand_interface)
        self._clients = {
            name: RetryingActionClient(node, kind, name, callback_group=group)
            for name, kind in self._named(hardware).items()
        }

    def _named(self, hardware: Hardware) -> dict[str, Any]:
        names = [hardware.hand_action]
        if hardware.hand_interface is HandInterface.FRANKA_GRASP:
            # franka_gripper offers `move` beside `grasp`: only the one presses.
            names.append(_sibling(hardware.hand_action, "move"))
        return dict(zip(names, self._types, strict=True))

    def goal(self, start: FloatArray, targets: FloatArray, force: float) -> HandGoal:
        """What to send to whom, and what judges the result.

        Args:
            start: Shape (m,), where the driven joints are [rad or m].
            targets: Shape (m,), where they are to go.
            force: Largest force or torque of each drive [N or N m].
        """
        hardware = self._hardware
        name = hardware.hand_action
        position = float(targets[0]) * hardware.position_scale
        if hardware.hand_interface is HandInterface.JOINT_TRAJECTORY:
            return self._clients[name], name, self._trajectory(start, targets), trajectory_fault
        if hardware.hand_interface is HandInterface.FRANKA_GRASP:
            return self._franka(float(start[0]), float(targets[0]), force)
        kind = self._types[0]
        goal = kind.Goal()
        if hardware.hand_interface is HandInterface.GRIPPER_COMMAND:
            goal.command.position, goal.command.max_effort = position, force
        else:
            joint = self._robot.hand_joints[0]
            goal.command = JointState(
                name=[self._robot.names.get(joint, joint)], position=[position], effort=[force]
            )
        return self._clients[name], name, goal, _stopped

    def _trajectory(self, start: FloatArray, targets: FloatArray) -> Any:
        from control_msgs.msg import JointTolerance

        names = [self._robot.names.get(joint, joint) for joint in self._robot.hand_joints]
        longest = float(np.max(np.abs(targets - start) / self._robot.hand_velocities))
        end = JointTrajectoryPoint(
            positions=targets.tolist(), time_from_start=duration(max(SHORTEST_S, longest))
        )
        goal = self._types[0].Goal(
            trajectory=JointTrajectory(joint_names=names, points=[end]),
            # An object is to stop the fingers on their way: -1 takes a tolerance away
            # (control_msgs/JointTolerance).
            path_tolerance=[JointTolerance(name=one, position=-1.0) for one in names],
            goal_tolerance=[JointTolerance(name=one, position=-1.0) for one in names],
        )
        return goal

    def _franka(self, start: float, target: float, force: float) -> HandGoal:
        grasp, move = self._types
        # Widths are those between the two fingers, each of which does half.
        speed = 2.0 * float(self._robot.hand_velocities[0])
        width = 2.0 * target
        if target >= start:
            name = _sibling(self._hardware.hand_action, "move")
            return self._clients[name], name, move.Goal(width=width, speed=speed), _succeeded
        goal = grasp.Goal(width=width, speed=speed, force=force)
        # Any width is a grasp: what is between the fingers we judge ourselves.
        goal.epsilon.inner = goal.epsilon.outer = 2.0 * float(self._robot.hand_limits[0].upper)
        name = self._hardware.hand_action
        return self._clients[name], name, goal, _grasped


def _sibling(action: str, name: str) -> str:
    head, slash, _ = action.rpartition("/")
    return f"{head}{slash}{name}"


def _action_types(interface: HandInterface) -> tuple[Any, ...]:
    package = "franka_msgs" if interface is HandInterface.FRANKA_GRASP else "control_msgs"
    try:
        if interface is HandInterface.FRANKA_GRASP:
            from franka_msgs.action import Grasp, Move

            return Grasp, Move
        if interface is HandInterface.PARALLEL_GRIPPER:
            from control_msgs.action import ParallelGripperCommand

            return (ParallelGripperCommand,)
        if interface is HandInterface.GRIPPER_COMMAND:
            from control_msgs.action import GripperCommand

            return (GripperCommand,)
        from control_msgs.action import FollowJointTrajectory

        return (FollowJointTrajectory,)
    except ImportError as error:
        raise SettingsError(
            f"{interface.value}: expected {package} installed, got {' '.join(str(error).split())}"
        ) from error


def _stopped(result: Any) -> StepResult | None:
    # What stands between the fingers is told by the joints. franka_gripper says neither that it
    # reached its target nor that it stalled where something stopped it.
    return None


def _succeeded(result: Any) -> StepResult | None:
    return None if result.success else StepResult(Outcome.CONTROLLER_ABORTED, result.error)


def _grasped(result: Any) -> StepResult | None:
    # A grasp of nothing is no failure of the controller.
    return None
