"""Our ROS messages without ROS: to and from the values of `core`."""
