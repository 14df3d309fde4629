"""Repeats the scoring and the attempts that a bag records, and reports what differs."""
