"""MoveIt's configuration, made from a robot's file; no robot needs one of its own."""

from __future__ import annotations

from typing import Any

from dr_grasp.errors import SettingsError
from dr_grasp.robots.hardware_settings import ControllerSettings, HandInterface, MoveItSettings
from dr_grasp.robots.robot_spec import RobotSpec, hardware_of
from dr_grasp.robots.ros_description import ros_urdf, srdf

PLANNER = "RRTConnectkConfigDefault"

LONGEST_SEGMENT = 0.001
"""Longest step of OMPL between collision checks, as a share of the joint space's extent: the sum
over the joints, some 33 rad for a Panda. With the usual 0.005, or 0.01, one plan in 30 around
Baxter's table collided; with this none did, and planning takes 0.1 to 0.5 s."""

PATH_TOLERANCE = 0.01
"""How far time parameterisation may cut a corner [rad or m]; MoveIt's 0.1 may cut through an
obstacle that the planner avoided."""

RESAMPLE_S = 0.05
"""Time between the points of planned trajectories [s]."""

HAND_RISE_S = 0.1
"""Time in which a hand reaches its full speed [s]. Neither robot files nor URDFs say it, and MoveIt
needs an acceleration for every joint that it times."""

_PUBLISHED_SRDF = {"publish_robot_description_semantic": True}
"""RViz's display of the planning scene needs it; the URDF comes from robot_state_publisher."""

_CONTROLLER_TYPES = {
    HandInterface.PARALLEL_GRIPPER: "ParallelGripperCommand",
    HandInterface.GRIPPER_COMMAND: "GripperCommand",
    HandInterface.JOINT_TRAJECTORY: "FollowJointTrajectory",
}


def moveit_config(robot: RobotSpec) -> dict[str, Any]:
    """MoveIt's parameters, as `MoveItPy(config_dict=...)` takes them.

    They come from the robot's file and model, or from the configuration package that the file
    names. Joints and links have the names that ROS uses.

    Raises:
        SettingsError: The robot's file has no controllers, the arm is no chain, or the package is
            not installed or does not fit the robot.
    """
    hardware = hardware_of(robot)
    moveit = hardware.moveit
    if moveit.package is not None:
        return _from_package(robot, moveit.package)
    return {
        "robot_description": ros_urdf(robot),
        "robot_description_semantic": srdf(robot, moveit.group),
        **_PUBLISHED_SRDF,
        "robot_description_kinematics": {
            moveit.group: {
                "kinematics_solver": moveit.kinematics,
                "kinematics_solver_search_resolution": 0.005,
                "kinematics_solver_timeout": 0.05,
            }
        },
        "robot_description_planning": {"joint_limits": _joint_limits(robot, moveit)},
        "planning_pipelines": {"pipeline_names": ["ompl"]},
        "ompl": _ompl(moveit.group),
        "publish_planning_scene": True,
        "publish_geometry_updates": True,
        "publish_state_updates": True,
        "publish_transforms_updates": True,
        **_execution(robot, hardware.controllers),
        **_starting(),
    }


def _starting() -> dict[str, Any]:
    """What MoveItCpp reads when it starts, and MoveIt configuration packages need not have."""
    return {
        "planning_scene_monitor_options": {
            "name": "planning_scene_monitor",
            "robot_description": "robot_description",
            "wait_for_initial_state_timeout": 0.0,  # joint states may begin later
        },
        "plan_request_params": {
            "planning_attempts": 1,
            "planning_pipeline": "ompl",
            "planner_id": PLANNER,
            "planning_time": 2.0,
            "max_velocity_scaling_factor": 1.0,
            "max_acceleration_scaling_factor": 1.0,
        },
    }


