"""Starts the four nodes with the twin as hardware."""

from launch import LaunchDescription
from launch.actions import DeclareLaunchArgument
from launch.substitutions import LaunchConfiguration
from launch_ros.actions import Node, PushRosNamespace
from launch_ros.parameter_descriptions import ParameterValue

ARGUMENTS = [
    ("robot", "franka", "Robot to score for and to execute on."),
    ("namespace", "", "Namespace of all nodes."),
    ("jobs", "2", "Worker processes of the scorer."),
    ("bag", "", "Folder of the bag; by default one named after date and time."),
    ("twin_profile", "default", "Profile of config/twin that the twin plays."),
    ("real_time", "false", "Whether the twin keeps pace with the wall clock."),
]


def generate_launch_description() -> LaunchDescription:
    """Describe the launch."""
    value = {name: LaunchConfiguration(name) for name, _, _ in ARGUMENTS}

    def text(name: str) -> ParameterValue:
        return ParameterValue(value[name], value_type=str)

    nodes = {
        "scorer": {"jobs": ParameterValue(value["jobs"], value_type=int)},
        "executor": {"robot": text("robot")},
        "recorder": {"bag": text("bag")},
        "twin": {
            "robot": text("robot"),
            "profile": text("twin_profile"),
            "real_time": ParameterValue(value["real_time"], value_type=bool),
        },
    }
    return LaunchDescription(
        [
            *(
                DeclareLaunchArgument(name, default_value=default, description=description)
                for name, default, description in ARGUMENTS
            ),
            PushRosNamespace(value["namespace"]),
            *(
                Node(
                    package="dr_grasp",
                    executable=name,
                    name=name,
                    output="screen",
                    parameters=[parameters],
                )
                for name, parameters in nodes.items()
            ),
        ]
    )
