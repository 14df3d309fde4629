"""Fake hardware: an arm in MuJoCo with hidden errors, behind controllers like a real arm's."""

import os

# The twin never draws. Else MuJoCo loads glfw, which starts a process each time to ask for its own
# version, and that process has words of its own to say at Ctrl-C.
os.environ.setdefault("MUJOCO_GL", "disabled")
