"""What travels between the rooms: values and laws, without ROS and without a simulator."""
