"""Receives positions and efforts of the arm's and the hand's joints from `joint_states`."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from rclpy.callback_groups import ReentrantCallbackGroup
from rclpy.node import Node
from rclpy.qos import qos_profile_sensor_data
from sensor_msgs.msg import JointState

from dr_grasp.core.arrays import frozen
from dr_grasp.errors import BackendError
from dr_grasp.execution.motion_log import MotionLog
from dr_grasp.robots.robot_spec import RobotSpec

STALE_S = 0.5
"""Joint states older than this are not used [s]; controllers publish at 50 Hz or more."""

FIRST_S = 5.0
"""Time limit to wait for current states of all joints [s]."""


class JointListener:
    """Keeps the latest state of each joint. Joints have the names of the robot's file."""

    def __init__(self, node: Node, robot: RobotSpec) -> None:
        """Subscribe to `joint_states`.

        Args:
            node: Node of the subscription; its executor must have several threads.
            robot: The robot to whose joints to listen.
        """
        self._joints = (*robot.arm_joints, *robot.hand_joints)
        self._ours = {robot.outside(joint): joint for joint in self._joints}
        self._news = threading.Condition()
        self._positions: dict[str, float] = {}
        self._efforts: dict[str, float] = {}
        self._heard_s: dict[str, float] = {}
        self._logs: list[MotionLog] = []
        self._topic = node.create_subscription(
            JointState,
            "joint_states",
            self._on_joint_states,
            qos_profile_sensor_data,  # best effort hears reliable publishers, too
            callback_group=ReentrantCallbackGroup(),
        )

    def _on_joint_states(self, message: Any) -> None:
        with self._news:
            now = time.monotonic()
            # Arm and hand may have different drivers, which publish separate messages.
            for index, name in enumerate(message.name):
                joint = self._ours.get(name)
                if joint is None or index >= len(message.position):
                    continue
                self._positions[joint] = message.position[index]
                self._heard_s[joint] = now
                if index < len(message.effort):
                    self._efforts[joint] = message.effort[index]
            if len(self._positions) == len(self._joints):
                row = frozen([self._positions[joint] for joint in self._joints])
                for log in self._logs:
                    log.add(now, [row])
            self._news.notify_all()

    def silent(self) -> list[str]:
        """Names of the joints without a state in the last `STALE_S`."""
        then = time.monotonic() - STALE_S
        return [joint for joint in self._joints if self._heard_s.get(joint, 0.0) < then]

    def positions(self) -> dict[str, float]:
        """The latest position of each joint [rad or m].

        Raises:
            BackendError: There is no current state of some joint.
        """
        with self._news:
            if not self._news.wait_for(lambda: not self.silent(), FIRST_S):
                raise BackendError(silence(self.silent()))
            return dict(self._positions)

    def efforts(self) -> dict[str, float]:
        """The latest effort of each joint that reports efforts [N m or N]."""
        with self._news:
            return dict(self._efforts)

    @contextmanager
    def record(self) -> Iterator[MotionLog]:
        """Record joint states while the `with` block lasts; read the log after the block."""
        log = MotionLog(self._joints, time.monotonic())
        with self._news:
            self._logs.append(log)
        try:
            yield log
        finally:
            with self._news:
                self._logs.remove(log)


def silence(joints: list[str]) -> str:
    """Make the error message for joints without a current state."""
    return f"joint_states: expected each joint at least every {STALE_S:g} s, got nothing of " + (
        ", ".join(joints)
    )
