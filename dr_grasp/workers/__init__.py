"""Worker processes and clusters that run rollouts."""
