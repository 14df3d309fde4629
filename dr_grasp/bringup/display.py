"""Plans what shows a robot: the publisher of its frames, and RViz."""

from __future__ import annotations

import tempfile
from pathlib import Path

import yaml

from dr_grasp.bringup.node_start import HasPackage, NodeStart, missing_packages
from dr_grasp.common.resources import share_directory
from dr_grasp.errors import SettingsError
from dr_grasp.robots.robot_spec import RobotSpec
from dr_grasp.robots.ros_description import ros_urdf


def with_frame_prefix(frame_prefix: str) -> dict[str, str]:
    """The parameter of a node that knows frames; none for an empty prefix."""
    return {"frame_prefix": frame_prefix} if frame_prefix else {}


def frames_publisher(robot: RobotSpec, prefix: str, has_package: HasPackage) -> list[NodeStart]:
    """Plan to publish a robot's frames, with a prefix; nothing where the package is missing."""
    package = "robot_state_publisher"
    if not has_package(package):
        return []
    return [
        NodeStart(
            package, {"robot_description": ros_urdf(robot), **with_frame_prefix(prefix)}, package
        )
    ]


def rviz(robot: RobotSpec, prefix: str, has_package: HasPackage) -> NodeStart:
    """Plan to show a robot, whose frames have a prefix, and the scored grasps in RViz.

    Raises:
        SettingsError: A package is missing, or RViz cannot show frames with such a prefix.
    """
    missing = missing_packages(has_package, "rviz2", "robot_state_publisher")
    if missing:
        raise SettingsError(f"rviz:=true needs {missing}")
    if prefix and not prefix.endswith("/"):
        raise SettingsError(
            f"frame_prefix: expected / at its end with rviz:=true, since RViz adds one, got "
            f"{prefix!r}"
        )
    config = share_directory() / "config" / "rviz" / "dr_grasp.rviz"
    if prefix:
        config = _with_prefix(config, prefix)
    words = ("-d", str(config), "-f", prefix + robot.outside(robot.base_link))
    return NodeStart("rviz2", {}, "rviz2", words)


def _with_prefix(config: Path, prefix: str) -> Path:
    """A copy of our settings of RViz, in which the robot's frames have a prefix."""
    content = yaml.safe_load(config.read_text(encoding="utf-8"))
    for display in content["Visualization Manager"]["Displays"]:
        if display["Class"] == "rviz_default_plugins/RobotModel":
            display["TF Prefix"] = prefix.removesuffix("/")
    with tempfile.NamedTemporaryFile(
        "w", prefix="dr_grasp_", suffix=".rviz", delete=False, encoding="utf-8"
    ) as file:
        yaml.safe_dump(content, file)
    return Path(file.name)
