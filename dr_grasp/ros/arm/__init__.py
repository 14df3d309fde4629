"""Drives the controllers of an arm."""
