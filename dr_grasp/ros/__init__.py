"""ROS nodes: they translate between messages and values, and call the rest of the package."""
