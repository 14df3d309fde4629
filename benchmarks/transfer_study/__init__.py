"""Holds labels and other numbers about grasps against attempts on twins; see `plan`."""
