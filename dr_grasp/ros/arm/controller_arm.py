"""An arm behind ros2_control's controllers, or whatever serves the same actions."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from typing import Any

from action_msgs.msg import GoalStatus
from rclpy.callback_groups import ReentrantCallbackGroup
from rclpy.node import Node

from dr_grasp.common.closing import Closing
from dr_grasp.core.arrays import FloatArray, frozen
from dr_grasp.core.geometry import Pose
from dr_grasp.core.outcome import Outcome
from dr_grasp.core.trajectory import GraspTrajectory
from dr_grasp.core.waypoints import Waypoints
from dr_grasp.errors import BackendError, GoalRefusedError, ResultLateError, SettingsError
from dr_grasp.execution.arm import StepResult
from dr_grasp.execution.arm_backend import hardware_of
from dr_grasp.execution.backend import IsCancelled
from dr_grasp.messages.decoding import decode_pose
from dr_grasp.messages.encoding import encode_pose
from dr_grasp.robots.robot_spec import RobotSpec
from dr_grasp.ros.arm.hand_goals import HandGoals
from dr_grasp.ros.arm.joint_listener import JointListener, JointRecording, silence
from dr_grasp.ros.conversions import to_msg
from dr_grasp.ros.requests import RetryingActionClient, call_service, run_goal
from dr_grasp.ros.trajectories import duration, trajectory_fault, trajectory_to_msg
from dr_grasp_interfaces.srv import PlaceObject

PATH_TOLERANCE = 0.2
"""How far a joint may be from its path [rad or m], as ur_robot_driver has it: at full speed a drive
that lags by 50 ms is 0.13 rad behind."""

GOAL_TOLERANCE = 0.01
"""How far it may be from the end [rad or m], where the hand is to close."""

GOAL_TIME_S = 2.0
"""How long after the last waypoint it may arrive there."""

LATE_S = 5.0
"""How much later than that a controller's answer may come."""

PLACE_S = 20.0
"""How long fake hardware may take to put an object down: it builds a world for it."""


class ControllerArm(Closing):
    """An arm that takes FollowJointTrajectory and a hand of any `HandInterface`; see `Arm`."""

    def __init__(self, node: Node, robot: RobotSpec, *, connect_s: float, places: bool) -> None:
        """Create the clients.

        Args:
            node: Spun by an executor of several threads.
            robot: The robot.
            connect_s: How long to wait for a controller.
            places: Whether somebody offers the service `place_object`, as fake hardware does.

        Raises:
            SettingsError: control_msgs is not installed, or the robot's file names no controllers.
        """
        try:
            from control_msgs.action import FollowJointTrajectory
            from control_msgs.msg import JointTolerance
        except ImportError as error:
            raise SettingsError(
                "control_msgs: expected installed (ros-jazzy-control-msgs), got "
                f"{' '.join(str(error).split())}"
            ) from error
        self._robot = robot
        self._hardware = hardware_of(robot)
        self._connect_s = connect_s
        self._goal_type = FollowJointTrajectory.Goal
        self._tolerance_type = JointTolerance
        self._listener = JointListener(node, robot)
        group = ReentrantCallbackGroup()
        self._arm = RetryingActionClient(
            node, FollowJointTrajectory, self._hardware.arm_action, callback_group=group
        )
        self._hand = HandGoals(node, robot, self._hardware, group)
        self._place = (
            node.create_client(PlaceObject, "place_object", callback_group=group)
            if places
            else None
        )
        self.places = places

    def close(self) -> None:
        """Nothing: the clients go with their node, which is still being spun."""

    def positions(self) -> Mapping[str, float]:
        """See `Arm`."""
        return self._listener.positions()

    def efforts(self) -> Mapping[str, float]:
        """See `Arm`."""
        return self._listener.efforts()

    def record(self) -> AbstractContextManager[JointRecording]:
        """See `Arm`."""
        return self._listener.record()

    def follow(self, path: Waypoints, is_cancelled: IsCancelled) -> StepResult | None:
        """See `Arm`."""
        goal = self._goal_type(
            trajectory=trajectory_to_msg(path, self._robot.names),
            path_tolerance=self._tolerances(PATH_TOLERANCE),
            goal_tolerance=self._tolerances(GOAL_TOLERANCE),
            goal_time_tolerance=duration(GOAL_TIME_S),
        )
        limit = path.duration_s + GOAL_TIME_S + LATE_S

        return self._run(
            self._arm, self._hardware.arm_action, goal, limit, is_cancelled, trajectory_fault
        )

    def move_hand(
        self, targets: FloatArray, force: float, timeout_s: float, is_cancelled: IsCancelled
    ) -> StepResult | None:
        """See `Arm`."""
        here = self.positions()
        start = frozen([here[joint] for joint in self._robot.hand_joints])
        client, name, goal, judge = self._hand.goal(start, targets, force)
        return self._run(client, name, goal, timeout_s, is_cancelled, judge)

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

    def _tolerances(self, position: float) -> list[Any]:
        return [
            self._tolerance_type(name=self._robot.names.get(joint, joint), position=position)
            for joint in self._robot.arm_joints
        ]

    def _run(
        self,
        client: RetryingActionClient,
        name: str,
        goal: Any,
        timeout_s: float,
        is_cancelled: IsCancelled,
        judge: Callable[[Any], StepResult | None],
    ) -> StepResult | None:
        """Run a goal of a controller to its end, and stop it when nobody sees the arm any more."""
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
            return StepResult(Outcome.CONTROLLER_ABORTED, f"{name}: cancelled by somebody else")
        fault = judge(response.result)
        return None if fault is None else StepResult(fault.outcome, f"{name}: {fault.reason}")
