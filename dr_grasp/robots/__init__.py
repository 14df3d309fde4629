"""Robots: one YAML file each, and what their models say."""