def _joint_limits(robot: RobotSpec, moveit: MoveItSettings) -> dict[str, Any]:
    arm = zip(robot.arm_joints, robot.arm_limits, moveit.accelerations, strict=True)
    pace = {joint: (limits.velocity, most) for joint, limits, most in arm}
    for joint, speed in zip(robot.hand_joints, robot.hand_velocities, strict=True):
        pace[joint] = (float(speed), float(speed) / HAND_RISE_S)
    return {
        robot.outside(joint): {
            "has_velocity_limits": True,
            "max_velocity": velocity,
            "has_acceleration_limits": True,
            "max_acceleration": acceleration,
        }
        for joint, (velocity, acceleration) in pace.items()
    }


def _ompl(group: str) -> dict[str, Any]:
    # Adapters as the defaults of moveit_configs_utils in Jazzy have them.
    return {
        "planning_plugins": ["ompl_interface/OMPLPlanner"],
        "request_adapters": [
            "default_planning_request_adapters/ResolveConstraintFrames",
            "default_planning_request_adapters/ValidateWorkspaceBounds",
            "default_planning_request_adapters/CheckStartStateBounds",
            "default_planning_request_adapters/CheckStartStateCollision",
        ],
        "response_adapters": [
            "default_planning_response_adapters/AddTimeOptimalParameterization",
            "default_planning_response_adapters/ValidateSolution",
            "default_planning_response_adapters/DisplayMotionPath",
        ],
        "totg": {"path_tolerance": PATH_TOLERANCE, "resample_dt": RESAMPLE_S},
        "planner_configs": {PLANNER: {"type": "geometric::RRTConnect", "range": 0.0}},
        group: {
            "default_planner_config": PLANNER,
            "planner_configs": [PLANNER],
            "longest_valid_segment_fraction": LONGEST_SEGMENT,
        },
    }


def _execution(robot: RobotSpec, settings: ControllerSettings) -> dict[str, Any]:
    hand = settings.hand
    served = [(settings.arm, "FollowJointTrajectory", robot.arm_joints)]
    # MoveIt has no client for franka_msgs/Grasp; we do.
    if hand.interface in _CONTROLLER_TYPES:
        served.append((hand.action, _CONTROLLER_TYPES[hand.interface], robot.hand_joints))
    controllers = {}
    for action, kind, joints in served:
        name, _, inside = action.rpartition("/")
        controllers[name or inside] = {
            "action_ns": inside if name else "",
            "type": kind,
            "default": True,
            "joints": [robot.outside(joint) for joint in joints],
        }
    return {
        "moveit_manage_controllers": False,  # ros2_control and drivers do that
        "trajectory_execution": {
            "allowed_execution_duration_scaling": 1.2,
            "allowed_goal_duration_margin": 0.5,
            "allowed_start_tolerance": 0.01,
            # A driver that slows down, as Universal Robots' does, is no failure.
            "execution_duration_monitoring": False,
        },
        "moveit_controller_manager": (
            "moveit_simple_controller_manager/MoveItSimpleControllerManager"
        ),
        "moveit_simple_controller_manager": {
            "controller_names": list(controllers),
            **controllers,
        },
    }


def _from_package(robot: RobotSpec, package: str) -> dict[str, Any]:
    try:
        from moveit_configs_utils import MoveItConfigsBuilder
    except ImportError as error:
        raise SettingsError(
            f"robot {robot.name}: moveit.package {package}: expected moveit_configs_utils "
            f"installed (ros-jazzy-moveit-configs-utils), got {' '.join(str(error).split())}"
        ) from error
    try:
        builder = MoveItConfigsBuilder(package.removesuffix("_moveit_config"), package_name=package)
        pipelines = builder.planning_pipelines(pipelines=["ompl"])
        config: dict[str, Any] = pipelines.to_moveit_configs().to_dict()
    except Exception as error:  # it raises what YAML, xacro, ament and itself raise
        raise SettingsError(
            f"robot {robot.name}: moveit.package {package}: expected a MoveIt configuration "
            f"package, got {type(error).__name__}: {' '.join(str(error).split())[:200]}"
        ) from error
    # As MoveItCpp has it; and RViz wants the SRDF, which packages do not publish by default.
    ours = {"planning_pipelines": {"pipeline_names": ["ompl"]}, **_PUBLISHED_SRDF}
    return {**_starting(), **config, **ours}
