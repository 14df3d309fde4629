"""Serves the live twin in place of an arm's controllers: actions, joint states, `place_object`."""

from __future__ import annotations

from typing import Any

from geometry_msgs.msg import Pose
from rclpy.callback_groups import MutuallyExclusiveCallbackGroup
from rclpy.node import Node
from sensor_msgs.msg import JointState

from dr_grasp.common.closing import Closing
from dr_grasp.errors import BackendError, SettingsError
from dr_grasp.messages.decoding import decode_pose
from dr_grasp.messages.encoding import encode_pose
from dr_grasp.robots.hardware_settings import HandControllerSettings, HandInterface
from dr_grasp.robots.robot_spec import RobotSpec, hardware_of
from dr_grasp.ros.answering import serve
from dr_grasp.ros.controller_messages import message_types
from dr_grasp.ros.conversions import to_msg
from dr_grasp.ros.twin.goal_server import ActionAdapter, GoalServer
from dr_grasp.ros.twin.gripper_adapters import (
    FrankaAdapter,
    GripperCommandAdapter,
    ParallelGripperAdapter,
)
from dr_grasp.ros.twin.trajectory_adapter import TrajectoryAdapter
from dr_grasp.twin.live_twin import LiveTwin
from dr_grasp.twin.pacing import Pacer
from dr_grasp_interfaces.srv import PlaceObject

JOINT_STATES_HZ = 50.0

PLACE = "place_object"

WARNING_EVERY_S = 10.0
"""Least time between warnings that the machine is too slow [s]."""


class Controllers(Closing):
    """Serves the actions and topics of an arm's controllers, and puts objects on the table.

    Actions:
        controllers.arm (FollowJointTrajectory): Moves the arm; the robot's file has the name.
        controllers.hand.action (by `interface`): Moves the hand; the robot's file has name and
            type.

    Services:
        place_object (PlaceObject): Puts an object on the table, about where it is believed to be.
    """

    def __init__(self, node: Node, robot: RobotSpec, twin: LiveTwin) -> None:
        """Advertise, and let the twin's time pass.

        Args:
            node: Node that serves; its executor must have at least four threads, for a goal of the
                arm, a goal of the hand, `place_object`, and short callbacks.
            robot: The robot.
            twin: The twin, which is closed together with this object.

        Raises:
            SettingsError: control_msgs is not installed, or the robot's file names no controllers.
        """
        controllers, actions = hardware_of(robot).controllers, message_types("control_msgs.action")
        self._node = node
        self._twin = twin
        self._names = [robot.outside(joint) for joint in twin.reading().joints]
        trajectories = actions.FollowJointTrajectory
        arm = TrajectoryAdapter(twin, trajectories, node, robot, robot.arm_joints)
        served: dict[str, ActionAdapter] = {controllers.arm: arm}
        served |= self._hand(robot, controllers.hand, actions)
        self._servers = [GoalServer(node, twin, name, served[name]) for name in served]
        self._joint_states = node.create_publisher(JointState, "joint_states", 100)
        self._place = serve(
            node,
            PlaceObject,
            PLACE,
            self._place_object,
            callback_group=MutuallyExclusiveCallbackGroup(),
        )
        self._lost_s = 0.0
        # Not a timer, since joint states must be published even if all callback threads are busy.
        self._publishing = Pacer(self._publish, 1.0 / JOINT_STATES_HZ, 1.0)
        twin.start()
        self._publishing.start()
        node.get_logger().info(f"serves {', '.join(served)} and {PLACE} for {robot.name}")

    def close(self) -> None:
        """Stop the twin; may be called twice."""
        self._publishing.close()
        self._twin.close()

    def _hand(
        self, robot: RobotSpec, settings: HandControllerSettings, actions: Any
    ) -> dict[str, ActionAdapter]:
        name, interface = settings.action, settings.interface
        node, twin, scale = self._node, self._twin, settings.position_scale
        if interface is HandInterface.JOINT_TRAJECTORY:
            kind = actions.FollowJointTrajectory
            return {name: TrajectoryAdapter(twin, kind, node, robot, robot.hand_joints)}
        if interface is HandInterface.PARALLEL_GRIPPER:
            kind = actions.ParallelGripperCommand
            return {name: ParallelGripperAdapter(twin, kind, scale, robot)}
        if interface is HandInterface.FRANKA_GRASP:
            try:
                franka = message_types("franka_msgs.action")
            except SettingsError as error:
                node.get_logger().warning(f"{error}; {name} takes GripperCommand instead")
            else:
                kinds = franka.Grasp, franka.Move
                return {
                    action: FrankaAdapter(twin, kind)
                    for action, kind in zip(settings.actions, kinds, strict=True)
                }
        return {name: GripperCommandAdapter(twin, actions.GripperCommand, scale)}

    def _place_object(self, request: Any, response: Any) -> None:
        standing = self._twin.place(
            request.object,
            decode_pose("object_in_base", request.object_in_base),
            request.seed,
            request.attempt_index,
        )
        response.standing = to_msg(Pose, encode_pose(standing))
        response.success = True

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
                throttle_duration_sec=WARNING_EVERY_S,
            )
