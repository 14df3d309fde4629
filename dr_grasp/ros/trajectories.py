"""Paths as the messages that joint trajectory controllers take, and what their answers mean."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from builtin_interfaces.msg import Duration
from trajectory_msgs.msg import JointTrajectory, JointTrajectoryPoint

from dr_grasp.core.outcome import Outcome
from dr_grasp.core.waypoints import Waypoints
from dr_grasp.execution.arm import StepResult
from dr_grasp.execution.retiming import joint_rates

# control_msgs/action/FollowJointTrajectory
_VIOLATIONS = (-4, -5)
_CODES = {
    -1: "invalid goal",
    -2: "invalid joints",
    -3: "old header timestamp",
    -4: "path tolerance violated",
    -5: "goal tolerance violated",
}


def trajectory_fault(result: Any) -> StepResult | None:
    """What a result of control_msgs/action/FollowJointTrajectory means; None if all is well."""
    code, text = result.error_code, result.error_string
    if code == 0:
        return None
    outcome = Outcome.TOLERANCE_VIOLATED if code in _VIOLATIONS else Outcome.CONTROLLER_ABORTED
    kind = _CODES.get(code, f"error {code}")
    return StepResult(outcome, f"{kind}: {text}" if text else kind)


def trajectory_to_msg(path: Waypoints, names: Mapping[str, str]) -> JointTrajectory:
    """A path as controllers take it, with velocities so that it is passed smoothly.

    Args:
        path: Its joints have our names.
        names: What they are called outside, where that differs.
    """
    return JointTrajectory(
        joint_names=[names.get(joint, joint) for joint in path.joints],
        points=[
            JointTrajectoryPoint(
                positions=position.tolist(),
                velocities=rate.tolist(),
                time_from_start=duration(float(time_s)),
            )
            for time_s, position, rate in zip(
                path.times_s, path.positions, joint_rates(path), strict=True
            )
        ],
    )


def duration(seconds: float) -> Duration:
    """Seconds as a message."""
    whole, rest = divmod(round(seconds * 1e9), 10**9)
    return Duration(sec=int(whole), nanosec=int(rest))
