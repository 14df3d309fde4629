"""The live twin in place of an arm's controllers: their actions, its joint states, its table."""

from __future__ import annotations

import importlib
from typing import Any

from rclpy.callback_groups import MutuallyExclusiveCallbackGroup
from rclpy.node import Node
from sensor_msgs.msg import JointState

from dr_grasp.common.closing import Closing
from dr_grasp.errors import BackendError, DrGraspError, SettingsError
from dr_grasp.execution.arm_backend import hardware_of
from dr_grasp.messages.decoding import decode_pose
from dr_grasp.messages.encoding import encode_pose
from dr_grasp.robots.hardware import HandInterface, Hardware
from dr_grasp.robots.robot_spec import RobotSpec
from dr_grasp.ros.conversions import to_msg
from dr_grasp.ros.twin.gripper_goals import FrankaGoals, GripperCommandGoals, ParallelGripperGoals
from dr_grasp.ros.twin.motion_server import Goals, MotionServer
from dr_grasp.ros.twin.trajectory_goals import TrajectoryGoals
from dr_grasp.twin.live_twin import LiveTwin
from dr_grasp.twin.pacing import Pacer
from dr_grasp_interfaces.srv import PlaceObject

JOINT_STATES_HZ = 50.0

PLACE = "place_object"

WORD_EVERY_S = 10.0
"""How often it is said that the machine is too slow."""


def actions_of(package: str) -> Any:
    """The actions of a package of messages.

    Raises:
        SettingsError: It is not installed.
    """
    try:
        return importlib.import_module(f"{package}.action")
    except ImportError as error:
        raise SettingsError(
            f"{package}: expected installed (ros-jazzy-{package.replace('_', '-')}), got "
            f"{' '.join(str(error).split())}"
        ) from error


class Controllers(Closing):
    """Serves what an arm's controllers serve, and puts objects on the table."""

    def __init__(self, node: Node, robot: RobotSpec, twin: LiveTwin) -> None:
        """Advertise, and let the twin's time pass.

        Args:
            node: Spun by an executor of at least four threads: for a goal of the arm, one of the
                hand, an object that is placed, and all else.
            robot: The robot.
            twin: Closed with this.

        Raises:
            SettingsError: control_msgs is not installed, or the robot's file names no controllers.
        """
        hardware, messages = hardware_of(robot), actions_of("control_msgs")
        self._node = node
        self._twin = twin
        self._names = [robot.names.get(joint, joint) for joint in twin.reading().joints]
        arm = TrajectoryGoals(node, twin, robot, robot.arm_joints, messages.FollowJointTrajectory)
        served: dict[str, Goals] = {hardware.arm_action: arm}
        served |= self._hand(robot, hardware, messages)
        self._servers = [MotionServer(node, twin, name, goals) for name, goals in served.items()]
        self._joint_states = node.create_publisher(JointState, "joint_states", 100)
        self._place = node.create_service(
            PlaceObject,
            PLACE,
            self._put,
            callback_group=MutuallyExclusiveCallbackGroup(),
        )
        self._lost_s = 0.0
        # Not a timer: joint states must come however many callbacks are at work.
        self._publishing = Pacer(self._publish, 1.0 / JOINT_STATES_HZ, 1.0)
        twin.start()
        self._publishing.start()
        node.get_logger().info(f"serves {', '.join(served)} and {PLACE} for {robot.name}")

    def close(self) -> None:
        """Stop what moves; may be called twice."""
        self._publishing.close()
        self._twin.close()

    def _hand(self, robot: RobotSpec, hardware: Hardware, messages: Any) -> dict[str, Goals]:
        name, interface, twin = hardware.hand_action, hardware.hand_interface, self._twin
        if interface is HandInterface.JOINT_TRAJECTORY:
            kind = messages.FollowJointTrajectory
            return {name: TrajectoryGoals(self._node, twin, robot, robot.hand_joints, kind)}
        if interface is HandInterface.PARALLEL_GRIPPER:
            kind = messages.ParallelGripperCommand
            return {name: ParallelGripperGoals(twin, robot, hardware, kind)}
        if interface is HandInterface.FRANKA_GRASP:
            try:
                franka = actions_of("franka_msgs")
            except SettingsError as error:
                self._node.get_logger().warning(f"{error}; {name} takes GripperCommand instead")
            else:
                # franka_gripper offers both side by side.
                move = f"{name.rpartition('/')[0]}/move".removeprefix("/")
                return {name: FrankaGoals(twin, franka.Grasp), move: FrankaGoals(twin, franka.Move)}
        return {name: GripperCommandGoals(twin, hardware, messages.GripperCommand)}

    def _put(self, request: Any, response: Any) -> Any:
        try:
            standing = self._twin.place(
                request.object,
                decode_pose("object_in_base", request.object_in_base),
                request.seed,
                request.attempt_index,
            )
        except DrGraspError as error:
            response.success, response.message = False, str(error)
            return response
        answer = {"success": True, "message": "", "standing": encode_pose(standing)}
        return to_msg(PlaceObject.Response, answer)

    def _publish(self) -> None:
        node = self._node
        try:
            reading = self._twin.reading()
        except BackendError as error:
            node.get_logger().error(str(error), once=True)
            return
        if self._twin.silent:
            return
        message = JointState(
            name=self._names,
            position=reading.positions.tolist(),
            velocity=reading.velocities.tolist(),
            effort=reading.efforts.tolist(),
        )
        message.header.stamp = node.get_clock().now().to_msg()
        self._joint_states.publish(message)
        if self._twin.lost_s > self._lost_s:
            self._lost_s = self._twin.lost_s
            node.get_logger().warning(
                f"fell {self._lost_s:.1f} s behind the clock in all: the machine is too busy",
                throttle_duration_sec=WORD_EVERY_S,
            )
