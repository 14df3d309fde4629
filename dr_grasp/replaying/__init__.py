"""Repeats what a bag records, and says what came out otherwise."""
