"""Serves the twin as if it were an arm's controllers."""
