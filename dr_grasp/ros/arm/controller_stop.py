"""Stops an arm whose own client has died: cancels all goals of its controllers."""

from __future__ import annotations

import time

from action_msgs.srv import CancelGoal
from rclpy.callback_groups import ReentrantCallbackGroup
from rclpy.node import Node

from dr_grasp.robots.robot_spec import RobotSpec

ANSWER_S = 2.0
"""Time limit for the controllers to answer [s]."""


class ControllerStop:
    """Cancels the goals of an arm's and a hand's controllers, whoever sent them.

    A controller of ros2_control goes on to the end of its trajectory when its client is killed.
    """

    def __init__(self, node: Node, robot: RobotSpec) -> None:
        """Create the clients; a robot whose file names no controllers has none.

        Args:
            node: Node of the clients; its executor must have several threads.
            robot: The robot to stop.
        """
        names: list[str] = []
        if robot.hardware is not None:
            controllers = robot.hardware.controllers
            names = [controllers.arm, *controllers.hand.actions]
        group = ReentrantCallbackGroup()
        self._clients = {
            name: node.create_client(
                CancelGoal, f"{name}/_action/cancel_goal", callback_group=group
            )
            for name in names
        }

    def stop(self) -> list[str]:
        """Cancel all goals, and wait for the answers.

        Returns:
            Names of the controllers that have answered.
        """
        # A request without an id and a stamp cancels all goals (action_msgs/CancelGoal).
        asked = {
            name: client.call_async(CancelGoal.Request())
            for name, client in self._clients.items()
            if client.service_is_ready()
        }
        deadline = time.monotonic() + ANSWER_S
        while not all(future.done() for future in asked.values()) and time.monotonic() < deadline:
            time.sleep(0.02)
        return [name for name, future in asked.items() if future.done()]
