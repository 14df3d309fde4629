"""What launch files and the demonstration start."""
