"""Plays a recorded session to whatever listens; with RViz, and with a scorer, if wanted."""

from launch import LaunchDescription

from dr_grasp.bringup.launching import replay


def generate_launch_description() -> LaunchDescription:
    """Describe the launch."""
    return replay()
