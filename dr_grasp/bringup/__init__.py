"""Starts nodes and drivers, for the launch files and the demonstration."""
