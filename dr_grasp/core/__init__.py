"""Data types and rules that all other packages share, without ROS and without a simulator."""
