"""Messages of controllers: finds their types, makes goals, and interprets results."""

from __future__ import annotations

import importlib
from collections.abc import Iterable, Mapping
from typing import Any

from builtin_interfaces.msg import Duration
from trajectory_msgs.msg import JointTrajectory, JointTrajectoryPoint

from dr_grasp.core.outcome import Outcome
from dr_grasp.core.trajectory import Waypoints
from dr_grasp.errors import SettingsError
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


def message_types(module: str) -> Any:
    """Import a module of message types that may be missing, such as control_msgs.action.

    Raises:
        SettingsError: The package of the messages is not installed.
    """
    try:
        return importlib.import_module(module)
    except ImportError as error:
        package = module.partition(".")[0]
        raise SettingsError(
            f"{package}: expected installed (ros-jazzy-{package.replace('_', '-')}), got "
            f"{' '.join(str(error).split())}"
        ) from error


def trajectory_fault(result: Any) -> StepResult | None:
    """Interpret a result of control_msgs/action/FollowJointTrajectory; None means success."""
    code, text = result.error_code, result.error_string
    if code == 0:
        return None
    outcome = Outcome.TOLERANCE_VIOLATED if code in _VIOLATIONS else Outcome.CONTROLLER_ABORTED
    kind = _CODES.get(code, f"error {code}")
    return StepResult(outcome, f"{kind}: {text}" if text else kind)


def trajectory_to_msg(path: Waypoints, names: Mapping[str, str]) -> JointTrajectory:
    """Make a trajectory message, with velocities so that a controller passes points smoothly.

    Args:
        path: Waypoints of joints with the names of the robot's file.
        names: Names of joints outside dr_grasp, by their names in the robot's file; joints with the
            same name in both may be left out.
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


def tolerances_to_msg(names: Iterable[str], position: float) -> list[Any]:
    """Make equal tolerances of all joints for a goal of FollowJointTrajectory.

    Args:
        names: Names of the joints outside dr_grasp.
        position: Tolerance of each joint [rad or m]; -1 removes the controller's tolerance.
    """
    kind = message_types("control_msgs.msg").JointTolerance
    return [kind(name=name, position=position) for name in names]


def duration(seconds: float) -> Duration:
    """Make a duration message from seconds."""
    whole, rest = divmod(round(seconds * 1e9), 10**9)
    return Duration(sec=int(whole), nanosec=int(rest))
