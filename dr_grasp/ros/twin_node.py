"""Node `twin`: fake hardware.

By default it serves `attempt_grasp`, and publishes joint states while it moves. With `controllers`
other nodes control it: it serves the actions of the arm's controllers and `place_object`, and
always publishes joint states. Then another node, such as `moveit`, serves `attempt_grasp`.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Mapping
from typing import Any

from rclpy.node import Node
from sensor_msgs.msg import JointState

from dr_grasp.common.closing import Closing
from dr_grasp.core.arrays import FloatArray
from dr_grasp.errors import SettingsError
from dr_grasp.messages.encoding import encode_joint_state
from dr_grasp.robots.robot_spec import RobotSpec, hardware_of, load_robot
from dr_grasp.ros import attempt_server
from dr_grasp.ros.attempt_server import AttemptServer
from dr_grasp.ros.controller_messages import message_types
from dr_grasp.ros.conversions import to_msg
from dr_grasp.ros.parameters import Parameter, declare_all
from dr_grasp.ros.running import run_node
from dr_grasp.ros.twin import fault_parameters
from dr_grasp.ros.twin.controllers import Controllers
from dr_grasp.ros.twin.fault_parameters import FaultParameters
from dr_grasp.twin.gripper_control import GOAL_TOLERANCE
from dr_grasp.twin.live_twin import LiveTwin
from dr_grasp.twin.twin_backend import TwinBackend
from dr_grasp.twin.twin_profile import TwinProfile, load_twin_profile

SPEEDS = (0.05, 20.0)

OF_CONTROLLERS = (
    Parameter(
        "speed",
        1.0,
        "With controllers: simulated seconds per second of the wall clock.",
        float_range=SPEEDS,
    ),
    Parameter(
        "gripper_tolerance",
        GOAL_TOLERANCE,
        "With controllers: a gripper nearer to its target has reached it [rad or m].",
        float_range=(0.0, 1.0),
    ),
    Parameter(
        "allow_stalling",
        False,
        "With controllers: whether a gripper's goal succeeds if something stops it.",
    ),
)
_OWN = (
    Parameter("robot", "franka", "Name of the robot to simulate."),
    Parameter("profile", "default", "Name of the twin's profile in config/twin."),
    Parameter("real_time", False, "Keep the wall clock's speed; always true with controllers."),
    Parameter(
        "controllers",
        False,
        "Serve the actions of the arm's controllers in place of attempt_grasp: true, false, or "
        "auto (true if control_msgs is installed).",
        any_type=True,
    ),
    *OF_CONTROLLERS,
)
PARAMETERS = (*_OWN, *fault_parameters.PARAMETERS, *attempt_server.PARAMETERS)


class TwinNode(Node):
    """Fake hardware: a simulated arm, served as a backend or as controllers.

    Topics:
        joint_states (JointState), published: arm and hand while the twin moves; with `controllers`
            always.
    """

    def __init__(self) -> None:
        """Declare parameters and advertise."""
        super().__init__("twin")
        given = declare_all(self, _OWN)
        robot, profile = load_robot(given["robot"]), given["profile"]
        options = {parameter.name: given[parameter.name] for parameter in OF_CONTROLLERS}
        truth = load_twin_profile(profile)
        self._serving: Closing
        if wants_controllers(given["controllers"], robot):
            twin = LiveTwin(robot, truth, **options)
            self._faults = FaultParameters(self, twin)
            self._serving = Controllers(self, robot, twin)
        else:
            self._faults = FaultParameters(self, None)
            self._say_ignored(options)
            self._serving = AttemptServer(
                self, self._backend(robot, truth, given["real_time"], profile)
            )

    def _say_ignored(self, options: Mapping[str, Any]) -> None:
        for parameter in OF_CONTROLLERS:
            if options[parameter.name] != parameter.default:
                self.get_logger().warning(
                    f"parameter {parameter.name} has no effect without controllers"
                )

    def _backend(
        self, robot: RobotSpec, truth: TwinProfile, real_time: bool, name: str
    ) -> TwinBackend:
        self._began_ns = 0
        self._joint_states = self.create_publisher(JointState, "joint_states", 100)
        return TwinBackend(
            robot, truth, real_time, profile_name=name, on_joint_states=self._publish_joints
        )

    def close(self) -> None:
        """Stop all motion and release the twin; may be called twice."""
        self._serving.close()

    def _publish_joints(
        self, time_s: float, joints: tuple[str, ...], positions: FloatArray
    ) -> None:
        if time_s == 0.0:  # the first joint states of an attempt
            self._began_ns = time.time_ns()
        stamp_ns = self._began_ns + round(time_s * 1e9)
        self._joint_states.publish(
            to_msg(JointState, encode_joint_state(stamp_ns, joints, positions))
        )


def wants_controllers(value: Any, robot: RobotSpec) -> bool:
    """Interpret the parameter `controllers`: whether to serve the controllers of the arm.

    Args:
        value: Value of the parameter.
        robot: The robot that has the controllers.

    Raises:
        SettingsError: The value is none of true, false and auto; or it is true, but control_msgs is
            not installed, or the robot's file names no controllers.
    """
    word = str(value).lower()
    if word not in ("true", "false", "auto"):
        raise SettingsError(f"parameter controllers: expected true, false or auto, got {value}")
    if word == "false":
        return False
    try:
        hardware_of(robot)
        message_types("control_msgs.action")
    except SettingsError:
        if word == "true":
            raise
        return False
    return True


def main(args: list[str] | None = None) -> int:
    """Run the node `twin`; returns the exit status."""
    return run_node(TwinNode, args)


if __name__ == "__main__":
    sys.exit(main())
