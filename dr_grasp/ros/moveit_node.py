"""Node `moveit`: executes grasps on an arm, or on the twin's controllers, through MoveIt.

A process of its own: moveit_py can crash when it ends, and must not take a recorded result along.
"""

from __future__ import annotations

import sys

from rclpy.node import Node

from dr_grasp.errors import SettingsError
from dr_grasp.execution.arm import Planner
from dr_grasp.execution.arm_backend import ArmBackend
from dr_grasp.robots.moveit_config import moveit_config
from dr_grasp.robots.robot_spec import RobotSpec, hardware_of, load_robot
from dr_grasp.ros.arm.controller_arm import ControllerArm
from dr_grasp.ros.attempt_server import AttemptServer
from dr_grasp.ros.parameters import declare
from dr_grasp.ros.running import run_node

REAL_SPEED = 0.1
"""Share of the limits that a real arm uses, unless told otherwise."""


class MoveItNode(Node):
    """Serves `attempt_grasp`. One goal at a time: there is one arm."""

    def __init__(self) -> None:
        """Declare parameters, start MoveIt and advertise."""
        super().__init__("moveit")
        robot = load_robot(declare(self, "robot", "franka", "Robot behind the controllers."))
        real = declare(self, "real", False, "Whether that is a real arm, and not the twin.")
        speed = declare(
            self,
            "speed",
            REAL_SPEED if real else 1.0,
            "Share of the limits of velocity and acceleration to use, above 0 and at most 1; "
            "by default 0.1 on a real arm.",
        )
        connect = declare(self, "connect_s", 10, "Seconds to wait for a controller.", (1, 600))
        # The arm first: without controllers there is no use in waiting for MoveIt.
        arm = ControllerArm(self, robot, connect_s=float(connect), places=not real)
        planner = start_planner(robot, self.get_namespace())
        self._server = AttemptServer(self, ArmBackend(robot, planner, arm, speed=float(speed)))

    def close(self) -> None:
        """Stop what moves; may be called twice."""
        self._server.close()


def start_planner(robot: RobotSpec, namespace: str) -> Planner:
    """Start MoveIt.

    Raises:
        SettingsError: It is not installed, or its model of the robot is another one.
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
    """Run the node."""
    return run_node(MoveItNode, args)


if __name__ == "__main__":
    sys.exit(main())
