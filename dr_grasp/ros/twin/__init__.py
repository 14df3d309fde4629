"""Serves the twin through the same actions as an arm's controllers."""
