"""Worlds in MuJoCo, for scoring, and the models of its fake hardware, the twin.

What is only data (`settings`, `dynamics`) can be imported without loading MuJoCo.
"""

import os

# Nothing here draws. Else MuJoCo loads glfw, which starts a process each time to ask for its own
# version, and that process has words of its own to say at Ctrl-C.
os.environ.setdefault("MUJOCO_GL", "disabled")
