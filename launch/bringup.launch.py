"""Starts all nodes for one robot: on the twin, or on a real arm through MoveIt."""

from launch import LaunchDescription

from dr_grasp.bringup.launching import bringup


def generate_launch_description() -> LaunchDescription:
    """Describe the launch."""
    return bringup()
