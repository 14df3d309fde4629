"""Node `moveit`: executes grasps through MoveIt, on an arm or on the twin's controllers.

It is a separate process, since moveit_py can crash when it ends; results are recorded elsewhere.
"""

from __future__ import annotations

import sys

from rclpy.node import Node

from dr_grasp.errors import SettingsError
from dr_grasp.execution.arm import Planner
from dr_grasp.execution.arm_backend import ArmBackend
from dr_grasp.robots.moveit_config import moveit_config
from dr_grasp.robots.robot_spec import RobotSpec, hardware_of, load_robot
from dr_grasp.ros import attempt_server
from dr_grasp.ros.arm.controller_arm import ControllerArm
from dr_grasp.ros.attempt_server import AttemptServer
from dr_grasp.ros.parameters import Parameter
from dr_grasp.ros.running import run_node

REAL_SPEED = 0.1
"""Default share of the velocity and acceleration limits that a real arm uses."""

ROBOT = Parameter("robot", "franka", "Name of the controllers' robot.")
REAL = Parameter("real", False, "Whether the robot is a real arm, and not the twin.")
SPEED = Parameter(
    "speed",
    1.0,
    "Share of the limits of velocity and acceleration to use, above 0 and at most 1; by default "
    "0.1 on a real arm.",
)
CONNECT_S = Parameter("connect_s", 10, "Seconds to wait for a controller.", (1, 600))
PARAMETERS = (ROBOT, REAL, SPEED, CONNECT_S, *attempt_server.PARAMETERS)


class MoveItNode(Node):
    """Serves `attempt_grasp` through MoveIt, one goal at a time, since there is only one arm.

    Topics:
        joint_states (JointState), subscribed: where the arm and the hand are.
    """

    def __init__(self) -> None:
        """Declare parameters, start MoveIt and advertise the action."""
        super().__init__("moveit")
        robot, real = load_robot(ROBOT.declare(self)), REAL.declare(self)
        speed = SPEED.declare(self, REAL_SPEED if real else None)
        connect = CONNECT_S.declare(self)
        # The arm first: if there are no controllers, it is useless to wait for MoveIt.
        arm = ControllerArm(self, robot, connect_s=float(connect), places=not real)
        planner = start_planner(robot, self.get_namespace())
        backend = ArmBackend(robot, planner, arm, speed=float(speed))
        self._server = AttemptServer(self, backend, real=real)

    def close(self) -> None:
        """Stop the goal in progress and close the backend; may be called twice."""
        self._server.close()


def start_planner(robot: RobotSpec, namespace: str) -> Planner:
    """Start MoveIt for a robot, with MoveIt's node in a ROS namespace.

    Raises:
        SettingsError: MoveIt is not installed, or its model differs from the robot's file.
    """
    try:
        from dr_grasp.execution.moveit import MoveItPlanner
    except ImportError as error:
        raise SettingsError(
            "moveit: expected MoveIt's Python binding (ros-jazzy-moveit-py), got "
            f"{' '.join(str(error).split())}"
        ) from error
    return MoveItPlanner(robot, hardware_of(robot), moveit_config(robot), namespace)


def main(args: list[str] | None = None) -> int:
    """Run the node `moveit`; returns the exit status."""
    return run_node(MoveItNode, args)


if __name__ == "__main__":
    sys.exit(main())
