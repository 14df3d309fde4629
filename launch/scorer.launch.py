"""Starts the scorer alone."""

from dr_grasp.bringup.launching import scorer as generate_launch_description

__all__ = ["generate_launch_description"]
