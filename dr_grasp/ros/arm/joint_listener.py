"""The joints of arm and hand, as `joint_states` tells of them."""

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
"""Joint states older than this are none; controllers publish them at 50 Hz and more."""

FIRST_S = 5.0
"""How long to wait for the first ones."""


class JointListener:
    """Knows where the joints are. Names are those of the robot's file."""

    def __init__(self, node: Node, robot: RobotSpec) -> None:
        """Subscribe.

        Args:
            node: Spun by an executor of several threads.
            robot: Whose joints are of interest.
        """
        self._joints = (*robot.arm_joints, *robot.hand_joints)
        self._ours = {robot.outside(joint): joint for joint in self._joints}
        self._news = threading.Condition()
        self._positions: dict[str, float] = {}
        self._efforts: dict[str, float] = {}
        self._heard: dict[str, float] = {}
        self._logs: list[MotionLog] = []
        self._topic = node.create_subscription(
            JointState,
            "joint_states",
            self._hear,
            qos_profile_sensor_data,  # best effort hears reliable publishers, too
            callback_group=ReentrantCallbackGroup(),
        )

    def _hear(self, message: Any) -> None:
        with self._news:
            now = time.monotonic()
            # Arm and hand may be told of by different drivers, each by itself.
            for index, name in enumerate(message.name):
                joint = self._ours.get(name)
                if joint is None or index >= len(message.position):
                    continue
                self._positions[joint] = message.position[index]
                self._heard[joint] = now
                if index < len(message.effort):
                    self._efforts[joint] = message.effort[index]
            if len(self._positions) == len(self._joints):
                row = frozen([self._positions[joint] for joint in self._joints])
                for log in self._logs:
                    log.add(now, [row])
            self._news.notify_all()

    def silent(self) -> list[str]:
        """Joints of which nothing was heard lately."""
        then = time.monotonic() - STALE_S
        return [joint for joint in self._joints if self._heard.get(joint, 0.0) < then]

    def positions(self) -> dict[str, float]:
        """The latest position of each joint [rad or m].

        Raises:
            BackendError: Of some joint nothing is heard.
        """
        with self._news:
            if not self._news.wait_for(lambda: not self.silent(), FIRST_S):
                raise BackendError(silence(self.silent()))
            return dict(self._positions)

    def efforts(self) -> dict[str, float]:
        """The latest effort of each joint that reports one [N m or N]."""
        with self._news:
            return dict(self._efforts)

    @contextmanager
    def record(self) -> Iterator[MotionLog]:
        """Record joint states while the `with` block lasts; to be read after it."""
        log = MotionLog(self._joints, time.monotonic())
        with self._news:
            self._logs.append(log)
        try:
            yield log
        finally:
            with self._news:
                self._logs.remove(log)


def silence(joints: list[str]) -> str:
    """What to say of joints of which nothing is heard."""
    return f"joint_states: expected each joint at least every {STALE_S:g} s, got nothing of " + (
        ", ".join(joints)
    )
