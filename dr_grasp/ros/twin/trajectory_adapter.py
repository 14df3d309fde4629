"""Translates the action control_msgs/FollowJointTrajectory for the live twin."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
from rclpy.node import Node
from rclpy.time import Time
from trajectory_msgs.msg import JointTrajectoryPoint

from dr_grasp.core.arrays import frozen
from dr_grasp.errors import InvalidGraspError
from dr_grasp.robots.robot_spec import RobotSpec
from dr_grasp.ros.controller_messages import duration
from dr_grasp.ros.twin.goal_server import ActionAdapter
from dr_grasp.twin.active_goal import Status
from dr_grasp.twin.joint_path import JointPath, PathPoint
from dr_grasp.twin.live_twin import LiveTwin
from dr_grasp.twin.trajectory_control import (
    INVALID_GOAL,
    Tolerances,
    TrajectoryFeedback,
    TrajectoryGoal,
    TrajectoryResult,
)


class TrajectoryAdapter(ActionAdapter):
    """Translates control_msgs/FollowJointTrajectory, for the arm or for the joints of the hand."""

    def __init__(
        self, twin: LiveTwin, kind: Any, node: Node, robot: RobotSpec, joints: tuple[str, ...]
    ) -> None:
        """Prepare to translate.

        Args:
            twin: The twin.
            kind: control_msgs.action.FollowJointTrajectory.
            node: The node, with the clock that the stamps of goals refer to.
            robot: The robot.
            joints: Names of all arm joints, or of all driven joints of the hand.
        """
        super().__init__(twin, kind)
        self._node = node
        self._joints = joints
        self._ours = {robot.outside(joint): joint for joint in joints}

    def check(self, request: Any) -> None:
        """See `ActionAdapter`."""
        path, start_in_s = self._path(request.trajectory), self._start_in_s(request)
        if start_in_s + path.duration_s < 0.0:
            raise InvalidGraspError(
                f"trajectory: expected one that ends in the future, got one of "
                f"{path.duration_s:g} s that began {-start_in_s:.3f} s ago"
            )

    def start(self, request: Any) -> TrajectoryGoal:
        """See `ActionAdapter`."""
        path = self._path(request.trajectory)
        tolerances = self._tolerances(request)
        return self._twin.follow(path, tolerances, start_in_s=self._start_in_s(request))

    def feedback(self, feedback: TrajectoryFeedback) -> Any:
        """See `ActionAdapter`."""
        desired, actual = feedback
        message = self.kind.Feedback(joint_names=list(self._ours))
        message.header.stamp = self._node.get_clock().now().to_msg()
        message.desired = _point(desired)
        message.actual = _point(actual)
        message.error = JointTrajectoryPoint(
            positions=(desired.positions - actual.positions).tolist(),
            velocities=np.subtract(message.desired.velocities, message.actual.velocities).tolist(),
            time_from_start=message.desired.time_from_start,
        )
        return message

    def result(self, request: Any, result: TrajectoryResult) -> tuple[Status, Any]:
        """See `ActionAdapter`."""
        text = result.text
        for outer, ours in self._ours.items():
            text = text.replace(f" {ours}: ", f" {outer}: ")
        return result.status, self.kind.Result(error_code=result.code, error_string=text)

    def failure(self, text: str) -> Any:
        """See `ActionAdapter`."""
        return self.kind.Result(error_code=INVALID_GOAL, error_string=text)

    def _path(self, trajectory: Any) -> JointPath:
        points = []
        for index, point in enumerate(trajectory.points):
            if point.effort:
                raise InvalidGraspError(
                    f"point {index}: expected no effort, which takes a controller that commands "
                    f"it, got {len(point.effort)} numbers"
                )
            points.append(
                PathPoint(
                    _seconds(point.time_from_start),
                    frozen(point.positions),
                    frozen(point.velocities) if point.velocities else None,
                    frozen(point.accelerations) if point.accelerations else None,
                )
            )
        names = trajectory.joint_names
        if len(names) != len(self._joints) or not self._ours.keys() >= set(names):
            raise InvalidGraspError(
                f"joint_names: expected {', '.join(self._ours)}, got {', '.join(names)}"
            )
        return JointPath(tuple(self._ours[name] for name in names), tuple(points))

    def _tolerances(self, request: Any) -> Tolerances:
        defaults = self._twin.tolerances(self._joints)
        try:
            return defaults.changed(
                self._by_joint(request.path_tolerance),
                self._by_joint(request.goal_tolerance),
                _seconds(request.goal_time_tolerance),
            )
        except InvalidGraspError as error:
            self._node.get_logger().error(f"{error}; using default tolerances")
            return defaults

    def _by_joint(self, tolerances: Iterable[Any]) -> dict[str, float]:
        return {
            self._ours.get(tolerance.name, tolerance.name): tolerance.position
            for tolerance in tolerances
        }

    def _start_in_s(self, request: Any) -> float:
        """Time until the trajectory's time 0 in the twin's seconds; a stamp of 0 means now."""
        stamp = request.trajectory.header.stamp
        if stamp.sec == 0 and stamp.nanosec == 0:
            return 0.0
        clock = self._node.get_clock()
        begins = Time.from_msg(stamp, clock_type=clock.clock_type)
        return float((begins - clock.now()).nanoseconds / 1e9 * self._twin.speed)


def _point(point: PathPoint) -> JointTrajectoryPoint:
    return JointTrajectoryPoint(
        positions=point.positions.tolist(),
        velocities=[] if point.velocities is None else point.velocities.tolist(),
        time_from_start=duration(point.time_s),
    )


def _seconds(message: Any) -> float:
    return float(message.sec + message.nanosec / 1e9)
