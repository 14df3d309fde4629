"""Plays a recorded session back on its topics; with RViz, and with a scorer, if wanted."""

from dr_grasp.bringup.launching import replay as generate_launch_description

__all__ = ["generate_launch_description"]
