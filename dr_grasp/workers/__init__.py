"""Processes and clusters that run rollouts."""
