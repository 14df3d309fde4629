"""Starts the scorer alone."""

from launch import LaunchDescription

from dr_grasp.bringup.launching import scorer


def generate_launch_description() -> LaunchDescription:
    """Describe the launch."""
    return scorer()
