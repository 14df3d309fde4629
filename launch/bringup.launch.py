"""Starts all nodes for one robot: on the twin, or on a real arm through MoveIt."""

from dr_grasp.bringup.launching import bringup as generate_launch_description

__all__ = ["generate_launch_description"]
