"""Executes ranked grasps on an arm or on the twin."""
