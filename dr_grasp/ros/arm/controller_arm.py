"""An arm behind ros2_control's controllers, or behind another server of the same actions."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager
from typing import Any

from action_msgs.msg import GoalStatus
from rclpy.callback_groups import ReentrantCallbackGroup
from rclpy.node import Node

from dr_grasp.core.arrays import FloatArray, frozen
from dr_grasp.core.geometry import Pose
from dr_grasp.core.outcome import Outcome
from dr_grasp.core.trajectory import GraspTrajectory, Waypoints
from dr_grasp.errors import BackendError, GoalRefusedError, ResultLateError
from dr_grasp.execution.arm import StepResult
from dr_grasp.execution.backend import IsCancelled
from dr_grasp.execution.motion_log import MotionLog
from dr_grasp.messages.decoding import decode_pose
from dr_grasp.messages.encoding import encode_pose
from dr_grasp.robots.robot_spec import RobotSpec, hardware_of
from dr_grasp.ros.arm.hand_goals import HandGoals, Judge
from dr_grasp.ros.arm.joint_listener import JointListener, silence
from dr_grasp.ros.controller_messages import (
    duration,
    message_types,
    tolerances_to_msg,
    trajectory_fault,
    trajectory_to_msg,
)
from dr_grasp.ros.conversions import to_msg
from dr_grasp.ros.goals import RetryingActionClient, run_goal
from dr_grasp.ros.requests import call_service
from dr_grasp_interfaces.srv import PlaceObject

PATH_TOLERANCE = 0.2
"""Largest distance of a joint from its path [rad or m], as in ur_robot_driver. At full speed, a
drive with a lag of 50 ms is 0.13 rad behind."""

GOAL_TOLERANCE = 0.01
"""Largest distance of a joint from the end of its path, where the hand closes [rad or m]."""

GOAL_TIME_S = 2.0
"""Time after the last waypoint until which the arm must arrive there [s]."""

LATE_S = 5.0
"""Time after `GOAL_TIME_S` until which the controller must answer [s]."""

PLACE_S = 20.0
"""Time limit for fake hardware to put an object down, since it builds a new world [s]."""


class ControllerArm:
    """An arm with a FollowJointTrajectory action and a hand with a `HandInterface`; see `Arm`."""

    def __init__(self, node: Node, robot: RobotSpec, *, connect_s: float, places: bool) -> None:
        """Create the clients.

        Args:
            node: Node of the clients; its executor must have several threads.
            robot: The robot.
            connect_s: Time limit to find a controller [s].
            places: Whether another node serves `place_object`, as fake hardware does.

        Raises:
            SettingsError: control_msgs is not installed, or the robot's file names no controllers.
        """
        kind = message_types("control_msgs.action").FollowJointTrajectory
        self._robot = robot
        controllers = hardware_of(robot).controllers
        self._arm_action = controllers.arm
        self._connect_s = connect_s
        self._goal_type = kind.Goal
        self._listener = JointListener(node, robot)
        group = ReentrantCallbackGroup()
        self._arm = RetryingActionClient(node, kind, controllers.arm, callback_group=group)
        self._hand = HandGoals(node, robot, controllers.hand, group)
        self._place = (
            node.create_client(PlaceObject, "place_object", callback_group=group)
            if places
            else None
        )
        self.places = places

    def positions(self) -> Mapping[str, float]:
        """See `Arm`."""
        return self._listener.positions()

    def efforts(self) -> Mapping[str, float]:
        """See `Arm`."""
        return self._listener.efforts()

    def record(self) -> AbstractContextManager[MotionLog]:
        """See `Arm`."""
        return self._listener.record()

    def follow(self, path: Waypoints, is_cancelled: IsCancelled) -> StepResult | None:
        """See `Arm`."""
        names = [self._robot.outside(joint) for joint in self._robot.arm_joints]
        goal = self._goal_type(
            trajectory=trajectory_to_msg(path, self._robot.names),
            path_tolerance=tolerances_to_msg(names, PATH_TOLERANCE),
            goal_tolerance=tolerances_to_msg(names, GOAL_TOLERANCE),
            goal_time_tolerance=duration(GOAL_TIME_S),
        )
        limit = path.duration_s + GOAL_TIME_S + LATE_S
        return self._run(self._arm, self._arm_action, goal, trajectory_fault, limit, is_cancelled)

    def move_hand(
        self, targets: FloatArray, force: float, timeout_s: float, is_cancelled: IsCancelled
    ) -> StepResult | None:
        """See `Arm`."""
        here = self.positions()
        start = frozen([here[joint] for joint in self._robot.hand_joints])
        return self._run(*self._hand.goal(start, targets, force), timeout_s, is_cancelled)

    def place_object(self, grasp: GraspTrajectory, seed: int, attempt_index: int) -> Pose | None:
        """See `Arm`."""
        if self._place is None:
            return None
        fields = {
            "object": grasp.object,
            "object_in_base": encode_pose(grasp.object_in_base),
            "seed": seed,
            "attempt_index": attempt_index,
        }
        request = to_msg(PlaceObject.Request, fields)
        answer = call_service(self._place, request, PLACE_S)
        if not answer.success:
            raise BackendError(f"place_object: {answer.message}")
        return decode_pose("standing", answer.standing)

    def _run(
        self,
        client: RetryingActionClient,
        name: str,
        goal: Any,
        judge: Judge,
        timeout_s: float,
        is_cancelled: IsCancelled,
    ) -> StepResult | None:
        """Run a controller's goal to its end, or cancel it if joint states no longer come."""
        silent: list[str] = []

        def must_stop() -> bool:
            silent[:] = silent or self._listener.silent()
            return bool(silent) or is_cancelled()

        try:
            response = run_goal(
                client,
                name,
                goal,
                connect_s=self._connect_s,
                timeout_s=timeout_s,
                is_cancelled=must_stop,
            )
        except GoalRefusedError as error:
            return StepResult(Outcome.CONTROLLER_ABORTED, str(error))
        except ResultLateError as error:
            return StepResult(Outcome.TIMED_OUT, str(error))
        if response.status == GoalStatus.STATUS_CANCELED:
            if silent:
                return StepResult(Outcome.TIMED_OUT, silence(silent))
            if is_cancelled():
                return StepResult(Outcome.CANCELLED, "cancelled")
            return StepResult(Outcome.CONTROLLER_ABORTED, f"{name}: cancelled by another client")
        fault = judge(response.result)
        return fault and fault.during(name)
