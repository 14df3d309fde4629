"""Worlds in PyBullet; no other package imports PyBullet."""

from dr_grasp.common.quiet import quiet

with quiet():  # PyBullet prints a greeting when it is first imported, which is here
    import pybullet  # noqa: F401
