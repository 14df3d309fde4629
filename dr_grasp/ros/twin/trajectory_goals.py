"""Goals of control_msgs/FollowJointTrajectory for the live twin."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from rclpy.node import Node
from rclpy.time import Time
from trajectory_msgs.msg import JointTrajectoryPoint

from dr_grasp.core.arrays import FloatArray, frozen
from dr_grasp.errors import InvalidGraspError
from dr_grasp.robots.robot_spec import RobotSpec
from dr_grasp.ros.trajectories import duration
from dr_grasp.twin.active_goal import Status
from dr_grasp.twin.joint_path import JointPath, PathPoint
from dr_grasp.twin.live_twin import LiveTwin
from dr_grasp.twin.tolerances import Tolerances
from dr_grasp.twin.trajectory_control import (
    INVALID_GOAL,
    Followed,
    FollowMotion,
    Tracking,
)


class TrajectoryGoals:
    """Trajectories of the arm, or of the hand joint by joint; see `Goals`."""

    def __init__(
        self, node: Node, twin: LiveTwin, robot: RobotSpec, joints: tuple[str, ...], kind: Any
    ) -> None:
        """Prepare.

        Args:
            node: Whose clock goals are stamped by.
            twin: What moves.
            robot: What joints are called.
            joints: Those of the arm, or those of the hand.
            kind: control_msgs.action.FollowJointTrajectory.
        """
        self.kind = kind
        self._node = node
        self._twin = twin
        self._outside = [robot.names.get(joint, joint) for joint in joints]
        self._ours = dict(zip(self._outside, joints, strict=True))
        self._joints = joints

    def check(self, request: Any) -> None:
        """See `Goals`."""
        path = self._path(request.trajectory)
        if self._start_in_s(request) + path.duration_s < 0.0:
            raise InvalidGraspError(
                f"trajectory: expected one that ends in the future, got one of "
                f"{path.duration_s:g} s that began {-self._start_in_s(request):.3f} s ago"
            )

    def start(self, request: Any) -> FollowMotion:
        """See `Goals`."""
        return self._twin.follow(
            self._path(request.trajectory),
            self._tolerances(request),
            start_in_s=self._start_in_s(request),
        )

    def feedback(self, news: Tracking) -> Any:
        """See `Goals`."""
        message = self.kind.Feedback(joint_names=self._outside)
        message.header.stamp = self._node.get_clock().now().to_msg()
        message.desired = _point(news.time_s, news.desired, news.desired_velocities)
        message.actual = _point(news.time_s, news.actual, news.actual_velocities)
        message.error = _point(
            news.time_s,
            news.desired - news.actual,
            news.desired_velocities - news.actual_velocities,
        )
        return message

    def ended(self, request: Any, end: Followed) -> tuple[Status, Any]:
        """See `Goals`."""
        text = end.text
        for outside, ours in self._ours.items():
            text = text.replace(f" {ours}: ", f" {outside}: ")
        return end.status, self.kind.Result(error_code=end.code, error_string=text)

    def word(self, end: Followed) -> str:
        """See `Goals`."""
        return end.text or end.status.value

    def failure(self, text: str) -> Any:
        """See `Goals`."""
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
        unknown = [name for name in names if name not in self._ours]
        if unknown or len(names) != len(self._joints):
            raise InvalidGraspError(
                f"joint_names: expected {', '.join(self._outside)}, got {', '.join(names)}"
            )
        path = JointPath(tuple(self._ours[name] for name in names), tuple(points))
        return path.ordered(self._joints)

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

    def _by_joint(self, tolerances: Sequence[Any]) -> dict[str, float]:
        return {self._ours.get(one.name, one.name): one.position for one in tolerances}

    def _start_in_s(self, request: Any) -> float:
        """Twin's seconds until the trajectory's time 0; a stamp of 0 means now."""
        stamp = request.trajectory.header.stamp
        if stamp.sec == 0 and stamp.nanosec == 0:
            return 0.0
        clock = self._node.get_clock()
        begins = Time.from_msg(stamp, clock_type=clock.clock_type)
        return float((begins - clock.now()).nanoseconds / 1e9 * self._twin.speed)


def _point(time_s: float, positions: FloatArray, velocities: FloatArray) -> JointTrajectoryPoint:
    return JointTrajectoryPoint(
        positions=positions.tolist(),
        velocities=velocities.tolist(),
        time_from_start=duration(time_s),
    )


def _seconds(message: Any) -> float:
    return float(message.sec + message.nanosec / 1e9)
